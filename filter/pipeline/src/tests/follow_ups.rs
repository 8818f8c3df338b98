//! Pages that take more than one answer.

mod failures;
mod fetching;

use super::push_down::list;
use super::*;

const PODS: &str = "/api/v1/cube/proxy/clusters/pivot-cluster/api/v1/namespaces/a/pods";
const KUBE_PODS: &str = "/clusters/pivot-cluster/api/v1/pods";
const JSON: [(&str, &str); 2] = [(":status", "200"), ("content-type", "application/json")];
const PAGE_SIZE: &str = "?pageSize=1";

/// A page whose list the server has not counted.
fn uncounted(world: &World, query: &str) -> (Exchange, MockHost) {
    let (mut exchange, host, _) = world.send_as_jeff("GET", &format!("{PODS}{query}"));
    let head = list(r#","continue":"to/k=""#, &["a"]);
    host.answer(&mut exchange, &JSON, &[head.as_bytes(), b""]);
    assert!(host.reply.borrow().is_none());
    (exchange, host)
}

/// A page of a list that is read by its keys; these are they.
fn by_keys(world: &World, path: &str, keys: &str) -> (Exchange, MockHost) {
    for list in [
        "cluster/p/api/v1/pods?pretty=false",
        "cluster/p/api/v1/namespaces/a/pods?pretty=false",
    ] {
        world
            .gateway
            .answers
            .learned
            .learn(list, |lesson| lesson.bytes = 1 << 30);
    }
    let (mut exchange, host, _) = world.send_as_jeff("GET", path);
    let accept = host.request_header("accept").unwrap();
    assert!(accept.contains("PartialObjectMetadataList"), "{accept}");
    host.answer(&mut exchange, &JSON, &[keys.as_bytes(), b""]);
    (exchange, host)
}

fn keys(names: &[&str]) -> String {
    list("", names)
        .replace("PodList", "PartialObjectMetadataList")
        .replace(r#","n":1.0"#, "")
}

#[test]
fn an_uncounted_list_is_counted_by_metadata_alone() {
    let world = World::new();
    let (mut exchange, host) = uncounted(&world, PAGE_SIZE);
    assert_eq!(
        host.asked(),
        ["/base/api/v1/namespaces/a/pods?limit=500&continue=to%2Fk%3D&pretty=false"]
    );
    let accept = host.calls.borrow()[0]
        .headers
        .get_str("accept")
        .map(str::to_owned);
    assert!(accept.unwrap().contains("PartialObjectMetadataList"));

    host.answer_call(
        &mut exchange,
        0,
        "200",
        &list(r#","continue":"u""#, &["b", "c"]),
    );
    assert!(host.reply.borrow().is_none());
    assert!(host.asked()[1].contains("&continue=u&"));
    host.answer_call(&mut exchange, 1, "200", &list("", &["d"]));
    let page = host.page();
    assert!(page.ends_with(r#""n":1.0}],"total":4}"#), "{page}");
    assert!(!page.contains("to/k"), "{page}");
    assert_eq!(
        host.reply_header("x-cubegate-list").as_deref(),
        Some("head")
    );
    assert_eq!(world.gateway.answers.memory.held(), 0);
}

#[test]
fn a_chunk_that_counts_the_rest_ends_the_counting() {
    let world = World::new();
    let (mut exchange, host) = uncounted(&world, PAGE_SIZE);
    let chunk = list(r#","continue":"u","remainingItemCount":1000"#, &["b", "c"]);
    host.answer_call(&mut exchange, 0, "200", &chunk);
    assert!(host.page().ends_with(r#""total":1003}"#));
}

#[test]
fn calls_are_made_as_the_caller_and_carry_nothing_else_of_the_request() {
    let world = World::new();
    let bearer = format!("Bearer {}", world.token("jeff", &["dev"]));
    let request = [
        ("authorization", bearer.as_str()),
        (":scheme", "https"),
        ("cookie", "a=b"),
        ("x-remote-user", "root"),
        ("x-request-id", "r-1"),
        ("user-agent", "kubectl"),
        ("range", "bytes=0-1"),
        ("if-none-match", "x"),
        ("accept-encoding", "gzip"),
        ("x-custom", "1"),
    ];
    let (mut exchange, host, _) = world.send("GET", PODS, &request);
    let head = list(r#","continue":"t""#, &["a"]);
    host.answer(&mut exchange, &JSON, &[head.as_bytes(), b""]);
    let call = host.calls.borrow()[0].clone();
    assert_eq!(call.cluster, "cluster/p");
    let mut sent: Vec<(&str, &str)> = call
        .headers
        .iter()
        .filter(|(name, _)| !matches!(*name, ":path" | "accept"))
        .map(|(name, value)| (name, std::str::from_utf8(value).unwrap()))
        .collect();
    sent.sort_unstable();
    assert_eq!(
        sent,
        [
            (":authority", "10.0.0.1:6443"),
            (":method", "GET"),
            (":scheme", "https"),
            ("accept-encoding", "identity"),
            ("impersonate-group", "dev"),
            ("impersonate-group", "system:authenticated"),
            ("impersonate-user", "jeff"),
            ("user-agent", "kubectl"),
            ("x-request-id", "r-1"),
        ]
    );
}

#[test]
fn an_expired_token_leads_to_the_plain_way() {
    let world = World::new();
    let (mut exchange, host) = uncounted(&world, PAGE_SIZE);
    host.answer_call(&mut exchange, 0, "410", r#"{"kind":"Status","code":410}"#);
    assert_eq!(
        host.asked()[1],
        "/base/api/v1/namespaces/a/pods?pretty=false"
    );
    host.answer_call(&mut exchange, 1, "200", &list("", &["c", "b", "a"]));
    let page = host.page();
    assert!(page.ends_with(r#""total":3}"#), "{page}");
    assert!(page.contains(r#""name":"a""#) && !page.contains(r#""name":"b""#));
    assert_eq!(
        host.reply_header("x-cubegate-list").as_deref(),
        Some("plain")
    );
    // It may do better the next time.
    let (_, host, _) = world.send_as_jeff("GET", PODS);
    assert!(host.request_header(":path").unwrap().ends_with("&limit=10"));
}

#[test]
fn a_server_with_an_order_of_its_own_is_asked_plainly_now_and_from_now_on() {
    let world = World::new();
    let (mut exchange, host, _) = world.send_as_jeff("GET", &format!("{PODS}{PAGE_SIZE}"));
    let head = list(r#","continue":"t","remainingItemCount":1"#, &["b", "a"]);
    host.answer(&mut exchange, &JSON, &[head.as_bytes(), b""]);
    assert_eq!(
        host.asked(),
        ["/base/api/v1/namespaces/a/pods?pretty=false"]
    );
    host.answer_call(&mut exchange, 0, "200", &list("", &["b", "a", "c"]));
    assert!(host.page().contains(r#""name":"a""#));

    let (_, host, _) = world.send_as_jeff("GET", PODS);
    assert_eq!(
        host.request_header(":path").as_deref(),
        Some("/base/api/v1/namespaces/a/pods?pretty=false")
    );
}

#[test]
fn counting_ends_somewhere() {
    let world = World::new();
    let (mut exchange, host) = uncounted(&world, PAGE_SIZE);
    for number in 0..200 {
        let chunk = list(&format!(r#","continue":"t{number}""#), &["b"]);
        host.answer_call(&mut exchange, number, "200", &chunk);
    }
    assert_eq!(host.asked().len(), 201);
    assert!(!host.asked()[200].contains("continue"));

    let (mut exchange, host) = uncounted(&World::new(), PAGE_SIZE);
    host.answer_call(
        &mut exchange,
        0,
        "200",
        &list(r#","continue":"to/k=""#, &["b"]),
    );
    assert!(
        !host.asked()[1].contains("continue"),
        "the same token again"
    );
}
