//! The engine where the filter runs it: in wasm, with 32-bit sizes.
#![cfg(target_arch = "wasm32")]
#![cfg(test)] // for clippy.toml, which lets tests stop at the first surprise

use cubegate_list::{Finished, Limits, ListEngine, ListError, ListRequest, Progress};
use wasm_bindgen_test::wasm_bindgen_test;

const PODS: &str = r#"{"kind":"PodList","metadata":{"resourceVersion":"7"},"items":[
    {"metadata":{"name":"c","labels":{"app.kubernetes.io/name":"Web"}},"spec":{"n":9007199254740993}},
    {"metadata":{"name":"a","labels":{"app.kubernetes.io/name":"web"}},"spec":{"n":"9007199254740992"},"s":"]}\"é\\"},
    {"metadata":{"name":"b"},"when":"2021-06-01T12:00:00+08:00"}
]}"#;

fn run(raw_query: &str, chunks: &[&[u8]]) -> Result<Finished, ListError> {
    let mut engine = ListEngine::new(
        ListRequest::parse(raw_query).query.unwrap(),
        Limits::default(),
    );
    for chunk in chunks {
        if let Progress::PassThrough(body) = engine.push(chunk)? {
            return Ok(Finished::PassThrough(body));
        }
    }
    engine.finish()
}

/// The names on the page and the total.
fn names(raw_query: &str) -> (Vec<String>, u64) {
    let Ok(Finished::Page(page)) = run(raw_query, &[PODS.as_bytes()]) else {
        panic!("no page for {raw_query}");
    };
    let page: serde_json::Value = serde_json::from_slice(&page).unwrap();
    let names = page["items"].as_array().unwrap().iter();
    let names = names.map(|item| item["metadata"]["name"].as_str().unwrap().to_owned());
    (names.collect(), page["total"].as_u64().unwrap())
}

#[wasm_bindgen_test]
fn a_page_is_the_same_wherever_the_list_is_cut() {
    let query = "pageSize=1&pageNum=2";
    let whole = run(query, &[PODS.as_bytes()]);
    let expected = concat!(
        r#"{"kind":"PodList","metadata":{"resourceVersion":"7"},"items":["#,
        r#"{"metadata":{"name":"b"},"when":"2021-06-01T12:00:00+08:00"}],"total":3}"#,
    );
    assert_eq!(whole, Ok(Finished::Page(expected.into())));
    for at in 0..=PODS.len() {
        let (left, right) = PODS.as_bytes().split_at(at);
        assert_eq!(run(query, &[left, right]), whole, "cut at byte {at}");
    }
    let bytes: Vec<&[u8]> = PODS.as_bytes().chunks(1).collect();
    assert_eq!(run(query, &bytes), whole);
}

#[wasm_bindgen_test]
fn a_selector_chooses_items() {
    assert_eq!(
        names("selector=metadata.labels.app.kubernetes.io/name=WEB"),
        (vec!["a".into(), "c".into()], 2)
    );
    assert_eq!(names("selector=s~%C3%A9"), (vec!["a".into()], 1));
    assert_eq!(names("selector=metadata.name=x"), (vec![], 0));
}

#[wasm_bindgen_test]
fn items_are_sorted_by_number_time_and_text() {
    let sorted = |query| names(query).0.concat();
    assert_eq!(sorted(""), "abc");
    assert_eq!(sorted("sortOrder=desc"), "cba");
    assert_eq!(sorted("sortName=spec.n&sortFunc=number"), "bac");
    assert_eq!(
        sorted("sortName=spec.n&sortFunc=number&sortOrder=desc"),
        "cab"
    );
    assert_eq!(sorted("sortName=when&sortFunc=time&sortOrder=desc"), "bac");
}

#[wasm_bindgen_test]
fn pages_beyond_32_bits_are_empty() {
    assert_eq!(names("pageSize=4294967296&pageNum=2"), (vec![], 3));
    assert_eq!(
        names("pageSize=9223372036854775807&pageNum=9223372036854775807"),
        (vec![], 3)
    );
    assert_eq!(names("pageSize=4294967299").0.len(), 3);
}

#[wasm_bindgen_test]
fn what_is_no_list_passes_through() {
    for body in ["", "ok", "[1]", r#"{"kind":"Pod"}"#, r#"{"items":null}"#] {
        assert_eq!(
            run("", &[body.as_bytes()]),
            Ok(Finished::PassThrough(body.into()))
        );
    }
}

#[wasm_bindgen_test]
fn a_broken_list_is_never_a_page() {
    for body in [
        "{\"items\":[1,]}",
        "{\"items\":[{\"a\":01}]}",
        "{\"items\":[]} x",
        "{\"items\":[],\"items\":[]}",
        "{\"items\":[\"\\x\"]}",
    ] {
        let refused = run("", &[body.as_bytes()]);
        assert!(
            matches!(refused, Err(ListError::Malformed { .. })),
            "{body}"
        );
    }
    let received = 40;
    let (start, _) = PODS.as_bytes().split_at(received);
    let truncated = Err(ListError::Truncated { received: 40 });
    assert_eq!(run("", &[start]), truncated);
}

/// A list of one item, in chunks as HTTP/2 brings them.
fn page_of(raw_query: &str, item: &str) -> String {
    let body = format!("{{\"items\":[{item}]}}");
    let chunks: Vec<&[u8]> = body.as_bytes().chunks(16 * 1024).collect();
    let Ok(Finished::Page(page)) = run(raw_query, &chunks) else {
        panic!("no page for {raw_query}");
    };
    String::from_utf8(page).unwrap()
}

#[wasm_bindgen_test]
fn depth_does_not_exhaust_the_stack() {
    for levels in [127, 128, 5_000, 100_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
            let deep = format!("{}1{}", open.repeat(levels), close.repeat(levels));
            let item = format!("{{\"metadata\":{{\"name\":\"n\"}},\"a\":{deep}}}");
            // To follow a long path in a large item is too much work.
            let steps = if levels > 5_000 { 3 } else { 62 };
            let path = format!("a{}", ".a".repeat(steps));
            let page = page_of(
                &format!("filter=metadata.name=n,a,!x&sort={path},a[][][][].a"),
                &item,
            );
            assert_eq!(page, format!("{{\"items\":[{item}],\"total\":1}}"));
            for query in [
                format!("fields={path},a[][][][].a,a[].a.a&pageSize=1"),
                format!("strip={path},a[][][][].a,a[].a.a&pageSize=1"),
            ] {
                assert!(page_of(&query, &item).contains("\"name\":\"n\""), "{query}");
            }
        }
    }
}

#[wasm_bindgen_test]
fn what_is_odd_but_json_stays_as_it_is() {
    for odd in ["1e999", "\"\\ud800\"", "{\"\\udc00\":[-1e400]}"] {
        let item = format!("{{\"metadata\":{{\"name\":\"n\"}},\"a\":{odd}}}");
        let page = page_of("selector=metadata.name=N,a~", &item);
        assert!(page == format!("{{\"items\":[{item}],\"total\":1}}") || odd.starts_with('{'));
    }
}

#[wasm_bindgen_test]
fn too_much_work_is_refused() {
    let array = vec!["1"; 500_000].join(",");
    let body = format!("{{\"items\":[{{\"a\":[{array}]}}]}}");
    let conditions: Vec<String> = (0..64).map(|n| format!("a[]!~z{n}")).collect();
    let refused = run(
        &format!("filter={}", conditions.join(",")),
        &[body.as_bytes()],
    );
    assert!(refused.is_ok() || refused == Err(ListError::TooMuchWork));
    let chunks: Vec<&[u8]> = body.as_bytes().chunks(16 * 1024).collect();
    let refused = run(&format!("filter={}", conditions.join(",")), &chunks);
    assert_eq!(refused, Err(ListError::TooMuchWork));
}
