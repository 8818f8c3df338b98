use super::*;
use crate::projection::Projection;
use crate::selector::Selector;
use crate::sort::Sort;

mod strict;

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
            takes_null: true,
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
fn what_chooses_and_what_is_ours_alone_is_told_apart() {
    for (query, choosing, strict) in [
        ("selector=a", Some("selector"), None),
        (
            "pageSize=1&sortName=a&count=only",
            Some("count"),
            Some("count"),
        ),
        ("selector=a&strip=b&sort=c", Some("selector"), Some("sort")),
        (
            "pageSize=1&pageNum=2&sortName=a&sortOrder=b&sortFunc=c",
            None,
            None,
        ),
        ("isFilter=true", None, None),
    ] {
        let request = ListRequest::parse(query);
        assert_eq!(
            (request.choosing, request.strict),
            (choosing, strict),
            "{query}"
        );
    }
}

#[test]
fn a_parameter_is_found_by_its_name_whatever_its_value() {
    for (query, name) in [
        ("a=b&selector=x", Some("selector")),
        ("%73elector=%zz", Some("selector")),
        ("filter", Some("filter")),
        ("a=b;pageSize=1", Some("pageSize")),
        ("isFilter=true&labelSelector=a", None),
        ("Selector=a&x=selector", None),
        ("", None),
    ] {
        assert_eq!(ListRequest::named_in(query), name, "{query}");
    }
}

#[test]
fn a_limit_beside_ours_is_of_the_whole_list() {
    let everything = Page::EVERYTHING;
    for (query, upstream, expected) in [
        ("filter=a&limit=500", "", everything),
        ("a=b&limit=3&sort=a&%6Cimit=4&continue=", "a=b&", everything),
        (
            "pageSize=2&limit=500",
            "",
            Page {
                offset: 0,
                limit: 2,
            },
        ),
        (
            "pageNum=2&limit=500",
            "",
            Page {
                offset: 10,
                limit: 10,
            },
        ),
        ("count=only&limit=1", "", Page::NOTHING),
        ("isFilter=true&limit=1", "", everything),
        // No limit, and one that the API server shall refuse.
        ("filter=a&limit=0", "", Page::default()),
        ("filter=a&limit=x", "limit=x&", Page::default()),
        // Nothing of ours is there.
        ("limit=500", "limit=500&", Page::default()),
    ] {
        let request = ListRequest::parse(query).about_the_whole_list();
        assert_eq!(
            request.upstream_query,
            format!("{upstream}pretty=false"),
            "{query}"
        );
        assert_eq!(page(&request), expected, "{query}");
    }
    assert!(ListRequest::parse("limit=1&continue=x").continues);
    assert!(!ListRequest::parse("limit=1&continue=").continues);
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
fn a_name_in_other_capitals_is_told_with_the_right_one() {
    for (query, name, meant) in [
        ("pagesize=3", "pagesize", "pageSize"),
        ("pageSize=3&sortname=a", "sortname", "sortName"),
        ("is%46ilter=true&ISFILTER=false", "ISFILTER", "isFilter"),
        ("a=b;Selector", "Selector", "selector"),
    ] {
        assert_eq!(
            ListRequest::miswritten_in(query),
            Some((name.to_owned(), meant)),
            "{query}"
        );
    }
    for query in [
        "",
        "pageSize=1&isFilter=false",
        "labelSelector=a&fieldselector=b",
        "page_size=1&%zz=1&pagesiz=1",
    ] {
        assert_eq!(ListRequest::miswritten_in(query), None, "{query}");
    }
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
