//! What goes on for long: what it keeps, and when it must end.

use super::*;

const WATCH: &str = "/clusters/pivot-cluster/api/v1/pods?watch=true";

/// An open watch with this number, on a token that says this.
fn watch(world: &World, stream: u32, claims: &Claims) -> Exchange {
    let bearer = format!("Bearer {}", world.sign(claims));
    open(world, stream, WATCH, &[("authorization", &bearer)])
}

fn open(world: &World, stream: u32, path: &str, more: &[(&str, &str)]) -> Exchange {
    let host = MockHost::default();
    host.stream.set(stream);
    let (mut exchange, flow) = world.send_on(&host, "GET", path, more);
    assert_eq!(flow, Flow::Continue);
    host.response.replace(headers(&[(":status", "200")]));
    exchange.on_response_headers(&host, false);
    exchange
}

fn overdue(world: &World, late: u64) -> Vec<u32> {
    let mut streams = world.gateway.overdue_streams(NOW + late, NOW + late);
    streams.sort_unstable();
    streams
}

#[test]
fn an_open_watch_keeps_nothing_of_its_configuration() {
    let world = World::new();
    let watching = watch(&world, 1, &claims("jeff", &[]));
    let gateway = Rc::downgrade(&world.gateway);
    drop(world);
    assert!(gateway.upgrade().is_none());
    drop(watching);
}

#[test]
fn so_does_an_exchange_that_was_refused_or_went_to_the_control_plane() {
    let world = World::new();
    let refused = world.send("GET", "/api/v1/cube/proxy/clusters/none/version", &[]);
    let login = world.send("POST", "/api/v1/cube/login", &[]);
    let gateway = Rc::downgrade(&world.gateway);
    drop(world);
    assert!(gateway.upgrade().is_none());
    drop((refused, login));
}

#[test]
fn configurations_share_what_is_the_same_in_both() {
    let world = World::new();
    let pushed = world.push("host_cluster", r#""pivot-cluster""#);
    assert!(Rc::ptr_eq(&world.gateway.answers, &pushed.gateway.answers));
    let origins = world.push("cors_origins", r#"["https://a.example"]"#);
    assert!(!Rc::ptr_eq(
        &world.gateway.answers,
        &origins.gateway.answers
    ));
    assert!(origins.gateway.answers.know_origins);
}

#[test]
fn without_a_configuration_a_request_is_refused_in_its_shape() {
    for (path, shape) in [
        ("/api/v1/cube/proxy/clusters/a/version", r#"{"code":503,"#),
        ("/clusters/a/version", r#"{"kind":"Status""#),
    ] {
        let host = MockHost::default();
        host.request
            .replace(headers(&[(":method", "GET"), (":path", path)]));
        let mut exchange = Exchange::new(None, &Meters::default());
        assert_eq!(exchange.on_request_headers(&host, true), Flow::Pause);
        let (status, body) = host.refusal();
        assert_eq!(status, 503);
        assert!(body.starts_with(shape), "{body}");
    }
}

#[test]
fn a_stream_is_over_when_its_token_was_taken_back_and_no_other_is() {
    let world = World::new();
    let of_key = Claims {
        access_key: Some("key-1".to_owned()),
        key_epoch: Some(1),
        ..claims("bob", &[])
    };
    let of_session = Claims {
        epoch: Some(1),
        session: Some("session-1".to_owned()),
        generation: Some(1),
        id: Some("id-1".to_owned()),
        ..claims("jeff", &[])
    };
    let mut streams = vec![watch(&world, 1, &of_key), watch(&world, 2, &of_session)];
    let socket = [
        (
            "authorization",
            format!("Bearer {}", world.sign(&of_session)),
        ),
        ("upgrade", "websocket".to_owned()),
        ("connection", "upgrade".to_owned()),
    ];
    let socket = socket
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let exec = "/clusters/pivot-cluster/api/v1/namespaces/a/pods/p/exec";
    streams.push(open(&world, 3, exec, &socket));
    assert_eq!(overdue(&world, 0), [0_u32; 0]);
    type Change = fn(&mut Epochs, &mut Sessions);
    let changes: [(&str, Change, &[u32]); 5] = [
        ("user", |epochs, _| epochs.raise_user("jeff", 2), &[2, 3]),
        ("another", |epochs, _| epochs.raise_user("ann", 2), &[]),
        ("key", |epochs, _| epochs.raise_key("key-1", 2), &[1]),
        (
            "session",
            |_, sessions| sessions.raise_session("session-1", 2, 0),
            &[2, 3],
        ),
        (
            "token",
            |_, sessions| sessions.add_token("id-1", 0),
            &[2, 3],
        ),
    ];
    for (what, change, ended) in changes {
        world.refuse(change);
        assert_eq!(overdue(&world, 0), ended, "{what}");
    }
    // What has ended is forgotten, and the rest is known to a new configuration.
    streams.remove(1);
    world.refuse(|epochs, _| epochs.raise_user("jeff", 2));
    let pushed = world.push("host_cluster", r#""pivot-cluster""#);
    assert_eq!(overdue(&pushed, 0), [3]);
    drop(streams);
    assert_eq!(world.gateway.streams.count(), 0);
}

#[test]
fn a_stream_is_over_when_its_token_is_or_when_it_has_lasted_as_long_as_it_may() {
    let world = World::with_limits(r#"{"max_stream_seconds":600}"#);
    let short = Claims {
        expires_at: NOW + 60,
        ..claims("jeff", &[])
    };
    let streams = [
        watch(&world, 1, &short),
        watch(&world, 2, &claims("jeff", &[])),
    ];
    // As long as the token would be taken for a new request.
    assert_eq!(overdue(&world, 89), [0_u32; 0]);
    assert_eq!(overdue(&world, 90), [1]);
    assert_eq!(overdue(&world, 599), [1]);
    assert_eq!(overdue(&world, 600), [1, 2]);
    drop(streams);
}

#[test]
fn a_short_request_is_left_to_its_own_time() {
    let world = World::new();
    let (exchange, _, _) = world.send_as_jeff("GET", "/clusters/pivot-cluster/api/v1/pods");
    assert_eq!(world.gateway.streams.count(), 0);
    drop(exchange);
}
