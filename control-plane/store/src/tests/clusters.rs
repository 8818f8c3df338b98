use std::sync::Arc;
use std::time::Duration;

use cubegate_domain::{ApiServer, Cluster, ClusterCredential, ClusterSource, ClusterTls, Scheme};
use tokio::time::timeout;

use super::{Kind, TestStore, at, on_each_database};
use crate::{Store, StoreError};

pub(super) fn mk_cluster(name: &str) -> Cluster {
    Cluster {
        name: name.parse().unwrap(),
        server: ApiServer {
            scheme: Scheme::Https,
            host: "10.0.0.1".to_owned(),
            port: 6443,
            path_prefix: "/k8s/c1".to_owned(),
        },
        tls: ClusterTls {
            ca_pem: Some("ca".to_owned()),
            server_name: Some("api".to_owned()),
        },
        credential: ClusterCredential::BearerToken("s3cret-token".to_owned()),
        created_at: at(0),
        source: ClusterSource::Cli,
    }
}

async fn listed(store: &Store) -> Vec<Cluster> {
    let listed = store.list_clusters().await.unwrap().into_iter();
    listed.map(|cluster| Cluster::clone(&cluster)).collect()
}

async fn an_added_cluster_comes_back_whole(kind: Kind) {
    let store = TestStore::new(kind).await;
    let first = mk_cluster("member-1");
    let mut second = mk_cluster("a");
    second.server.scheme = Scheme::Http;
    second.tls = ClusterTls {
        ca_pem: None,
        server_name: None,
    };
    second.credential = ClusterCredential::ClientCertificate {
        certificate_pem: "certificate".to_owned(),
        key_pem: "key".to_owned(),
    };
    store.add_cluster(&first, false).await.unwrap();
    store.add_cluster(&second, false).await.unwrap();
    assert_eq!(listed(&store).await, [second, first.clone()]);
    assert_eq!(store.get_cluster("member-1").await.unwrap(), Some(first));
    assert_eq!(store.get_cluster("member-2").await.unwrap(), None);
}

async fn an_existing_name_is_refused_unless_it_is_replaced(kind: Kind) {
    let store = TestStore::new(kind).await;
    let first = mk_cluster("member-1");
    store.add_cluster(&first, false).await.unwrap();
    let revision = store.revision().await.unwrap();

    let mut second = mk_cluster("member-1");
    second.server.port = 1;
    second.credential = ClusterCredential::None;
    second.created_at = at(9);
    second.source = ClusterSource::Import;
    let refused = store.add_cluster(&second, false).await;
    assert!(matches!(refused, Err(StoreError::ClusterExists(name)) if name == "member-1"));
    assert_eq!(listed(&store).await, std::slice::from_ref(&first));
    assert_eq!(
        store.revision().await.unwrap(),
        revision,
        "a refusal moves nothing"
    );

    store.add_cluster(&second, true).await.unwrap();
    second.created_at = first.created_at;
    assert_eq!(listed(&store).await, [second]);
    assert_eq!(store.revision().await.unwrap(), revision + 1);
}

async fn what_has_not_changed_is_not_read_again(kind: Kind) {
    let store = TestStore::new(kind).await;
    let mut clusters: Vec<Cluster> = (0..40).map(|n| mk_cluster(&format!("m-{n:02}"))).collect();
    for cluster in &clusters {
        store.add_cluster(cluster, false).await.unwrap();
    }
    let first = store.list_clusters().await.unwrap();
    assert_eq!(listed(&store).await, clusters);
    clusters[1].credential = ClusterCredential::BearerToken("another".to_owned());
    clusters[1].tls.server_name = None;
    store.add_cluster(&clusters[1], true).await.unwrap();
    // The same over again is another write, and not another cluster.
    store.add_cluster(&clusters[2], true).await.unwrap();
    assert!(store.remove_cluster("m-39").await.unwrap());
    let second = store.list_clusters().await.unwrap();
    assert_eq!(second.len(), 39);
    assert_eq!(*second[1], clusters[1]);
    assert_eq!(*second[2], clusters[2]);
    for at in [0, 3, 38] {
        assert!(Arc::ptr_eq(&first[at], &second[at]), "{at}");
    }
}

async fn what_others_change_is_read_beside_what_we_do(kind: Kind) {
    let store = TestStore::new(kind).await;
    let other = store.open_again().await;
    let change = async |by: &Store, name: &str, token: &str| {
        let mut cluster = mk_cluster(name);
        cluster.credential = ClusterCredential::BearerToken(token.to_owned());
        by.add_cluster(&cluster, true).await.unwrap();
    };
    // Who changes what from one reading to the next: us, them, in both orders, and nobody.
    for (round, by) in ["a", "b", "ab", "ba", "aab", "", "aaaa", "bb", "a"]
        .iter()
        .enumerate()
    {
        for (step, by) in by.chars().enumerate() {
            let by = if by == 'a' { &*store } else { &other };
            change(by, &format!("m-{step}"), &format!("{round}-{step}")).await;
            change(by, "always", &format!("{round}-{step}")).await;
            by.set_host_cluster("always").await.unwrap();
            if step == 1 {
                assert!(by.remove_cluster("m-0").await.unwrap());
            }
        }
        let fresh = store.open_again().await;
        let expected = listed(&fresh).await;
        assert_eq!(listed(&store).await, expected, "{round}");
        assert_eq!(listed(&other).await, expected, "{round}");
    }
}

async fn a_removed_cluster_is_gone(kind: Kind) {
    let store = TestStore::new(kind).await;
    store
        .add_cluster(&mk_cluster("member-1"), false)
        .await
        .unwrap();
    assert!(store.remove_cluster("member-1").await.unwrap());
    let revision = store.revision().await.unwrap();
    assert_eq!(revision, 2);
    assert!(!store.remove_cluster("member-1").await.unwrap());
    assert_eq!(
        store.revision().await.unwrap(),
        revision,
        "a refusal moves nothing"
    );
    assert!(store.list_clusters().await.unwrap().is_empty());
}

async fn the_database_holds_no_credential(kind: Kind) {
    let store = TestStore::new(kind).await;
    store
        .add_cluster(&mk_cluster("member-1"), false)
        .await
        .unwrap();
    let bytes = store.contents().await;
    assert!(!bytes.windows(12).any(|window| window == b"s3cret-token"));
}

async fn a_cluster_that_cannot_be_read_does_not_hide_the_others(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.add_cluster(&mk_cluster("a"), false).await.unwrap();
    store.add_cluster(&mk_cluster("b"), false).await.unwrap();
    // A credential moved to another cluster does not open.
    sqlx::query(
        "UPDATE clusters SET credential_sealed =
         (SELECT credential_sealed FROM clusters WHERE name = 'b') WHERE name = 'a'",
    )
    .execute(&store.inner.pools.writer)
    .await
    .unwrap();
    let names: Vec<_> = store
        .list_clusters()
        .await
        .unwrap()
        .iter()
        .map(|c| c.name.to_string())
        .collect();
    assert_eq!(names, ["b"]);
    let broken = store.get_cluster("a").await;
    assert!(matches!(
        broken,
        Err(StoreError::Inconsistent {
            column: "credential_sealed",
            ..
        })
    ));
}

async fn a_change_by_this_process_shows_at_once(kind: Kind) {
    let store = TestStore::new(kind).await;
    let mut revisions = store.subscribe();
    assert_eq!(revisions.borrow_and_update().total, 0);
    store.add_cluster(&mk_cluster("a"), false).await.unwrap();
    assert_eq!(revisions.borrow_and_update().total, 1);
    store
        .create_user(super::mk_user("jeff"), at(0))
        .await
        .unwrap();
    assert_eq!(store.revision().await.unwrap(), 1, "Envoys know no users");
}

async fn a_change_by_another_process_shows_within_a_second(kind: Kind) {
    let store = TestStore::new(kind).await;
    let mut revisions = store.subscribe();
    revisions.borrow_and_update();
    let other = store.open_again().await;
    other.add_cluster(&mk_cluster("a"), false).await.unwrap();
    timeout(Duration::from_secs(1), revisions.changed())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(revisions.borrow().total, 1);
}

async fn the_poll_ends_with_the_store(kind: Kind) {
    let store = TestStore::new(kind).await;
    let mut revisions = store.subscribe();
    drop(store);
    let ended = timeout(Duration::from_secs(2), revisions.changed())
        .await
        .unwrap();
    assert!(ended.is_err(), "the sender is gone");
}

async fn the_first_cluster_is_the_host_until_another_is_made_it(kind: Kind) {
    let store = TestStore::new(kind).await;
    assert_eq!(store.host_cluster().await.unwrap(), None);
    for name in ["b", "a"] {
        store.add_cluster(&mk_cluster(name), false).await.unwrap();
        assert_eq!(store.host_cluster().await.unwrap().as_deref(), Some("b"));
    }
    let revision = store.revision().await.unwrap();
    assert!(!store.set_host_cluster("c").await.unwrap());
    assert_eq!(store.host_cluster().await.unwrap().as_deref(), Some("b"));
    assert_eq!(store.revision().await.unwrap(), revision);
    assert!(store.set_host_cluster("a").await.unwrap());
    assert_eq!(store.host_cluster().await.unwrap().as_deref(), Some("a"));
    assert_eq!(store.revision().await.unwrap(), revision + 1);
}

async fn without_the_host_there_is_none_until_a_cluster_is_added(kind: Kind) {
    let store = TestStore::new(kind).await;
    for name in ["a", "b"] {
        store.add_cluster(&mk_cluster(name), false).await.unwrap();
    }
    assert!(store.remove_cluster("b").await.unwrap());
    assert_eq!(store.host_cluster().await.unwrap().as_deref(), Some("a"));
    store.add_cluster(&mk_cluster("b"), false).await.unwrap();
    assert!(store.remove_cluster("a").await.unwrap());
    assert_eq!(store.host_cluster().await.unwrap(), None);
    store.add_cluster(&mk_cluster("c"), false).await.unwrap();
    assert_eq!(store.host_cluster().await.unwrap().as_deref(), Some("c"));
}
/// Writes one column of cluster `a` past the store.
async fn overwrite(store: &Store, statement: &'static str, value: &str) {
    let mut tx = store.write().await.unwrap();
    let query = sqlx::query(statement).bind(value);
    query.execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

async fn a_credential_goes_to_its_own_server_only(kind: Kind) {
    let store = TestStore::new(kind).await;
    let cluster = mk_cluster("a");
    store.add_cluster(&cluster, false).await.unwrap();
    for (statement, value) in [
        ("UPDATE clusters SET host = $1", "evil.example"),
        ("UPDATE clusters SET scheme = $1", "http"),
        ("UPDATE clusters SET path_prefix = $1", "/evil"),
        ("UPDATE clusters SET ca_pem = $1", "-- another CA --"),
        ("UPDATE clusters SET server_name = $1", "evil.example"),
    ] {
        overwrite(&store, statement, value).await;
        let refused = store.get_cluster("a").await;
        assert!(
            matches!(
                refused,
                Err(StoreError::Inconsistent {
                    column: "credential_sealed",
                    ..
                })
            ),
            "{statement}: {refused:?}"
        );
        assert!(store.list_clusters().await.unwrap().is_empty());
        store.add_cluster(&cluster, true).await.unwrap();
        assert!(store.get_cluster("a").await.unwrap().is_some());
    }
}

async fn what_a_former_release_has_sealed_is_bound_at_the_next_start_and_never_again(kind: Kind) {
    let store = TestStore::new(kind).await;
    let cluster = mk_cluster("a");
    store.add_cluster(&cluster, false).await.unwrap();
    let former = store.inner.sealer.seal_former("a", &cluster.credential);
    let put_back = "UPDATE clusters SET credential_sealed = $1";
    overwrite(&store, put_back, &former).await;
    let opened = store.open_again().await;
    let read = opened.get_cluster("a").await.unwrap().unwrap();
    assert_eq!(read.credential, cluster.credential);
    let sealed: String = sqlx::query_scalar("SELECT credential_sealed FROM clusters")
        .fetch_one(opened.reader())
        .await
        .unwrap();
    assert!(sealed.starts_with("2:"), "{sealed}");
    overwrite(&opened, put_back, &former).await;
    assert!(opened.get_cluster("a").await.is_err());
}

on_each_database!(
    a_credential_goes_to_its_own_server_only,
    what_a_former_release_has_sealed_is_bound_at_the_next_start_and_never_again,
    an_added_cluster_comes_back_whole,
    an_existing_name_is_refused_unless_it_is_replaced,
    what_has_not_changed_is_not_read_again,
    what_others_change_is_read_beside_what_we_do,
    a_removed_cluster_is_gone,
    the_database_holds_no_credential,
    a_cluster_that_cannot_be_read_does_not_hide_the_others,
    a_change_by_this_process_shows_at_once,
    a_change_by_another_process_shows_within_a_second,
    the_poll_ends_with_the_store,
    without_the_host_there_is_none_until_a_cluster_is_added,
    the_first_cluster_is_the_host_until_another_is_made_it,
);
