//! Pages of other origins.

use super::*;

const ORIGIN: &str = "https://console.example";
const CUBE: &str = "/api/v1/cube/proxy";
const NODES: &str = "/clusters/pivot-cluster/api/v1/nodes";

fn world() -> World {
    World::new().push("cors_origins", r#"["https://console.example"]"#)
}

#[test]
fn a_preflight_of_a_known_origin_is_answered_without_a_credential() {
    let world = world();
    let preflight = |origin: &str| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "GET"),
            ("access-control-request-headers", "authorization"),
        ];
        world.send("OPTIONS", NODES, &headers).1
    };
    let host = preflight(ORIGIN);
    assert_eq!(host.refusal(), (204, String::new()));
    for (name, value) in [
        ("access-control-allow-origin", ORIGIN),
        ("access-control-allow-headers", "authorization"),
        ("vary", "Access-Control-Request-Headers, Origin"),
    ] {
        assert_eq!(host.reply_header(name).as_deref(), Some(value));
    }
    assert_eq!(host.reply_header("access-control-allow-credentials"), None);

    let host = preflight("https://evil.example");
    assert_eq!(host.refusal().0, 403);
    assert_eq!(host.reply_header("access-control-allow-origin"), None);
}

#[test]
fn every_answer_to_a_known_origin_may_be_read() {
    let world = world();
    let bearer = format!("Bearer {}", world.token("jeff", &[]));
    let headers = [("authorization", bearer.as_str()), ("origin", ORIGIN)];
    let answered = |path: &str, head: &[(&str, &str)], body: &[u8]| {
        let (mut exchange, host, _) = world.send("GET", path, &headers);
        host.answer(&mut exchange, head, &[body]);
        host
    };
    let json = [(":status", "200"), ("content-type", "application/json")];

    // What goes through, and what is looked at first whether it is a list.
    let object = format!("{CUBE}{NODES}/a");
    for path in [NODES, &object] {
        let head = [json[0], json[1], ("vary", "Accept")];
        let host = answered(path, &head, b"{}");
        let seen = host.response.borrow();
        assert_eq!(seen.get_str("access-control-allow-origin"), Some(ORIGIN));
        assert_eq!(seen.get_str("vary"), Some("Accept, Origin"));
    }

    // A page.
    let host = answered(
        &format!("{NODES}?pageSize=1"),
        &json,
        br#"{"kind":"NodeList","items":[]}"#,
    );
    assert_eq!(host.page(), r#"{"kind":"NodeList","items":[],"total":0}"#);
    let allowed = host.reply_header("access-control-allow-origin");
    assert_eq!(allowed.as_deref(), Some(ORIGIN));

    // A refusal.
    let (_, host, _) = world.send("GET", NODES, &headers[1..]);
    assert_eq!(host.refusal().0, 403);
    let allowed = host.reply_header("access-control-allow-origin");
    assert_eq!(allowed.as_deref(), Some(ORIGIN));

    // What the control plane says.
    let host = answered("/oauth/token", &json, b"{}");
    let allowed = host.response.borrow();
    assert_eq!(allowed.get_str("access-control-allow-origin"), Some(ORIGIN));
}

#[test]
fn an_upstream_allows_nobody() {
    let hostile = [
        (":status", "200"),
        ("content-type", "application/json"),
        ("access-control-allow-origin", "https://evil.example"),
        ("access-control-allow-credentials", "true"),
    ];
    for world in [World::new(), world()] {
        for path in [NODES, &format!("{CUBE}{NODES}/a")] {
            let (mut exchange, host, _) = world.send_as_jeff("GET", path);
            assert_eq!(host.answer(&mut exchange, &hostile, &[b"{}"]), b"{}");
            let seen = host.response.borrow();
            assert_eq!(seen.get("access-control-allow-origin"), None);
            assert_eq!(seen.get("access-control-allow-credentials"), None);
        }

        let paged = format!("{NODES}?pageSize=1");
        let (mut exchange, host, _) = world.send_as_jeff("GET", &paged);
        let list = br#"{"kind":"NodeList","items":[]}"#;
        host.answer(&mut exchange, &hostile, &[list]);
        assert_eq!(host.page(), r#"{"kind":"NodeList","items":[],"total":0}"#);
        assert_eq!(host.reply_header("access-control-allow-origin"), None);
    }
}
