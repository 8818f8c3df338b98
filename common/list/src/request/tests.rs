use super::*;

fn upstream(raw: &str) -> String {
    let query = ListRequest::parse(raw).upstream_query;
    query
        .strip_suffix(NOT_PRETTY)
        .expect("pretty=false comes last")
        .trim_end_matches('&')
        .to_owned()
}

fn page(request: &ListRequest) -> Page {
    request.query.as_ref().unwrap().page
}

#[test]
fn an_empty_query_asks_for_the_default_page() {
    let request = ListRequest::parse("");
    assert_eq!(request.query, Ok(ListQuery::default()));
    assert!(!request.ours_present && !request.native_present);
    assert!(!request.is_filter_off && !request.streaming);
    assert_eq!(request.upstream_query, "pretty=false");
    assert!(request.decides_page());
}

#[test]
fn parameters_reach_the_query() {
    let request = ListRequest::parse(
        "selector=metadata.name%3Dweb+x&pageSize=%2B5&pageNum=2&sortName=spec.n&sortOrder=desc&sortFunc=number",
    );
    assert_eq!(
        request.query,
        Ok(ListQuery {
            selector: Selector::parse("metadata.name=web x").unwrap(),
            sort: Sort::parse(Some("spec.n"), Some("desc"), Some("number")),
            page: Page {
                offset: 5,
                limit: 5
            },
            ..ListQuery::default()
        }),
    );
    assert!(request.ours_present);
}

#[test]
fn what_is_asked_of_the_list_is_told_by_its_name() {
    for name in [
        "selector",
        "filter",
        "fields",
        "strip",
        "count",
        "sort",
        "sortName",
        "sortOrder",
        "sortFunc",
        "pageSize",
        "pageNum",
    ] {
        let request = ListRequest::parse(&format!("watch=true&{name}=&limit=1"));
        assert_eq!(request.asked, Some(name));
        assert!(request.ours_present, "{name}");
    }
    for none in [
        "isFilter=true",
        "isFilter=false",
        "labelSelector=a",
        "limit=1",
    ] {
        assert_eq!(ListRequest::parse(none).asked, None, "{none}");
    }
}

#[test]
fn the_first_of_several_values_counts() {
    let request =
        ListRequest::parse("pageSize=3&pageSize=7&isFilter=true&isFilter=false&watch=0&watch=1");
    assert_eq!(page(&request).limit, 3);
    assert!(!request.is_filter_off);
    assert!(!request.streaming);
}

#[test]
fn names_are_case_sensitive_but_may_be_escaped() {
    assert!(!ListRequest::parse("pagesize=3&IsFilter=false").ours_present);
    let request = ListRequest::parse("page%53ize=3&%69sFilter=false");
    assert_eq!(page(&request).limit, 3);
    assert!(request.is_filter_off);
    assert_eq!(request.upstream_query, "pretty=false");
}

#[test]
fn ours_and_pretty_do_not_go_upstream_and_the_rest_does_byte_for_byte() {
    assert_eq!(
        upstream(
            "a=%2f+b&selector=x=y&labelSelector=a%3Db&limit=5&pretty=1&isFilter=true&pageNum&c&a=2"
        ),
        "a=%2f+b&labelSelector=a%3Db&limit=5&c&a=2",
    );
    assert_eq!(
        upstream("pageSize=1&pageNum=1&sortName=a&sortOrder=b&sortFunc=c&pre%74ty=1"),
        ""
    );
    assert_eq!(upstream("PAGESIZE=1&x=%E4%BD%A0"), "PAGESIZE=1&x=%E4%BD%A0");
}

#[test]
fn a_pair_that_go_drops_says_nothing() {
    for dropped in [
        "pageSize=%zz",
        "pageSize=3%",
        "pageSize=%4",
        "pageSize=3;x=1",
        "page%zzSize=3",
        "pageSize=%%33",
    ] {
        let request = ListRequest::parse(dropped);
        assert_eq!(page(&request).limit, 10, "{dropped}");
        assert!(!request.ours_present, "{dropped}");
    }
    assert!(!ListRequest::parse("limit=%zz").native_present);
    assert!(!ListRequest::parse("watch=1;x").streaming);
    // The one after it is the first that counts.
    assert_eq!(
        page(&ListRequest::parse("pageSize=%zz&pageSize=4")).limit,
        4
    );
    assert_eq!(
        upstream("a%zz=1&b=%zz&c=1;d=2&pageSize=%zz"),
        "a%zz=1&b=%zz&c=1;d=2"
    );
}

#[test]
fn only_the_exact_word_false_turns_filtering_off() {
    for (raw, off, ours) in [
        ("isFilter=false", true, false),
        ("isFilter=False", false, false),
        ("isFilter=0", false, false),
        ("isFilter=", false, false),
        ("isFilter=true", false, true),
    ] {
        let request = ListRequest::parse(raw);
        assert_eq!(
            (request.is_filter_off, request.ours_present),
            (off, ours),
            "{raw}"
        );
    }
}

#[test]
fn booleans_are_read_as_kubernetes_reads_them() {
    for (raw, streaming) in [
        ("watch=true", true),
        ("watch=1", true),
        ("watch", true),
        ("watch=", true),
        ("watch=yes", true),
        ("follow=true", true),
        ("watch=false", false),
        ("watch=FALSE", false),
        ("watch=0", false),
        ("watch=false&follow=0", false),
        ("Watch=true", false),
    ] {
        assert_eq!(ListRequest::parse(raw).streaming, streaming, "{raw}");
    }
}

#[test]
fn kubectl_is_left_alone_unless_it_asks_for_a_page() {
    for (raw, decides) in [
        ("", true),
        ("labelSelector=a", true),
        ("pageSize=3", true),
        ("limit=500", false),
        ("continue=x", false),
        ("resourceVersion=0", false),
        ("resourceVersionMatch=Exact", false),
        ("sendInitialEvents=true", false),
        ("limit=500&pageSize=3", true),
        ("limit=500&isFilter=true", true),
        ("limit=500&isFilter=1", false),
        ("isFilter=false", false),
        ("isFilter=false&pageSize=3", false),
        ("watch=true&pageSize=3", false),
        ("follow=1", false),
    ] {
        assert_eq!(ListRequest::parse(raw).decides_page(), decides, "{raw}");
    }
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    let request = ListRequest::parse("selector=a=%ff");
    assert_eq!(
        request.query.unwrap().selector,
        Selector::parse("a=\u{fffd}").unwrap()
    );
}

#[test]
fn strict_parameters_reach_the_query_and_do_not_go_upstream() {
    let request = ListRequest::parse(
        "filter=spec.n%3E5&sort=-spec.n:number,a&fields=spec.n&strip=managedFields&selector=a=b&x=1",
    );
    assert_eq!(
        request.query,
        Ok(ListQuery {
            selector: Selector::parse("a=b")
                .unwrap()
                .and(Selector::filter("spec.n>5").unwrap()),
            sort: Sort::keys("-spec.n:number,a").unwrap(),
            projection: Projection::parse("spec.n", "managedFields").unwrap(),
            ..ListQuery::default()
        }),
    );
    assert_eq!(request.upstream_query, "x=1&pretty=false");
    for ours in ["filter=", "sort=a", "fields=a", "strip=status", "count"] {
        let request = ListRequest::parse(&format!("{ours}&limit=500"));
        assert!(request.ours_present && request.decides_page(), "{ours}");
        assert_eq!(request.upstream_query, "limit=500&pretty=false");
    }
}

#[test]
fn count_only_asks_for_no_items() {
    let request = ListRequest::parse("count=only&pageSize=5&pageNum=3");
    assert_eq!(page(&request), Page::NOTHING);
    assert_eq!(page(&ListRequest::parse("count=&pageSize=5")).limit, 5);
}

#[test]
fn sort_takes_the_place_of_the_old_three() {
    let sort = |raw| ListRequest::parse(raw).query.unwrap().sort;
    assert_eq!(
        sort("sort=b&sortName=a&sortOrder=desc"),
        Sort::keys("b").unwrap()
    );
    assert_eq!(
        sort("sort=&sortName=a&sortOrder=desc"),
        Sort::parse(Some("a"), Some("desc"), None)
    );
}

#[test]
fn a_strict_parameter_that_cannot_be_read_is_an_error_that_names_it() {
    for (raw, message) in [
        (
            "filter=a!b",
            "the parameter filter cannot be read at character 2: an operator is expected: =, ==, !=, ~, !~, <, <=, >, >=, in or notin",
        ),
        (
            "sort=a:x",
            "the parameter sort cannot be read at character 3: a type is expected: string, number, quantity, time, duration, ip or semver",
        ),
        (
            "fields=a,,b",
            "the parameter fields cannot be read at character 3: a name is expected",
        ),
        (
            "strip=managedfields",
            "the parameter strip cannot be read at character 1: managedFields, annotations, labels, ownerReferences, spec, status, data or a path with a dot is expected",
        ),
        (
            "count=yes",
            "the parameter count cannot be read: its only value is `only`",
        ),
        (
            "filter=a=%zz",
            "the parameter filter cannot be read: a percent escape is incomplete, or a ; is not written as %3B",
        ),
        (
            "filter=a;b=c",
            "the parameter filter cannot be read: a percent escape is incomplete, or a ; is not written as %3B",
        ),
    ] {
        let request = ListRequest::parse(raw);
        assert_eq!(request.query.unwrap_err().to_string(), message, "{raw}");
        assert!(request.ours_present, "{raw}");
        assert_eq!(request.upstream_query, "pretty=false", "{raw}");
    }
    let long = format!("filter=a={}", "x".repeat(8192));
    let error = ListRequest::parse(&long).query.unwrap_err();
    assert_eq!(error.problem, "it may have 8192 bytes at most");
    // The first one counts, as ever.
    assert!(ListRequest::parse("filter=a&filter=!!").query.is_ok());
}

#[test]
fn every_parameter_has_a_bound_that_is_told() {
    for name in [
        "selector",
        "pageSize",
        "pageNum",
        "sortName",
        "sortOrder",
        "sortFunc",
        "filter",
        "sort",
        "fields",
        "strip",
        "count",
    ] {
        let error = |len: usize| {
            let request = ListRequest::parse(&format!("{name}={}", "x".repeat(len)));
            request.query.err().map(|error| error.to_string())
        };
        assert_eq!(
            error(8193),
            Some(format!(
                "the parameter {name} cannot be read: it may have 8192 bytes at most"
            ))
        );
        assert!(error(8192).is_none_or(|error| !error.contains("8192 bytes")));
    }
}

#[test]
fn the_whole_query_has_a_bound() {
    let query = |len: usize| {
        let pairs = "labelSelector=a%3Db&".repeat(len / 20);
        let rest = "x".repeat(len - pairs.len());
        ListRequest::parse(&format!("{pairs}{rest}"))
    };
    assert!(query(49_152).query.is_ok());
    let error = query(49_153).query.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the parameter query cannot be read: a query string may have 49152 bytes at most"
    );
    // What else it says is known.
    let long = format!("watch=1&isFilter=false&pretty=true&{}", "x&".repeat(30_000));
    let request = ListRequest::parse(&long);
    assert!(request.streaming && request.is_filter_off && request.query.is_err());
}

#[test]
fn all_parameters_together_have_a_bound() {
    let conditions = |sign: &str, count: usize| {
        let all: Vec<String> = (0..count).map(|n| format!("a{n}{sign}b")).collect();
        all.join(",")
    };
    let both = |selector: usize, filter: usize| {
        let selector = conditions("~", selector);
        let filter = conditions("=", filter);
        ListRequest::parse(&format!("selector={selector}&filter={filter}")).query
    };
    assert!(both(64, 64).is_ok());
    assert!(both(65, 0).is_err() && both(0, 65).is_err());
}
