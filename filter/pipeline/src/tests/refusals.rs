//! Refusals of requests whose bodies are still to come.

use super::*;

const PATH: &str = "/clusters/pivot-cluster/api/v1/namespaces/a/configmaps";

/// Sends the head of a request with a bad token whose body is still to come.
fn begin(world: &World, more: &[(&str, &str)]) -> (Exchange, MockHost) {
    let host = MockHost::default();
    let mut request = headers(&[
        (":method", "POST"),
        (":path", PATH),
        ("authorization", "Bearer x"),
    ]);
    for (name, value) in more {
        request.set(name, *value);
    }
    host.request.replace(request);
    let mut exchange = Exchange::new(Some(Rc::clone(&world.gateway)), &Meters::default());
    assert_eq!(exchange.on_request_headers(&host, false), Flow::Pause);
    (exchange, host)
}

/// More of the body is there.
fn chunk(exchange: &mut Exchange, host: &MockHost, size: usize, last: bool) {
    host.request_body.replace(vec![b'a'; size]);
    assert_eq!(exchange.on_request_body(host, size, last), Flow::Pause);
    assert!(host.request_body.borrow().is_empty(), "a chunk is held");
}

fn waits(host: &MockHost) -> bool {
    host.reply.borrow().is_none()
}

#[test]
fn a_refusal_comes_when_the_body_has_ended_and_nothing_of_that_is_held() {
    let world = World::new();
    for sizes in [&[2][..], &[0], &[9_000, 9_000, 0]] {
        let (mut exchange, host) = begin(&world, &[]);
        for (at, size) in sizes.iter().enumerate() {
            assert!(waits(&host));
            chunk(&mut exchange, &host, *size, at + 1 == sizes.len());
        }
        let (status, body) = host.refusal();
        assert_eq!(status, 401, "{body}");
        assert!(body.starts_with(r#"{"kind":"Status""#), "{body}");
        assert_eq!(world.gateway.answers.refusals.count(), 0);
        // It comes back through the response callbacks.
        host.local_answer.set(true);
        host.response.replace(headers(&[(":status", "401")]));
        assert_eq!(exchange.on_response_headers(&host, false), Flow::Continue);
        assert_eq!(exchange.on_response_body(&host, 9, true), Flow::Continue);
    }
}

#[test]
fn a_refusal_comes_with_the_trailers_of_its_request() {
    let world = World::new();
    let (mut exchange, host) = begin(&world, &[]);
    chunk(&mut exchange, &host, 2, false);
    assert_eq!(exchange.on_request_trailers(&host), Flow::Pause);
    assert_eq!(host.refusal().0, 401);
}

#[test]
fn a_refusal_does_not_wait_for_a_body_that_is_long_or_never_comes() {
    let world = World::new();
    let long = "a".repeat(64 << 10);
    for head in [
        &[("content-length", "1048577")][..],
        &[("x-long", &long)],
        &[("expect", "100-continue")],
        &[("upgrade", "websocket"), ("connection", "upgrade")],
        &[(":method", "CONNECT")],
    ] {
        let (_, host) = begin(&world, head);
        assert!(!waits(&host), "{head:?}");
    }
    let (mut exchange, host) = begin(&world, &[("content-length", "1048576")]);
    chunk(&mut exchange, &host, 1 << 20, false);
    assert!(waits(&host));
    chunk(&mut exchange, &host, 1, false);
    assert_eq!(host.refusal().0, 401);
}

#[test]
fn chunks_over_http_1_0_are_refused_before_they_end() {
    let world = World::new();
    let bearer = format!("Bearer {}", world.token("jeff", &[]));
    for (head, refused) in [
        (&[][..], true),
        (&[("upgrade", "websocket")], true),
        (&[("content-length", "2")], false),
    ] {
        let host = MockHost::default();
        host.http_1_0.set(true);
        let mut request = headers(&[
            (":method", "POST"),
            (":path", PATH),
            ("authorization", &bearer),
        ]);
        for (name, value) in head {
            request.set(name, *value);
        }
        host.request.replace(request);
        let mut exchange = Exchange::new(Some(Rc::clone(&world.gateway)), &Meters::default());
        let flow = exchange.on_request_headers(&host, false);
        assert_eq!(flow == Flow::Pause, refused, "{head:?}");
        if refused {
            assert_eq!(host.refusal().0, 400);
        }
    }
}

#[test]
fn a_refusal_waits_three_seconds_for_a_slow_body() {
    let world = World::new();
    let (mut exchange, host) = begin(&world, &[]);
    chunk(&mut exchange, &host, 1, false);
    assert!(world.gateway.take_overdue_refusals(NOW + 2).is_empty());
    // A push changes nothing about it.
    let pushed = world.push("cors_origins", r#"["https://a.example"]"#);
    let taken = pushed.gateway.take_overdue_refusals(NOW + 3);
    let [(stream, reply)] = taken.as_slice() else {
        panic!("{taken:?}");
    };
    assert_eq!((*stream, reply.status), (0, 401));
    // Whoever took it gives it.
    chunk(&mut exchange, &host, 1, true);
    assert!(waits(&host));
    host.local_answer.set(true);
    host.response.replace(headers(&[(":status", "401")]));
    assert_eq!(exchange.on_response_headers(&host, false), Flow::Continue);
    assert_eq!(host.answer_of_proxy(&mut exchange), b"theirs");
}

#[test]
fn what_waits_to_be_refused_is_not_open() {
    let world = World::with_limits(r#"{"callers":{"concurrent_per_user":1}}"#);
    let bearer = format!("Bearer {}", world.token("jeff", &[]));
    let nowhere = [
        (":path", "/clusters/none/version"),
        ("authorization", &bearer),
    ];
    let (_exchange, host) = begin(&world, &nowhere);
    assert!(waits(&host));
    assert_eq!(world.gateway.throttle.open("user jeff"), Some(0));
}

#[test]
fn a_refusal_ends_with_its_stream() {
    let world = World::new();
    let (exchange, _) = begin(&world, &[]);
    assert_eq!(world.gateway.answers.refusals.count(), 1);
    drop(exchange);
    assert!(world.gateway.take_overdue_refusals(u64::MAX).is_empty());
}

#[test]
fn a_refusal_takes_the_place_of_what_the_proxy_says_meanwhile() {
    let world = World::new();
    let (mut exchange, host) = begin(&world, &[]);
    host.local_answer.set(true);
    host.response
        .replace(headers(&[(":status", "408"), ("content-length", "6")]));
    assert_eq!(exchange.on_response_headers(&host, false), Flow::Continue);
    let body = host.answer_of_proxy(&mut exchange);
    assert!(body.starts_with(br#"{"kind":"Status""#));
    let head = host.response.borrow();
    assert_eq!(head.get_str(":status"), Some("401"));
    assert_eq!(head.get_str("content-type"), Some("application/json"));
    let length = head.get_str("content-length");
    assert_eq!(length, Some(body.len().to_string().as_str()));
    assert!(waits(&host));
}

#[test]
fn what_is_refused_after_it_was_held_waits_for_its_body_too() {
    let world = World::new();
    // A name and a password, which nobody has redeemed yet.
    let (mut exchange, host) = begin(&world, &[("authorization", "Basic amVmZjpzZWNyZXQ=")]);
    host.answer_call(&mut exchange, 0, "401", "{}");
    assert!(waits(&host));
    chunk(&mut exchange, &host, 2, true);
    assert_eq!(host.refusal().0, 401);

    let (mut exchange, host) = begin(&world, &[("authorization", "Basic amVmZjpzZWNyZXQ=")]);
    assert_eq!(exchange.on_request_body(&host, 2, true), Flow::Pause);
    host.answer_call(&mut exchange, 0, "401", "{}");
    assert_eq!(host.refusal().0, 401);
}

impl MockHost {
    /// Lets the body of an answer of the proxy's own pass, and returns what the client got.
    fn answer_of_proxy(&self, exchange: &mut Exchange) -> Vec<u8> {
        self.chunk.replace(b"theirs".to_vec());
        assert_eq!(exchange.on_response_body(self, 6, true), Flow::Continue);
        self.chunk.take()
    }
}
