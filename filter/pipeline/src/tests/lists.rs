//! What becomes of an answer.

use super::*;

const LIST: &str = "/api/v1/cube/proxy/clusters/pivot-cluster/api/v1/pods?pageSize=1";
const JSON: [(&str, &str); 4] = [
    (":status", "200"),
    ("content-type", "application/json"),
    ("audit-id", "a-1"),
    ("transfer-encoding", "chunked"),
];
const BODY: &[u8] = br#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":[{"metadata":{"name":"b"},"n":1.0},{"metadata":{"name":"a"},"n":9007199254740993}]}"#;
const PAGE: &[u8] = br#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":[{"metadata":{"name":"a"},"n":9007199254740993}],"total":2}"#;

#[test]
fn a_list_in_any_two_pieces_is_the_same_page() {
    let world = World::new();
    for at in 0..BODY.len() {
        let (mut exchange, host, _) = world.send_as_jeff("GET", LIST);
        let (left, right) = BODY.split_at(at);
        let page = host.answer(&mut exchange, &JSON, &[left, right, b""]);
        assert_eq!(page, PAGE, "{}", String::from_utf8_lossy(&page));
    }
    assert_eq!(world.gateway.answers.memory.held(), 0);
}

#[test]
fn the_page_keeps_the_upstreams_headers_but_not_its_framing() {
    let world = World::new();
    let (mut exchange, host, _) = world.send_as_jeff("GET", LIST);
    host.answer(&mut exchange, &JSON, &[BODY]);
    let reply = host.reply.take().unwrap();
    assert_eq!(reply.status, 200);
    let names: Vec<_> = reply
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["content-type", "audit-id", "x-cubegate-list"]);
}

#[test]
fn what_is_no_list_goes_out_byte_for_byte() {
    let world = World::new();
    for body in [
        br#"{"kind":"Pod","metadata":{"name":"solo"},"spec":{"n":9007199254740993,"f":1.0}}"#
            .as_slice(),
        br#"{"items":0,"kind":"PodList"}"#,
        b"[1,2,3]",
    ] {
        for at in 0..body.len() {
            let (mut exchange, host, _) = world.send_as_jeff("GET", LIST);
            let (left, right) = body.split_at(at);
            assert_eq!(host.answer(&mut exchange, &JSON, &[left, right]), body);
            assert!(host.reply.borrow().is_none());
        }
    }
}

#[test]
fn other_answers_are_not_touched() {
    let world = World::new();
    for head in [
        [(":status", "404"), ("content-type", "application/json")],
        [(":status", "200"), ("content-type", "text/plain")],
    ] {
        let (mut exchange, host, _) = world.send_as_jeff("GET", LIST);
        assert_eq!(host.answer(&mut exchange, &head, &[BODY]), BODY);
        assert!(host.reply.borrow().is_none());
    }
}

#[test]
fn a_broken_list_is_a_clear_502_and_never_half_a_list() {
    let world = World::new();
    let truncated = &BODY[..BODY.len() - 2];
    for body in [truncated, br#"{"items":[{"a":}]}"#, br#"{"items":[{},]}"#] {
        let (mut exchange, host, _) = world.send_as_jeff("GET", LIST);
        host.answer(&mut exchange, &JSON, &[body, b""]);
        let (status, text) = host.refusal();
        assert_eq!(status, 502);
        assert!(text.starts_with(r#"{"code":502,"message":""#), "{text}");
    }
    assert_eq!(world.gateway.answers.memory.held(), 0);
}

#[test]
fn a_list_that_ends_with_trailers_is_a_page_too() {
    let world = World::new();
    let (mut exchange, host, _) = world.send_as_jeff("GET", LIST);
    host.response.replace(headers(&JSON));
    exchange.on_response_headers(&host, false);
    host.chunk.replace(BODY.to_vec());
    assert_eq!(
        exchange.on_response_body(&host, BODY.len(), false),
        Flow::Pause
    );
    assert_eq!(exchange.on_response_trailers(&host), Flow::Pause);
    assert_eq!(host.reply.borrow().as_ref().unwrap().body, PAGE);
}

#[test]
fn an_encoding_that_was_not_asked_for_is_a_502() {
    let world = World::new();
    let head = [
        (":status", "200"),
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
    ];
    let (mut exchange, host, _) = world.send_as_jeff("GET", LIST);
    host.answer(&mut exchange, &head, &[b"x"]);
    assert_eq!(host.refusal().0, 502);

    let bearer = format!("Bearer {}", world.token("jeff", &[]));
    let raw = LIST.replace("pageSize=1", "isFilter=false");
    let asked = [
        ("authorization", bearer.as_str()),
        ("accept-encoding", "br, gzip;q=0.5"),
    ];
    let (mut exchange, host, _) = world.send("GET", &raw, &asked);
    assert_eq!(host.answer(&mut exchange, &head, &[b"x"]), b"x");
    assert!(host.reply.borrow().is_none());
}

#[test]
fn an_item_over_the_limit_is_a_502_and_a_page_over_it_a_507() {
    let world = World::with_limits(r#"{"list":{"max_item_bytes":20}}"#);
    let (mut exchange, host, _) = world.send_as_jeff("GET", LIST);
    host.answer(&mut exchange, &JSON, &[BODY, b""]);
    assert_eq!(host.refusal().0, 502);

    let world = World::with_limits(r#"{"list":{"max_page_bytes":20}}"#);
    let (mut exchange, host, _) = world.send_as_jeff("GET", LIST);
    host.answer(&mut exchange, &JSON, &[BODY, b""]);
    assert_eq!(host.refusal().0, 507);
}

#[test]
fn all_lists_of_a_worker_share_one_budget_and_give_it_back() {
    let (left, right) = BODY.split_at(100);
    let begin = |world: &World| {
        let (mut exchange, host, _) = world.send_as_jeff("GET", LIST);
        host.response.replace(headers(&JSON));
        exchange.on_response_headers(&host, false);
        host.chunk.replace(left.to_vec());
        assert_eq!(
            exchange.on_response_body(&host, left.len(), false),
            Flow::Pause
        );
        (exchange, host)
    };
    let roomy = World::new();
    let begun = begin(&roomy);
    let one = roomy.gateway.answers.memory.held();
    assert!(one > 0);
    drop(begun);

    let world = World::with_limits(&format!(r#"{{"max_worker_bytes":{}}}"#, one + one / 2));
    let (first, first_host) = begin(&world);
    assert!(first_host.reply.borrow().is_none());

    let (mut second, second_host, _) = world.send_as_jeff("GET", LIST);
    second_host.answer(&mut second, &JSON, &[left, right, b""]);
    assert_eq!(second_host.refusal().0, 507);

    drop(first);
    drop(second);
    assert_eq!(world.gateway.answers.memory.held(), 0);
}

#[test]
fn a_long_query_counts_from_when_it_was_sent_and_for_as_much_as_it_is() {
    let path = format!("{}{}", "a.".repeat(63), "b".repeat(8_000));
    let query = format!("fields={path}&strip={path}&sort={path}&filter={path}&selector={path}~");
    let target = format!("{}?{query}", LIST.split('?').next().unwrap());
    let roomy = World::new();
    let held = || roomy.gateway.answers.memory.held();
    let (mut exchange, host, _) = roomy.send_as_jeff("GET", &target);
    let sent = held();
    assert!(
        sent > query.len() && sent < 3 * query.len(),
        "{sent} of {}",
        query.len()
    );
    host.response.replace(headers(&JSON));
    exchange.on_response_headers(&host, false);
    // Each of the two has the paths once.
    let holding = held();
    assert!(holding > sent && holding < 6 * query.len(), "{holding}");
    drop(exchange);
    assert_eq!(held(), 0);

    // Answers that do not come hold no more than they may.
    let limits = format!(
        r#"{{"max_worker_bytes":{},"list":{{"max_page_bytes":{}}}}}"#,
        6 * sent,
        sent
    );
    let world = World::with_limits(&limits);
    let waiting: Vec<_> = (0..3).map(|_| world.send_as_jeff("GET", &target)).collect();
    assert!(
        waiting
            .iter()
            .all(|(_, host, _)| host.reply.borrow().is_none())
    );
    let (_, host, _) = world.send_as_jeff("GET", &target);
    let (status, message) = host.refusal();
    assert_eq!(status, 507);
    assert!(message.contains("of your lists"), "{message}");
    assert_eq!(host.reply_header("retry-after").as_deref(), Some("1"));
    // An answer that is no list gives it back.
    for (mut exchange, host, _) in waiting {
        host.answer(&mut exchange, &[(":status", "503")], &[b"x"]);
        assert!(host.reply.borrow().is_none());
    }
    assert_eq!(world.gateway.answers.memory.held(), 0);
}

#[test]
fn one_users_lists_leave_room_for_anothers() {
    let (left, right) = BODY.split_at(100);
    let send_as = |world: &World, user: &str| {
        let bearer = format!("Bearer {}", world.token(user, &[]));
        let (exchange, host, _) = world.send("GET", LIST, &[("authorization", &bearer)]);
        (exchange, host)
    };
    let hold = |world: &World, user: &str| {
        let (mut exchange, host) = send_as(world, user);
        host.response.replace(headers(&JSON));
        exchange.on_response_headers(&host, false);
        host.chunk.replace(left.to_vec());
        exchange.on_response_body(&host, left.len(), false);
        (exchange, host)
    };
    let roomy = World::new();
    let held = hold(&roomy, "jeff");
    let one = roomy.gateway.answers.memory.held();
    drop(held);

    let limits = format!(
        r#"{{"max_worker_bytes":{},"list":{{"max_page_bytes":{}}}}}"#,
        6 * one,
        2 * one
    );
    let world = World::with_limits(&limits);
    let held: Vec<_> = (0..3).map(|_| hold(&world, "jeff")).collect();
    // It does not even go to the cluster.
    let (_, host) = send_as(&world, "jeff");
    let (status, message) = host.refusal();
    assert_eq!(status, 507);
    assert!(message.contains("of your lists"), "{message}");

    let (mut exchange, host) = send_as(&world, "ann");
    host.answer(&mut exchange, &JSON, &[left, right, b""]);
    assert_eq!(host.refusal().0, 200);
    drop(held);
    assert_eq!(world.gateway.answers.memory.held(), 0);
}

#[test]
fn envoys_own_answers_get_the_familys_shape() {
    let world = World::new();
    for (status, expected) in [("503", 502), ("504", 504), ("500", 502)] {
        let (mut exchange, host, _) = world.send_as_jeff("GET", LIST);
        host.local_answer.set(true);
        let head = [
            (":status", status),
            ("content-type", "text/plain"),
            ("content-length", "19"),
        ];
        let body = host.answer(&mut exchange, &head, &[b"upstream reset: ...", b""]);
        assert_eq!(
            body,
            format!(r#"{{"code":{expected},"message":"server error."}}"#).as_bytes()
        );
        let response = host.response.borrow();
        assert_eq!(
            response.get_str(":status"),
            Some(expected.to_string().as_str())
        );
        assert_eq!(
            response.get_str("content-length"),
            Some(body.len().to_string().as_str())
        );
        assert_eq!(
            response.get_str("content-type"),
            Some("application/json; charset=utf-8")
        );
    }
}

#[test]
fn a_workload_behind_the_proxy_sets_no_cookie_of_ours() {
    let world = World::new();
    let path = "/clusters/pivot-cluster/api/v1/namespaces/a/services/s/proxy/";
    let (mut exchange, host, _) = world.send_as_jeff("GET", path);
    let head = [
        (":status", "200"),
        ("set-cookie", "Authorization=Bearer+x"),
        ("content-type", "text/html"),
    ];
    assert_eq!(host.answer(&mut exchange, &head, &[b"hi"]), b"hi");
    assert_eq!(host.response.borrow().get("set-cookie"), None);
}

#[test]
fn a_control_plane_that_is_down_is_told_in_the_familys_shape_and_its_answers_are_its_own() {
    let world = World::new();
    let (mut exchange, host, _) = world.send("POST", "/api/v1/cube/login", &[]);
    host.local_answer.set(true);
    let head = [(":status", "503"), ("content-type", "text/plain")];
    let body = host.answer(&mut exchange, &head, &[b"upstream connect error"]);
    assert_eq!(body, br#"{"code":502,"message":"server error."}"#);

    let (mut exchange, host, _) = world.send("POST", "/api/v1/cube/login", &[]);
    let head = [(":status", "200"), ("set-cookie", "Authorization=Bearer+x")];
    assert_eq!(host.answer(&mut exchange, &head, &[b"{}"]), b"{}");
    assert!(host.response.borrow().get("set-cookie").is_some());
}
