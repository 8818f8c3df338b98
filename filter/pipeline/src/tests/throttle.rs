//! Callers who ask too much.

use super::*;

const CUBE: &str = "/api/v1/cube/proxy/clusters/pivot-cluster/api/v1/nodes/n";
const KUBE: &str = "/clusters/pivot-cluster/api/v1/nodes/n";

#[test]
fn the_next_request_is_refused_in_the_shape_of_its_path() {
    let world = World::with_limits(r#"{"callers":{"requests_per_user":2,"burst_seconds":1}}"#);
    for _ in 0..2 {
        let (_, _, flow) = world.send_as_jeff("GET", CUBE);
        assert_eq!(flow, Flow::Continue);
    }
    let (_, host, flow) = world.send_as_jeff("GET", KUBE);
    assert_eq!(flow, Flow::Pause);
    let (status, body) = host.refusal();
    assert_eq!(status, 429);
    assert!(body.contains(r#""reason":"TooManyRequests""#), "{body}");
    assert!(
        body.contains(r#""details":{"retryAfterSeconds":1}"#),
        "{body}"
    );
    assert_eq!(host.reply_header("retry-after").as_deref(), Some("1"));
    let reason = host
        .note
        .borrow()
        .as_ref()
        .and_then(|note| note.reason.clone());
    assert!(reason.is_some_and(|reason| reason.contains("of this user")));

    let (_, host, _) = world.send_as_jeff("GET", CUBE);
    let (status, body) = host.refusal();
    assert_eq!(status, 429);
    assert!(
        body.starts_with(r#"{"code":429,"message":"Too many requests"#),
        "{body}"
    );
    // Who has no good token has no account, and takes nothing from anybody's.
    let (_, host, _) = world.send("GET", CUBE, &[("authorization", "Bearer a.b.c")]);
    assert_eq!(host.refusal().0, 401);
    let ann = format!("Bearer {}", world.token("ann", &[]));
    let (_, _, flow) = world.send("GET", CUBE, &[("authorization", &ann)]);
    assert_eq!(flow, Flow::Continue);
}

#[test]
fn what_is_open_counts_until_its_stream_ends_also_across_pushes() {
    let world = World::with_limits(r#"{"callers":{"concurrent_per_user":2}}"#);
    let watch = format!("{KUBE}?watch=true");
    let first = world.send_as_jeff("GET", &watch);
    let world = world.push("cors_origins", "[]");
    let second = world.send_as_jeff("GET", &watch);
    let (_, host, _) = world.send_as_jeff("GET", CUBE);
    assert_eq!(host.refusal().0, 429);
    drop(first);
    let (exchange, _, flow) = world.send_as_jeff("GET", CUBE);
    assert_eq!(flow, Flow::Continue);
    drop((exchange, second));
    assert_eq!(world.gateway.throttle.open("user jeff"), Some(0));
}

#[test]
fn a_refused_request_is_not_open() {
    let world = World::with_limits(r#"{"callers":{"concurrent_per_user":1}}"#);
    for _ in 0..3 {
        let (exchange, host, _) = world.send_as_jeff("GET", "/clusters/none/api/v1/pods");
        assert_eq!(host.refusal().0, 404);
        drop(exchange);
    }
    let (_, _, flow) = world.send_as_jeff("GET", CUBE);
    assert_eq!(flow, Flow::Continue);
}

#[test]
fn a_list_is_billed_by_what_is_read_for_it() {
    let world = World::with_limits(r#"{"callers":{"requests_per_user":10,"burst_seconds":1}}"#);
    let list = "/api/v1/cube/proxy/clusters/pivot-cluster/api/v1/pods";
    let (mut exchange, host, _) = world.send_as_jeff("GET", list);
    let item = format!(r#"{{"metadata":{{"name":"{}"}}}},"#, "x".repeat(1 << 20));
    let begin = br#"{"kind":"PodList","items":["#.to_vec();
    let mut chunks = vec![begin];
    chunks.extend((0..8).map(|_| item.clone().into_bytes()));
    let chunks: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
    host.answer(
        &mut exchange,
        &[(":status", "200"), ("content-type", "application/json")],
        &chunks,
    );
    drop(exchange);
    // 8 MiB are 32 requests: three seconds' worth, and one is there after one more.
    let (_, host, _) = world.send_as_jeff("GET", list);
    assert_eq!(host.refusal().0, 429);
    let after: u64 = host.reply_header("retry-after").unwrap().parse().unwrap();
    assert!((2..=4).contains(&after), "{after}");
}

#[test]
fn a_page_counts_on_after_its_stream_unless_the_connection_ended_with_it() {
    let world = World::with_limits(r#"{"max_unsent_bytes":4000000}"#);
    let nodes = "/api/v1/cube/proxy/clusters/pivot-cluster/api/v1/nodes";
    let list = format!(
        r#"{{"kind":"NodeList","items":[{{"a":"{}"}}]}}"#,
        "x".repeat(1_500_000)
    );
    let ask = || {
        let (mut exchange, host, _) = world.send_as_jeff("GET", nodes);
        let json = [(":status", "200"), ("content-type", "application/json")];
        host.answer(&mut exchange, &json, &[list.as_bytes()]);
        let status = host.reply.borrow().as_ref().map(|reply| reply.status);
        (exchange, host, status)
    };
    let (mut first, host, status) = ask();
    assert_eq!(status, Some(200));
    assert_eq!(ask().2, Some(429), "it is on its way");
    host.connection_gone.set(true);
    first.on_done(&host);
    drop(first);

    let (mut second, host, status) = ask();
    assert_eq!(status, Some(200));
    second.on_done(&host);
    drop(second);
    assert_eq!(ask().2, Some(429), "it may lie in the connection");
}
