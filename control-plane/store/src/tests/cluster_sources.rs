use cubegate_domain::{Cluster, ClusterCredential, ClusterSource};

use super::clusters::mk_cluster;
use super::{Kind, TestStore, on_each_database};
use crate::{SOURCE_BATCH, StoreError};

const FOLDER: ClusterSource = ClusterSource::Folder;

fn mk_followed(name: &str, source: ClusterSource) -> Cluster {
    Cluster {
        source,
        ..mk_cluster(name)
    }
}

async fn a_source_registers_changes_and_removes_its_own_and_touches_no_other(kind: Kind) {
    let store = TestStore::new(kind).await;
    store
        .add_cluster(&mk_cluster("by-hand"), false)
        .await
        .unwrap();
    let revision = store.revision().await.unwrap();
    let own = [
        mk_followed("a", FOLDER),
        mk_followed("b", FOLDER),
        mk_followed("by-hand", FOLDER),
    ];
    assert_eq!(store.put_source_clusters(&own).await.unwrap(), ["a", "b"]);
    assert_eq!(
        store.revision().await.unwrap(),
        revision + 1,
        "one change for all of them"
    );
    let sources = store.cluster_sources().await.unwrap();
    let sources: Vec<_> = sources.iter().map(|(n, s)| (n.as_str(), *s)).collect();
    let cli = ClusterSource::Cli;
    assert_eq!(sources, [("a", FOLDER), ("b", FOLDER), ("by-hand", cli)]);

    let mut changed = mk_followed("a", FOLDER);
    changed.server.port = 1;
    let others = mk_followed("b", ClusterSource::KubeCube);
    let written = store.put_source_clusters(&[changed, others]).await.unwrap();
    assert_eq!(written, ["a"]);
    let a = store.get_cluster("a").await.unwrap().unwrap();
    assert_eq!((a.server.port, a.source), (1, FOLDER));

    let names = ["a", "b", "by-hand", "none"].map(str::to_owned);
    let other = store.remove_source_clusters(ClusterSource::KubeSphere, &names);
    assert!(other.await.unwrap().is_empty());
    let revision = store.revision().await.unwrap();
    let removed = store.remove_source_clusters(FOLDER, &names).await.unwrap();
    assert_eq!(removed, ["a", "b"]);
    assert_eq!(store.revision().await.unwrap(), revision + 1);
    assert_eq!(store.cluster_names().await.unwrap(), ["by-hand"]);
}

async fn what_a_source_has_made_nobody_else_changes_or_removes(kind: Kind) {
    let store = TestStore::new(kind).await;
    for source in ClusterSource::FOLLOWED {
        let name = source.as_str();
        let followed = mk_followed(name, source);
        store.put_source_clusters(&[followed]).await.unwrap();
        let revision = store.revision().await.unwrap();
        let mut other = mk_cluster(name);
        other.server.port = 1;
        for refused in [
            store.add_cluster(&other, true).await,
            store.remove_cluster(name).await.map(drop),
        ] {
            let refused = refused.unwrap_err();
            assert!(matches!(&refused, StoreError::ClusterOwned { owner, .. } if *owner == source));
            assert!(refused.to_string().contains("it comes from"), "{refused}");
        }
        let exists = store.add_cluster(&other, false).await;
        assert!(matches!(exists, Err(StoreError::ClusterExists(_))));
        assert_eq!(store.revision().await.unwrap(), revision);
        let kept = store.get_cluster(name).await.unwrap().unwrap();
        assert_eq!((kept.server.port, kept.source), (6443, source));
        assert!(store.remove_cluster_of_any_source(name).await.unwrap());
        assert!(!store.remove_cluster_of_any_source(name).await.unwrap());
    }
}

async fn a_thousand_clusters_of_a_source_are_a_few_changes(kind: Kind) {
    let store = TestStore::new(kind).await;
    let all: Vec<_> = (0..1_000)
        .map(|number| mk_followed(&format!("m-{number}"), FOLDER))
        .collect();
    for batch in all.chunks(SOURCE_BATCH) {
        let written = store.put_source_clusters(batch).await.unwrap();
        assert_eq!(written.len(), SOURCE_BATCH);
    }
    assert_eq!(store.revision().await.unwrap(), 10);
    assert_eq!(store.host_cluster().await.unwrap(), None);
    assert!(store.set_host_cluster("m-7").await.unwrap());
    store.put_source_clusters(&all[7..8]).await.unwrap();
    assert_eq!(store.host_cluster().await.unwrap().as_deref(), Some("m-7"));
}

async fn a_token_is_renewed_only_where_the_cluster_is_as_it_was_read(kind: Kind) {
    let store = TestStore::new(kind).await;
    let mut read = mk_cluster("a");
    let in_file = |token: &str| ClusterCredential::TokenFile {
        file: "/run/token".to_owned(),
        token: token.to_owned(),
    };
    read.credential = in_file("s3cret-token-1");
    store.add_cluster(&read, false).await.unwrap();
    let revision = store.revision().await.unwrap();
    assert!(store.replace_token(&read, "s3cret-token-2").await.unwrap());
    let kept = store.get_cluster("a").await.unwrap().unwrap();
    assert_eq!(kept.credential, in_file("s3cret-token-2"));
    assert_eq!(store.revision().await.unwrap(), revision + 1);
    // It is another one than was read by now.
    assert!(!store.replace_token(&read, "s3cret-token-3").await.unwrap());
    let by_hand = mk_cluster("b");
    store.add_cluster(&by_hand, false).await.unwrap();
    assert!(!store.replace_token(&by_hand, "t").await.unwrap());
    let mut last = read.clone();
    last.name = "c".parse().unwrap();
    store.add_cluster(&last, false).await.unwrap();
    assert!(store.replace_token(&last, "s3cret-token-4").await.unwrap());
    store.remove_cluster("a").await.unwrap();
    assert!(!store.replace_token(&kept, "t").await.unwrap());
    let bytes = store.contents().await;
    assert!(!bytes.windows(12).any(|window| window == b"s3cret-token"));
}

on_each_database!(
    a_token_is_renewed_only_where_the_cluster_is_as_it_was_read,
    a_source_registers_changes_and_removes_its_own_and_touches_no_other,
    what_a_source_has_made_nobody_else_changes_or_removes,
    a_thousand_clusters_of_a_source_are_a_few_changes,
);
