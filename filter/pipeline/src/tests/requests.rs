//! What becomes of a request.

use super::*;

const PODS: &str = "/api/v1/cube/proxy/clusters/pivot-cluster/api/v1/pods";

#[test]
fn a_request_leaves_as_its_caller_and_as_nobody_else() {
    let world = World::new();
    let bearer = format!("Bearer {}", world.token("jeff", &["kubecube", "dev"]));
    let (_, host, flow) = world.send(
        "POST",
        "/api/v1/cube/proxy/clusters/pivot-cluster/api/v1/pods?dryRun=All",
        &[
            ("authorization", &bearer),
            ("cookie", "Authorization=Bearer+x; a=b"),
            ("x-remote-user", "root"),
            ("x-remote-group", "system:masters"),
            ("x-cubegate-cluster", "control-plane"),
            ("x-custom", "1"),
        ],
    );
    assert_eq!(flow, Flow::Continue);
    let request = host.request.borrow();
    assert_eq!(
        request.all("impersonate-user").collect::<Vec<_>>(),
        [b"jeff"]
    );
    let groups: Vec<_> = request.all("impersonate-group").collect();
    assert_eq!(
        groups,
        [b"kubecube".as_slice(), b"dev", b"system:authenticated"]
    );
    for gone in ["authorization", "cookie", "x-remote-user", "x-remote-group"] {
        assert_eq!(request.get(gone), None, "{gone}");
    }
    assert_eq!(request.get_str("x-custom"), Some("1"));
    assert_eq!(request.get_str("x-cubegate-cluster"), Some("cluster/p"));
    assert_eq!(request.get_str("x-cubegate-class"), Some("unary"));
    assert_eq!(request.get_str(":authority"), Some("10.0.0.1:6443"));
    assert_eq!(
        request.get_str(":path"),
        Some("/base/api/v1/pods?dryRun=All")
    );
}

#[test]
fn who_comes_before_where() {
    let world = World::new();
    let nowhere = "/api/v1/cube/proxy/clusters/nope/api/v1/pods";
    let (_, host, _) = world.send("GET", nowhere, &[]);
    assert_eq!(
        host.refusal(),
        (
            401,
            r#"{"code":401,"message":"Authenticate failed."}"#.into()
        )
    );
    let (_, host, _) = world.send("GET", nowhere, &[("authorization", "Bearer a.b.c")]);
    assert_eq!(
        host.refusal(),
        (401, r#"{"code":401,"message":"Token invalid."}"#.into())
    );
    let (_, host, flow) = world.send_as_jeff("GET", nowhere);
    assert_eq!(flow, Flow::Pause);
    assert_eq!(
        host.refusal(),
        (
            400,
            r#"{"code":400,"message":"cluster nope not found."}"#.into()
        )
    );
}

#[test]
fn a_list_query_that_cannot_be_read_is_refused_before_anything_goes_upstream() {
    let world = World::new();
    let (_, host, flow) = world.send_as_jeff("GET", &format!("{PODS}?count=all"));
    assert_eq!(flow, Flow::Pause);
    let problem = "the parameter count cannot be read: its only value is `only`";
    assert_eq!(
        host.refusal(),
        (400, format!(r#"{{"code":400,"message":"{problem}"}}"#))
    );
    let path = "/clusters/pivot-cluster/api/v1/pods?sort=a:b";
    let (_, host, flow) = world.send_as_jeff("GET", path);
    assert_eq!(flow, Flow::Pause);
    let (status, body) = host.refusal();
    assert_eq!(status, 400);
    assert!(body.contains(r#""kind":"Status""#), "{body}");
    assert!(
        body.contains("the parameter sort cannot be read at character 3"),
        "{body}"
    );
    // Nobody reads it in a request that does not become a page.
    for passed in [
        "isFilter=false&filter=!!",
        "isFilter=false&watch=true&filter=!!",
    ] {
        let (_, _, flow) = world.send_as_jeff("GET", &format!("{PODS}?{passed}"));
        assert_eq!(flow, Flow::Continue, "{passed}");
    }
    // To an application behind the API server it may mean something else.
    let application = "/clusters/pivot-cluster/api/v1/namespaces/a/services/web/proxy/x?filter=!!";
    let (_, host, flow) = world.send_as_jeff("GET", application);
    assert_eq!(flow, Flow::Continue);
    let path = host.request.borrow().get_str(":path").map(str::to_owned);
    assert!(path.is_some_and(|path| path.ends_with("/proxy/x?filter=!!")));
}

#[test]
fn a_refusal_passes_the_response_callbacks_that_envoy_sends_it_through() {
    let world = World::new();
    let (mut exchange, host, _) = world.send("GET", PODS, &[]);
    host.local_answer.set(true);
    host.response.replace(headers(&[(":status", "401")]));
    assert_eq!(exchange.on_response_headers(&host, false), Flow::Continue);
    assert_eq!(host.response.borrow().get_str(":status"), Some("401"));
    host.chunk.replace(b"the reply".to_vec());
    assert_eq!(exchange.on_response_body(&host, 9, true), Flow::Continue);
    assert_eq!(*host.chunk.borrow(), b"the reply");
}

#[test]
fn kubernetes_paths_answer_with_a_status_object() {
    let world = World::new();
    let (_, host, _) = world.send_as_jeff("GET", "/clusters/nope/api/v1/pods");
    let (status, body) = host.refusal();
    assert_eq!(status, 404);
    assert!(
        body.starts_with(r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure""#)
    );
    let (_, host, _) = world.send("GET", "/clusters/pivot-cluster/api", &[]);
    assert_eq!(host.refusal().0, 403);
    let basic = ("authorization", "Negotiate x");
    let (_, host, _) = world.send("GET", "/clusters/pivot-cluster/api", &[basic]);
    assert_eq!(host.refusal().0, 401);
}

#[test]
fn the_control_plane_gets_the_callers_own_credential() {
    let world = World::new();
    let (_, host, flow) = world.send(
        "GET",
        "/api/v1/cube/key",
        &[
            ("authorization", "Bearer x"),
            ("x-remote-user", "root"),
            ("cookie", "a=b"),
        ],
    );
    assert_eq!(flow, Flow::Continue);
    assert_eq!(
        host.request_header("x-cubegate-cluster").as_deref(),
        Some("control-plane")
    );
    assert_eq!(
        host.request_header("authorization").as_deref(),
        Some("Bearer x")
    );
    assert_eq!(host.request_header("cookie").as_deref(), Some("a=b"));
    assert_eq!(host.request_header("x-remote-user"), None);
}

#[test]
fn a_list_is_asked_for_plain_and_without_our_parameters() {
    let world = World::new();
    let (_, host, _) = world.send_as_jeff(
        "GET",
        &format!("{PODS}?selector=a=b&pageSize=3&labelSelector=x%3Dy"),
    );
    assert_eq!(
        host.request_header(":path").as_deref(),
        Some("/base/api/v1/pods?labelSelector=x%3Dy&pretty=false")
    );
    assert_eq!(
        host.request_header("accept").as_deref(),
        Some("application/json")
    );
    assert_eq!(
        host.request_header("accept-encoding").as_deref(),
        Some("identity")
    );
}

#[test]
fn what_is_no_list_for_us_keeps_its_query_and_headers() {
    let world = World::new();
    let bearer = format!("Bearer {}", world.token("jeff", &[]));
    let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    for (method, query, accept) in [
        ("GET", "?isFilter=false&watch=true&selector=a=b", "*/*"),
        ("GET", "?isFilter=false&pageSize=1", "*/*"),
        ("GET", "?limit=500", "*/*"),
        ("GET", "", table),
        ("GET", "", "application/vnd.kubernetes.protobuf"),
        ("PUT", "?x=1&isFilter=true", "*/*"),
        ("HEAD", "", "*/*"),
    ] {
        let path = format!("{PODS}{query}");
        let more = [
            ("authorization", bearer.as_str()),
            ("accept", accept),
            ("accept-encoding", "gzip"),
        ];
        let (_, host, _) = world.send(method, &path, &more);
        let expected = format!("/base/api/v1/pods{query}");
        assert_eq!(
            host.request_header(":path"),
            Some(expected),
            "{method} {query}"
        );
        assert_eq!(host.request_header("accept").as_deref(), Some(accept));
        assert_eq!(
            host.request_header("accept-encoding").as_deref(),
            Some("gzip")
        );
    }
}

#[test]
fn kubernetes_paths_page_only_when_asked() {
    let world = World::new();
    let (_, host, _) = world.send_as_jeff("GET", "/clusters/pivot-cluster/api/v1/pods");
    assert_eq!(
        host.request_header(":path").as_deref(),
        Some("/base/api/v1/pods")
    );
    let (_, host, _) = world.send_as_jeff("GET", "/clusters/pivot-cluster/api/v1/pods?pageSize=2");
    assert_eq!(
        host.request_header(":path").as_deref(),
        Some("/base/api/v1/pods?pretty=false")
    );
}

#[test]
fn an_upgrade_goes_by_http1_and_loses_the_token_protocol() {
    let world = World::new();
    let (_, host, _) = world.send_as_jeff("GET", "/clusters/pivot-cluster/api/v1/pods");
    assert_eq!(host.request_header("x-cubegate-alpn"), None);
    // base64url of a token is long; the header alone decides here.
    let bearer = format!("Bearer {}", world.token("jeff", &[]));
    let (_, host, _) = world.send(
        "GET",
        "/clusters/pivot-cluster/api/v1/namespaces/a/pods/p/exec?command=sh",
        &[
            ("authorization", &bearer),
            ("upgrade", "websocket"),
            ("connection", "Upgrade, Impersonate-User"),
            (
                "sec-websocket-protocol",
                "base64url.bearer.authorization.k8s.io.eA, v4.channel.k8s.io",
            ),
        ],
    );
    assert_eq!(
        host.request_header("x-cubegate-cluster").as_deref(),
        Some("cluster/p")
    );
    assert_eq!(
        host.request_header("x-cubegate-alpn").as_deref(),
        Some("http/1.1")
    );
    assert_eq!(
        host.request_header("x-cubegate-class").as_deref(),
        Some("stream")
    );
    assert_eq!(
        host.request_header("connection").as_deref(),
        Some("Upgrade")
    );
    assert_eq!(
        host.request_header("sec-websocket-protocol").as_deref(),
        Some("v4.channel.k8s.io")
    );
}

#[test]
fn a_cookie_reads_from_anywhere_and_writes_from_its_own_site_only() {
    let world = World::new();
    let cookie = format!("Authorization=Bearer+{}", world.token("jeff", &[]));
    let send = |method: &str, site: &str| {
        world.send(
            method,
            PODS,
            &[("cookie", &cookie), ("sec-fetch-site", site)],
        )
    };
    assert_eq!(send("GET", "cross-site").2, Flow::Continue);
    assert_eq!(send("DELETE", "same-origin").2, Flow::Continue);
    let (_, host, _) = send("DELETE", "cross-site");
    assert_eq!(
        host.refusal(),
        (403, r#"{"code":403,"message":"Forbidden."}"#.into())
    );
}

#[test]
fn bytes_that_are_no_text_are_refused_and_break_nothing() {
    let world = World::new();
    let host = MockHost::default();
    host.request.replace(Headers::new(vec![
        (":method".to_owned(), b"GET".to_vec()),
        (":path".to_owned(), PODS.as_bytes().to_vec()),
        ("authorization".to_owned(), b"Bearer \xff\xfe".to_vec()),
        ("x-odd".to_owned(), vec![0xff]),
    ]));
    let mut exchange = Exchange::new(Some(Rc::clone(&world.gateway)), &Meters::default());
    assert_eq!(exchange.on_request_headers(&host, true), Flow::Pause);
    assert_eq!(host.refusal().0, 401);
}

#[test]
fn a_configuration_that_cannot_be_used_is_refused_with_its_reason() {
    let refused = |document: &str| {
        Gateway::compile(
            document.as_bytes(),
            |_| None,
            None,
            &Revocations::default(),
            &Members::default(),
            &Meters::default(),
        )
        .err()
        .unwrap()
        .to_string()
    };
    assert!(refused("{}").contains("cannot be read"));
    assert!(
        refused(r#"{"version":1,"tokens":{"ed25519":{"issuer":"c","keys":{"k":"00"}}}}"#)
            .contains("32 bytes in hex")
    );
    assert!(
        refused(r#"{"version":1,"tokens":{"hs256":{"secret_env":"KC"}}}"#)
            .contains("environment variable KC")
    );
}

#[test]
fn new_keys_forget_what_the_old_ones_verified() {
    let world = World::new();
    let document = |kid: &str, hex: &str, cluster: &str| {
        format!(
            r#"{{"version":1,"tokens":{{"ed25519":{{"issuer":"cubegate","keys":{{"{kid}":"{hex}"}}}}}},
              "clusters":{{"{cluster}":{{"upstream":"u","upgrade_upstream":"v","authority":"a"}}}}}}"#
        )
    };
    let (_, _, flow) = world.send_as_jeff("GET", PODS);
    assert_eq!(flow, Flow::Continue);
    assert_eq!(world.gateway.verifier.remembered(), 1);
    let other = Ed25519Signer::generate("cubegate");
    let hex: String = other
        .public_key_bytes()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let rotated = document(other.kid(), &hex, "pivot-cluster");
    let rotated = world.compile(&rotated).unwrap();
    assert_eq!(rotated.verifier.remembered(), 0);
    let regrouped = document(other.kid(), &hex, "another");
    let none = rotated.revocations();
    let regrouped = Gateway::compile(
        regrouped.as_bytes(),
        |_| None,
        Some(&rotated),
        none,
        &Members::default(),
        &Meters::default(),
    )
    .unwrap();
    assert!(Rc::ptr_eq(&regrouped.verifier, &rotated.verifier));
}

#[test]
fn whether_the_filter_lives_is_answered_by_itself_and_to_everybody() {
    let world = World::new();
    for headers in [&[][..], &[("authorization", "Bearer nonsense")]] {
        let (_, host, flow) = world.send("GET", "/livez/filter", headers);
        assert_eq!(flow, Flow::Pause);
        let reply = host.reply.borrow().clone().unwrap();
        assert_eq!((reply.status, reply.body.as_slice()), (200, &b"ok"[..]));
    }
    let (_, host, flow) = world.send("GET", "/livez", &[]);
    assert_eq!(flow, Flow::Continue, "the control plane's own");
    assert_eq!(
        host.request.borrow().get_str("x-cubegate-cluster"),
        Some("control-plane")
    );
}
