//! `kubectl --as`: whose request it is in the cluster, and what is asked before.

use serde_json::Value;

use super::*;

const POD: &str = "/clusters/pivot-cluster/api/v1/namespaces/a/pods/p";
const CUBE: &str = "/api/v1/cube/proxy/clusters/pivot-cluster";
const YES: &str = r#"{"kind":"SelfSubjectAccessReview","status":{"allowed":true}}"#;
const NO: &str = r#"{"kind":"SelfSubjectAccessReview","status":{"allowed":false,"reason":"why"}}"#;

impl World {
    /// Sends a request of `jeff` in the group `dev` with these headers.
    fn send_as(
        &self,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
    ) -> (Exchange, MockHost, Flow) {
        let bearer = format!("Bearer {}", self.token("jeff", &["dev"]));
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend_from_slice(more);
        self.send(method, path, &headers)
    }
}

impl MockHost {
    /// What the request says of whose it is.
    fn identity(&self) -> Vec<(String, String)> {
        identity(&self.request.borrow())
    }

    /// What the review of this number asks.
    fn question(&self, number: usize) -> Value {
        let call = self.calls.borrow()[number].clone();
        assert_eq!(
            call.headers.get_str(":path"),
            Some("/base/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
        );
        let header = |name: &str| call.headers.get_str(name).map(str::to_owned);
        assert_eq!(header(":method").as_deref(), Some("POST"));
        assert_eq!(header("content-type").as_deref(), Some("application/json"));
        assert_eq!(header("authorization"), None);
        // It is the caller who asks, and nobody else.
        assert_eq!(
            identity(&call.headers),
            [
                pair("impersonate-user", "jeff"),
                pair("impersonate-group", "dev"),
                pair("impersonate-group", "system:authenticated"),
            ]
        );
        let review: Value = serde_json::from_slice(&call.body).unwrap();
        review["spec"]["resourceAttributes"].clone()
    }
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn identity(headers: &Headers) -> Vec<(String, String)> {
    let told = headers
        .iter()
        .filter(|(name, _)| name.starts_with("impersonate"));
    told.map(|(name, value)| pair(name, &String::from_utf8_lossy(value)))
        .collect()
}

#[test]
fn a_request_for_somebody_else_goes_as_that_one_when_the_cluster_lets_its_caller() {
    let world = World::new();
    let (mut exchange, host, flow) = world.send_as(
        "PUT",
        POD,
        &[
            ("Impersonate-User", "bob"),
            ("impersonate-group", "team"),
            ("impersonate-extra-scopes", "all"),
            ("x-remote-user", "root"),
        ],
    );
    assert_eq!(flow, Flow::Pause);
    assert!(host.reply.borrow().is_none());
    assert_eq!(exchange.on_request_body(&host, 0, false), Flow::Pause);
    let asked = [
        ("", "users", "", "bob"),
        ("", "groups", "", "team"),
        ("authentication.k8s.io", "userextras", "scopes", "all"),
    ];
    for (number, (group, resource, subresource, name)) in asked.into_iter().enumerate() {
        assert_eq!(host.resumed.get(), 0);
        let question = host.question(number);
        assert_eq!(question["verb"], "impersonate");
        assert_eq!(question["group"], group);
        assert_eq!(question["resource"], resource);
        assert_eq!(question["subresource"], subresource);
        assert_eq!(question["name"], name);
        host.answer_call(&mut exchange, u32::try_from(number).unwrap(), "201", YES);
    }
    assert_eq!((host.resumed.get(), host.calls.borrow().len()), (1, 3));
    assert_eq!(
        host.identity(),
        [
            pair("impersonate-user", "bob"),
            pair("impersonate-group", "team"),
            pair("impersonate-extra-scopes", "all"),
        ]
    );
    assert_eq!(host.request_header("x-remote-user"), None);
    assert_eq!(host.request_header("authorization"), None);
    let note = host.note.take().unwrap();
    assert_eq!(note.user.as_deref(), Some("jeff"));
    assert_eq!(note.impersonated.as_deref(), Some("bob"));
    assert_eq!(note.impersonated_groups, ["team"]);
}

#[test]
fn what_the_cluster_has_allowed_is_not_asked_for_ten_seconds() {
    let world = World::new();
    let bob = [("impersonate-user", "bob")];
    let (mut exchange, host, _) = world.send_as("GET", POD, &bob);
    host.answer_call(&mut exchange, 0, "201", YES);
    assert_eq!(host.resumed.get(), 1);
    let (_, host, flow) = world.send_as("GET", POD, &bob);
    assert_eq!((flow, host.calls.borrow().len()), (Flow::Continue, 0));
    assert_eq!(host.identity(), [pair("impersonate-user", "bob")]);
    // Another group is another question, and the user's is answered.
    let (_, host, flow) = world.send_as(
        "GET",
        POD,
        &[("impersonate-user", "bob"), ("impersonate-group", "g")],
    );
    assert_eq!(flow, Flow::Pause);
    assert_eq!(host.question(0)["resource"], "groups");
    // Of another caller nothing is known.
    let other = format!("Bearer {}", world.token("jeff", &[]));
    let headers = [("authorization", other.as_str()), bob[0]];
    let (_, _, flow) = world.send("GET", POD, &headers);
    assert_eq!(flow, Flow::Pause);
}

#[test]
fn who_may_not_is_told_in_kubernetes_words_and_is_asked_for_again() {
    let world = World::new();
    for path in [POD, &format!("{CUBE}/api/v1/pods?pageSize=1")] {
        let (mut exchange, host, _) = world.send_as(
            "GET",
            path,
            &[("impersonate-user", "bob"), ("impersonate-group", "team")],
        );
        host.answer_call(&mut exchange, 0, "201", NO);
        assert_eq!(host.calls.borrow().len(), 1, "one refusal is enough");
        assert_eq!(host.resumed.get(), 0);
        let (status, body) = host.refusal();
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &body["kind"]), (403, &"Status".into()));
        assert_eq!(
            body["message"],
            r#"users "bob" is forbidden: User "jeff" cannot impersonate resource "users" in API group "" at the cluster scope: why"#
        );
        assert_eq!(exchange.on_request_body(&host, 0, false), Flow::Pause);
        let note = host.note.take().unwrap();
        assert_eq!(note.impersonated.as_deref(), Some("bob"));
    }
}

#[test]
fn a_cluster_that_does_not_say_lets_nobody() {
    const LATE: &str = "upstream request timeout";
    for (status, content_type, body, expected) in [
        ("200", "application/json", r#"{"kind":"PodList"}"#, 502),
        ("404", "text/plain", "404 page not found", 502),
        ("403", "application/json", r#"{"kind":"Status"}"#, 403),
        ("404", "application/json", r#"{"kind":"Status"}"#, 502),
        ("429", "application/json", r#"{"kind":"Status"}"#, 429),
        ("503", "application/json", r#"{"kind":"Status"}"#, 503),
        ("500", "application/json", r#"{"kind":"Status"}"#, 500),
        ("401", "application/json", r#"{"kind":"Status"}"#, 502),
        ("504", "text/plain", LATE, 504),
        ("503", "text/plain", LATE, 502),
    ] {
        let world = World::new();
        let (mut exchange, host, _) = world.send_as("GET", POD, &[("impersonate-user", "bob")]);
        let head = headers(&[(":status", status), ("content-type", content_type)]);
        host.call_answer.replace((head, body.as_bytes().to_vec()));
        exchange.on_call_response(&host, FIRST_TOKEN, true, body.len());
        let (got, told) = host.refusal();
        assert_eq!(got, expected, "{status} {body}");
        if got.to_string() == status && got != 504 {
            assert_eq!(told, body);
        }
        assert_eq!(host.resumed.get(), 0);
    }
    let world = World::new();
    let (mut exchange, host, _) = world.send_as("GET", POD, &[("impersonate-user", "bob")]);
    exchange.on_call_response(&host, FIRST_TOKEN, false, 0);
    assert_eq!(host.refusal().0, 502);
}

#[test]
fn a_busy_cluster_is_waited_for_as_long_as_it_says() {
    let world = World::new();
    let (mut exchange, host, _) = world.send_as("GET", POD, &[("impersonate-user", "bob")]);
    let said = b"Too many requests, please try again later.";
    let head = headers(&[
        (":status", "429"),
        ("content-type", "text/plain"),
        ("retry-after", "7"),
    ]);
    host.call_answer.replace((head, said.to_vec()));
    exchange.on_call_response(&host, FIRST_TOKEN, true, said.len());
    assert_eq!(host.refusal().0, 429);
    assert_eq!(host.reply_header("retry-after").as_deref(), Some("7"));
}

#[test]
fn a_password_is_redeemed_before_the_cluster_is_asked() {
    let world = World::new();
    let basic = ("authorization", "Basic amVmZjpw"); // jeff:p
    let (mut exchange, host, flow) = world.send("GET", POD, &[basic, ("impersonate-user", "bob")]);
    assert_eq!(flow, Flow::Pause);
    let granted = format!(r#"{{"access_token":"{}"}}"#, world.token("jeff", &["dev"]));
    host.answer_call(&mut exchange, 0, "200", &granted);
    assert_eq!((host.resumed.get(), host.calls.borrow().len()), (0, 2));
    assert_eq!(host.question(1)["name"], "bob");
    assert_eq!(exchange.on_request_body(&host, 9, true), Flow::Pause);
    host.answer_call(&mut exchange, 1, "201", YES);
    assert_eq!(host.resumed.get(), 1);
    assert_eq!(host.identity(), [pair("impersonate-user", "bob")]);
}

#[test]
fn every_question_is_billed_as_a_request() {
    let world = World::with_limits(r#"{"callers":{"requests_per_user":4,"burst_seconds":1}}"#);
    let more = [
        ("impersonate-user", "bob"),
        ("impersonate-group", "a"),
        ("impersonate-group", "b"),
    ];
    let (mut exchange, host, _) = world.send_as("GET", POD, &more);
    for number in 0..3 {
        host.answer_call(&mut exchange, number, "201", YES);
    }
    assert_eq!(host.resumed.get(), 1);
    let (_, host, _) = world.send_as("GET", POD, &[]);
    assert_eq!(host.refusal().0, 429);
}

#[test]
fn the_time_for_all_questions_is_bounded() {
    let world = World::new();
    let (mut exchange, host, _) = world.send_as(
        "GET",
        POD,
        &[("impersonate-user", "bob"), ("impersonate-group", "team")],
    );
    assert_eq!(host.calls.borrow()[0].timeout.as_secs(), 30);
    host.late.set(29);
    host.answer_call(&mut exchange, 0, "201", YES);
    assert_eq!(host.calls.borrow()[1].timeout.as_secs(), 1);
    let (mut exchange, host, _) = world.send_as(
        "GET",
        POD,
        &[("impersonate-user", "eve"), ("impersonate-group", "team")],
    );
    host.late.set(30);
    host.answer_call(&mut exchange, 0, "201", YES);
    assert_eq!(host.refusal().0, 504);
}

#[test]
fn headers_that_name_nobody_are_refused_and_never_passed_over() {
    let world = World::new();
    for (more, said) in [
        (
            vec![("impersonate-group", "system:masters")],
            "need an Impersonate-User",
        ),
        (vec![("impersonate-user", "")], "1 to 1024 bytes"),
        (
            vec![("impersonate-user", "bob"), ("Impersonate-User", "eve")],
            "send each once",
        ),
        (
            vec![("impersonate-user", "bob"), ("impersonate-", "x")],
            "take it out",
        ),
    ] {
        for path in [POD, &format!("{CUBE}/api/v1/pods")] {
            let (_, host, flow) = world.send_as("GET", path, &more);
            assert_eq!(flow, Flow::Pause);
            assert!(host.calls.borrow().is_empty());
            let (status, body) = host.refusal();
            let told = body.contains(said) && body.contains("--as");
            assert!(status == 400 && told, "{more:?}: {status} {body}");
        }
    }
}

#[test]
fn the_control_plane_impersonates_nobody() {
    let world = World::new();
    for (path, kind) in [
        ("/api/v1/cube/key", "\"code\":400"),
        ("/oauth/userinfo", "Status"),
        ("/version", "Status"),
    ] {
        let (_, host, flow) = world.send("GET", path, &[("Impersonate-Extra-a", "x")]);
        assert_eq!(flow, Flow::Pause);
        let (status, body) = host.refusal();
        assert!(status == 400 && body.contains(kind), "{path}: {body}");
        assert!(body.contains("--as"), "{body}");
    }
}

#[test]
fn it_can_be_switched_off() {
    let world = World::new().push("no_impersonation", "true");
    for name in ["impersonate-user", "IMPERSONATE-GROUP", "impersonate-x"] {
        let (_, host, _) = world.send_as("GET", POD, &[(name, "bob")]);
        let (status, body) = host.refusal();
        let said = "Impersonation (kubectl --as) is switched off at this gateway.";
        assert!(status == 403 && body.contains(said), "{body}");
    }
}

#[test]
fn a_bounded_key_impersonates_nobody() {
    let world = World::new();
    let scope = cubegate_token::KeyScope {
        namespaces: vec!["a".to_owned()],
        ..Default::default()
    };
    let token = world.sign(&Claims {
        scope: Some(scope),
        ..claims("jeff", &[])
    });
    let bearer = format!("Bearer {token}");
    let more = [
        ("authorization", bearer.as_str()),
        ("impersonate-user", "bob"),
    ];
    let (_, host, _) = world.send("GET", POD, &more);
    let (status, body) = host.refusal();
    assert!(
        status == 403 && body.contains("bounded access key"),
        "{body}"
    );
    assert!(host.calls.borrow().is_empty());
}

#[test]
fn further_calls_for_a_page_are_made_as_the_same() {
    let world = World::new();
    let path = format!("{CUBE}/api/v1/namespaces/a/pods?pageSize=1");
    let more = [("impersonate-user", "bob"), ("impersonate-uid", "7")];
    let (mut exchange, host, _) = world.send_as("GET", &path, &more);
    host.answer_call(&mut exchange, 0, "201", YES);
    host.answer_call(&mut exchange, 1, "201", YES);
    assert_eq!(host.resumed.get(), 1);
    host.calls.take();
    // A list that the server has not counted.
    let head = push_down::list(r#","continue":"to/k=""#, &["a"]);
    let json = [(":status", "200"), ("content-type", "application/json")];
    host.answer(&mut exchange, &json, &[head.as_bytes(), b""]);
    let calls = host.calls.borrow();
    assert_eq!(calls.len(), 1);
    assert_eq!(
        identity(&calls[0].headers),
        [
            pair("impersonate-user", "bob"),
            pair("impersonate-uid", "7")
        ]
    );
}
