//! How control planes see the clusters.

use super::{Kind, TestStore, at, on_each_database};
use crate::ClusterReport;

fn mk_report(cluster: &str, status: &str) -> ClusterReport {
    ClusterReport {
        cluster: cluster.to_owned(),
        status: status.to_owned(),
        reason: "it says \"no\"".to_owned(),
        since: 7,
        version: "v1.20.4".to_owned(),
        latency_ms: Some(3),
    }
}

async fn each_control_plane_says_what_it_sees_until_it_ends(kind: Kind) {
    let store = TestStore::new(kind).await;
    let (first, second) = (mk_report("a", "normal"), mk_report("a", "abnormal"));
    let other = mk_report("b", "normal");
    let reports = [first.clone(), other.clone()];
    store
        .report_clusters("1", &reports, &[], at(0))
        .await
        .unwrap();
    let of_second = [second.clone()];
    store
        .report_clusters("2", &of_second, &[], at(1))
        .await
        .unwrap();
    let listed = async |seconds| store.list_cluster_reports(at(seconds)).await.unwrap();
    assert_eq!(listed(2).await, [first, second.clone(), other.clone()]);

    // Something new, something gone, and the rest as it was.
    let changed = mk_report("a", "unknown");
    let news = std::slice::from_ref(&changed);
    store.report_clusters("1", news, &[], at(60)).await.unwrap();
    assert_eq!(listed(60).await, [changed.clone(), second, other.clone()]);
    // The second one says nothing any more.
    assert_eq!(listed(100).await, [changed.clone(), other]);
    let gone = ["b".to_owned()];
    store
        .report_clusters("1", &[], &gone, at(90))
        .await
        .unwrap();
    assert_eq!(listed(180).await, [changed]);
    store.withdraw_reports("1").await.unwrap();
    assert_eq!(listed(90).await.len(), 1, "that of the second one");
    // And is swept up by whoever comes long after.
    store
        .report_clusters("3", &[], &[], at(9_000))
        .await
        .unwrap();
    assert!(listed(0).await.is_empty());
}

on_each_database!(each_control_plane_says_what_it_sees_until_it_ends);
