//! A control plane that is not heard of.

use super::*;

const POD: &str = "/clusters/pivot-cluster/api/v1/namespaces/a/pods/p";
const PAGE: &str = "/api/v1/cube/proxy/clusters/pivot-cluster/api/v1/pods";
const STALE: &str = "cubegate-stale";

#[test]
fn every_answer_says_for_how_long_nothing_was_heard() {
    let world = World::with_limits(r#"{"stale_after_seconds":300}"#);
    for (age, told) in [(None, None), (Some(300), None), (Some(301), Some("301"))] {
        world.gateway.heard(age);
        let told = told.map(str::to_owned);
        // What goes through; a member's own word counts for nothing.
        let (mut exchange, host, _) = world.send_as_jeff("GET", POD);
        host.answer(&mut exchange, &[(":status", "200"), (STALE, "7")], &[b"{}"]);
        let header = host.response.borrow().get_str(STALE).map(str::to_owned);
        assert_eq!(header, told, "{age:?}");
        // A page.
        let (mut exchange, host, _) = world.send_as_jeff("GET", PAGE);
        let head = [(":status", "200"), ("content-type", "application/json")];
        host.answer(&mut exchange, &head, &[br#"{"kind":"PodList","items":[]}"#]);
        assert_eq!(host.reply_header(STALE), told, "{age:?}");
        // A refusal, and an answer of Envoy's own.
        let (_, host, _) = world.send("GET", POD, &[("authorization", "Bearer a.b.c")]);
        assert_eq!(host.reply_header(STALE), told, "{age:?}");
        let (mut exchange, host, _) = world.send_as_jeff("GET", POD);
        host.local_answer.set(true);
        host.response.replace(headers(&[(":status", "504")]));
        exchange.on_response_headers(&host, true);
        let header = host.response.borrow().get_str(STALE).map(str::to_owned);
        assert_eq!(header, told, "{age:?}");
    }
}

#[test]
fn nobody_is_let_through_then_where_that_is_wanted() {
    let world = World::with_limits(r#"{"stale_after_seconds":5,"refuse_when_stale":true}"#);
    world.gateway.heard(Some(5));
    let (_, _, flow) = world.send_as_jeff("GET", POD);
    assert_eq!(flow, Flow::Continue);
    world.gateway.heard(Some(6));
    for (path, expected) in [(POD, r#""kind":"Status""#), (PAGE, r#"{"code":503,"#)] {
        let (_, host, flow) = world.send_as_jeff("GET", path);
        assert_eq!(flow, Flow::Pause);
        let (status, body) = host.refusal();
        assert_eq!(status, 503);
        assert!(body.contains(expected), "{body}");
        assert_eq!(host.reply_header("retry-after").as_deref(), Some("5"));
        assert_eq!(host.reply_header(STALE).as_deref(), Some("6"));
    }
    // What the control plane answers by itself goes there, should it be back.
    let (_, _, flow) = world.send("POST", "/oauth/token", &[]);
    assert_eq!(flow, Flow::Continue);
    world.gateway.heard(Some(0));
    let (_, _, flow) = world.send_as_jeff("GET", POD);
    assert_eq!(flow, Flow::Continue);
}
