//! Who may read records, and as what.

use axum::body::Body;
use cubegate_audit::{Record, Source};
use serde_json::{Value, json};

use super::AUDIT;
use crate::tests::{START, TestApp};

#[tokio::test]
async fn records_are_for_administrators() {
    let app = TestApp::new().await;
    let jeff = [app.bearer("jeff").await];
    app.keep_records(3).await;
    for path in [AUDIT, "/api/v1/cube/audit?format=jsonl"] {
        app.send("GET", path, &[], "")
            .await
            .assert_refused(401, "Authenticate failed.");
        let answer = app.send("GET", path, &jeff, "").await;
        answer.assert_refused(403, "Forbidden.");
    }
}

#[tokio::test]
async fn records_are_a_list_with_what_was_dropped() {
    let app = TestApp::new().await;
    let admin = [app.bearer("admin").await];
    app.keep_records(3).await;
    let path = format!("{AUDIT}?user=jeff&pageSize=2&fields=name");
    let answer = app.send("GET", &path, &admin, "").await;
    let expected = json!({ "items": [{"name": "n2"}, {"name": "n1"}], "total": 3, "dropped": 0 });
    assert_eq!(answer.json(), expected);
    assert_eq!(answer.header("cache-control"), "no-store");
    let record = app.recorded().await;
    assert_eq!(
        (record.user.as_deref(), record.resource.as_deref()),
        (Some("admin"), Some("audit"))
    );
    for _ in 0..1_001 {
        app.state
            .audit
            .record(Record::new(Source::Cli, app.state.clock.now(), "get"));
    }
    let answer = app.send("GET", AUDIT, &admin, "").await;
    assert_eq!(answer.json()["dropped"], 1);
}

#[tokio::test]
async fn records_are_exported_as_lines() {
    let app = TestApp::new().await;
    app.keep_records(1_200).await;
    app.pass(5_000);
    let admin = [app.bearer("admin").await];
    let path = format!("{AUDIT}?format=jsonl&from={}", START + 1);
    let answer = app.send("GET", &path, &admin, Body::empty()).await;
    assert_eq!(answer.header("content-type"), "application/jsonl");
    let lines: Vec<Value> = answer
        .body
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 1_199);
    assert_eq!(
        (&lines[0]["name"], &lines[1_198]["name"]),
        (&json!("n1"), &json!("n1199"))
    );
}

#[tokio::test]
async fn a_bad_search_is_told_in_a_sentence() {
    let app = TestApp::new().await;
    let admin = [app.bearer("admin").await];
    for (query, sentence) in [
        (
            "from=x",
            "from must be a time as 2026-01-31T12:00:00Z or in seconds since 1970.",
        ),
        ("format=xml", "format must be json or jsonl."),
        (
            "format=jsonl&sort=user",
            "Lines come in the order of time; leave the parameters of sorting out.",
        ),
    ] {
        let answer = app
            .send("GET", &format!("{AUDIT}?{query}"), &admin, "")
            .await;
        answer.assert_refused(400, sentence);
    }
    let answer = app
        .send("GET", &format!("{AUDIT}?filter=%28"), &admin, "")
        .await;
    assert_eq!(answer.status.as_u16(), 400);
}
