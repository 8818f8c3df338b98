//! A new stream of an Envoy that was connected before.

use super::*;

#[test]
fn only_differences_are_sent() {
    let mut envoy = Envoy::new(&[(Cluster, "a@1"), (Cluster, "b@2"), (Cluster, "c@1")]);
    envoy.resume(Cluster, "", "a@1 b@1");
    assert_eq!(envoy.settle(), ["Cluster +b@2 +c@1"]);
}

#[test]
fn names_that_are_known_and_unchanged_are_not_sent() {
    let mut envoy = Envoy::new(&[(Secret, "a@1"), (Secret, "b@1")]);
    envoy.resume(Secret, "+a +b", "a@1");
    assert_eq!(envoy.settle(), ["Secret +b@1"]);
}

#[test]
fn unchanged_wildcard_gets_an_empty_answer() {
    let mut envoy = Envoy::new(&[(Cluster, "a@1")]);
    envoy.resume(Cluster, "+*", "a@1");
    assert_eq!(envoy.settle(), ["Cluster"]);
}

#[test]
fn what_is_gone_meanwhile_is_removed() {
    let mut envoy = Envoy::new(&[(Cluster, "a@1"), (ExtensionConfig, "e@1")]);
    envoy.resume(Cluster, "", "a@1 gone@1");
    envoy.resume(ExtensionConfig, "+e", "e@1");
    envoy.resume(Listener, "", "");
    envoy.resume(RouteConfiguration, "", "");
    let told = envoy.settle();
    assert!(told.contains(&"Cluster -gone".to_owned()), "{told:?}");
}

#[test]
fn versions_of_names_that_are_not_subscribed_to_are_ignored() {
    let mut envoy = Envoy::new(&[(Secret, "a@2")]);
    envoy.resume(Secret, "+b", "a@1 gone@1");
    assert_eq!(envoy.settle(), ["Secret -b"]);
}

#[test]
fn initial_versions_count_only_in_the_first_request_of_a_type() {
    let mut envoy = Envoy::new(&[(Cluster, "a@1")]);
    envoy.ask(Cluster, "");
    envoy.settle();
    envoy.resume(Cluster, "", "a@9");
    assert!(envoy.settle().is_empty());
}

#[test]
fn cluster_stays_until_the_configuration_that_is_about_to_be_asked_for_is_new() {
    let mut envoy = Envoy::new(&[
        (Cluster, "a@1"),
        (ExtensionConfig, "e@2"),
        (Listener, "l@1"),
    ]);
    envoy.resume(Cluster, "+*", "a@1 gone@1");
    assert_eq!(envoy.poll(), ["Cluster"]);
    envoy.ack(Cluster);
    assert!(envoy.poll().is_empty());
    envoy.resume(ExtensionConfig, "+e", "e@1");
    envoy.resume(Listener, "", "l@1");
    envoy.resume(RouteConfiguration, "+r", "");
    let told = envoy.poll();
    assert_eq!(
        told,
        ["ExtensionConfig +e@2", "Listener", "RouteConfiguration -r"]
    );
    for kind in [Listener, RouteConfiguration] {
        envoy.ack(kind);
        assert!(envoy.poll().is_empty());
    }
    envoy.ack(ExtensionConfig);
    assert_eq!(envoy.settle(), ["Cluster -gone"]);
}

#[test]
fn configuration_waits_for_the_clusters_that_are_about_to_be_asked_for() {
    let mut envoy = Envoy::new(&[(Cluster, "new@1"), (ExtensionConfig, "e@2")]);
    envoy.resume(ExtensionConfig, "+e", "e@1");
    assert!(envoy.poll().is_empty());
    envoy.resume(Cluster, "", "");
    assert_eq!(envoy.poll(), ["Cluster +new@1"]);
    envoy.ack(Cluster);
    assert_eq!(envoy.settle(), ["ExtensionConfig +e@2"]);
}

#[test]
fn envoy_that_asks_for_one_type_only_is_served_after_a_while() {
    let mut envoy = Envoy::new(&[(Cluster, "a@1")]);
    envoy.resume(Cluster, "", "a@1 gone@1");
    assert_eq!(envoy.settle(), ["Cluster"]);
    assert_eq!(envoy.session.wake_at(), Some(envoy.now + Session::OPENING));
    envoy.pass(Session::OPENING);
    assert_eq!(envoy.settle(), ["Cluster -gone"]);
    assert_eq!(envoy.session.wake_at(), None);
}

#[test]
fn secret_in_use_is_not_taken_away_by_a_reconnect() {
    let mut envoy = Envoy::new(&[(ExtensionConfig, "e@2")]);
    envoy.resume(Cluster, "", "c@1");
    envoy.resume(Secret, "+s", "s@1");
    envoy.resume(ExtensionConfig, "+e", "e@1");
    envoy.resume(Listener, "", "");
    envoy.resume(RouteConfiguration, "", "");
    assert_eq!(envoy.poll(), ["Cluster", "Listener"]);
    envoy.ack(Listener);
    envoy.ack(Cluster);
    assert_eq!(
        envoy.settle(),
        ["ExtensionConfig +e@2", "Cluster -c", "Secret -s"]
    );
}

#[test]
fn nonce_of_the_stream_before_is_stale() {
    let mut envoy = Envoy::new(&[(Cluster, "a@1")]);
    let mut request = mk_request(Cluster, "");
    request.response_nonce = "1".into();
    envoy.send(request);
    assert_eq!(envoy.poll(), ["Cluster +a@1"]);
    envoy.publish(&[(Cluster, "a@2")]);
    assert!(envoy.poll().is_empty());
}
