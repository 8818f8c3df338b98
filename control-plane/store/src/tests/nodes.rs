use cubegate_domain::Node;
use time::Duration;

use super::{Kind, TestStore, at, on_each_database};

const MONTH: Duration = Duration::days(30);

async fn node(store: &TestStore, name: &str) -> Node {
    let nodes = store.list_nodes().await.unwrap();
    nodes
        .into_iter()
        .find(|node| node.certificate.node == name)
        .unwrap()
}

async fn a_certificate_that_was_issued_until_a_revocation_is_refused_and_a_later_one_is_not(
    kind: Kind,
) {
    let store = TestStore::new(kind).await;
    let first = store
        .issue_node_certificate("edge", at(0), MONTH)
        .await
        .unwrap();
    assert_eq!((first.issued_at, first.expires_at), (at(0), at(0) + MONTH));
    let second = store
        .renew_node_certificate(&first, at(10), MONTH)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(node(&store, "edge").await.certificate, second);
    assert!(!node(&store, "edge").await.is_revoked());
    assert!(store.list_revoked_nodes().await.unwrap().is_empty());

    let revision = store.revision().await.unwrap();
    assert!(store.revoke_node("edge", at(20)).await.unwrap());
    assert!(store.revision().await.unwrap() > revision);
    assert!(node(&store, "edge").await.is_revoked());
    let revoked = store.list_revoked_nodes().await.unwrap();
    assert_eq!(revoked["edge"], at(20));
    for old in [&first, &second] {
        let renewed = store.renew_node_certificate(old, at(30), MONTH).await;
        assert_eq!(renewed.unwrap(), None);
    }

    // Given a new one in the same second, it is let in.
    let third = store
        .issue_node_certificate("edge", at(20), MONTH)
        .await
        .unwrap();
    assert!(third.issued_at > revoked["edge"]);
    assert!(!node(&store, "edge").await.is_revoked());
    // And shut out again, although its certificate says a later second.
    assert!(store.revoke_node("edge", at(20)).await.unwrap());
    assert!(node(&store, "edge").await.is_revoked());
}

async fn an_envoy_that_nobody_has_noted_can_be_shut_out_and_is_noted_when_it_comes(kind: Kind) {
    let store = TestStore::new(kind).await;
    assert!(!store.revoke_node("stolen", at(0)).await.unwrap());
    assert_eq!(store.list_revoked_nodes().await.unwrap()["stolen"], at(0));

    let mut certificate = store
        .issue_node_certificate("edge", at(0), MONTH)
        .await
        .unwrap();
    store.note_node_seen(&certificate, at(5)).await.unwrap();
    assert_eq!(node(&store, "edge").await.last_seen_at, Some(at(5)));
    certificate.node = "other".to_owned();
    store.note_node_seen(&certificate, at(6)).await.unwrap();
    assert_eq!(node(&store, "other").await.certificate, certificate);
}

on_each_database!(
    a_certificate_that_was_issued_until_a_revocation_is_refused_and_a_later_one_is_not,
    an_envoy_that_nobody_has_noted_can_be_shut_out_and_is_noted_when_it_comes,
);
