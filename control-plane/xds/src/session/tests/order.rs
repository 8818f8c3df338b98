//! Make before break.

use super::*;

const FULL: &[(ResourceType, &str)] = &[
    (Secret, "s@1"),
    (Cluster, "c@1"),
    (ExtensionConfig, "e@1"),
    (Listener, "l@1"),
    (RouteConfiguration, "r@1"),
];

/// An Envoy that has `resources` and is subscribed to every type: to all
/// clusters and listeners, to s, t, e and r by name.
fn running(resources: &[(ResourceType, &str)]) -> Envoy {
    let mut envoy = Envoy::new(resources);
    envoy.ask(Cluster, "");
    envoy.ask(Secret, "+s +t");
    envoy.ask(Listener, "");
    envoy.ask(ExtensionConfig, "+e");
    envoy.ask(RouteConfiguration, "+r");
    envoy.settle();
    envoy
}

#[test]
fn starting_envoy_is_served_step_by_step() {
    let mut envoy = Envoy::new(FULL);
    envoy.ask(Cluster, "");
    assert_eq!(envoy.poll(), ["Cluster +c@1"]);
    // Envoy holds the answer back until it has the cluster's secret.
    envoy.ask(Secret, "+s");
    assert_eq!(envoy.poll(), ["Secret +s@1"]);
    envoy.ack(Secret);
    envoy.ack(Cluster);
    assert!(envoy.poll().is_empty());
    envoy.ask(Listener, "");
    assert_eq!(envoy.poll(), ["Listener +l@1"]);
    envoy.ask(ExtensionConfig, "+e");
    envoy.ask(RouteConfiguration, "+r");
    assert_eq!(
        envoy.poll(),
        ["ExtensionConfig +e@1", "RouteConfiguration +r@1"]
    );
}

#[test]
fn changes_go_in_order_and_wait_for_the_answer_to_clusters() {
    let mut envoy = running(FULL);
    envoy.publish(&[
        (Secret, "s@2"),
        (Cluster, "c@2"),
        (ExtensionConfig, "e@2"),
        (Listener, "l@2"),
        (RouteConfiguration, "r@2"),
    ]);
    assert_eq!(envoy.poll(), ["Secret +s@2", "Cluster +c@2"]);
    envoy.ack(Secret);
    assert!(envoy.poll().is_empty());
    envoy.ack(Cluster);
    assert_eq!(
        envoy.poll(),
        [
            "ExtensionConfig +e@2",
            "Listener +l@2",
            "RouteConfiguration +r@2"
        ]
    );
}

#[test]
fn secrets_are_answered_while_clusters_are_in_flight() {
    let mut envoy = running(&[(Secret, "s@1"), (Cluster, "c@1")]);
    envoy.publish(&[
        (Secret, "s@1"),
        (Secret, "t@1"),
        (Cluster, "c@1"),
        (Cluster, "d@1"),
    ]);
    assert_eq!(envoy.poll(), ["Secret +t@1", "Cluster +d@1"]);
    envoy.ack(Secret);
    envoy.ask(Secret, "+t +ghost");
    assert_eq!(envoy.poll(), ["Secret +t@1 -ghost"]);
}

#[test]
fn types_that_envoy_has_not_asked_for_hold_up_nobody() {
    let mut envoy = Envoy::new(FULL);
    envoy.ask(RouteConfiguration, "+r");
    assert_eq!(envoy.poll(), ["RouteConfiguration +r@1"]);
    envoy.ack(RouteConfiguration);
    envoy.ask(Cluster, "");
    envoy.settle();
    envoy.publish(&[]);
    assert_eq!(envoy.poll(), ["RouteConfiguration -r"]);
    envoy.ack(RouteConfiguration);
    assert_eq!(envoy.settle(), ["Cluster -c"]);
}

#[test]
fn refused_cluster_holds_up_nobody() {
    let mut envoy = running(FULL);
    envoy.publish(&[(Secret, "s@1"), (Cluster, "c@2"), (ExtensionConfig, "e@2")]);
    assert_eq!(envoy.poll(), ["Cluster +c@2", "Listener -l"]);
    envoy.nack(Cluster);
    assert_eq!(envoy.poll(), ["ExtensionConfig +e@2"]);
}

#[test]
fn cluster_goes_after_the_configuration_that_referred_to_it() {
    let mut envoy = running(&[
        (Secret, "s@1"),
        (Secret, "t@1"),
        (Cluster, "c@1"),
        (Cluster, "d@1"),
        (ExtensionConfig, "e@1"),
    ]);
    envoy.publish(&[(Secret, "s@1"), (Cluster, "c@1"), (ExtensionConfig, "e@2")]);
    assert_eq!(envoy.poll(), ["ExtensionConfig +e@2"]);
    assert!(envoy.poll().is_empty());
    envoy.ack(ExtensionConfig);
    assert_eq!(envoy.poll(), ["Cluster -d"]);
    assert!(envoy.poll().is_empty());
    envoy.ack(Cluster);
    assert_eq!(envoy.poll(), ["Secret -t"]);
}

#[test]
fn refused_configuration_keeps_its_clusters_and_their_secrets() {
    let mut envoy = running(&[(Secret, "t@1"), (Cluster, "d@1"), (ExtensionConfig, "e@1")]);
    envoy.publish(&[(ExtensionConfig, "e@2")]);
    assert_eq!(envoy.poll(), ["ExtensionConfig +e@2"]);
    envoy.nack(ExtensionConfig);
    assert!(envoy.settle().is_empty());
    // Additions are not held back, and neither is the repaired configuration.
    envoy.publish(&[
        (Secret, "s@1"),
        (Cluster, "new@1"),
        (ExtensionConfig, "e@2"),
    ]);
    assert_eq!(envoy.settle(), ["Secret +s@1", "Cluster +new@1"]);
    envoy.publish(&[
        (Secret, "s@1"),
        (Cluster, "new@1"),
        (ExtensionConfig, "e@3"),
    ]);
    assert_eq!(
        envoy.settle(),
        ["ExtensionConfig +e@3", "Cluster -d", "Secret -t"]
    );
}

#[test]
fn refused_listener_that_envoy_never_had_keeps_nothing() {
    let mut envoy = running(&[(Cluster, "c@1"), (ExtensionConfig, "e@1")]);
    envoy.publish(&[
        (Cluster, "c@1"),
        (ExtensionConfig, "e@1"),
        (Listener, "l@1"),
    ]);
    assert_eq!(envoy.poll(), ["Listener +l@1"]);
    envoy.nack(Listener);
    envoy.publish(&[(ExtensionConfig, "e@1"), (Listener, "l@1")]);
    assert_eq!(envoy.settle(), ["Cluster -c"]);
}

#[test]
fn everything_is_taken_down_in_reverse() {
    let mut envoy = running(FULL);
    envoy.publish(&[]);
    assert_eq!(
        envoy.settle(),
        [
            "Listener -l",
            "ExtensionConfig -e",
            "RouteConfiguration -r",
            "Cluster -c",
            "Secret -s"
        ]
    );
}

#[test]
fn cluster_that_comes_back_while_its_removal_is_in_flight_is_made_before_it_is_used() {
    let mut envoy = running(&[(Cluster, "c@1"), (Cluster, "d@1"), (ExtensionConfig, "e@1")]);
    envoy.publish(&[(Cluster, "c@1"), (ExtensionConfig, "e@1")]);
    assert_eq!(envoy.poll(), ["Cluster -d"]);
    envoy.publish(&[(Cluster, "c@1"), (Cluster, "d@1"), (ExtensionConfig, "e@2")]);
    assert!(envoy.poll().is_empty());
    envoy.ack(Cluster);
    assert_eq!(envoy.poll(), ["Cluster +d@1"]);
    envoy.ack(Cluster);
    assert_eq!(envoy.poll(), ["ExtensionConfig +e@2"]);
}

#[test]
fn removal_that_was_held_back_is_dropped_when_the_cluster_comes_back() {
    let mut envoy = running(&[(Cluster, "c@1"), (ExtensionConfig, "e@1")]);
    envoy.publish(&[(ExtensionConfig, "e@2")]);
    assert_eq!(envoy.poll(), ["ExtensionConfig +e@2"]);
    envoy.publish(&[(Cluster, "c@1"), (ExtensionConfig, "e@3")]);
    envoy.ack(ExtensionConfig);
    assert_eq!(envoy.settle(), ["ExtensionConfig +e@3"]);
}

#[test]
fn stuck_cluster_holds_the_others_up_only_for_a_while() {
    let mut envoy = running(FULL);
    envoy.publish(&[
        (Secret, "s@1"),
        (Cluster, "c@2"),
        (ExtensionConfig, "e@2"),
        (Listener, "l@1"),
        (RouteConfiguration, "r@1"),
    ]);
    assert_eq!(envoy.poll(), ["Cluster +c@2"]);
    envoy.session.poll_events();
    envoy.pass(Session::PATIENCE - Duration::from_secs(1));
    assert!(envoy.poll().is_empty());
    assert_eq!(
        envoy.session.wake_at(),
        Some(envoy.now + Duration::from_secs(1))
    );
    envoy.pass(Duration::from_secs(1));
    assert_eq!(envoy.poll(), ["ExtensionConfig +e@2"]);
    assert_eq!(
        envoy.session.poll_events(),
        [Event::Overdue {
            kind: Cluster,
            names: vec!["c".into()]
        }]
    );
    // A repaired cluster does not wait for an answer that may never come, and
    // the late answer still counts if nothing newer was sent.
    envoy.ack(ExtensionConfig);
    let late = envoy.nonces[&Cluster].clone();
    envoy.publish(&[
        (Secret, "s@1"),
        (Cluster, "c@3"),
        (ExtensionConfig, "e@2"),
        (Listener, "l@1"),
        (RouteConfiguration, "r@1"),
    ]);
    assert_eq!(envoy.poll(), ["Cluster +c@3"]);
    let current = envoy.nonces.insert(Cluster, late).unwrap();
    envoy.ack(Cluster);
    envoy.nonces.insert(Cluster, current);
    envoy.ack(Cluster);
    assert!(envoy.settle().is_empty());
    assert_eq!(envoy.session.wake_at(), None);
}

#[test]
fn unanswered_configuration_keeps_its_clusters_for_ever() {
    let mut envoy = running(&[(Cluster, "c@1"), (ExtensionConfig, "e@1")]);
    envoy.publish(&[(ExtensionConfig, "e@2")]);
    assert_eq!(envoy.poll(), ["ExtensionConfig +e@2"]);
    envoy.pass(Session::PATIENCE * 10);
    assert!(envoy.poll().is_empty());
    envoy.ack(ExtensionConfig);
    assert_eq!(envoy.settle(), ["Cluster -c"]);
}

#[test]
fn change_waits_while_an_earlier_type_cannot_send_all_it_has() {
    let mut envoy = running(&[(Secret, "s@1"), (Cluster, "c@1"), (ExtensionConfig, "e@1")]);
    envoy.publish(&[(Secret, "s@2"), (Cluster, "c@1"), (ExtensionConfig, "e@2")]);
    assert_eq!(envoy.poll(), ["Secret +s@2", "ExtensionConfig +e@2"]);
    // Both are in flight; what builds on them must not overtake their next.
    envoy.publish(&[
        (Secret, "s@3"),
        (Cluster, "c@2"),
        (ExtensionConfig, "e@3"),
        (Listener, "l@1"),
    ]);
    assert!(envoy.poll().is_empty());
    envoy.ack(Secret);
    assert_eq!(envoy.poll(), ["Secret +s@3", "Cluster +c@2"]);
    envoy.ack(Cluster);
    assert!(envoy.poll().is_empty());
    envoy.ack(ExtensionConfig);
    assert_eq!(envoy.poll(), ["ExtensionConfig +e@3", "Listener +l@1"]);
}

#[test]
fn what_was_revoked_does_not_wait_for_a_cluster_that_warms() {
    let with = |cluster, config, revoked| {
        [
            (Cluster, cluster),
            (ExtensionConfig, config),
            (ExtensionConfig, revoked),
        ]
    };
    let mut envoy = running(&with("c@1", "e@1", "revoked@alone-1"));
    envoy.ask(ExtensionConfig, "+revoked");
    envoy.settle();
    envoy.publish(&with("c@2", "e@1", "revoked@alone-1"));
    assert_eq!(envoy.poll(), ["Cluster +c@2"]);
    envoy.publish(&with("c@2", "e@2", "revoked@alone-2"));
    assert_eq!(envoy.poll(), ["ExtensionConfig +revoked@alone-2"]);
    envoy.ack(ExtensionConfig);
    // Nor for one cluster after the other, while what may refer to them waits.
    envoy.publish(&with("c@3", "e@2", "revoked@alone-3"));
    assert_eq!(envoy.poll(), ["ExtensionConfig +revoked@alone-3"]);
    envoy.ack(ExtensionConfig);
    envoy.ack(Cluster);
    assert_eq!(envoy.poll(), ["Cluster +c@3"]);
    envoy.ack(Cluster);
    assert_eq!(envoy.settle(), ["ExtensionConfig +e@2"]);
}
