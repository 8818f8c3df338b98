//! What is asked for is what comes.

use super::*;

#[test]
fn first_request_without_node_is_refused() {
    let mut session = Session::new();
    let error = session.on_request(mk_request(Cluster, "")).unwrap_err();
    assert_eq!(error, SessionError::NoNode);
    assert!(error.is_fatal());
    session.on_snapshot(mk_snapshot(&[(Cluster, "a@1")]));
    assert!(session.poll_responses(Instant::now()).is_empty());
}

#[test]
fn node_is_read_from_the_first_request_and_ignored_later() {
    let mut envoy = Envoy::new(&[]);
    envoy.ask(Cluster, "");
    assert_eq!(envoy.session.node().unwrap().id, "edge-1");
    let mut request = mk_request(Cluster, "");
    request.node = Some(ProtoNode {
        id: "other".into(),
        ..Default::default()
    });
    envoy.send(request);
    assert_eq!(envoy.session.node().unwrap().id, "edge-1");
    assert_eq!(envoy.session.poll_events().len(), 1);
}

#[test]
fn unknown_type_is_skipped_and_the_rest_goes_on() {
    let mut envoy = Envoy::new(&[(Cluster, "a@1")]);
    envoy.ask(Cluster, "");
    let request = proto::DeltaDiscoveryRequest {
        type_url: "type.googleapis.com/envoy.service.runtime.v3.Runtime".into(),
        ..Default::default()
    };
    assert!(!envoy.session.on_request(request).unwrap_err().is_fatal());
    assert_eq!(envoy.poll(), ["Cluster +a@1"]);
}

#[test]
fn nothing_is_sent_before_the_first_snapshot() {
    let mut envoy = Envoy::new(&[]);
    envoy.session = Session::new();
    envoy.ask(Cluster, "");
    assert!(envoy.poll().is_empty());
    envoy.publish(&[(Cluster, "a@1")]);
    assert_eq!(envoy.poll(), ["Cluster +a@1"]);
}

#[test]
fn wildcard_gets_everything_of_its_type_and_only_that() {
    let mut envoy = Envoy::new(&[(Cluster, "a@1"), (Cluster, "b@1"), (Listener, "l@1")]);
    envoy.ask(Cluster, "");
    assert_eq!(envoy.poll(), ["Cluster +a@1 +b@1"]);
    let mut envoy = Envoy::new(&[(Cluster, "a@1"), (Listener, "l@1")]);
    envoy.ask(Listener, "+*");
    assert_eq!(envoy.poll(), ["Listener +l@1"]);
}

#[test]
fn empty_wildcard_is_answered_so_that_envoy_can_start() {
    let mut envoy = Envoy::new(&[]);
    envoy.ask(Cluster, "");
    assert_eq!(envoy.poll(), ["Cluster"]);
    envoy.ack(Cluster);
    assert!(envoy.poll().is_empty());
}

#[test]
fn empty_first_request_of_a_type_without_wildcard_gets_nothing() {
    let mut envoy = Envoy::new(&[(Secret, "s@1")]);
    envoy.ask(Secret, "");
    assert!(envoy.poll().is_empty());
}

#[test]
fn named_subscription_gets_only_what_it_names() {
    let mut envoy = Envoy::new(&[(Secret, "a@1"), (Secret, "b@1")]);
    envoy.ask(Secret, "+a");
    assert_eq!(envoy.settle(), ["Secret +a@1"]);
    envoy.publish(&[(Secret, "a@1"), (Secret, "b@2")]);
    assert!(envoy.poll().is_empty());
}

#[test]
fn only_what_has_changed_is_sent() {
    let mut envoy = Envoy::new(&[(Cluster, "a@1"), (Cluster, "b@1"), (Cluster, "c@1")]);
    envoy.ask(Cluster, "");
    envoy.settle();
    envoy.publish(&[(Cluster, "a@1"), (Cluster, "b@2"), (Cluster, "d@1")]);
    assert_eq!(envoy.settle(), ["Cluster +b@2 +d@1 -c"]);
    envoy.publish(&[(Cluster, "a@1"), (Cluster, "b@2"), (Cluster, "d@1")]);
    assert!(envoy.poll().is_empty());
}

#[test]
fn missing_name_is_told_once_and_sent_when_it_appears() {
    let mut envoy = Envoy::new(&[(Cluster, "x@1")]);
    envoy.ask(Secret, "+a");
    assert_eq!(envoy.settle(), ["Secret -a"]);
    envoy.publish(&[(Cluster, "x@2")]);
    assert!(envoy.settle().is_empty());
    envoy.publish(&[(Secret, "a@1")]);
    assert_eq!(envoy.settle(), ["Secret +a@1"]);
}

#[test]
fn known_name_is_answered_again_when_subscribed_again() {
    let mut envoy = Envoy::new(&[(Secret, "a@1"), (Secret, "b@1")]);
    envoy.ask(Secret, "+a +b");
    envoy.settle();
    envoy.ask(Secret, "+a");
    assert_eq!(envoy.settle(), ["Secret +a@1"]);
}

#[test]
fn missing_name_is_told_again_when_subscribed_again() {
    let mut envoy = Envoy::new(&[]);
    envoy.ask(Secret, "+a");
    envoy.settle();
    envoy.ask(Secret, "+a");
    assert_eq!(envoy.settle(), ["Secret -a"]);
}

#[test]
fn unsubscribed_name_is_not_sent_any_more() {
    let mut envoy = Envoy::new(&[(Secret, "a@1"), (Secret, "b@1")]);
    envoy.ask(Secret, "+a +b");
    envoy.settle();
    envoy.ask(Secret, "-a");
    envoy.publish(&[(Secret, "a@2"), (Secret, "b@2")]);
    assert_eq!(envoy.settle(), ["Secret +b@2"]);
}

#[test]
fn unsubscribing_from_the_last_name_does_not_mean_everything() {
    let mut envoy = Envoy::new(&[(Cluster, "a@1"), (Cluster, "b@1")]);
    envoy.ask(Cluster, "+a");
    envoy.settle();
    envoy.ask(Cluster, "-a");
    envoy.ask(Cluster, "");
    envoy.publish(&[(Cluster, "a@2"), (Cluster, "b@2")]);
    assert!(envoy.settle().is_empty());
}

#[test]
fn phantom_unsubscribe_is_not_answered() {
    let mut envoy = Envoy::new(&[(Cluster, "a@1"), (Secret, "s@1")]);
    envoy.ask(Cluster, "");
    envoy.ask(Secret, "+s");
    envoy.settle();
    envoy.ask(Cluster, "-a -ghost");
    envoy.ask(Secret, "-ghost -*");
    assert!(envoy.settle().is_empty());
    envoy.publish(&[(Cluster, "a@2"), (Secret, "s@2")]);
    assert_eq!(envoy.settle(), ["Secret +s@2", "Cluster +a@2"]);
}

#[test]
fn name_unsubscribed_under_a_wildcard_is_answered() {
    let mut envoy = Envoy::new(&[(Cluster, "a@1"), (Cluster, "b@1")]);
    envoy.ask(Cluster, "+* +a +gone");
    assert_eq!(envoy.settle(), ["Cluster +a@1 +b@1 -gone"]);
    envoy.ask(Cluster, "-a -gone");
    assert_eq!(envoy.settle(), ["Cluster +a@1 -gone"]);
}

#[test]
fn leaving_the_wildcard_keeps_the_names() {
    let mut envoy = Envoy::new(&[(Cluster, "a@1"), (Cluster, "b@1")]);
    envoy.ask(Cluster, "+* +a");
    envoy.settle();
    envoy.ask(Cluster, "-*");
    envoy.publish(&[(Cluster, "a@2"), (Cluster, "b@2")]);
    assert_eq!(envoy.settle(), ["Cluster +a@2"]);
    envoy.ask(Cluster, "+*");
    assert_eq!(envoy.settle(), ["Cluster +b@2"]);
}

#[test]
fn star_is_no_wildcard_for_secrets() {
    let mut envoy = Envoy::new(&[(Secret, "a@1")]);
    envoy.ask(Secret, "+*");
    assert_eq!(envoy.settle(), ["Secret -*"]);
}

#[test]
fn large_update_is_cut_and_the_rest_follows_the_answer() {
    let mut snapshot = Snapshot::default();
    for name in ["a", "b", "c"] {
        let content = "x".repeat(3 * 1024 * 1024);
        snapshot.insert(Cluster, name, mk_resource("1", &content));
    }
    let mut envoy = Envoy::new(&[]);
    envoy.session.on_snapshot(Arc::new(snapshot));
    envoy.ask(Cluster, "");
    assert_eq!(envoy.poll(), ["Cluster +a@1"]);
    assert!(envoy.poll().is_empty());
    envoy.ack(Cluster);
    assert_eq!(envoy.settle(), ["Cluster +b@1", "Cluster +c@1"]);
}
