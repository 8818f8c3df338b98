//! An Envoy that stands by is told nothing until it is needed.

use super::*;

/// A request of an Envoy of this `node.cluster`.
fn mk_request_of(cluster: &str) -> proto::DeltaDiscoveryRequest {
    let mut request = mk_request(Cluster, &[]);
    request.node = Some(Node {
        id: "edge-1".into(),
        cluster: cluster.into(),
        ..Default::default()
    });
    request
}

#[tokio::test]
async fn one_that_is_held_gets_nothing_and_all_of_it_when_it_is_released() {
    let (hold, held) = watch::channel(Some("standby".to_owned()));
    let snapshot = mk_snapshot(&[(Cluster, "a", b"1")]);
    let mut harness = Harness::holding(snapshot, held).await;
    let mut serving = harness.connect().await;
    serving.send(mk_request_of("serving")).await;
    let first = serving.receive().await;
    serving.answer(&first, None).await;

    let mut standby = harness.connect().await;
    standby.send(mk_request_of("standby")).await;
    let newer = mk_snapshot(&[(Cluster, "a", b"2"), (Cluster, "b", b"1")]);
    harness.snapshots.send_replace(newer);
    assert_eq!(names(&serving.receive().await), ["a", "b"]);
    let nothing = timeout(Duration::from_millis(300), standby.responses.message()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    // Nobody waits for its answers.
    assert_eq!(harness.envoys.borrow().len(), 1);

    drop(serving);
    harness.until_nobody_is_connected().await;
    hold.send_replace(None);
    assert_eq!(names(&standby.receive().await), ["a", "b"]);
    harness.envoy(|envoy| envoy.node.cluster == "standby").await;
}
