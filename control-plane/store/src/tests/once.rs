//! Requests that are done once.

use cubegate_domain::KeyAttributes;
use time::Duration;

use super::database::{Kind, on_each_database};
use super::{TestStore, at, mk_user};
use crate::{IdempotencyKey, IssuedKey, Store, StoreError};

fn mk_once(name: &str) -> IdempotencyKey {
    IdempotencyKey::parse(name).unwrap()
}

impl Store {
    async fn create_once(&self, name: &str, now: i64) -> Result<IssuedKey, StoreError> {
        let (attributes, once) = (KeyAttributes::default(), mk_once(name));
        self.create_key_by(None, "jeff", attributes, Some(&once), at(now))
            .await
    }

    async fn rotate_once(
        &self,
        key: &IssuedKey,
        name: &str,
        now: i64,
    ) -> Result<IssuedKey, StoreError> {
        let (overlap, once) = (Duration::HOUR, mk_once(name));
        self.rotate_key(
            &key.access_key,
            Some("jeff"),
            overlap,
            Some(&once),
            at(now),
            at(99_999),
        )
        .await
    }
}

async fn a_request_that_is_sent_again_to_another_control_plane_is_not_done_again(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    let other = store.open_again().await;
    let (first, second) = tokio::join!(store.create_once("a", 1), other.create_once("a", 1));
    let (made, refused) = match (first, second) {
        (Ok(made), Err(refused)) | (Err(refused), Ok(made)) => (made, refused),
        both => panic!("{both:?}"),
    };
    assert!(matches!(refused, StoreError::DoneAlready), "{refused}");
    assert_eq!(store.list_keys("jeff").await.unwrap().len(), 1);

    let rotated = store.rotate_once(&made, "b", 2).await.unwrap();
    let again = other.rotate_once(&made, "b", 3).await.unwrap_err();
    assert!(matches!(again, StoreError::DoneAlready), "{again}");
    // The secret that was shown is the one that is good.
    let check = other.verify_key(&made.access_key, &rotated.secret_key, at(4));
    assert!(matches!(check.await.unwrap(), crate::KeyCheck::Valid(_)));
}

async fn what_was_refused_was_not_done_and_names_are_forgotten_after_a_day(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    for name in ["1", "2", "3", "4", "5"] {
        store.create_once(name, 1).await.unwrap();
    }
    let full = store.create_once("6", 2).await.unwrap_err();
    assert!(matches!(full, StoreError::TooManyKeys { .. }), "{full}");
    // What was done is told before the number of keys.
    let again = store.create_once("5", 2).await.unwrap_err();
    assert!(matches!(again, StoreError::DoneAlready), "{again}");
    let key = store.list_keys("jeff").await.unwrap().remove(0);
    store
        .delete_key(&key.access_key, Some("jeff"), at(9))
        .await
        .unwrap();
    store.create_once("6", 3).await.unwrap();

    let keys = store.list_keys("jeff").await.unwrap();
    let key = IssuedKey {
        access_key: keys[0].access_key.clone(),
        secret_key: String::new(),
    };
    assert!(store.rotate_once(&key, "6", 86_400).await.is_err());
    store.rotate_once(&key, "6", 86_404).await.unwrap();
    // However many somebody sends, they stay within a bound.
    for number in 0..120 {
        let name = format!("n{number:03}");
        store
            .rotate_once(&key, &name, 90_000 + number)
            .await
            .unwrap();
    }
    assert!(store.rotate_once(&key, "n119", 90_200).await.is_err());
    store.rotate_once(&key, "n000", 90_200).await.unwrap();
}

on_each_database!(
    a_request_that_is_sent_again_to_another_control_plane_is_not_done_again,
    what_was_refused_was_not_done_and_names_are_forgotten_after_a_day,
);
