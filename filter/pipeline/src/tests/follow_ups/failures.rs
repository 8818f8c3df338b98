//! Calls that fail, and bounds that hold for all of a page's calls together.

use super::*;

#[test]
fn a_call_that_fails_is_a_clear_502_in_the_familys_shape() {
    let fail = |status: &str, path: &str| {
        let world = World::new();
        let (mut exchange, host) = by_keys(&world, path, &keys(&["a", "b"]));
        match status {
            "" => exchange.on_call_response(&host, FIRST_TOKEN, false, 0),
            status => host.answer_call(&mut exchange, 0, status, "upstream connect error"),
        }
        // The other answer comes too late to matter.
        host.answer_call(&mut exchange, 1, "200", &list("", &["a"]));
        assert_eq!(world.gateway.answers.memory.held(), 0);
        host.refusal()
    };
    let cube = format!("{PODS}?sortOrder=desc");
    for (status, expected) in [("", 502), ("503", 502), ("504", 504), ("403", 502)] {
        let (code, body) = fail(status, &cube);
        assert_eq!(code, expected, "{status}");
        assert!(
            body.starts_with(&format!(r#"{{"code":{expected},"message":"The API"#)),
            "{body}"
        );
    }
    let (code, body) = fail("503", &format!("{KUBE_PODS}?sortOrder=desc"));
    assert_eq!(code, 502);
    assert!(body.starts_with(r#"{"kind":"Status""#), "{body}");
}

#[test]
fn a_fetched_body_that_is_no_list_is_a_502() {
    for body in ["{}", "[", "", r#"{"items":[{"a":}]}"#] {
        let world = World::new();
        let (mut exchange, host) =
            by_keys(&world, &format!("{PODS}?sortOrder=desc"), &keys(&["a"]));
        host.answer_call(&mut exchange, 0, "200", body);
        assert_eq!(host.refusal().0, 502, "{body}");
    }
}

#[test]
fn a_cluster_that_is_gone_meanwhile_is_a_502() {
    let world = World::new();
    let (mut exchange, host, _) = world.send_as_jeff("GET", PODS);
    host.unreachable.set(true);
    let head = list(r#","continue":"t""#, &["a"]);
    host.answer(&mut exchange, &JSON, &[head.as_bytes(), b""]);
    assert_eq!(host.refusal().0, 502);
    assert_eq!(world.gateway.answers.memory.held(), 0);
}

#[test]
fn all_calls_of_a_page_share_a_minute() {
    let world = World::new();
    let (mut exchange, host) = uncounted(&world, PAGE_SIZE);
    assert_eq!(host.calls.borrow()[0].timeout.as_secs(), 30);
    host.late.set(50);
    host.answer_call(&mut exchange, 0, "200", &list(r#","continue":"u""#, &["b"]));
    assert_eq!(host.calls.borrow()[1].timeout.as_secs(), 10);
    host.late.set(60);
    host.answer_call(&mut exchange, 1, "200", &list(r#","continue":"v""#, &["c"]));
    assert_eq!(host.refusal().0, 504);
}

#[test]
fn what_is_fetched_counts_against_the_workers_memory_and_the_pages() {
    let limits = |limits: &str, status: u16| {
        let world = World::with_limits(limits);
        let path = format!("{PODS}?sortOrder=desc");
        let (mut exchange, host) = by_keys(&world, &path, &keys(&["a", "b"]));
        assert!(host.reply.borrow().is_none());
        host.answer_call(&mut exchange, 0, "200", &list("", &[&"x".repeat(20_000)]));
        assert_eq!(host.refusal().0, status);
        assert_eq!(world.gateway.answers.memory.held(), 0);
    };
    limits(r#"{"max_worker_bytes":20000}"#, 507);
    limits(r#"{"max_page_bytes":20000}"#, 507);
}

#[test]
fn the_plain_way_hands_on_what_is_no_page() {
    for (status, body) in [
        ("403", r#"{"kind":"Status","code":403}"#),
        ("200", r#"{"items":null}"#),
    ] {
        let world = World::new();
        let (mut exchange, host, _) = world.send_as_jeff("GET", PODS);
        host.answer(&mut exchange, &JSON, &[br#"{"items":null}"#]);
        host.answer_call(&mut exchange, 0, status, body);
        let reply = host.reply.take().unwrap();
        assert_eq!(reply.status.to_string(), status);
        assert_eq!(reply.body, body.as_bytes());
    }
    let world = World::new();
    let (mut exchange, host, _) = world.send_as_jeff("GET", PODS);
    host.answer(&mut exchange, &JSON, &[br#"{"items":null}"#]);
    host.answer_call(&mut exchange, 0, "503", "x");
    assert_eq!(host.refusal().0, 502);
}

#[test]
fn more_of_an_answer_that_is_not_read_is_dropped() {
    let world = World::new();
    let (mut exchange, host, _) = world.send_as_jeff("GET", PODS);
    host.response.replace(headers(&JSON));
    exchange.on_response_headers(&host, false);
    for chunk in [&br#"{"items":null}"#[..], b"more", b""] {
        host.chunk.replace(chunk.to_vec());
        assert_eq!(
            exchange.on_response_body(&host, chunk.len(), false),
            Flow::Pause
        );
        assert_eq!(*host.chunk.borrow(), b"");
    }
    assert_eq!(exchange.on_response_trailers(&host), Flow::Pause);
    assert_eq!(host.asked().len(), 1);
    host.answer_call(&mut exchange, 0, "200", &list("", &["a"]));
    assert!(host.page().ends_with(r#""total":1}"#));
}
