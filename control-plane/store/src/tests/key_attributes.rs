//! What is said about keys, their rotation, and when they were used.

use cubegate_domain::{AccessKey, KeyAttributes, KeyAttributesError, KeyChange};
use cubegate_token::{KeyLimits, KeyScope};
use time::{Duration, OffsetDateTime};

use super::{Kind, TestStore, at, mk_user, on_each_database};
use crate::{ImportedKey, IssuedKey, KeyCheck, KeyUse, Store, StoreError, TokenMarks, Written};

const UNTIL: i64 = 9_000;

fn mk_attributes() -> KeyAttributes {
    KeyAttributes {
        name: "ci".to_owned(),
        description: "Deploys the shop.".to_owned(),
        expires_at: Some(at(1_000)),
        scope: KeyScope {
            clusters: vec!["member-1".to_owned()],
            namespaces: vec!["shop".to_owned()],
            verbs: vec!["list".to_owned(), "get".to_owned()],
        },
        limits: KeyLimits {
            requests_per_second: Some(50),
            concurrent: None,
        },
    }
}

impl TestStore {
    async fn with_key(kind: Kind, attributes: KeyAttributes) -> (Self, IssuedKey) {
        let store = Self::new(kind).await;
        store.create_user(mk_user("jeff"), at(0)).await.unwrap();
        let pair = store
            .create_key_with("jeff", attributes, at(0))
            .await
            .unwrap();
        (store, pair)
    }

    async fn key(&self) -> AccessKey {
        self.list_keys("jeff").await.unwrap().remove(0)
    }

    async fn is_good(&self, pair: &IssuedKey, seconds: i64) -> bool {
        let check = self
            .verify_key(&pair.access_key, &pair.secret_key, at(seconds))
            .await
            .unwrap();
        matches!(check, KeyCheck::Valid(_))
    }

    async fn is_taken_back(&self, key: &AccessKey) -> bool {
        let marks = TokenMarks {
            key: Some(&key.access_key),
            key_epoch: Some(key.token_epoch),
            ..TokenMarks::default()
        };
        self.is_revoked(marks).await.unwrap()
    }

    async fn rotate(&self, access_key: &str, overlap: i64, now: i64) -> IssuedKey {
        let overlap = Duration::seconds(overlap);
        self.rotate_key(access_key, Some("jeff"), overlap, None, at(now), at(UNTIL))
            .await
            .unwrap()
    }
}

async fn what_is_said_about_a_key_is_kept_with_its_scope_in_order(kind: Kind) {
    let (store, pair) = TestStore::with_key(kind, mk_attributes()).await;
    let mut expected = mk_attributes();
    expected.scope.verbs.reverse();
    let key = store.key().await;
    assert_eq!(key.attributes, expected);
    assert_eq!((key.token_epoch, key.old_secret_until), (1, None));
    assert!(!key.is_expired(at(999)) && key.is_expired(at(1_000)));
    let check = store
        .verify_key(&pair.access_key, &pair.secret_key, at(1))
        .await;
    assert_eq!(check.unwrap(), KeyCheck::Valid(Box::new(key)));
}

async fn a_key_that_breaks_a_rule_is_not_made(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    let refused = store
        .create_key_with("jeff", mk_attributes(), at(1_000))
        .await;
    assert!(matches!(
        refused,
        Err(StoreError::KeyAttributes(KeyAttributesError::Expired))
    ));
    assert!(store.list_keys("jeff").await.unwrap().is_empty());
}

async fn a_change_leaves_the_rest_and_takes_tokens_back_when_it_is_of_scope_or_expiry(kind: Kind) {
    let (store, pair) = TestStore::with_key(kind, mk_attributes()).await;
    let key = store.key().await;
    let update = async |owner, change| {
        store
            .update_key(&pair.access_key, owner, change, at(10), at(UNTIL))
            .await
    };
    let before = store.revision().await.unwrap();
    // What is said again as it is, is no change.
    let renamed = KeyChange {
        name: Some("cd".to_owned()),
        expires_at: Some(key.attributes.expires_at),
        scope: Some(mk_attributes().scope),
        ..KeyChange::default()
    };
    let refused = update(Some("eve"), renamed.clone()).await;
    assert!(matches!(refused, Err(StoreError::KeyNotOwned(_))));
    assert_eq!(store.key().await, key);
    update(Some("jeff"), renamed).await.unwrap();
    assert_eq!(store.key().await.attributes.name, "cd");
    assert_eq!(store.revision().await.unwrap(), before);
    assert!(!store.is_taken_back(&key).await);

    // The command line has no caller.
    let widened = KeyChange {
        expires_at: Some(None),
        scope: Some(KeyScope::default()),
        ..KeyChange::default()
    };
    update(None, widened).await.unwrap();
    let now = store.key().await;
    let attributes = KeyAttributes {
        name: "cd".to_owned(),
        description: "Deploys the shop.".to_owned(),
        limits: mk_attributes().limits,
        ..KeyAttributes::default()
    };
    assert_eq!(now.attributes, attributes);
    let epoch = now.token_epoch;
    assert!(epoch > 1);
    assert!(store.revision().await.unwrap() > before);
    assert!(store.is_taken_back(&key).await);
    assert!(!store.is_taken_back(&now).await);
    let listed = store.list_epochs(at(10)).await.unwrap();
    assert_eq!(listed.keys, [(pair.access_key.clone(), epoch)].into());

    // Other limits are another thing to carry, too; the same ones are not.
    for (limits, is_new) in [(mk_attributes().limits, false), (KeyLimits::NONE, true)] {
        let limited = KeyChange {
            limits: Some(limits),
            ..KeyChange::default()
        };
        update(None, limited).await.unwrap();
        let now = store.key().await;
        assert_eq!(
            (now.attributes.limits, now.token_epoch > epoch),
            (limits, is_new)
        );
    }

    let unknown = store
        .update_key("zzz", None, KeyChange::default(), at(10), at(UNTIL))
        .await;
    assert!(matches!(unknown, Err(StoreError::KeyNotFound(_))));
}

async fn after_a_rotation_both_secrets_are_good_for_a_while(kind: Kind) {
    let (store, first) = TestStore::with_key(kind, KeyAttributes::default()).await;
    let key = store.key().await;
    let second = store.rotate(&first.access_key, 100, 10).await;
    assert_eq!(second.access_key, first.access_key);
    assert_ne!(second.secret_key, first.secret_key);
    assert_eq!(store.key().await.old_secret_until, Some(at(110)));
    assert!(store.is_good(&first, 109).await && store.is_good(&second, 109).await);
    assert!(!store.is_good(&first, 110).await && store.is_good(&second, 110).await);
    assert!(!store.is_taken_back(&key).await);

    // Another one within the overlap: the oldest goes.
    let third = store.rotate(&first.access_key, 100, 20).await;
    assert!(!store.is_good(&first, 21).await);
    assert!(store.is_good(&second, 119).await && store.is_good(&third, 119).await);
    assert!(!store.is_good(&second, 120).await && store.is_good(&third, 120).await);
}

async fn a_rotation_without_an_overlap_takes_the_tokens_back(kind: Kind) {
    let (store, first) = TestStore::with_key(kind, KeyAttributes::default()).await;
    let key = store.key().await;
    store.rotate(&first.access_key, 100, 5).await;
    let second = store.rotate(&first.access_key, 0, 10).await;
    assert!(!store.is_good(&first, 11).await && store.is_good(&second, 11).await);
    assert_eq!(store.key().await.old_secret_until, None);
    assert!(store.is_taken_back(&key).await);
    assert!(!store.is_taken_back(&store.key().await).await);
    let foreign = store
        .rotate_key(
            &first.access_key,
            Some("eve"),
            Duration::HOUR,
            None,
            at(12),
            at(UNTIL),
        )
        .await;
    assert!(matches!(foreign, Err(StoreError::KeyNotOwned(_))));
    assert!(store.is_good(&second, 12).await);
}

async fn an_import_brings_no_secret_back_that_was_rotated_away_here(kind: Kind) {
    let store = TestStore::new(kind).await;
    let mut imported = ImportedKey {
        access_key: "1".repeat(32),
        secret_key: "2".repeat(32),
        user: "jeff".to_owned(),
    };
    store.import_key(&imported, at(0)).await.unwrap();
    let first = IssuedKey {
        access_key: imported.access_key.clone(),
        secret_key: imported.secret_key.clone(),
    };
    store.rotate(&first.access_key, 0, 1).await;
    let second = store.rotate(&first.access_key, 60, 2).await;
    assert_eq!(
        store.compare_key(&imported).await.unwrap(),
        Written::Unchanged
    );
    assert_eq!(
        store.import_key(&imported, at(3)).await.unwrap(),
        Written::Unchanged
    );
    assert!(!store.is_good(&first, 4).await && store.is_good(&second, 4).await);

    // One that is new there is taken over, and nothing else is good.
    imported.secret_key = "3".repeat(32);
    assert_eq!(
        store.import_key(&imported, at(5)).await.unwrap(),
        Written::Replaced
    );
    let third = IssuedKey {
        secret_key: imported.secret_key.clone(),
        ..first
    };
    assert!(!store.is_good(&second, 6).await && store.is_good(&third, 6).await);
}

async fn a_key_that_is_imported_again_after_its_deletion_gives_good_tokens(kind: Kind) {
    let store = TestStore::new(kind).await;
    let imported = ImportedKey {
        access_key: "1".repeat(32),
        secret_key: "2".repeat(32),
        user: "jeff".to_owned(),
    };
    store.import_key(&imported, at(0)).await.unwrap();
    let gone = store.key().await;
    store
        .delete_key(&imported.access_key, None, at(UNTIL))
        .await
        .unwrap();
    assert!(store.is_taken_back(&gone).await);
    store.import_key(&imported, at(1)).await.unwrap();
    assert!(store.is_taken_back(&gone).await);
    assert!(!store.is_taken_back(&store.key().await).await);
}

fn mk_use(at: OffsetDateTime) -> KeyUse<'static> {
    KeyUse {
        at,
        address: None,
        cluster: None,
    }
}

async fn a_use_is_seen_at_once_and_written_later(kind: Kind) {
    let (store, pair) = TestStore::with_key(kind, KeyAttributes::default()).await;
    let other = store.open_again().await;
    let written = async || other.list_keys("jeff").await.unwrap()[0].last_used_at;
    for seconds in [100, 102, 101] {
        store.note_key_use(&pair.access_key, mk_use(at(seconds)));
    }
    assert_eq!(store.key().await.last_used_at, Some(at(102)));
    assert_eq!(written().await, None);
    store.write_key_uses().await.unwrap();
    assert_eq!(written().await, Some(at(102)));
    assert_eq!(store.key().await.last_used_at, Some(at(102)));

    // Another process knows of a later use.
    other.note_key_use(&pair.access_key, mk_use(at(200)));
    other.write_key_uses().await.unwrap();
    store.note_key_use(&pair.access_key, mk_use(at(150)));
    store.write_key_uses().await.unwrap();
    assert_eq!(store.key().await.last_used_at, Some(at(200)));
}

async fn a_use_tells_from_where_and_which_cluster_was_asked(kind: Kind) {
    let (store, pair) = TestStore::with_key(kind, KeyAttributes::default()).await;
    let other = store.open_again().await;
    let key = &pair.access_key;
    let seen = async |store: &Store| {
        let key = store.list_keys("jeff").await.unwrap().remove(0);
        (
            key.last_used_at,
            key.last_used_address,
            key.last_used_cluster,
        )
    };
    let expected = |seconds, address: &str, cluster: &str| {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        (Some(at(seconds)), text(address), text(cluster))
    };
    let asked = KeyUse {
        address: Some([203, 0, 113, 7].into()),
        cluster: Some("member-1"),
        ..mk_use(at(100))
    };
    store.note_key_use(key, asked);
    let first = expected(100, "203.0.113.7", "member-1");
    assert_eq!(seen(&store).await, first);
    store.write_key_uses().await.unwrap();
    assert_eq!(
        (seen(&store).await, seen(&other).await),
        (first.clone(), first)
    );
    // A token for the same key; the cluster stays, also in the database.
    other.note_key_use(key, mk_use(at(110)));
    let second = expected(110, "", "member-1");
    assert_eq!(seen(&other).await, second);
    other.write_key_uses().await.unwrap();
    assert_eq!(seen(&store).await, second);
    // What another process knows better.
    store.note_key_use(key, asked);
    assert_eq!(seen(&store).await, second);
    store.write_key_uses().await.unwrap();
    assert_eq!(seen(&other).await, second);
    // No database takes such names, and what is in none is not written.
    for (key, cluster) in [("a\0", "member-1"), ("gone", "a\0"), ("gone", "member-1")] {
        let cluster = Some(cluster);
        store.note_key_use(key, KeyUse { cluster, ..asked });
    }
    store.write_key_uses().await.unwrap();
}

async fn a_use_that_cannot_be_written_stays_noted(kind: Kind) {
    let (store, pair) = TestStore::with_key(kind, KeyAttributes::default()).await;
    let other = store.open_again().await;
    store.note_key_use(&pair.access_key, mk_use(at(100)));
    store.inner.pools.writer.close().await;
    assert!(store.write_key_uses().await.is_err());
    assert_eq!(store.key().await.last_used_at, Some(at(100)));
    other.close().await;
}

on_each_database!(
    what_is_said_about_a_key_is_kept_with_its_scope_in_order,
    a_key_that_breaks_a_rule_is_not_made,
    a_change_leaves_the_rest_and_takes_tokens_back_when_it_is_of_scope_or_expiry,
    after_a_rotation_both_secrets_are_good_for_a_while,
    a_rotation_without_an_overlap_takes_the_tokens_back,
    an_import_brings_no_secret_back_that_was_rotated_away_here,
    a_key_that_is_imported_again_after_its_deletion_gives_good_tokens,
    a_use_is_seen_at_once_and_written_later,
    a_use_tells_from_where_and_which_cluster_was_asked,
    a_use_that_cannot_be_written_stays_noted,
);
