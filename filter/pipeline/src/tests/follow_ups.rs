//! Pages that take more than one answer.

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
    assert_eq!(world.gateway.memory.held(), 0);
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
        ("impersonate-user", "root"),
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

#[test]
fn the_objects_of_a_page_are_fetched_by_name_from_their_namespaces() {
    let world = World::new();
    let found = keys(&["b", "a", "c"]).replacen(r#""namespace":"a""#, r#""namespace":"z""#, 1);
    let path = format!("{KUBE_PODS}?pageSize=2&sortOrder=desc&selector=metadata.name~");
    let (mut exchange, host) = by_keys(&world, &path, &found);
    assert_eq!(
        host.asked(),
        [
            "/base/api/v1/namespaces/a/pods?pretty=false&fieldSelector=metadata.name%3Dc",
            "/base/api/v1/namespaces/z/pods?pretty=false&fieldSelector=metadata.name%3Db",
        ]
    );
    // In any order.
    let in_z = |list: String| list.replace(r#""b","namespace":"a""#, r#""b","namespace":"z""#);
    host.answer_call(&mut exchange, 1, "200", &in_z(list("", &["b"])));
    assert!(host.reply.borrow().is_none());
    host.answer_call(&mut exchange, 0, "200", &list("", &["c"]));
    let page = in_z(list("", &["c", "b"]));
    assert_eq!(
        host.page(),
        format!("{},\"total\":3}}", page.strip_suffix('}').unwrap())
    );
    assert_eq!(
        host.reply_header("x-cubegate-list").as_deref(),
        Some("keys")
    );
    assert_eq!(world.gateway.memory.held(), 0);
}

#[test]
fn odd_names_are_escaped_for_selector_and_url() {
    let world = World::new();
    let found = keys(&["a,b=c&d%2F/ü"]);
    let (_, host) = by_keys(&world, &format!("{PODS}?sortOrder=desc"), &found);
    assert_eq!(
        host.asked(),
        [
            "/base/api/v1/namespaces/a/pods?pretty=false&fieldSelector=metadata.name%3Da%5C%2Cb%5C%3Dc%26d%252F%2F%C3%BC"
        ]
    );
}

#[test]
fn an_object_that_vanished_is_left_out() {
    let world = World::new();
    let found = keys(&["a", "b"]);
    let (mut exchange, host) = by_keys(&world, &format!("{PODS}?sortOrder=desc"), &found);
    host.answer_call(&mut exchange, 0, "200", &list("", &[]));
    host.answer_call(&mut exchange, 1, "200", &list("", &["a"]));
    let page = list("", &["a"]);
    assert_eq!(
        host.page(),
        format!("{},\"total\":2}}", page.strip_suffix('}').unwrap())
    );
}

#[test]
fn an_empty_page_still_gets_the_lists_kind() {
    let world = World::new();
    let path = format!("{PODS}?sortOrder=desc&pageNum=9");
    let (mut exchange, host) = by_keys(&world, &path, &keys(&["a", "b"]));
    assert_eq!(host.asked().len(), 1);
    host.answer_call(&mut exchange, 0, "200", &list("", &[]));
    let page = list("", &[]);
    assert_eq!(
        host.page(),
        format!("{},\"total\":2}}", page.strip_suffix('}').unwrap())
    );
}

#[test]
fn ten_objects_are_fetched_at_a_time() {
    let world = World::new();
    let names: Vec<String> = (10..40).map(|number| format!("p-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let path = format!("{PODS}?sortOrder=desc&pageSize=30");
    let (mut exchange, host) = by_keys(&world, &path, &keys(&names));
    assert_eq!(host.asked().len(), 10);
    for number in 0..30 {
        assert_eq!(host.asked().len(), usize::min(number as usize + 10, 30));
        let name = format!("p-{}", 39 - number);
        host.answer_call(&mut exchange, number, "200", &list("", &[&name]));
    }
    assert!(host.page().ends_with(r#""total":30}"#));
}

#[test]
fn a_server_without_field_selectors_is_asked_plainly_now_and_from_now_on() {
    let world = World::new();
    let path = format!("{PODS}?sortOrder=desc");
    let (mut exchange, host) = by_keys(&world, &path, &keys(&["a", "b"]));
    host.answer_call(&mut exchange, 0, "400", r#"{"kind":"Status","code":400}"#);
    assert_eq!(
        host.asked()[2],
        "/base/api/v1/namespaces/a/pods?pretty=false"
    );
    // A late answer of the way that was left is nobody's.
    host.answer_call(&mut exchange, 1, "200", &list("", &["a"]));
    assert!(host.reply.borrow().is_none());
    host.answer_call(&mut exchange, 2, "200", &list("", &["a", "b"]));
    assert!(host.page().ends_with(r#""total":2}"#));

    let (_, host, _) = world.send_as_jeff("GET", &path);
    assert_eq!(
        host.request_header("accept").as_deref(),
        Some("application/json")
    );
}

#[test]
fn a_server_that_gives_other_objects_than_asked_for_is_asked_plainly() {
    for fetched in [
        list("", &["b"]),
        list("", &["a", "b"]),
        list("", &["a"]).replace(r#""namespace":"a""#, r#""namespace":"b""#),
    ] {
        let world = World::new();
        let path = format!("{PODS}?sortOrder=desc");
        let (mut exchange, host) = by_keys(&world, &path, &keys(&["a"]));
        host.answer_call(&mut exchange, 0, "200", &fetched);
        assert_eq!(
            host.asked()[1],
            "/base/api/v1/namespaces/a/pods?pretty=false"
        );
    }
    let world = World::new();
    let path = format!("{PODS}?sortOrder=desc&pageNum=9");
    let (mut exchange, host) = by_keys(&world, &path, &keys(&["a"]));
    host.answer_call(&mut exchange, 0, "200", &list("", &["a"]));
    assert!(
        !host.asked()[1].contains("fieldSelector"),
        "nobody was asked for"
    );
}

#[test]
fn a_server_that_gives_the_list_for_its_metadata_has_given_the_page() {
    let world = World::new();
    let path = format!("{PODS}?sortOrder=desc");
    let (_, host) = by_keys(&world, &path, &list("", &["a", "b"]));
    let page = list("", &["b", "a"]);
    assert_eq!(
        host.page(),
        format!("{},\"total\":2}}", page.strip_suffix('}').unwrap())
    );
    assert_eq!(
        host.reply_header("x-cubegate-list").as_deref(),
        Some("plain")
    );
    let (_, host, _) = world.send_as_jeff("GET", &path);
    assert_eq!(
        host.request_header("accept").as_deref(),
        Some("application/json")
    );
}

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
        assert_eq!(world.gateway.memory.held(), 0);
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
    assert_eq!(world.gateway.memory.held(), 0);
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
        assert_eq!(world.gateway.memory.held(), 0);
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
