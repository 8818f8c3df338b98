//! A large list takes little memory.

use cubegate_list::{Finished, Limits, ListEngine, ListRequest, Progress};

const ITEMS: usize = 4_500;
const CHUNK: usize = 16 * 1024;

/// A pod of about 9 kB; the names come in no order.
fn pod(number: usize) -> String {
    let name = (number * 7919) % ITEMS;
    let padding = "x".repeat(4_000);
    format!(
        r#"{{"metadata":{{"name":"pod-{name:05}","namespace":"demo","managedFields":[{{"f":"{padding}"}}]}},"spec":{{"env":"{padding}","deep":[{{"a":[1,2,3,{{"b":"\"}}"}}]}}]}}}}"#,
    )
}

#[test]
fn what_a_query_asks_is_in_the_account_of_what_is_held() {
    let held = |query: &str| {
        let query = ListRequest::parse(query).query.unwrap();
        let asked = query.held_bytes();
        (
            asked,
            ListEngine::new(query, Limits::default()).held_bytes(),
        )
    };
    let (little, plan) = held("");
    assert!(little < 1_000 && plan < 3_000, "{little}, {plan}");
    // As many steps as there may be, each of which can end a path at another member.
    let paths: Vec<String> = (0..64)
        .map(|n| format!("{}n{n}", "a.".repeat(60)))
        .collect();
    let query = format!("filter={}&fields={}", paths.join(","), paths.join(","));
    let (asked, plan) = held(&query);
    assert!(asked > query.len() && asked < 24 * query.len(), "{asked}");
    assert!(plan > query.len() && plan < 128 * query.len(), "{plan}");
}

#[test]
fn forty_megabytes_are_paged_in_the_memory_of_a_page() {
    let request = ListRequest::parse("pageSize=10&pageNum=2");
    let mut engine = ListEngine::new(request.query.unwrap(), Limits::default());
    let mut pushed = 0;
    let mut most = 0;
    let mut buffer = br#"{"kind":"PodList","metadata":{},"items":["#.to_vec();
    for number in 0..ITEMS {
        if number > 0 {
            buffer.push(b',');
        }
        buffer.extend_from_slice(pod(number).as_bytes());
        while buffer.len() >= CHUNK {
            let rest = buffer.split_off(CHUNK);
            assert_eq!(engine.push(&buffer), Ok(Progress::Held));
            pushed += buffer.len();
            most = most.max(engine.held_bytes());
            buffer = rest;
        }
    }
    buffer.extend_from_slice(b"]}");
    assert_eq!(engine.push(&buffer), Ok(Progress::Held));

    let Ok(Finished::Page(page)) = engine.finish() else {
        panic!("no page");
    };
    let page: serde_json::Value = serde_json::from_slice(&page).unwrap();
    assert_eq!(page["total"], ITEMS);
    let names: Vec<&str> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["metadata"]["name"].as_str().unwrap())
        .collect();
    let expected: Vec<String> = (10..20).map(|n| format!("pod-{n:05}")).collect();
    assert_eq!(names, expected);

    assert!(pushed > 36_000_000, "only {pushed} bytes were pushed");
    assert!(most < 300_000, "{most} bytes were held");
}
