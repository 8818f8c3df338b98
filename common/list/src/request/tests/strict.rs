//! The strict parameters, and the bounds of all.

use super::*;

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
            takes_null: true,
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
    assert!(query(262_144).query.is_ok());
    let error = query(262_145).query.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the parameter query cannot be read: a query string may have 262144 bytes at most"
    );
    // What else it says is known.
    let long = format!(
        "watch=1&isFilter=false&pretty=true&{}",
        "x&".repeat(150_000)
    );
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

#[test]
fn what_two_dialects_read_in_two_ways_are_two_fields() {
    use crate::plan::Plan;
    // A key for the strict one, letters for the lenient one.
    let query = "filter=%5B%22a%22%5D%3D1&selector=%5B%22a%22%5D%3D2";
    let plan = Plan::new(&ListRequest::parse(query).query.unwrap());
    assert!(plan.wants(r#"{"a":1,"[\"a\"]":2}"#));
    assert!(!plan.wants(r#"{"a":2,"[\"a\"]":2}"#));
    assert!(!plan.wants(r#"{"a":1,"[\"a\"]":1}"#));
}
