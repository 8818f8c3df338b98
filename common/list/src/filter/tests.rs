use super::*;
use crate::plan::Plan;
use crate::query::ListQuery;
use crate::selector::Selector;

/// Which of the items pass, by index.
fn passing(filter: &str, items: &[&str]) -> Vec<usize> {
    let query = ListQuery {
        selector: Selector::filter(filter).unwrap_or_else(|error| panic!("{filter}: {error}")),
        ..ListQuery::default()
    };
    let plan = Plan::new(&query);
    (0..items.len())
        .filter(|index| plan.wants(items[*index]))
        .collect()
}

fn error(filter: &str) -> (Option<usize>, String) {
    let error = Selector::filter(filter).expect_err(filter);
    assert_eq!(error.parameter, "filter");
    (error.character, error.problem)
}

const PODS: [&str; 5] = [
    r#"{"metadata":{"name":"web","labels":{"app":"web","a.b/c":"x"}},"spec":{"n":5,"cpu":"500m","containers":[{"image":"nginx:1"},{"image":"envoy:2"}],"tags":["a","b"]}}"#,
    r#"{"metadata":{"name":"api","labels":{"app":"API"}},"spec":{"n":"12","cpu":1,"containers":[{"image":"api:7"}],"tags":[]}}"#,
    r#"{"metadata":{"name":"db","labels":{"a.b/c":""}},"spec":{"n":1.5,"cpu":"2Gi","containers":[]}}"#,
    r#"{"metadata":{"name":"none"}}"#,
    r#"{"metadata":{"name":"odd"},"spec":{"n":null,"cpu":"much","tags":{"a":1},"containers":"nginx:1"}}"#,
];

#[test]
fn equality_is_exact_and_case_sensitive() {
    assert_eq!(passing("metadata.labels.app=web", &PODS), [0]);
    assert_eq!(passing("metadata.labels.app==API", &PODS), [1]);
    assert!(passing("metadata.labels.app=api", &PODS).is_empty());
    assert_eq!(passing("spec.n=5", &PODS), [0]);
    assert_eq!(passing(r#"spec.n = "12""#, &PODS), [1]);
    assert_eq!(passing("spec.n=1.5", &PODS), [2]);
    assert!(passing("spec.n=5.0", &PODS).is_empty(), "texts, not values");
    assert_eq!(passing("spec.n:number=5.0", &PODS), [0]);
    assert_eq!(passing("metadata.labels[a.b/c]=", &PODS), [2]);
}

#[test]
fn what_is_missing_equals_nothing_and_differs_from_everything() {
    assert_eq!(passing("metadata.labels.app!=web", &PODS), [1, 2, 3, 4]);
    assert_eq!(
        passing("metadata.labels.app notin (web,API)", &PODS),
        [2, 3, 4]
    );
    assert_eq!(passing("metadata.labels.app!~web", &PODS), [1, 2, 3, 4]);
    assert!(passing("spec.missing=", &PODS).is_empty());
    assert!(passing("spec.missing~\"\"", &PODS).is_empty());
    assert!(passing("spec.missing<1", &PODS).is_empty());
    assert!(passing("spec.missing>=1", &PODS).is_empty());
}

#[test]
fn a_path_alone_asks_whether_something_is_there() {
    assert_eq!(passing("spec.n", &PODS), [0, 1, 2]);
    assert_eq!(passing("!spec.n", &PODS), [3, 4]);
    assert_eq!(passing("spec.tags", &PODS), [0, 1, 4]);
    assert_eq!(passing("spec.tags[]", &PODS), [0]);
    assert_eq!(passing("! spec.containers[].image", &PODS), [2, 3, 4]);
}

#[test]
fn sets_and_substrings() {
    assert_eq!(passing("metadata.name in (web, db , \"x\")", &PODS), [0, 2]);
    assert_eq!(passing("metadata.name in(web)", &PODS), [0]);
    assert_eq!(passing("metadata.name~d", &PODS), [2, 4]);
    assert_eq!(passing("metadata.labels.a.b/c in (,y)", &PODS), [2]);
    assert_eq!(passing("spec.cpu:quantity in (0.5,1000m)", &PODS), [0, 1]);
    assert_eq!(
        passing("spec.cpu:quantity notin (0.5,1000m)", &PODS),
        [2, 3, 4]
    );
}

#[test]
fn any_element_passes_a_positive_test_and_all_a_negative_one() {
    assert_eq!(passing("spec.containers[].image=envoy:2", &PODS), [0]);
    assert_eq!(passing("spec.containers[].image~:", &PODS), [0, 1]);
    assert_eq!(
        passing("spec.containers[].image!=envoy:2", &PODS),
        [1, 2, 3, 4]
    );
    assert_eq!(
        passing("spec.tags=b", &PODS),
        [0],
        "an array stands for its elements"
    );
    assert_eq!(passing("spec.tags[]=b", &PODS), [0]);
    assert_eq!(
        passing("spec.containers.image=envoy:2", &PODS),
        [] as [usize; 0]
    );
}

#[test]
fn order_is_by_the_type_of_the_literal_or_the_one_that_is_named() {
    assert_eq!(passing("spec.n>4", &PODS), [0, 1]);
    assert_eq!(passing("spec.n>=5,spec.n<=5", &PODS), [0]);
    assert_eq!(passing("spec.n>\"4\"", &PODS), [0], "quoted, so by bytes");
    assert_eq!(passing("spec.n:string<5", &PODS), [1, 2]);
    assert_eq!(passing("spec.cpu>500m", &PODS), [1, 2]);
    assert_eq!(passing("spec.cpu<1Gi", &PODS), [0, 1]);
    assert_eq!(passing("spec.cpu:number>0", &PODS), [1]);
    let items = [
        r#"{"t":"2021-06-01T12:00:00+08:00","d":"7d4h","ip":"10.0.0.9","v":"v1.10.0"}"#,
        r#"{"t":"2021-06-01T05:00:00Z","d":"90m","ip":"10.0.0.10","v":"1.9.0-rc.1"}"#,
    ];
    assert_eq!(passing("t<2021-06-01T04:30:00Z", &items), [0]);
    assert_eq!(passing("d:duration<2h", &items), [1]);
    assert_eq!(passing("d>1h30m", &items), [0]);
    assert_eq!(passing("ip>10.0.0.9", &items), [1]);
    assert_eq!(passing("v<1.9.0", &items), [1]);
    assert_eq!(passing("v>=1.10.0", &items), [0]);
}

#[test]
fn a_comma_binds_tighter_than_or_and_parentheses_tighter_than_both() {
    assert_eq!(
        passing("metadata.name=web || metadata.name=db", &PODS),
        [0, 2]
    );
    assert_eq!(
        passing("metadata.name=web||metadata.name=db,spec.n>5", &PODS),
        [0]
    );
    assert_eq!(
        passing("(metadata.name=web||metadata.name=db),spec.n<5", &PODS),
        [2]
    );
    assert_eq!(passing("((spec.n)),(!spec.tags)", &PODS), [2]);
}

#[test]
fn blanks_between_tokens_do_not_matter() {
    assert_eq!(passing(" \n ", &PODS).len(), 5);
    assert_eq!(
        passing(" ( metadata.name  in ( web , db ) ) , ! spec.tags ", &PODS),
        [2]
    );
}

#[test]
fn quoted_values_and_keys_hold_anything() {
    let items = [
        r#"{"metadata":{"annotations":{"note":"a, \"b\" = é || )"}},"data":{"a]b=c":"1"}}"#,
        r#"{"data":{"in":"2"}}"#,
    ];
    assert_eq!(
        passing(
            r#"metadata.annotations.note="a, \"b\" = \u00e9 || )""#,
            &items
        ),
        [0]
    );
    assert_eq!(passing(r#"data["a]b=c"]"#, &items), [0]);
    assert_eq!(passing(r#"data["a]b=c"]=1"#, &items), [0]);
    assert_eq!(passing("data.in in (2)", &items), [1]);
}

#[test]
fn a_path_of_kubectl_means_what_it_means_there() {
    let items = [
        r#"{"s":[{"r":1,"i":"nginx:1"},{"r":7,"i":"a"}],"labels":{"a.b/c":"x"}}"#,
        r#"{"s":[{"r":10,"i":"a"},{"r":1,"i":"nginx:1"}],"labels":{"a.b/c":"y"}}"#,
        r#"{"s":[]}"#,
    ];
    for (filter, expected) in [
        ("s[0].r>1", &[1][..]),
        ("s[1].r=7", &[0]),
        ("{.s[*].i}~nginx", &[0, 1]),
        ("$.s[*].i!~nginx", &[2]),
        ("s[0].i!~nginx", &[1, 2]),
        (r"labels.a\.b/c=x", &[0]),
        (r".labels['a\.b/c']=y", &[1]),
        ("labels['a.b/c'] in (x,y),s[0]", &[0, 1]),
        ("!s[0]", &[2]),
        ("s[0].r:number>2", &[1]),
    ] {
        assert_eq!(passing(filter, &items), expected, "{filter}");
    }
    for (filter, character) in [
        ("s[-1:].r=1", 3),
        ("a=1,s[-1].r=1", 7),
        (r#"s[?(@.r=="1")].i"#, 3),
        ("{.s[*].i=b", 9),
        ("x..r", 3),
        (r"a\b", 2),
    ] {
        assert_eq!(
            error(filter).0,
            Some(character),
            "{filter}: {}",
            error(filter).1
        );
    }
}

#[test]
fn what_is_no_filter_says_where_and_why() {
    let operator = "an operator is expected: =, ==, !=, ~, !~, <, <=, >, >=, in or notin";
    for (filter, character, problem) in [
        ("=b", 1, "a name is expected"),
        ("a,", 3, "a name is expected"),
        ("a,,b", 3, "a name is expected"),
        (
            "a..b=1",
            3,
            "`..` searches all that is below; write the whole path",
        ),
        ("a[x=1", 3, "the bracket is never closed"),
        ("!", 2, "a name is expected"),
        ("!a=b", 3, "a comma, || or the end is expected"),
        ("a b", 3, operator),
        ("é b", 3, operator),
        ("a!b", 2, operator),
        ("a:number", 9, operator),
        ("a|b", 2, operator),
        ("a:float>1", 3, ValueType::EXPECTED),
        ("a:number~1", 9, "~ and !~ look into texts and take no type"),
        ("a:number>x", 10, "a value of the type number is expected"),
        (
            "a:quantity in (1,x)",
            18,
            "a value of the type quantity is expected",
        ),
        ("a>", 3, "a value to compare with is expected"),
        ("a in b", 6, "an opening parenthesis is expected"),
        ("a in (b", 8, "a comma or a closing parenthesis is expected"),
        ("(a", 3, "a closing parenthesis is expected"),
        ("a)", 2, "a comma, || or the end is expected"),
        ("a=\"b", 3, "the quoted value is no complete JSON string"),
    ] {
        assert_eq!(
            error(filter),
            (Some(character), problem.to_owned()),
            "{filter}"
        );
    }
    for filter in ["a=b c", "a=b=c", "a=b\"c\"", "a=(b)"] {
        let (_, problem) = error(filter);
        assert!(
            problem.starts_with("the value must end here"),
            "{filter}: {problem}"
        );
    }
}

#[test]
fn a_hostile_filter_is_bounded() {
    let conditions = |count: usize| vec!["a"; count].join(",");
    assert!(Selector::filter(&conditions(64)).is_ok());
    assert_eq!(
        error(&conditions(65)).1,
        "there may be 64 conditions at most"
    );
    let values = |count: usize| format!("a in ({})", vec!["b"; count].join(","));
    assert!(Selector::filter(&values(256)).is_ok());
    assert_eq!(error(&values(257)).1, "a list may have 256 values at most");
    let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Selector::filter(&nested(16)).is_ok());
    assert_eq!(
        error(&nested(17)).1,
        "parentheses may be nested 16 deep at most"
    );
    assert_eq!(
        error(&"a.".repeat(80)).1,
        "a path may have at most 64 segments"
    );
}
