//! What clusters were found to have.

use std::sync::Arc;

use super::clusters::mk_cluster;
use super::{Kind, TestStore, at, on_each_database};
use crate::ClusterDiscovery;

fn mk_discovery(cluster: &str, server: &str, document: &Arc<str>) -> ClusterDiscovery {
    ClusterDiscovery {
        cluster: cluster.to_owned(),
        server: server.to_owned(),
        document: Arc::clone(document),
    }
}

async fn what_clusters_have_is_kept_once_and_goes_with_them(kind: Kind) {
    let store = TestStore::new(kind).await;
    for name in ["a", "b"] {
        store.add_cluster(&mk_cluster(name), false).await.unwrap();
    }
    let revision = store.revision().await.unwrap();
    let (old, new): (Arc<str>, Arc<str>) = ("{\"old\":1}".into(), "{\"new\":\"ü\"}".into());
    let mut kept = vec![
        mk_discovery("a", "https://10.0.0.1:6443", &old),
        mk_discovery("b", "https://10.0.0.1:6443", &old),
        mk_discovery("gone", "https://10.0.0.1:6443", &old),
    ];
    store.keep_discoveries(&kept, at(0)).await.unwrap();
    kept.truncate(2);
    let listed = async || store.open_again().await.list_discoveries().await.unwrap();
    assert_eq!(listed().await, kept);

    // Another one of one cluster; the other keeps its own.
    kept[1] = mk_discovery("b", "https://10.0.0.2:6443", &new);
    store.keep_discoveries(&kept[1..], at(7_200)).await.unwrap();
    assert_eq!(listed().await, kept);
    store.remove_cluster("a").await.unwrap();
    kept.remove(0);
    assert_eq!(listed().await, kept);
    // What none has any more is swept up later.
    store.keep_discoveries(&[], at(7_201)).await.unwrap();
    let documents = async || {
        let rows: Vec<(String,)> = sqlx::query_as("SELECT document FROM discoveries")
            .fetch_all(store.reader())
            .await
            .unwrap();
        rows.into_iter().map(|row| row.0).collect::<Vec<_>>()
    };
    assert_eq!(documents().await, [new.as_ref()]);
    assert_eq!(
        store.revision().await.unwrap(),
        revision + 1,
        "the removal is all that Envoys are told of"
    );
}

on_each_database!(what_clusters_have_is_kept_once_and_goes_with_them);
