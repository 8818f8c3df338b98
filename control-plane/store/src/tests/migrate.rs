//! From one database to the other, both ways.

use std::collections::BTreeSet;
use std::sync::Arc;

use cubegate_domain::KeyAttributes;
use sqlx::AssertSqlSafe;

use super::clusters::mk_cluster;
use super::{Kind, TestDatabase, TestStore, at, mk_key, mk_user, on_each_database};
use crate::migrate::{LEFT, TABLES};
use crate::{
    AuditClass, AuditOrder, AuditRange, AuditRow, Copied, KeyCheck, Recording, Store, StoreError,
    copy_database, recorded, replace_master_key,
};

on_each_database!(
    everything_comes_along_and_the_source_stays,
    a_target_with_something_in_it_is_refused_and_stays,
    another_master_key_copies_nothing,
    no_table_is_forgotten,
    another_master_key_takes_everything_over,
    what_is_done_to_a_whole_database_is_recorded_in_it,
);

fn other(kind: Kind) -> Kind {
    match kind {
        Kind::Sqlite => Kind::Postgres,
        Kind::Postgres => Kind::Sqlite,
    }
}

fn rows(copied: &Copied, table: &str) -> u64 {
    copied
        .tables
        .iter()
        .find(|(name, _)| *name == table)
        .map_or(0, |(_, rows)| *rows)
}

async fn everything_comes_along_and_the_source_stays(kind: Kind) {
    let source = TestStore::new(kind).await;
    for name in ["jane", "joe", "zoe"] {
        let mut user = mk_user(name);
        user.display_name = Some(format!("{name} \u{1F600}"));
        source.create_user(user, at(0)).await.unwrap();
    }
    source
        .add_groups("jane", &["a".to_owned(), "b".to_owned()])
        .await
        .unwrap();
    let key = source.create_key("jane", at(1)).await.unwrap();
    let gone = source.create_key("joe", at(1)).await.unwrap();
    source
        .delete_key(&gone.access_key, None, at(90_000))
        .await
        .unwrap();
    source
        .add_cluster(&mk_cluster("member-1"), false)
        .await
        .unwrap();
    // More than are read at a time.
    source.fill_sessions("joe", 1_203, at(90_000)).await;
    let clusters = source.list_clusters().await.unwrap();
    let revision = source.revision().await.unwrap();
    let keys = source.list_all_keys().await.unwrap();
    source.close().await;

    let target = TestDatabase::new(other(kind)).await;
    let (from, to) = (source.database.parsed(), target.parsed());
    let copied = copy_database(&from, &to, &mk_key(1)).await.unwrap();
    for (table, expected) in [
        ("users", 3),
        ("user_groups", 2),
        ("access_keys", 1),
        ("clusters", 1),
        ("installation", 1),
        ("revocations", 1_204),
    ] {
        assert_eq!(rows(&copied, table), expected, "{table} of {copied:?}");
    }
    for store in [target.open().await.unwrap(), source.open_again().await] {
        assert_eq!(store.list_clusters().await.unwrap(), clusters);
        assert_eq!(
            store.host_cluster().await.unwrap().as_deref(),
            Some("member-1")
        );
        assert_eq!(store.revision().await.unwrap(), revision);
        assert_eq!(store.list_all_keys().await.unwrap(), keys);
        let jane = store.get_user("jane").await.unwrap().unwrap();
        assert_eq!(jane.groups, ["a", "b"]);
        let check = store
            .verify_key(&key.access_key, &key.secret_key, at(5))
            .await;
        assert!(matches!(check.unwrap(), KeyCheck::Valid(_)));
        store.close().await;
    }
}

async fn a_target_with_something_in_it_is_refused_and_stays(kind: Kind) {
    let source = TestStore::new(kind).await;
    source.create_user(mk_user("jane"), at(0)).await.unwrap();
    source.close().await;
    let target = TestStore::new(other(kind)).await;
    target.create_user(mk_user("joe"), at(0)).await.unwrap();
    let (from, to) = (source.database.parsed(), target.database.parsed());
    if other(kind) == Kind::Postgres {
        // Somebody has it open.
        let refused = copy_database(&from, &to, &mk_key(1)).await.unwrap_err();
        assert!(matches!(refused, StoreError::InUse { .. }), "{refused}");
    }
    target.close().await;
    let refused = copy_database(&from, &to, &mk_key(1)).await.unwrap_err();
    let told = refused.to_string();
    assert!(
        told.contains("is not empty: there are rows in users"),
        "{told}"
    );
    let users = target.open_again().await.list_users().await.unwrap();
    assert_eq!(users.len(), 1);
    let attributes = KeyAttributes::default();
    let again = target.open_again().await;
    again
        .create_key_with("joe", attributes, at(0))
        .await
        .unwrap();
}

async fn another_master_key_copies_nothing(kind: Kind) {
    let source = TestStore::new(kind).await;
    source.create_user(mk_user("jane"), at(0)).await.unwrap();
    source.close().await;
    let target = TestDatabase::new(other(kind)).await;
    let (from, to) = (source.database.parsed(), target.parsed());
    let refused = copy_database(&from, &to, &mk_key(2)).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::WrongMasterKey { .. }),
        "{refused}"
    );
    assert!(
        target
            .open()
            .await
            .unwrap()
            .list_users()
            .await
            .unwrap()
            .is_empty()
    );
}

/// A new table has to be named here or there.
async fn no_table_is_forgotten(kind: Kind) {
    let store = TestStore::new(kind).await;
    let sql = match kind {
        Kind::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table'",
        Kind::Postgres => {
            "SELECT CAST(table_name AS TEXT) FROM information_schema.tables
             WHERE table_schema = current_schema()"
        }
    };
    let there: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
        .fetch_all(store.reader())
        .await
        .unwrap();
    let there: BTreeSet<_> = there
        .iter()
        .map(String::as_str)
        .filter(|name| !name.starts_with("_sqlx") && !name.starts_with("sqlite_"))
        .collect();
    let named = TABLES.iter().map(|table| table.name).chain(LEFT);
    assert_eq!(there, named.collect());
}

async fn another_master_key_takes_everything_over(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jane"), at(0)).await.unwrap();
    let key = store.create_key("jane", at(1)).await.unwrap();
    store
        .add_cluster(&mk_cluster("member-1"), false)
        .await
        .unwrap();
    let clusters = store.list_clusters().await.unwrap();
    let pass = store.route_pass(7);
    let database = store.database.parsed();
    if kind == Kind::Postgres {
        let refused = replace_master_key(&database, &mk_key(1), &mk_key(2)).await;
        assert!(matches!(refused.unwrap_err(), StoreError::InUse { .. }));
    }
    store.close().await;
    let refused = replace_master_key(&database, &mk_key(2), &mk_key(3)).await;
    assert!(matches!(
        refused.unwrap_err(),
        StoreError::WrongMasterKey { .. }
    ));

    // Twice, so that what is kept is kept again.
    for (old, new) in [(1, 2), (2, 3)] {
        let number = replace_master_key(&database, &mk_key(old), &mk_key(new)).await;
        assert_eq!(number.unwrap(), 1);
        let refused = Store::open(database.clone(), &mk_key(old))
            .await
            .err()
            .unwrap();
        assert!(
            matches!(refused, StoreError::WrongMasterKey { .. }),
            "{refused}"
        );
        let store = Store::open(database.clone(), &mk_key(new)).await.unwrap();
        assert_eq!(store.list_clusters().await.unwrap(), clusters);
        assert_eq!(store.route_pass(7), pass);
        let check = store
            .verify_key(&key.access_key, &key.secret_key, at(5))
            .await;
        assert!(matches!(check.unwrap(), KeyCheck::Valid(_)));
        let another = store.create_key("jane", at(2)).await.unwrap();
        let check = store
            .verify_key(&another.access_key, &another.secret_key, at(5))
            .await;
        assert!(matches!(check.unwrap(), KeyCheck::Valid(_)));
        store.close().await;
    }
}

/// A record of this name.
fn mk_recording(id: &'static str) -> Arc<Recording> {
    Recording::new(move |_| AuditRow {
        id: id.to_owned(),
        user: String::new(),
        cluster: String::new(),
        record: "{}".to_owned(),
        class: AuditClass::Change,
        settled: true,
    })
}

async fn recorded_ids(store: &Store) -> Vec<String> {
    let all = AuditRange::default();
    let rows = store.read_audit(&all, AuditOrder::OldestFirst, 0, 10).await;
    rows.unwrap().into_iter().map(|(id, _)| id).collect()
}

async fn what_is_done_to_a_whole_database_is_recorded_in_it(kind: Kind) {
    let source = TestStore::new(kind).await;
    let refused = recorded(
        mk_recording("1"),
        source.record(|| Err::<(), _>(StoreError::UserNotFound("jane".to_owned()))),
    );
    assert!(refused.await.is_err());
    assert!(recorded_ids(&source).await.is_empty());
    let done: Result<_, StoreError> = recorded(mk_recording("2"), source.record(|| Ok(7))).await;
    assert_eq!(done.unwrap(), 7);
    assert_eq!(recorded_ids(&source).await, ["2"]);
    source.close().await;

    let database = source.database.parsed();
    let [old, new, other_key] = [1, 2, 3].map(mk_key);
    let replace = replace_master_key(&database, &new, &other_key);
    assert!(recorded(mk_recording("3"), replace).await.is_err());
    let replace = replace_master_key(&database, &old, &new);
    recorded(mk_recording("4"), replace).await.unwrap();
    let target = TestDatabase::new(other(kind)).await;
    let to = target.parsed();
    let copy = copy_database(&database, &to, &new);
    recorded(mk_recording("5"), copy).await.unwrap();
    let copy = copy_database(&database, &to, &new);
    assert!(recorded(mk_recording("6"), copy).await.is_err());
    // Of the two the one that is read does not change.
    for (database, expected) in [(&database, &["2", "4"][..]), (&to, &["2", "4", "5"])] {
        let store = Store::open(database.clone(), &new).await.unwrap();
        assert_eq!(recorded_ids(&store).await, expected);
        store.close().await;
    }
}
