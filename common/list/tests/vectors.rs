//! What KubeCube answered, and what we are to answer: the observed vectors of
//! lists, run through the request parser and the engine as the filter does it.
#![cfg(not(target_arch = "wasm32"))]
#![cfg(test)] // for clippy.toml, which lets tests stop at the first surprise

#[path = "vectors/kubesphere.rs"]
mod kubesphere;

use std::collections::BTreeMap;

use cubegate_list::{Finished, Limits, ListEngine, ListRequest, Progress};
use serde_json::{Value, json};

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/vectors/vectors.json"
);
const PROXY: &str = "/api/v1/cube/proxy/clusters/";
const GROUPS: [&str; 7] = [
    "list",
    "selector",
    "sort",
    "paging",
    "passthrough",
    "encoding",
    "routing",
];

/// Answers whose status or encoding keeps the filter from asking the engine.
const NOT_FOR_THE_ENGINE: [&str; 4] = ["/nocontent", "/redirect", "/badgzip", "/teapot"];

#[test]
fn lists_are_answered_as_the_vectors_say() {
    let file = std::fs::read_to_string(FILE).expect(FILE);
    let file: Value = serde_json::from_str(&file).unwrap();
    let mut run = BTreeMap::new();
    for vector in file["vectors"].as_array().unwrap() {
        let group = vector["group"].as_str().unwrap();
        if vector["system"] != "kubecube"
            || !GROUPS.contains(&group)
            || vector["verdict"] == "do-not-test"
        {
            continue;
        }
        let Some((path, raw_query)) = proxied_get(&vector["request"]) else {
            continue;
        };
        let Some(body) = upstream_answer(&file["fixtures"], path, raw_query) else {
            continue;
        };
        let answer = answer(raw_query, &body);
        let target = &vector["target"];
        let accepted = match target["any_of"].as_array() {
            Some(targets) => targets.iter().any(|target| fits(target, &answer, &body)),
            None => fits(target, &answer, &body),
        };
        let id = &vector["id"];
        assert!(accepted, "{id}: {target} is wanted, not {answer}");
        if let Some(passed) = target.get("bytes_identical_to_upstream") {
            assert_eq!(passed == true, answer == body, "{id}");
        }
        *run.entry(group.to_owned()).or_insert(0) += 1;
    }
    let expected = [
        ("encoding", 2),
        ("list", 3),
        ("paging", 15),
        ("passthrough", 13),
        ("routing", 2),
        ("selector", 37),
        ("sort", 20),
    ];
    let expected = expected.map(|(group, count)| (group.to_owned(), count));
    assert_eq!(run, BTreeMap::from(expected), "the vectors that were run");
}

/// The upstream path and the query string of a GET through the proxy.
fn proxied_get(request: &Value) -> Option<(&str, &str)> {
    if request["method"] != "GET" {
        return None;
    }
    let (_, target) = request["path"]
        .as_str()?
        .strip_prefix(PROXY)?
        .split_once('/')?;
    let target = target.strip_prefix('/').unwrap_or(target);
    Some(target.split_once('?').unwrap_or((target, "")))
}

/// What the fixture upstream answers, as the file's `environment` describes it.
fn upstream_answer(fixtures: &Value, path: &str, raw_query: &str) -> Option<String> {
    let path = format!("/{path}");
    if raw_query == "watch=true" {
        let event =
            |name| json!({"type": "ADDED", "object": {"kind": "Pod", "metadata": {"name": name}}});
        // The order of the members as the vector has it.
        let line = |name| {
            event(name)
                .to_string()
                .replace(r#"{"object""#, r#"{"type":"ADDED","object""#)
        };
        return Some(
            ["a", "b"]
                .map(|name| line(name).replace(r#","type":"ADDED"}"#, "}") + "\n")
                .concat(),
        );
    }
    if let Some(fixture) = fixtures.get(&path) {
        return Some(fixture.to_string());
    }
    match &*path {
        "/log" => Some("line1\nline2\n".to_owned()),
        "/healthz" => Some("ok".to_owned()),
        "/array" => Some("[1,2,3]".to_owned()),
        "/echo" => Some(json!({"method": "GET", "path": path, "query": raw_query}).to_string()),
        path => {
            assert!(
                NOT_FOR_THE_ENGINE.contains(&path) || path.ends_with("/pods"),
                "{path}"
            );
            None
        }
    }
}

/// What the client gets.
fn answer(raw_query: &str, body: &str) -> String {
    let request = ListRequest::parse(raw_query);
    if !request.decides_page() {
        return body.to_owned();
    }
    let mut engine = ListEngine::new(request.query.unwrap(), Limits::default());
    let mut chunks = body.as_bytes().chunks(7);
    while let Some(chunk) = chunks.next() {
        match engine.push(chunk).unwrap() {
            Progress::Held => {}
            Progress::PassThrough(mut passed) => {
                chunks.for_each(|chunk| passed.extend_from_slice(chunk));
                return String::from_utf8(passed).unwrap();
            }
        }
    }
    match engine.finish().unwrap() {
        Finished::Page(bytes) | Finished::PassThrough(bytes) => String::from_utf8(bytes).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Whether the answer is what a target wants.
fn fits(target: &Value, answer: &str, body: &str) -> bool {
    if let Some(text) = target["text"].as_str() {
        return text == answer;
    }
    let tree = serde_json::from_str::<Value>(answer);
    if let Some(json) = target.get("json") {
        return tree.is_ok_and(|tree| *json == tree);
    }
    let Some(list) = target.get("list") else {
        return answer == body;
    };
    tree.is_ok_and(|tree| {
        let names = match &tree["items"] {
            Value::Array(items) => items.iter().map(name).collect(),
            other => other.clone(),
        };
        let total = tree.get("total").cloned();
        names == list["names"] && total.unwrap_or_else(|| "<absent>".into()) == list["total"]
    })
}

fn name(item: &Value) -> Value {
    item.pointer("/metadata/name").unwrap_or(item).clone()
}
