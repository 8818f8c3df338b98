//! Lists that become pages.

use crate::support::outcome;

fn page(raw_query: &str, body: &str) -> String {
    outcome(raw_query, body).page()
}

#[test]
fn the_page_keeps_the_envelope_and_the_items_byte_for_byte() {
    let body = r#"{
      "kind" : "PodList", "apiVersion":"v1",
      "items": [
        {"metadata": {"name":"b"}, "n": 9007199254740993, "f": 1.0, "h": "<a>&\u2028"} ,
        { "metadata":{"name":"a"} }
      ] ,
      "metadata": { "resourceVersion": "7", "remainingItemCount": 12345678901234567890123 }
    }
    "#;
    assert_eq!(
        page("", body),
        concat!(
            r#"{"kind":"PodList","apiVersion":"v1","items":[{ "metadata":{"name":"a"} },"#,
            r#"{"metadata": {"name":"b"}, "n": 9007199254740993, "f": 1.0, "h": "<a>&\u2028"}],"#,
            r#""metadata":{ "resourceVersion": "7", "remainingItemCount": 12345678901234567890123 },"total":2}"#,
        ),
    );
}

#[test]
fn the_order_of_the_envelope_is_free() {
    assert_eq!(page("", r#"{"items":[]}"#), r#"{"items":[],"total":0}"#);
    assert_eq!(
        page("", r#"{"items":[1],"metadata":{},"kind":"L"}"#),
        r#"{"items":[1],"metadata":{},"kind":"L","total":1}"#,
    );
    assert_eq!(
        page("", r#"{"metadata":{},"kind":"L","items":[1]}"#),
        r#"{"metadata":{},"kind":"L","items":[1],"total":1}"#,
    );
}

#[test]
fn a_total_of_the_upstream_is_replaced() {
    assert_eq!(
        page(
            "",
            r#"{"total":7,"kind":"L","items":[1],"tot\u0061l":{"a":[]}}"#
        ),
        r#"{"kind":"L","items":[1],"total":1}"#,
    );
}

#[test]
fn keys_may_be_escaped() {
    assert_eq!(
        page("", r#"{"k\u0069nd":"L","it\u0065ms":[1]}"#),
        r#"{"k\u0069nd":"L","items":[1],"total":1}"#,
    );
}

#[test]
fn items_inside_other_members_are_no_items() {
    assert_eq!(
        page(
            "",
            r#"{"metadata":{"items":[1,2]},"x":"items","items":[{"items":[3]}]}"#
        ),
        r#"{"metadata":{"items":[1,2]},"x":"items","items":[{"items":[3]}],"total":1}"#,
    );
}

#[test]
fn other_duplicate_members_stay_as_they_are() {
    assert_eq!(
        page("", r#"{"kind":"A","items":[],"kind":"B"}"#),
        r#"{"kind":"A","items":[],"kind":"B","total":0}"#,
    );
}

#[test]
fn brackets_quotes_and_backslashes_in_strings_end_nothing() {
    let item = r#"{"a":"]}\"{[\\","b\\\"]":["\\\\","\u005d"]}"#;
    assert_eq!(
        page("", &format!(r#"{{"items":[{item},{item}]}}"#)),
        format!(r#"{{"items":[{item},{item}],"total":2}}"#),
    );
}

#[test]
fn items_may_be_anything() {
    assert_eq!(
        page(
            "",
            r#"{"items":["b","a",3,null,true,[{"metadata":{"name":"x"}}],{}]}"#
        ),
        r#"{"items":["b","a",3,null,true,[{"metadata":{"name":"x"}}],{}],"total":7}"#,
    );
    assert_eq!(
        page(
            "selector=metadata.name=x",
            r#"{"items":["x",[{"metadata":{"name":"x"}}],{"metadata":{"name":"x"}}]}"#
        ),
        r#"{"items":[{"metadata":{"name":"x"}}],"total":1}"#,
    );
}

#[test]
fn selector_sort_and_page_work_together() {
    let body = r#"{"items":[
        {"metadata":{"name":"a","labels":{"app.kubernetes.io/name":"Web"}},"spec":{"n":3}},
        {"metadata":{"name":"b","labels":{"app.kubernetes.io/name":"web"}},"spec":{"n":"20"}},
        {"metadata":{"name":"c","labels":{"app.kubernetes.io/name":"db"}},"spec":{"n":9}},
        {"metadata":{"name":"d","labels":{"app.kubernetes.io/name":"WEB"}}}
    ]}"#;
    let query = "selector=metadata.labels.app.kubernetes.io/name=web&sortName=spec.n&sortFunc=number&sortOrder=desc";
    assert_eq!(
        page(&format!("{query}&pageSize=1&pageNum=2"), body),
        r#"{"items":[{"metadata":{"name":"a","labels":{"app.kubernetes.io/name":"Web"}},"spec":{"n":3}}],"total":3}"#,
    );
    assert_eq!(
        page(&format!("{query}&pageSize=0"), body),
        r#"{"items":[],"total":3}"#
    );
    assert_eq!(
        page(&format!("{query}&pageNum=9"), body),
        r#"{"items":[],"total":3}"#
    );
}

#[test]
fn unicode_comes_through_wherever_it_is_cut() {
    let item = r#"{"metadata":{"name":"日本語 😀 é"}}"#;
    assert_eq!(
        page(
            "selector=metadata.name~%F0%9F%98%80",
            &format!(r#"{{"k":"é","items":[{item}]}}"#)
        ),
        format!(r#"{{"k":"é","items":[{item}],"total":1}}"#),
    );
}

#[test]
fn white_space_may_be_anywhere() {
    assert_eq!(
        page(
            "",
            "\r\n {\t\"kind\"\n:\r\"L\"\t,\n\"items\" : [ \n1 \t, 2\r\n] , \"x\" : 1 \n} \t\r\n"
        ),
        r#"{"kind":"L","items":[1,2],"x":1,"total":2}"#,
    );
}

#[test]
fn an_item_with_several_values_stands_where_its_first_one_stands() {
    let body = r#"{"items":[
        {"n":1,"v":[{"q":"1Gi"},{"q":"5"}]},
        {"n":2,"v":[{"q":"6"},{"q":"7"}]},
        {"n":3,"v":[]},
        {"n":4,"v":[{"q":"x"},{"q":"1Ki"}]}
    ]}"#;
    let order = |sort: &str| {
        let page = page(&format!("sort={sort}&fields=n"), body);
        let page: serde_json::Value = serde_json::from_str(&page).unwrap();
        let items = page["items"].as_array().unwrap().clone();
        items
            .iter()
            .map(|item| item["n"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(order("v[].q:quantity"), [1, 2, 4, 3]);
    assert_eq!(order("-v[].q:quantity"), [1, 4, 2, 3]);
}

#[test]
fn what_is_counted_is_not_sent() {
    let body = r#"{"kind":"L","items":[{"n":1},{"n":2},{}],"metadata":{}}"#;
    assert_eq!(
        page("count=only&filter=n", body),
        r#"{"kind":"L","items":[],"metadata":{},"total":2}"#
    );
}

#[test]
fn a_projection_touches_only_the_items_on_the_page() {
    let body = r#"{"kind":"L","items":[{"metadata":{"name":"b"},"n":1.0},{"metadata":{"name":"a","managedFields":[{}]}, "n": 2.0 }]}"#;
    assert_eq!(
        page("strip=managedFields&pageSize=1", body),
        r#"{"kind":"L","items":[{"metadata":{"name":"a"},"n":2.0}],"total":2}"#
    );
    assert_eq!(
        page("fields=n&filter=n%3C2", body),
        r#"{"kind":"L","items":[{"metadata":{"name":"b"},"n":1.0}],"total":1}"#
    );
}
