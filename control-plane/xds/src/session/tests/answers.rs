//! ACK, NACK, nonces, and one response in flight.

use super::*;

fn refusals(events: Vec<Event>) -> Vec<(ResourceType, Vec<String>, String)> {
    events
        .into_iter()
        .filter_map(|event| match event {
            Event::Refused {
                kind,
                names,
                message,
                ..
            } => Some((kind, names, message)),
            _ => None,
        })
        .collect()
}

#[test]
fn nonces_are_never_used_twice_on_a_stream() {
    let mut envoy = Envoy::new(&[(Secret, "s@1"), (Cluster, "a@1")]);
    envoy.ask(Cluster, "");
    envoy.ask(Secret, "+s");
    envoy.poll();
    assert_ne!(envoy.nonces[&Cluster], envoy.nonces[&Secret]);
    let before = envoy.nonces[&Cluster].clone();
    envoy.settle();
    envoy.ack(Cluster);
    envoy.publish(&[(Secret, "s@1"), (Cluster, "a@2")]);
    envoy.settle();
    assert_ne!(envoy.nonces[&Cluster], before);
}

#[test]
fn accepted_response_is_not_answered_and_is_reported() {
    let mut envoy = Envoy::new(&[(Cluster, "a@1"), (Cluster, "b@1")]);
    envoy.ask(Cluster, "");
    envoy.poll();
    envoy.session.poll_events();
    envoy.ack(Cluster);
    assert!(envoy.poll().is_empty());
    let events = envoy.session.poll_events();
    assert!(
        matches!(
            &events[..],
            [Event::Accepted {
                kind: Cluster,
                resources: 2,
                ..
            }]
        ),
        "{events:?}"
    );
}

#[test]
fn one_response_of_a_type_is_in_flight_and_a_newer_snapshot_supersedes() {
    let mut envoy = Envoy::new(&[(Cluster, "a@1")]);
    envoy.ask(Cluster, "");
    assert_eq!(envoy.poll(), ["Cluster +a@1"]);
    envoy.publish(&[(Cluster, "a@2"), (Cluster, "b@1")]);
    assert!(envoy.poll().is_empty());
    envoy.publish(&[(Cluster, "a@3")]);
    assert!(envoy.poll().is_empty());
    envoy.ack(Cluster);
    assert_eq!(envoy.settle(), ["Cluster +a@3"]);
}

#[test]
fn refused_version_is_reported_and_not_sent_again() {
    let mut envoy = Envoy::new(&[(Cluster, "a@1")]);
    envoy.ask(Cluster, "");
    envoy.settle();
    envoy.publish(&[(Cluster, "a@2")]);
    assert_eq!(envoy.poll(), ["Cluster +a@2"]);
    envoy.nack(Cluster);
    assert!(envoy.poll().is_empty());
    assert_eq!(
        refusals(envoy.session.poll_events()),
        [(Cluster, vec!["a".to_owned()], "bad".to_owned())]
    );
    envoy.publish(&[(Cluster, "a@2"), (Cluster, "b@1")]);
    assert_eq!(envoy.settle(), ["Cluster +b@1"]);
    envoy.publish(&[(Cluster, "a@3"), (Cluster, "b@1")]);
    assert_eq!(envoy.settle(), ["Cluster +a@3"]);
}

#[test]
fn going_back_to_what_envoy_kept_sends_nothing() {
    let mut envoy = Envoy::new(&[(Cluster, "a@1")]);
    envoy.ask(Cluster, "");
    envoy.settle();
    envoy.publish(&[(Cluster, "a@2")]);
    envoy.poll();
    envoy.nack(Cluster);
    envoy.publish(&[(Cluster, "a@1")]);
    assert!(envoy.poll().is_empty());
    // And the refusal is forgotten: the version may be tried again.
    envoy.publish(&[(Cluster, "a@2")]);
    assert_eq!(envoy.poll(), ["Cluster +a@2"]);
}

#[test]
fn refused_resource_is_removed_from_the_version_that_envoy_kept() {
    let mut envoy = Envoy::new(&[(Cluster, "a@1")]);
    envoy.ask(Cluster, "");
    envoy.settle();
    envoy.publish(&[(Cluster, "a@2")]);
    envoy.poll();
    envoy.nack(Cluster);
    envoy.publish(&[]);
    assert_eq!(envoy.settle(), ["Cluster -a"]);
}

#[test]
fn resource_that_was_never_taken_needs_no_removal() {
    let mut envoy = Envoy::new(&[(Cluster, "a@1")]);
    envoy.ask(Cluster, "");
    envoy.poll();
    envoy.nack(Cluster);
    envoy.publish(&[]);
    assert!(envoy.settle().is_empty());
}

#[test]
fn refused_response_of_several_is_taken_apart_to_find_the_bad_one() {
    let mut envoy = Envoy::new(&[(Secret, "a@1"), (Secret, "bad@1"), (Secret, "c@1")]);
    envoy.ask(Secret, "+a +bad +c");
    assert_eq!(envoy.poll(), ["Secret +a@1 +bad@1 +c@1"]);
    envoy.nack(Secret);
    assert_eq!(envoy.poll(), ["Secret +a@1"]);
    envoy.ack(Secret);
    assert_eq!(envoy.poll(), ["Secret +bad@1"]);
    envoy.nack(Secret);
    assert_eq!(envoy.settle(), ["Secret +c@1"]);
    // From then on it is as if they had come one by one.
    envoy.publish(&[(Secret, "a@2"), (Secret, "bad@1"), (Secret, "c@2")]);
    assert_eq!(envoy.settle(), ["Secret +a@2 +c@2"]);
}

#[test]
fn going_back_after_a_refusal_of_several_is_sent_because_envoy_may_have_taken_a_part() {
    let mut envoy = Envoy::new(&[(Cluster, "a@1"), (Cluster, "b@1")]);
    envoy.ask(Cluster, "");
    envoy.settle();
    envoy.publish(&[(Cluster, "a@2"), (Cluster, "b@2")]);
    envoy.poll();
    envoy.publish(&[(Cluster, "a@1"), (Cluster, "b@1")]);
    envoy.nack(Cluster);
    assert_eq!(envoy.settle(), ["Cluster +a@1", "Cluster +b@1"]);
}

#[test]
fn stale_answer_changes_nothing_but_its_subscriptions_count() {
    let mut envoy = Envoy::new(&[(Secret, "a@1"), (Secret, "b@1")]);
    envoy.ask(Secret, "+a");
    envoy.settle();
    let old = envoy.nonces[&Secret].clone();
    envoy.publish(&[(Secret, "a@2"), (Secret, "b@1")]);
    assert_eq!(envoy.poll(), ["Secret +a@2"]);
    let current = envoy.nonces.insert(Secret, old).unwrap();
    envoy.answer(Secret, "+b", None);
    assert!(envoy.poll().is_empty(), "a@2 is still in flight");
    envoy.nonces.insert(Secret, current);
    envoy.ack(Secret);
    assert_eq!(envoy.poll(), ["Secret +b@1"]);
}

#[test]
fn stale_refusal_is_reported_and_refuses_nothing() {
    let mut envoy = Envoy::new(&[(Cluster, "a@1")]);
    envoy.ask(Cluster, "");
    envoy.settle();
    envoy.session.poll_events();
    envoy.nack(Cluster);
    assert_eq!(
        refusals(envoy.session.poll_events()),
        [(Cluster, vec![], "bad".to_owned())]
    );
    envoy.publish(&[(Cluster, "a@2")]);
    assert_eq!(envoy.settle(), ["Cluster +a@2"]);
}

#[test]
fn request_without_nonce_is_no_answer() {
    let mut envoy = Envoy::new(&[(Secret, "a@1"), (Secret, "b@1")]);
    envoy.ask(Secret, "+a");
    assert_eq!(envoy.poll(), ["Secret +a@1"]);
    envoy.ask(Secret, "+b");
    assert!(envoy.poll().is_empty());
    envoy.ack(Secret);
    assert_eq!(envoy.poll(), ["Secret +b@1"]);
}

#[test]
fn answer_and_subscription_in_one_request_both_count() {
    let mut envoy = Envoy::new(&[(Secret, "a@1"), (Secret, "b@1")]);
    envoy.ask(Secret, "+a");
    envoy.poll();
    envoy.answer(Secret, "+b -a", None);
    assert_eq!(envoy.settle(), ["Secret +b@1"]);
    envoy.publish(&[(Secret, "a@2"), (Secret, "b@1")]);
    assert!(envoy.poll().is_empty());
}

#[test]
fn refusal_of_a_name_that_was_dropped_meanwhile_is_forgotten() {
    let mut envoy = Envoy::new(&[(Secret, "a@1")]);
    envoy.ask(Secret, "+a");
    envoy.poll();
    envoy.ask(Secret, "-a");
    envoy.nack(Secret);
    envoy.ask(Secret, "+a");
    assert_eq!(envoy.poll(), ["Secret +a@1"]);
}

#[test]
fn subscribing_again_asks_for_a_refused_version_again() {
    let mut envoy = Envoy::new(&[(Secret, "a@1")]);
    envoy.ask(Secret, "+a");
    envoy.poll();
    envoy.nack(Secret);
    assert!(envoy.poll().is_empty());
    envoy.ask(Secret, "+a");
    assert_eq!(envoy.poll(), ["Secret +a@1"]);
}
