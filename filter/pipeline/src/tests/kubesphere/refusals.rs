//! What is refused, and in which words.

use super::*;

#[test]
fn a_refusal_names_the_resource_as_kubesphere_does() {
    const HEAD: [(&str, &str); 2] = [(":status", "403"), ("content-type", "application/json")];
    let world = world();
    let own = br#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"nodes \"node1\" is forbidden: User \"jeff\" cannot get resource \"nodes\" in API group \"\" at the cluster scope","reason":"Forbidden","details":{"name":"node1","kind":"nodes"},"code":403}"#;
    let (mut exchange, host, _) = world.send_as_jeff("GET", &format!("{KAPIS}/nodes/node1"));
    host.answer(&mut exchange, &HEAD, &[own]);
    let (status, body) = host.refusal();
    assert_eq!(status, 403);
    assert_eq!(
        body,
        r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"nodes.resources.kubesphere.io \"node1\" is forbidden: User \"jeff\" cannot get resource \"nodes\" in API group \"resources.kubesphere.io\" at the cluster scope","reason":"Forbidden","details":{"name":"node1","group":"resources.kubesphere.io","kind":"nodes"},"code":403}"#
    );
    assert_eq!(
        host.reply_header("x-content-type-options").as_deref(),
        Some("nosniff")
    );

    // That the gateway may not act for him is another matter, and said as it is.
    let others = br#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"users \"jeff\" is forbidden: User \"gateway\" cannot impersonate resource \"users\"","reason":"Forbidden","code":403}"#;
    let (mut exchange, host, _) = world.send_as_jeff("GET", &format!("{KAPIS}/nodes"));
    assert_eq!(host.answer(&mut exchange, &HEAD, &[others]), others);
}

#[test]
fn what_is_not_there_is_told_in_text() {
    let world = world();
    let (mut exchange, host, _) = world.send_as_jeff("GET", &format!("{KAPIS}/nodes/nope"));
    host.answer(&mut exchange, &[(":status", "404")], &[b"{}"]);
    assert_eq!(
        host.refusal(),
        (404, "Node \"nope\" not found\n".to_owned())
    );
    for (method, path, expected) in [
        ("GET", "/foos", (404, "resource is not supported\n")),
        (
            "GET",
            "/namespaces/demo/nodes",
            (404, "resource is not supported\n"),
        ),
        ("GET", "/a/b/c", (404, "404: Page Not Found")),
        ("POST", "/nodes", (405, "405: Method Not Allowed")),
        ("HEAD", "/foos", (405, "405: Method Not Allowed")),
    ] {
        let (_, host, _) = world.send_as_jeff(method, &format!("{KAPIS}{path}"));
        let (status, text) = expected;
        assert_eq!(host.refusal(), (status, text.to_owned()), "{path}");
        assert_eq!(
            host.reply_header("content-type").as_deref(),
            Some("text/plain; charset=utf-8")
        );
    }
    let (_, host, _) = world.send_as_jeff("GET", &format!("{KAPIS}/nodes?labelSelector=%3D"));
    let (status, text) = host.refusal();
    assert_eq!(status, 400);
    assert!(text.contains("labelSelector"), "{text}");
}

#[test]
fn services_that_select_by_very_many_labels_are_refused() {
    let world = world();
    let path = format!("{KAPIS}/pods?serviceName=web");
    let asked = |labels: usize, services: usize| {
        let selector: Vec<String> = (0..labels).map(|n| format!(r#""l{n}":"x""#)).collect();
        let service = format!(
            r#"{{"metadata":{{"name":"web","namespace":"a"}},"spec":{{"selector":{{{}}}}}}}"#,
            selector.join(",")
        );
        let body = format!(r#"{{"items":[{}]}}"#, vec![service; services].join(","));
        let (mut exchange, host, _) = world.send_as_jeff("GET", &path);
        host.answer_call(&mut exchange, 0, "200", &body);
        let reply = host.reply.borrow().clone();
        (reply, host.resumed.get())
    };
    for (labels, services) in [(128, 1), (64, 2), (0, 200)] {
        assert_eq!(asked(labels, services), (None, 1), "{labels} × {services}");
    }
    for (labels, services) in [(129, 1), (1, 129), (65, 2)] {
        let (reply, resumed) = asked(labels, services);
        let reply = reply.unwrap();
        assert_eq!((reply.status, resumed), (400, 0));
        let text = String::from_utf8(reply.body).unwrap();
        assert!(text.contains("more than 128 labels"), "{text}");
    }
    assert_eq!(world.gateway.answers.memory.held(), 0);
}

#[test]
fn lists_are_json_or_nothing() {
    let world = world();
    let bearer = format!("Bearer {}", world.token("jeff", &[]));
    let status = |accept: &str| {
        let headers = [("authorization", bearer.as_str()), ("accept", accept)];
        let (_, host, _) = world.send("GET", &format!("{KAPIS}/nodes"), &headers);
        let reply = host.reply.borrow();
        reply.as_ref().map(|reply| reply.status)
    };
    for accept in ["*/*", "application/json", "text/html, application/*;q=0.1"] {
        assert_eq!(status(accept), None, "{accept}");
    }
    for accept in ["text/html", "application/xml", "application/json;q=0"] {
        assert_eq!(status(accept), Some(406), "{accept}");
    }
}

#[test]
fn who_asks_comes_before_where_and_what() {
    let world = world();
    for path in [
        format!("{KAPIS}/nodes"),
        format!("{KAPIS}/foos"),
        "/kapis/clusters/zzz/resources.kubesphere.io/v1alpha3/nodes".to_owned(),
        "/api/v1/nodes".to_owned(),
    ] {
        let (_, host, _) = world.send("GET", &path, &[]);
        let (status, body) = host.refusal();
        assert_eq!(status, 403, "{path}");
        assert!(
            body.contains(r#"User \"system:anonymous\" cannot list"#),
            "{body}"
        );
    }
    let missing = "/kapis/clusters/zzz/resources.kubesphere.io/v1alpha3/nodes";
    let (_, host, _) = world.send_as_jeff("POST", missing);
    let (status, body) = host.refusal();
    assert_eq!(status, 404);
    assert!(
        body.contains(r#""message":"cluster zzz not found""#),
        "{body}"
    );
}

#[test]
fn without_discovery_or_host_the_client_is_told() {
    let world = World::new();
    let (_, host, _) = world.send_as_jeff("GET", "/api/v1/nodes");
    assert_eq!(host.refusal().0, 404);
    let world = world.push("host_cluster", r#""pivot-cluster""#);
    let (_, host, flow) = world.send_as_jeff("GET", "/api/v1/nodes");
    assert_eq!(flow, Flow::Continue);
    assert_eq!(
        host.request_header(":path").as_deref(),
        Some("/base/api/v1/nodes")
    );
    let (_, host, _) = world.send_as_jeff("GET", &format!("{KAPIS}/nodes"));
    assert_eq!(host.refusal().0, 503);
}

#[test]
fn what_a_cluster_says_of_the_gateway_is_not_the_callers() {
    let world = world();
    let head = [(":status", "401"), ("content-type", "application/json")];
    for (path, status) in [
        ("/api/v1/nodes", 502),
        ("/clusters/pivot-cluster/api/v1/nodes", 502),
        ("/kapis/resources.kubesphere.io/v1alpha3/nodes", 502),
    ] {
        let (mut exchange, host, _) = world.send_as_jeff("GET", path);
        host.answer(&mut exchange, &head, &[b"{}"]);
        assert_eq!(host.refusal().0, status, "{path}");
    }
    let path = "/api/v1/namespaces/a/services/web/proxy/private";
    let (mut exchange, host, _) = world.send_as_jeff("GET", path);
    assert_eq!(host.answer(&mut exchange, &head, &[b"{}"]), b"{}");
}

#[test]
fn a_scope_is_held_against_what_is_asked_of_the_api_server() {
    let world = world();
    let token = world.sign(&Claims {
        scope: Some(cubegate_token::KeyScope {
            namespaces: vec!["demo".to_owned()],
            ..cubegate_token::KeyScope::default()
        }),
        ..claims("jeff", &[])
    });
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    for (path, allowed) in [
        ("/namespaces/demo/pods", true),
        ("/namespaces/demo/pods/p", true),
        ("/namespaces/other/pods", false),
        ("/pods", false),
        ("/nodes", false),
        ("/namespaces/demo/pods?namespace=other", true),
    ] {
        let (_, host, flow) = world.send("GET", &format!("{KAPIS}{path}"), &headers);
        assert_eq!(flow == Flow::Continue, allowed, "{path}");
        if !allowed {
            assert_eq!(host.refusal().0, 403, "{path}");
        }
    }
}
