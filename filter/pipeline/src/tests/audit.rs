//! What is left with the proxy for the audit record.

use cubegate_filter_config::AuditNote;

use super::*;

const PODS: &str = "/clusters/pivot-cluster/api/v1/pods?token=s3cret";

impl MockHost {
    fn noted(&self) -> Option<AuditNote> {
        self.note.borrow().clone()
    }
}

fn mk_note(cluster: &str) -> AuditNote {
    AuditNote {
        cluster: Some(cluster.to_owned()),
        path: Some("/api/v1/pods".to_owned()),
        ..AuditNote::default()
    }
}

#[test]
fn a_request_to_a_cluster_is_noted_with_its_caller() {
    let world = World::new();
    let token = world.sign(&Claims {
        access_key: Some("key-1".to_owned()),
        id: Some("token-1".to_owned()),
        ..claims("jeff", &[])
    });
    let bearer = format!("Bearer {token}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("x-request-id", "r1"),
        ("audit-id", "of the client"),
    ];
    let (_, host, flow) = world.send("GET", PODS, &headers);
    assert_eq!(flow, Flow::Continue);
    let expected = AuditNote {
        user: Some("jeff".to_owned()),
        key: Some("key-1".to_owned()),
        token: Some("token-1".to_owned()),
        ..mk_note("pivot-cluster")
    };
    assert_eq!(host.noted(), Some(expected));
    let line = "user=jeff key=key-1 cluster=pivot-cluster verb=list resource=pods";
    assert_eq!(host.line.borrow().join(" "), line);
    assert_eq!(host.request_header("audit-id").as_deref(), Some("r1"));
    assert_eq!(host.request.borrow().all("audit-id").count(), 1);
}

#[test]
fn whose_browser_the_console_asks_for_is_noted_and_goes_no_further() {
    let world = World::new();
    let bearer = format!("Bearer {}", world.sign(&claims("jeff", &[])));
    let headers = |said| {
        [
            ("authorization", bearer.as_str()),
            ("cubegate-reader", said),
        ]
    };
    let said = "203.0.113.7;1700000000;00ff";
    let (_, host, flow) = world.send("GET", PODS, &headers(said));
    assert_eq!(flow, Flow::Continue);
    assert_eq!(host.noted().unwrap().reader.as_deref(), Some(said));
    assert_eq!(host.request_header("cubegate-reader"), None);
    // Whatever somebody writes there: it neither fills the log nor reaches a server.
    let long = "x".repeat(257);
    let (_, host, _) = world.send("GET", PODS, &headers(&long));
    assert_eq!(host.noted().unwrap().reader, None);
    assert_eq!(host.request_header("cubegate-reader"), None);
    let (_, host, _) = world.send("GET", "/api/v1/cube/key", &headers(said));
    assert_eq!(host.request_header("cubegate-reader"), None);
}

#[test]
fn a_refusal_is_noted_with_what_is_known_by_then() {
    let world = World::new();
    let (_, host, _) = world.send("GET", PODS, &[]);
    assert_eq!(host.refusal().0, 403);
    let expected = AuditNote {
        user: Some("system:anonymous".to_owned()),
        ..mk_note("pivot-cluster")
    };
    assert_eq!(host.noted(), Some(expected));

    let (_, host, _) = world.send("GET", PODS, &[("authorization", "Bearer a.b.c")]);
    let expected = AuditNote {
        reason: Some("the token is malformed".to_owned()),
        ..mk_note("pivot-cluster")
    };
    assert_eq!(host.noted(), Some(expected));

    let (_, host, _) = world.send_as_jeff("GET", "/clusters/nope/api/v1/pods");
    assert_eq!(host.refusal().0, 404);
    let expected = AuditNote {
        user: Some("jeff".to_owned()),
        ..mk_note("nope")
    };
    assert_eq!(host.noted(), Some(expected));

    let (_, host, _) = world.send("GET", "/a/../b", &[]);
    assert_eq!(host.refusal().0, 400);
    assert_eq!(host.noted(), Some(AuditNote::default()));
}

#[test]
fn a_request_beyond_the_scope_is_noted_with_the_reason() {
    let world = World::new();
    let token = world.sign(&Claims {
        access_key: Some("key-1".to_owned()),
        scope: Some(cubegate_token::KeyScope {
            namespaces: vec!["shop".to_owned()],
            ..cubegate_token::KeyScope::default()
        }),
        ..claims("jeff", &[])
    });
    let bearer = format!("Bearer {token}");
    let (_, host, _) = world.send("GET", PODS, &[("authorization", &bearer)]);
    assert_eq!(host.refusal().0, 403);
    let reason = "The access key of this token is for the namespaces shop only; what is in no namespace or in all of them is out of its reach.";
    let noted = host.noted().unwrap();
    assert_eq!(noted.reason.as_deref(), Some(reason));
    assert_eq!(noted.key.as_deref(), Some("key-1"));
}

#[test]
fn what_goes_to_the_control_plane_is_its_own_to_record() {
    let world = World::new();
    let (_, host, flow) = world.send("POST", "/api/v1/cube/login", &[]);
    assert_eq!(flow, Flow::Continue);
    assert_eq!(host.noted(), None);
}

#[test]
fn a_note_is_read_as_it_was_written() {
    let note = mk_note("a");
    assert_eq!(AuditNote::from_json(&note.to_json()), Some(note));
    assert_eq!(AuditNote::from_json(b"{}"), Some(AuditNote::default()));
    assert_eq!(AuditNote::from_json(b"\xff"), None);
}
