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
    for (status, expected) in [
        ("", 502),
        ("503", 502),
        ("504", 504),
        ("302", 502),
        ("401", 502),
    ] {
        let (code, body) = fail(status, &cube);
        assert_eq!(code, expected, "{status}");
        assert!(
            body.starts_with(&format!(r#"{{"code":{expected},"message":"The "#)),
            "{body}"
        );
    }
    let (code, body) = fail("503", &format!("{KUBE_PODS}?sortOrder=desc"));
    assert_eq!(code, 502);
    assert!(body.starts_with(r#"{"kind":"Status""#), "{body}");
}

#[test]
fn a_refusal_in_the_second_round_is_the_clients_as_it_came() {
    for (status, why) in [
        (403, "jeff may not"),
        (429, "slow down"),
        (500, "etcd"),
        (503, "away"),
    ] {
        let body = format!(
            r#"{{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":"{why}","reason":"Odd","details":{{"retryAfterSeconds":7}},"code":{status}}}"#
        );
        let refused = [
            (":status", &*status.to_string()),
            ("content-type", "application/json"),
            ("retry-after", "7"),
            ("server", "x"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let sent: Vec<(&str, &str)> = refused
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        let world = World::new();
        let sorted = |family: &str| {
            by_keys(
                &world,
                &format!("{family}?sortOrder=desc"),
                &keys(&["a", "b"]),
            )
        };
        for (family, (mut exchange, host)) in [
            (PODS, sorted(PODS)),
            (PODS, uncounted(&world, PAGE_SIZE)),
            (KUBE_PODS, sorted(KUBE_PODS)),
        ] {
            host.answer_call_with(&mut exchange, 0, &sent, &body);
            let reply = host.reply.take().unwrap();
            assert_eq!(reply.status, status, "{family}");
            let after = reply.headers.iter().find(|(name, _)| name == "retry-after");
            assert_eq!(after.map(|(_, value)| &**value), Some("7"));
            let expected = match family {
                PODS => format!(r#"{{"code":{status},"message":"{why}"}}"#),
                _ => body.clone(),
            };
            assert_eq!(String::from_utf8(reply.body).unwrap(), expected);
        }
        assert_eq!(world.gateway.answers.memory.held(), 0);
    }
}

#[test]
fn what_stands_before_an_api_server_may_refuse_too() {
    for (status, more, expected) in [
        ("429", None, 429),
        ("500", None, 500),
        ("503", Some(("retry-after", "1")), 503),
        // It may as well be the proxy's word on a connection that failed.
        ("503", None, 502),
    ] {
        let world = World::new();
        let path = format!("{KUBE_PODS}?sortOrder=desc");
        let (mut exchange, host) = by_keys(&world, &path, &keys(&["a"]));
        let mut sent = vec![(":status", status), ("content-type", "text/plain")];
        sent.extend(more);
        host.answer_call_with(&mut exchange, 0, &sent, "tired");
        let (found, body) = host.refusal();
        assert_eq!(found, expected, "{status}");
        assert!(body.starts_with(r#"{"kind":"Status""#), "{body}");
    }
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
        let large = |name| {
            let more = format!(r#""n":"{}""#, "x".repeat(12_000));
            list("", &[name]).replace(r#""n":1.0"#, &more)
        };
        host.answer_call(&mut exchange, 1, "200", &large("a"));
        assert!(host.reply.borrow().is_none(), "{limits}");
        host.answer_call(&mut exchange, 0, "200", &large("b"));
        assert_eq!(host.refusal().0, status);
        assert_eq!(world.gateway.answers.memory.held(), 0);
    };
    limits(r#"{"max_worker_bytes":20000}"#, 507);
    limits(r#"{"list":{"max_page_bytes":20000}}"#, 507);
}

#[test]
fn what_is_fetched_counts_as_far_as_it_is_on_the_page() {
    let world = World::with_limits(r#"{"list":{"max_page_bytes":20000}}"#);
    let path = format!("{PODS}?sortOrder=desc&strip=a.n");
    let names: Vec<String> = (10..20).map(|n| format!("p-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (mut exchange, host) = by_keys(&world, &path, &keys(&names));
    let begun = world.gateway.answers.memory.held();
    let more = format!(r#""a":{{"n":"{}"}}"#, "x".repeat(12_000));
    for number in 0..10 {
        let kept = world.gateway.answers.memory.held();
        assert!(kept < begun + number as usize * 200 + 1, "{kept}");
        let name = format!("p-{}", 19 - number);
        let object = list("", &[&name]).replace(r#""n":1.0"#, &more);
        host.answer_call(&mut exchange, number, "200", &object);
    }
    assert!(host.page().ends_with(r#""total":10}"#));
}

#[test]
fn an_object_of_which_too_much_is_asked_is_refused_when_it_comes() {
    let world = World::new();
    let fields: Vec<String> = (0..64).map(|n| format!("data.x{n}")).collect();
    let path = format!("{PODS}?sortOrder=desc&fields={}", fields.join(","));
    let (mut exchange, host) = by_keys(&world, &path, &keys(&["a", "b"]));
    let members: Vec<String> = (0..100_000).map(|n| format!(r#""k{n}":1"#)).collect();
    let data = format!(r#""data":{{{}}}"#, members.join(","));
    let object = list("", &["b"]).replace(r#""n":1.0"#, &data);
    host.answer_call(&mut exchange, 0, "200", &object);
    let (status, message) = host.refusal();
    assert_eq!(status, 400);
    assert!(message.contains("too much work"), "{message}");
    assert_eq!(world.gateway.answers.memory.held(), 0);
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
