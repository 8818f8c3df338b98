//! What the API server does of a page's work.

use super::*;

const PODS: &str = "/api/v1/cube/proxy/clusters/pivot-cluster/api/v1/namespaces/a/pods";
const JSON: [(&str, &str); 2] = [(":status", "200"), ("content-type", "application/json")];

pub(super) fn list(metadata: &str, names: &[&str]) -> String {
    let items: Vec<String> = names
        .iter()
        .map(|name| format!(r#"{{"metadata":{{"name":"{name}","namespace":"a"}},"n":1.0}}"#))
        .collect();
    format!(
        r#"{{"kind":"PodList","apiVersion":"v1","metadata":{{"resourceVersion":"9"{metadata}}},"items":[{}]}}"#,
        items.join(",")
    )
}

fn total(page: &str, total: u64) -> String {
    format!("{},\"total\":{total}}}", page.strip_suffix('}').unwrap())
}

#[test]
fn a_page_in_the_servers_order_is_asked_for_by_its_end() {
    let world = World::new();
    let (mut exchange, host, _) =
        world.send_as_jeff("GET", &format!("{PODS}?pageSize=1&pageNum=2"));
    assert_eq!(
        host.request_header(":path").as_deref(),
        Some("/base/api/v1/namespaces/a/pods?pretty=false&limit=2")
    );
    assert_eq!(
        host.request_header("accept").as_deref(),
        Some("application/json")
    );
    let head = list(r#","continue":"x","remainingItemCount":5"#, &["a", "b"]);
    host.answer(&mut exchange, &JSON, &[head.as_bytes()]);
    assert_eq!(host.page(), total(&list("", &["b"]), 7));
    assert_eq!(
        host.reply_header("x-cubegate-list").as_deref(),
        Some("head")
    );
    assert!(host.asked().is_empty());
}

#[test]
fn a_short_list_is_whole_in_its_head() {
    let world = World::new();
    let (mut exchange, host, _) = world.send_as_jeff("GET", PODS);
    host.answer(&mut exchange, &JSON, &[list("", &["a", "b"]).as_bytes()]);
    assert_eq!(host.page(), total(&list("", &["a", "b"]), 2));
}

#[test]
fn the_total_alone_takes_one_object() {
    let world = World::new();
    let (mut exchange, host, _) = world.send_as_jeff("GET", &format!("{PODS}?pageSize=0"));
    assert!(host.request_header(":path").unwrap().ends_with("&limit=1"));
    let head = list(r#","continue":"x","remainingItemCount":41"#, &["a"]);
    host.answer(&mut exchange, &JSON, &[head.as_bytes()]);
    assert_eq!(host.page(), total(&list("", &[]), 42));
}

#[test]
fn everything_else_is_asked_for_whole() {
    let world = World::new();
    let (mut exchange, host, _) = world.send_as_jeff("GET", &format!("{PODS}?sortOrder=desc"));
    assert_eq!(
        host.request_header(":path").as_deref(),
        Some("/base/api/v1/namespaces/a/pods?pretty=false")
    );
    host.answer(&mut exchange, &JSON, &[list("", &["a", "b"]).as_bytes()]);
    assert_eq!(host.page(), total(&list("", &["b", "a"]), 2));
    assert_eq!(
        host.reply_header("x-cubegate-list").as_deref(),
        Some("plain")
    );
}

#[test]
fn an_error_answer_to_a_head_is_the_clients() {
    let world = World::new();
    let (mut exchange, host, _) = world.send_as_jeff("GET", PODS);
    let head = [(":status", "403"), ("content-type", "application/json")];
    let status = br#"{"kind":"Status","code":403}"#;
    assert_eq!(host.answer(&mut exchange, &head, &[status]), status);
    assert!(host.reply.borrow().is_none());
}

#[test]
fn a_list_that_was_large_is_read_by_its_keys_the_next_time() {
    let world = World::with_limits(r#"{"metadata_first_bytes":100}"#);
    let query = format!("{PODS}?sortOrder=desc");
    let accept = |world: &World| {
        let (mut exchange, host, _) = world.send_as_jeff("GET", &query);
        let accept = host.request_header("accept").unwrap();
        (
            host.answer(&mut exchange, &JSON, &[list("", &["a", "b"]).as_bytes()]),
            accept,
        )
            .1
    };
    assert_eq!(accept(&world), "application/json");
    assert_eq!(
        accept(&world),
        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
    );
    // Its metadata turned out to be all of it.
    assert_eq!(accept(&world), "application/json");
    let never = World::with_limits(r#"{"metadata_first_bytes":0}"#);
    accept(&never);
    assert_eq!(accept(&never), "application/json");
}

#[test]
fn what_was_learned_outlives_a_push_of_configuration() {
    let world = World::new();
    world
        .gateway
        .answers
        .learned
        .learn("cluster/p/x", |lesson| lesson.bytes = 7);
    let document = r#"{"version":1,"tokens":{"ed25519":{"issuer":"cubegate","keys":{}}}}"#;
    let pushed = world.compile(document);
    assert_eq!(
        pushed
            .map(|gateway| gateway.answers.learned.of("cluster/p/x").bytes)
            .ok(),
        Some(7)
    );
}
