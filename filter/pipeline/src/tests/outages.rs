//! A member that does not answer.

use super::*;

const POD: &str = "/clusters/pivot-cluster/api/v1/namespaces/a/pods/p";

/// A request of jeff's that Envoy answers itself with this status.
fn unanswered(world: &World, status: &str) {
    let (mut exchange, host, flow) = world.send_as_jeff("GET", POD);
    assert_eq!(flow, Flow::Continue);
    host.local_answer.set(true);
    host.response.replace(headers(&[(":status", status)]));
    exchange.on_response_headers(&host, true);
}

/// Makes the looks that are due at this second, each with this answer.
fn look(world: &World, at: u64, status: Option<&str>) -> usize {
    let looks = world.gateway.take_due_looks(NOW + at);
    for look in &looks {
        assert_eq!(look.member, "pivot-cluster");
        assert_eq!(look.call.cluster, "cluster/p");
        assert_eq!(look.call.headers.get_str(":path"), Some("/base/version"));
        let head = status.map(|status| headers(&[(":status", status)]));
        world
            .gateway
            .looked(&look.member, head, Vec::new(), NOW + at);
    }
    looks.len()
}

#[test]
fn a_member_that_gives_no_answer_is_refused_once_a_look_has_failed() {
    let world = World::new();
    assert_eq!(look(&world, 0, None), 0);
    unanswered(&world, "503");
    let (_, _, flow) = world.send_as_jeff("GET", POD);
    assert_eq!(flow, Flow::Continue, "nothing waits for a look");
    assert_eq!(look(&world, 0, Some("504")), 1);
    for (path, code, expected) in [
        (POD, 503, r#""reason":"ServiceUnavailable""#),
        (
            "/api/v1/cube/proxy/clusters/pivot-cluster/api/v1/pods",
            502,
            r#"{"code":502,"message":"server error."}"#,
        ),
    ] {
        let (_, host, flow) = world.send_as_jeff("GET", path);
        assert_eq!(flow, Flow::Pause);
        let (status, body) = host.refusal();
        assert_eq!(status, code);
        assert!(body.contains(expected), "{body}");
        assert_eq!(host.reply_header("retry-after").as_deref(), Some("2"));
    }
    // Who somebody is, and what a key is for, come before that.
    let (_, host, _) = world.send("GET", POD, &[]);
    assert_eq!(host.refusal().0, 403);
    // The control plane's own question goes on.
    let bearer = format!("Bearer {}", world.token("cubegate:check", &[]));
    let (_, _, flow) = world.send("GET", POD, &[("authorization", &bearer)]);
    assert_eq!(flow, Flow::Continue);
    // Another configuration knows it, too.
    let pushed = world.push("no_host_paths", "true");
    let (_, host, _) = pushed.send_as_jeff("GET", POD);
    assert_eq!(host.refusal().0, 503);
    assert_eq!(look(&pushed, 2, Some("401")), 1);
    let (_, _, flow) = world.send_as_jeff("GET", POD);
    assert_eq!(flow, Flow::Continue);
}

#[test]
fn what_a_member_says_itself_is_no_silence() {
    let world = World::new();
    for status in ["500", "502", "503", "504"] {
        let (mut exchange, host, _) = world.send_as_jeff("GET", POD);
        host.response.replace(headers(&[(":status", status)]));
        exchange.on_response_headers(&host, true);
        assert_eq!(look(&world, 0, None), 0, "{status}");
    }
    for status in ["408", "413", "500"] {
        unanswered(&world, status);
        assert_eq!(look(&world, 0, None), 0, "{status}");
    }
}
