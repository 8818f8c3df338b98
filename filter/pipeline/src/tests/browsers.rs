//! What a member's answer is to a browser.

use super::*;

const APPLICATION: &str =
    "/api/v1/cube/proxy/clusters/pivot-cluster/api/v1/namespaces/t/services/evil/proxy/";
const PODS: &str = "/api/v1/cube/proxy/clusters/pivot-cluster/api/v1/pods";
const SANDBOX: &str = "sandbox allow-scripts allow-forms";

/// What a hostile member says beside the content.
const HOSTILE: [(&str, &str); 9] = [
    ("service-worker-allowed", "/"),
    ("clear-site-data", "\"*\""),
    ("strict-transport-security", "max-age=99999999"),
    ("set-cookie", "Authorization=Bearer+x"),
    ("nel", "{\"report_to\":\"x\"}"),
    ("report-to", "{\"group\":\"x\"}"),
    ("alt-svc", "h2=\":9\""),
    ("content-security-policy", "default-src * 'unsafe-inline'"),
    ("x-content-type-options", "none"),
];

fn head<'a>(status: &'a str, content_type: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut head = vec![(":status", status), ("content-type", content_type)];
    head.extend(HOSTILE);
    head
}

/// A request of a browser with the cookie of `jeff`.
fn browse(world: &World, path: &str, more: &[(&str, &str)]) -> (Exchange, MockHost, Flow) {
    let cookie = format!("Authorization=Bearer+{}", world.token("jeff", &[]));
    let mut headers = vec![("cookie", cookie.as_str()), ("sec-fetch-mode", "navigate")];
    headers.extend(more);
    world.send("GET", path, &headers)
}

#[track_caller]
fn assert_confined(get: impl Fn(&str) -> Option<String>) {
    let policy = get("content-security-policy").unwrap_or_default();
    assert!(policy.starts_with(SANDBOX), "{policy}");
    assert!(!policy.contains("allow-same-origin"), "{policy}");
    assert_eq!(get("x-content-type-options").as_deref(), Some("nosniff"));
    for (gone, _) in &HOSTILE[..7] {
        assert_eq!(get(gone), None, "{gone}");
    }
}

#[test]
fn an_applications_page_is_of_no_origin() {
    let world = World::new();
    for (path, status) in [(APPLICATION, "200"), (PODS, "500"), (PODS, "403")] {
        let (mut exchange, host, _) = browse(&world, path, &[]);
        let body = b"<script>";
        let got = host.answer(&mut exchange, &head(status, "text/html"), &[body]);
        assert_eq!(got, body);
        let seen = host.response.borrow();
        assert_confined(|name| seen.get_str(name).map(str::to_owned));
        let policy = seen.get_str("content-security-policy").unwrap();
        assert!(policy.ends_with(", default-src * 'unsafe-inline'"));
    }
}

#[test]
fn so_is_a_page_of_a_list_whichever_way_it_came() {
    let world = World::new();
    let list = br#"{"kind":"PodList","metadata":{},"items":[{"metadata":{"name":"a"}}]}"#;
    let (mut exchange, host, _) = browse(&world, PODS, &[]);
    host.answer(&mut exchange, &head("200", "application/json"), &[list]);
    assert_confined(|name| host.reply_header(name));

    // One that takes a further call.
    let in_order = format!("{}?pageSize=1", PODS.replace("/pods", "/namespaces/a/pods"));
    let (mut exchange, host, _) = browse(&world, &in_order, &[]);
    let more = br#"{"kind":"PodList","metadata":{"continue":"x"},"items":[{"metadata":{"name":"a","namespace":"a"}}]}"#;
    host.answer(&mut exchange, &head("200", "application/json"), &[more]);
    let rest = r#"{"kind":"PodList","metadata":{},"items":[{"metadata":{"name":"b"}}]}"#;
    host.answer_call(&mut exchange, 0, "200", rest);
    assert!(host.page().contains(r#""total":2"#), "{}", host.page());
    assert_confined(|name| host.reply_header(name));

    // One that is refused.
    let (mut exchange, host, _) = browse(&world, PODS, &[]);
    host.answer(
        &mut exchange,
        &head("200", "application/json"),
        &[b"{\"items\":[x"],
    );
    assert_eq!(host.refusal().0, 502);
    assert_confined(|name| host.reply_header(name));
}

#[test]
fn so_is_an_object_whose_headers_were_held_in_case_it_was_a_list() {
    let world = World::new();
    let object = br#"{"kind":"Pod","metadata":{"name":"a"}}"#;
    let bearer = format!("Bearer {}", world.token("jeff", &[]));
    let of_script = [("authorization", &*bearer), ("sec-fetch-mode", "cors")];
    for family in ["/api/v1/cube/proxy", ""] {
        let pods = PODS.replace("/api/v1/cube/proxy", family);
        for (path, chunks) in [
            (format!("{pods}/a"), vec![&object[..]]),
            (format!("{pods}/a"), vec![&object[..9], &object[9..]]),
            (format!("{pods}?sortName=metadata.name"), vec![&object[..]]),
        ] {
            let (mut exchange, host, _) = world.send("GET", &path, &of_script);
            let head = head("200", "application/json");
            let got = host.answer(&mut exchange, &head, &chunks);
            assert_eq!(got, object, "{path}");
            let seen = host.response.borrow();
            assert_confined(|name| seen.get_str(name).map(str::to_owned));
        }
    }
}

#[test]
fn so_are_the_gateways_refusals_and_the_answers_of_envoy() {
    let world = World::new();
    let (_, host, _) = browse(&world, &PODS.replace("pivot-cluster", "none"), &[]);
    assert_eq!(host.refusal().0, 400);
    assert_confined(|name| host.reply_header(name));

    let (mut exchange, host, _) = browse(&world, PODS, &[]);
    host.local_answer.set(true);
    host.answer(&mut exchange, &[(":status", "503")], &[b"no connection"]);
    let seen = host.response.borrow();
    assert_confined(|name| seen.get_str(name).map(str::to_owned));
}

#[test]
fn an_upgrade_sets_nothing_for_the_origin_either() {
    let world = World::new();
    let upgrade = [("upgrade", "websocket"), ("sec-fetch-site", "same-origin")];
    let (mut exchange, host, _) = browse(&world, APPLICATION, &upgrade);
    host.answer(&mut exchange, &head("101", "text/plain"), &[]);
    let seen = host.response.borrow();
    assert_confined(|name| seen.get_str(name).map(str::to_owned));
}

#[test]
fn a_password_that_a_browser_knows_is_like_a_cookie_and_a_script_of_a_page_too() {
    let world = World::new();
    let bearer = format!("Bearer {}", world.token("jeff", &[]));
    let application = APPLICATION.replace("/api/v1/cube/proxy", "");
    let of_script = [("authorization", &*bearer), ("sec-fetch-mode", "cors")];
    let (mut exchange, host, _) = world.send("GET", &application, &of_script);
    host.answer(&mut exchange, &head("200", "text/html"), &[b"x"]);
    let seen = host.response.borrow();
    assert_confined(|name| seen.get_str(name).map(str::to_owned));
}

#[test]
fn a_tool_gets_what_the_member_says_but_nothing_for_the_origin() {
    let world = World::new();
    let (mut exchange, host, _) = world.send_as_jeff("GET", APPLICATION);
    host.answer(&mut exchange, &head("200", "text/html"), &[b"x"]);
    let seen = host.response.borrow();
    let policy = seen.get_str("content-security-policy");
    assert_eq!(policy, Some("default-src * 'unsafe-inline'"));
    for (gone, _) in &HOSTILE[..7] {
        assert_eq!(seen.get(gone), None, "{gone}");
    }
}

#[test]
fn the_control_planes_own_pages_are_not_confined() {
    let world = World::new();
    let (mut exchange, host, _) = browse(&world, "/api/v1/cube/key", &[]);
    let own = [(":status", "200"), ("set-cookie", "Authorization=Bearer+x")];
    host.answer(&mut exchange, &own, &[b"{}"]);
    let seen = host.response.borrow();
    assert_eq!(seen.get("content-security-policy"), None);
    assert!(seen.get("set-cookie").is_some());
}
