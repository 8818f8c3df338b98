use std::time::{Duration, Instant};

use cubegate_domain::MAX_KEYS_PER_USER;
use tokio::task::JoinSet;

use super::{Kind, TestStore, at, mk_user, on_each_database};
use crate::{ImportedKey, KeyCheck, Store, StoreError, Written};

fn mk_imported(user: &str) -> ImportedKey {
    ImportedKey {
        access_key: "1".repeat(32),
        secret_key: "2".repeat(32),
        user: user.to_owned(),
    }
}

async fn count(store: &Store, user: &str) -> usize {
    store.list_keys(user).await.unwrap().len()
}

async fn a_created_key_verifies_and_its_secret_is_not_in_the_database(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    let pair = store.create_key("jeff", at(1)).await.unwrap();
    for half in [&pair.access_key, &pair.secret_key] {
        assert_eq!(half.len(), 32);
        assert!(
            half.chars()
                .all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c)),
            "{half}"
        );
    }
    let check = store
        .verify_key(&pair.access_key, &pair.secret_key, at(9))
        .await
        .unwrap();
    let KeyCheck::Valid(key) = check else {
        panic!("{check:?}")
    };
    assert_eq!(
        (key.user.as_str(), key.created_at, key.last_used_at),
        ("jeff", at(1), None)
    );
    assert_eq!(store.list_keys("jeff").await.unwrap(), [*key]);

    let wrong = store
        .verify_key(&pair.access_key, "x", at(9))
        .await
        .unwrap();
    assert_eq!(wrong, KeyCheck::WrongSecret);
    assert_eq!(
        store.verify_key(&pair.access_key, "", at(9)).await.unwrap(),
        KeyCheck::WrongSecret
    );
    assert_eq!(
        store
            .verify_key("zzz", &pair.secret_key, at(9))
            .await
            .unwrap(),
        KeyCheck::Unknown
    );
    assert_eq!(
        store.verify_key("", "", at(9)).await.unwrap(),
        KeyCheck::Unknown
    );

    let bytes = store.contents().await;
    assert!(
        !bytes
            .windows(32)
            .any(|window| window == pair.secret_key.as_bytes())
    );
    assert!(
        bytes
            .windows(32)
            .any(|window| window == pair.access_key.as_bytes())
    );
}

async fn a_user_who_is_not_there_gets_no_key(kind: Kind) {
    let store = TestStore::new(kind).await;
    let refused = store.create_key("ghost", at(0)).await;
    assert!(matches!(refused, Err(StoreError::UserNotFound(name)) if name == "ghost"));
    assert_eq!(count(&store, "ghost").await, 0);
}

async fn fifty_parallel_creations_leave_five_keys(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    // Two stores on one file stand for two processes: they share no lock of ours.
    let other = store.open_again().await;
    let mut creations = JoinSet::new();
    for n in 0..50 {
        let store = if n % 2 == 0 {
            store.store.clone()
        } else {
            other.clone()
        };
        creations.spawn(async move { store.create_key("jeff", at(n)).await });
    }
    let mut made = 0;
    while let Some(result) = creations.join_next().await {
        match result.unwrap() {
            Ok(_) => made += 1,
            Err(StoreError::TooManyKeys { user }) => assert_eq!(user, "jeff"),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(made, MAX_KEYS_PER_USER);
    assert_eq!(count(&store, "jeff").await, MAX_KEYS_PER_USER);
}

async fn a_deleted_key_makes_room_for_another(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    for n in 0..5 {
        store.create_key("jeff", at(n)).await.unwrap();
    }
    assert!(store.create_key("jeff", at(5)).await.is_err());
    let keys = store.list_keys("jeff").await.unwrap();
    assert_eq!(
        keys.iter().map(|key| key.created_at).collect::<Vec<_>>(),
        (0..5).map(at).collect::<Vec<_>>()
    );
    let gone = &keys[2].access_key;
    let delete = async || store.delete_key(gone, Some("jeff"), at(9_000)).await;
    delete().await.unwrap();
    assert!(matches!(delete().await, Err(StoreError::KeyNotFound(_))));
    store.create_key("jeff", at(6)).await.unwrap();
    assert!(store.create_key("jeff", at(7)).await.is_err());
}

async fn only_the_owner_deletes_a_key(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    let pair = store.create_key("jeff", at(0)).await.unwrap();
    let refused = store
        .delete_key(&pair.access_key, Some("eve"), at(9_000))
        .await;
    assert!(matches!(refused, Err(StoreError::KeyNotOwned(_))));
    assert_eq!(count(&store, "jeff").await, 1);
    // The command line has no caller.
    let deleted = store.delete_key(&pair.access_key, None, at(9_000)).await;
    deleted.unwrap();
    assert_eq!(count(&store, "jeff").await, 0);
}

async fn an_imported_key_may_name_a_user_who_is_gone(kind: Kind) {
    let store = TestStore::new(kind).await;
    let key = mk_imported("ghost (no such user)");
    assert_eq!(
        store.import_key(&key, at(0)).await.unwrap(),
        Written::Created
    );
    let check = store
        .verify_key(&key.access_key, &key.secret_key, at(9))
        .await
        .unwrap();
    assert!(matches!(check, KeyCheck::Valid(found) if found.user == "ghost (no such user)"));

    let mut again = key.clone();
    again.secret_key = "other".to_owned();
    again.user = "jeff".to_owned();
    assert_eq!(
        store.import_key(&again, at(9)).await.unwrap(),
        Written::Replaced
    );
    let old = store
        .verify_key(&key.access_key, &key.secret_key, at(9))
        .await
        .unwrap();
    assert_eq!(old, KeyCheck::WrongSecret);
    let all = store.list_all_keys().await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].user.as_str(), all[0].created_at), ("jeff", at(0)));
}

async fn an_imported_key_without_its_parts_is_refused(kind: Kind) {
    let store = TestStore::new(kind).await;
    let good = mk_imported("jeff");
    let cases = [
        (
            "accessKey",
            ImportedKey {
                access_key: String::new(),
                ..good.clone()
            },
        ),
        (
            "accessKey",
            ImportedKey {
                access_key: "a\n".to_owned(),
                ..good.clone()
            },
        ),
        (
            "secretKey",
            ImportedKey {
                secret_key: "s".repeat(254),
                ..good.clone()
            },
        ),
        (
            "user",
            ImportedKey {
                user: " ".to_owned(),
                ..good
            },
        ),
    ];
    for (name, key) in cases {
        let refused = store.import_key(&key, at(0)).await;
        assert!(matches!(refused, Err(StoreError::KeyFormat { field }) if field == name));
    }
    assert!(store.list_all_keys().await.unwrap().is_empty());
}

/// A tripwire, not a benchmark: checking a secret must never grow a slow hash.
async fn checking_a_secret_is_cheap(kind: Kind) {
    let store = TestStore::new(kind).await;
    let imported = mk_imported("jeff");
    store.import_key(&imported, at(0)).await.unwrap();
    let start = Instant::now();
    for _ in 0..50 {
        store
            .verify_key(&imported.access_key, &imported.secret_key, at(9))
            .await
            .unwrap();
    }
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}

on_each_database!(
    a_created_key_verifies_and_its_secret_is_not_in_the_database,
    a_user_who_is_not_there_gets_no_key,
    fifty_parallel_creations_leave_five_keys,
    a_deleted_key_makes_room_for_another,
    only_the_owner_deletes_a_key,
    an_imported_key_may_name_a_user_who_is_gone,
    an_imported_key_without_its_parts_is_refused,
    checking_a_secret_is_cheap,
);
