//! HTTP Basic: a password is redeemed for a token at the control plane.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

const PODS: &str = "/clusters/pivot-cluster/api/v1/namespaces/a/pods/p";

fn basic(user: &str, password: &str) -> (&'static str, String) {
    let encoded = STANDARD.encode(format!("{user}:{password}"));
    ("authorization", format!("Basic {encoded}"))
}

impl World {
    /// Sends a request of `jeff` with his password.
    fn send_with_password(
        &self,
        method: &str,
        more: &[(&str, &str)],
    ) -> (Exchange, MockHost, Flow) {
        let (name, value) = basic("jeff", "a:b&c=d é");
        let mut headers = vec![
            (name, value.as_str()),
            ("x-forwarded-for", "203.0.113.9"),
            ("x-cubegate-exchange", "forged"),
            ("cookie", "a=b"),
        ];
        headers.extend_from_slice(more);
        self.send(method, PODS, &headers)
    }

    /// What the control plane answers to the right password.
    fn granted(&self) -> String {
        let token = self.token("jeff", &["kubecube", "dev"]);
        format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":120}}"#)
    }
}

#[test]
fn a_password_becomes_the_token_of_its_user() {
    let world = World::new();
    let (mut exchange, host, flow) = world.send_with_password("GET", &[]);
    assert_eq!(flow, Flow::Pause);
    assert!(host.reply.borrow().is_none());
    // Nothing of the request goes on, whatever comes of it.
    assert_eq!(exchange.on_request_body(&host, 0, false), Flow::Pause);

    let call = host.calls.borrow()[0].clone();
    assert_eq!(call.cluster, "control-plane");
    assert_eq!(
        String::from_utf8(call.body).unwrap(),
        "grant_type=password&username=jeff&password=a%3Ab%26c%3Dd%20%C3%A9"
    );
    let header = |name: &str| call.headers.get_str(name);
    assert_eq!(header(":method"), Some("POST"));
    assert_eq!(header(":path"), Some("/oauth/token"));
    assert_eq!(
        header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(header("x-cubegate-exchange"), Some("basic"));
    assert_eq!(call.headers.all("x-cubegate-exchange").count(), 1);
    assert_eq!(header("x-forwarded-for"), Some("203.0.113.9"));
    assert_eq!((header("authorization"), header("cookie")), (None, None));

    host.answer_call(&mut exchange, 0, "200", &world.granted());
    assert_eq!(host.resumed.get(), 1);
    assert_eq!(exchange.on_request_body(&host, 0, false), Flow::Continue);
    assert_eq!(
        host.request_header("impersonate-user").as_deref(),
        Some("jeff")
    );
    assert_eq!(host.request_header("authorization"), None);
    assert_eq!(
        host.request_header("x-cubegate-cluster").as_deref(),
        Some("cluster/p")
    );
    host.calls.borrow_mut().clear();
    let got = host.answer(&mut exchange, &[(":status", "200")], &[b"{}"]);
    assert_eq!(got, b"{}");
}

#[test]
fn a_token_is_remembered_for_half_a_minute() {
    let world = World::new();
    let (mut exchange, host, _) = world.send_with_password("GET", &[]);
    host.answer_call(&mut exchange, 0, "200", &world.granted());

    let (_, host, flow) = world.send_with_password("GET", &[]);
    assert_eq!((flow, host.calls.borrow().len()), (Flow::Continue, 0));
    assert_eq!(
        host.request_header("impersonate-user").as_deref(),
        Some("jeff")
    );

    // Another password is another matter.
    let (name, value) = basic("jeff", "a:b&c=d e");
    let (_, host, flow) = world.send("GET", PODS, &[(name, &value)]);
    assert_eq!((flow, host.calls.borrow().len()), (Flow::Pause, 1));

    for (seconds, calls) in [(29, 0), (30, 1)] {
        let host = MockHost::default();
        host.late.set(seconds);
        let (name, value) = basic("jeff", "a:b&c=d é");
        world.send_on(&host, "GET", PODS, &[(name, &value)]);
        assert_eq!(host.calls.borrow().len(), calls, "after {seconds} s");
    }
}

#[test]
fn a_remembered_token_that_is_no_longer_good_is_redeemed_anew() {
    let world = World::new();
    let (mut exchange, host, _) = world.send_with_password("GET", &[]);
    let short = world.sign(&Claims {
        expires_at: NOW - 20,
        ..testing::claims("jeff", NOW - 60)
    });
    host.answer_call(
        &mut exchange,
        0,
        "200",
        &format!(r#"{{"access_token":"{short}"}}"#),
    );
    assert_eq!(host.resumed.get(), 1);

    let host = MockHost::default();
    host.late.set(15);
    let (name, value) = basic("jeff", "a:b&c=d é");
    let (_, flow) = world.send_on(&host, "GET", PODS, &[(name, &value)]);
    assert_eq!((flow, host.calls.borrow().len()), (Flow::Pause, 1));
}

#[test]
fn each_answer_of_the_control_plane_has_its_own_refusal() {
    for (status, body, code, reason) in [
        ("400", r#"{"error":"invalid_grant"}"#, 401, "Unauthorized"),
        ("401", "", 401, "Unauthorized"),
        ("429", "", 429, "TooManyRequests"),
        ("500", "", 503, "ServiceUnavailable"),
        ("302", "", 503, "ServiceUnavailable"),
        ("200", "no JSON", 503, "ServiceUnavailable"),
        ("200", r#"{"access_token":"x.y.z"}"#, 401, "Unauthorized"),
    ] {
        let world = World::new();
        let (mut exchange, host, _) = world.send_with_password("GET", &[]);
        host.answer_call(&mut exchange, 0, status, body);
        let (got, text) = host.refusal();
        assert_eq!(got, code, "{status} {body}: {text}");
        assert!(text.contains(&format!(r#""reason":"{reason}""#)), "{text}");
        assert_eq!(host.resumed.get(), 0);
        // What comes of the request after its refusal goes nowhere.
        assert_eq!(exchange.on_request_body(&host, 0, false), Flow::Pause);

        // Nothing is remembered of it.
        let (_, host, _) = world.send_with_password("GET", &[]);
        assert_eq!(host.calls.borrow().len(), 1, "{status} {body}");
    }
}

#[test]
fn the_wait_that_the_control_plane_asks_for_is_handed_on() {
    for (given, told) in [(Some("17"), "17"), (Some("junk"), "60"), (None, "60")] {
        let world = World::new();
        let (mut exchange, host, _) = world.send_with_password("GET", &[]);
        let mut head = headers(&[(":status", "429")]);
        if let Some(given) = given {
            head.add("retry-after", given);
        }
        host.call_answer.replace((head, Vec::new()));
        exchange.on_call_response(&host, FIRST_TOKEN, true, 0);
        assert_eq!(host.refusal().0, 429);
        assert_eq!(host.reply_header("retry-after").as_deref(), Some(told));
    }
}

#[test]
fn without_a_control_plane_nobody_gets_in_by_password() {
    let world = World::new();
    let (mut exchange, host, _) = world.send_with_password("GET", &[]);
    exchange.on_call_response(&host, FIRST_TOKEN, false, 0);
    assert_eq!(host.refusal().0, 503);

    let host = MockHost::default();
    host.unreachable.set(true);
    let (name, value) = basic("jeff", "x");
    let (mut exchange, flow) = world.send_on(&host, "POST", PODS, &[(name, &value)]);
    assert_eq!(flow, Flow::Pause);
    assert_eq!(host.refusal().0, 503);
    assert_eq!(exchange.on_request_body(&host, 0, false), Flow::Pause);
}

#[test]
fn an_answer_to_another_call_lets_nobody_in() {
    let world = World::new();
    let (mut exchange, host, _) = world.send_with_password("GET", &[]);
    host.answer_call(&mut exchange, 1, "200", &world.granted());
    assert_eq!(host.resumed.get(), 0);
    assert_eq!(exchange.on_request_body(&host, 0, false), Flow::Pause);
}

#[test]
fn kubecube_paths_know_no_passwords() {
    let world = World::new();
    let (name, value) = basic("jeff", "x");
    let path = "/api/v1/cube/proxy/clusters/pivot-cluster/api/v1/pods";
    let (_, host, _) = world.send("GET", path, &[(name, &value)]);
    assert_eq!(host.refusal().0, 401);
    assert_eq!(host.calls.borrow().len(), 0);
}

#[test]
fn another_sites_write_with_a_password_that_the_browser_knows_is_refused() {
    let world = World::new();
    let foreign = [("sec-fetch-site", "cross-site")];
    let (_, host, _) = world.send_with_password("POST", &foreign);
    assert_eq!(host.refusal().0, 403);
    assert_eq!(host.calls.borrow().len(), 0);
    let (_, host, _) = world.send_with_password("GET", &foreign);
    assert_eq!(host.calls.borrow().len(), 1);
}

#[test]
fn a_body_too_large_to_be_held_is_refused_in_the_shape_of_the_path() {
    let world = World::new();
    let (mut exchange, host, _) = world.send_with_password("POST", &[]);
    host.local_answer.set(true);
    host.calls.borrow_mut().clear();
    let got = host.answer(
        &mut exchange,
        &[(":status", "413")],
        &[b"Payload Too Large"],
    );
    let text = String::from_utf8(got).unwrap();
    assert!(text.contains(r#""code":413"#), "{text}");
    // The answer to the exchange comes too late.
    host.answer_call(&mut exchange, 0, "200", &world.granted());
    assert_eq!(host.resumed.get(), 0);
}
