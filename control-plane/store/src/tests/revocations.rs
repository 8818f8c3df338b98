//! Epochs of users and keys, and single tokens.

use cubegate_domain::UserState;
use time::OffsetDateTime;

use super::{Kind, TestStore, at, mk_user, on_each_database};
use crate::revocation::MAX_DELETED_KEYS_OF_USER;
use crate::{
    GoodEpochs, ImportedKey, Lifetimes, MAX_REFUSED_OF_KEY, RefusedWhat, RevokedToken, TokenMarks,
    Written,
};

async fn who_is_disabled_or_gets_a_password_begins_a_new_epoch_which_is_never_forgotten(
    kind: Kind,
) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    store.create_user(mk_user("ann"), at(0)).await.unwrap();
    let before = store.revision().await.unwrap();
    store
        .set_password("jeff", "NewOne123", at(100))
        .await
        .unwrap();
    assert!(store.revision().await.unwrap() > before);
    let epoch = async || store.get_user("jeff").await.unwrap().unwrap().token_epoch;
    let first = epoch().await;
    // A database that is put back counts from where it was, and the time goes on.
    let now = u64::try_from(OffsetDateTime::now_utc().unix_timestamp()).unwrap();
    assert!((now - 60..=now).contains(&first), "{first}");
    for state in [UserState::Forbidden, UserState::Normal] {
        store.set_user_state("jeff", state, at(200)).await.unwrap();
    }
    let second = epoch().await;
    assert!(second > first);
    let listed = GoodEpochs {
        users: [("jeff".to_owned(), second)].into(),
        ..GoodEpochs::default()
    };
    // Whatever the lifetimes were when the epoch began.
    for seconds in [1, 199, 200, 100_000_000] {
        while store.forget_expired(at(seconds)).await.unwrap() {}
        assert_eq!(store.list_epochs(at(seconds)).await.unwrap(), listed);
    }
    let is_revoked = async |user, epoch| {
        let marks = TokenMarks {
            user,
            epoch,
            ..TokenMarks::default()
        };
        store.is_revoked(marks).await.unwrap()
    };
    assert!(is_revoked("jeff", Some(first)).await);
    assert!(!is_revoked("jeff", None).await);
    assert!(!is_revoked("jeff", Some(second)).await);
    assert!(!is_revoked("ann", Some(1)).await);
}

async fn a_deleted_key_is_refused_and_one_that_stays_is_not(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    let gone = store.create_key("jeff", at(1)).await.unwrap().access_key;
    let kept = store.create_key("jeff", at(1)).await.unwrap().access_key;
    let before = store.revision().await.unwrap();
    store
        .delete_key(&kept, Some("eve"), at(100))
        .await
        .unwrap_err();
    assert_eq!(store.revision().await.unwrap(), before);
    store
        .delete_key(&gone, Some("jeff"), at(100))
        .await
        .unwrap();
    assert!(store.revision().await.unwrap() > before);
    let listed = store.list_epochs(at(99)).await.unwrap();
    assert_eq!(listed.keys.keys().collect::<Vec<_>>(), [&gone]);
    let later = store.list_epochs(at(100)).await.unwrap();
    assert_eq!(later, GoodEpochs::default());
    for (key, expected) in [(&gone, true), (&kept, false)] {
        assert_eq!(is_of_old_key(&store, key, 1).await, expected);
    }
}

async fn who_makes_and_deletes_keys_without_end_is_remembered_within_bounds(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    store.create_user(mk_user("ann"), at(0)).await.unwrap();
    let other = store.create_key("ann", at(1)).await.unwrap().access_key;
    store.delete_key(&other, None, at(100)).await.unwrap();
    let epoch = async || store.get_user("jeff").await.unwrap().unwrap().token_epoch;
    let mut keys = Vec::new();
    for _ in 0..=MAX_DELETED_KEYS_OF_USER {
        assert_eq!(epoch().await, 1);
        let key = store.create_key("jeff", at(1)).await.unwrap().access_key;
        store.delete_key(&key, None, at(100)).await.unwrap();
        keys.push(key);
    }
    // The tokens of those keys are of the user's former epoch.
    assert!(epoch().await > 1);
    let listed = store.list_epochs(at(99)).await.unwrap();
    assert_eq!(listed.keys.keys().collect::<Vec<_>>(), [&other]);
    let marks = TokenMarks {
        key: keys.first().map(String::as_str),
        key_epoch: Some(1),
        user: "jeff",
        epoch: Some(1),
        ..TokenMarks::default()
    };
    assert!(store.is_revoked(marks).await.unwrap());
}

async fn is_of_old_key(store: &crate::Store, key: &str, epoch: u64) -> bool {
    let marks = TokenMarks {
        key: Some(key),
        key_epoch: Some(epoch),
        ..TokenMarks::default()
    };
    store.is_revoked(marks).await.unwrap()
}

async fn a_key_whose_tokens_are_taken_back_in_a_loop_gets_a_new_epoch(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    let key = store.create_key("jeff", at(1)).await.unwrap().access_key;
    let revoke = async |number: i64| {
        let token = RevokedToken {
            id: &format!("token-{number}"),
            user: "jeff",
            access_key: Some(&key),
            until: at(3_600),
        };
        store.revoke_token(token, at(2)).await.unwrap();
    };
    let mut longest = 0;
    for number in 0..=2 * MAX_REFUSED_OF_KEY + 1 {
        revoke(number).await;
        let listed = store.list_revoked_sessions(None, at(2)).await.unwrap();
        longest = longest.max(listed.len());
    }
    assert_eq!(i64::try_from(longest).unwrap(), MAX_REFUSED_OF_KEY);
    let listed = store.list_epochs(at(2)).await.unwrap();
    let epoch = listed.keys[&key];
    assert!(is_of_old_key(&store, &key, epoch - 1).await);
    assert!(!is_of_old_key(&store, &key, epoch).await);
    assert!(listed.users.is_empty(), "the user is no matter of it");
}

async fn what_was_taken_back_since_a_revision_is_told_alone(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    let revoke = async |id| {
        let token = RevokedToken {
            id,
            user: "jeff",
            access_key: None,
            until: at(100),
        };
        store.revoke_token(token, at(0)).await.unwrap();
    };
    revoke("one").await;
    let since = *store.subscribe().borrow();
    revoke("two").await;
    store
        .set_password("jeff", "NewOne123", at(100))
        .await
        .unwrap();
    revoke("three").await;
    let now = *store.subscribe().borrow();
    let changes = now.since(since);
    assert!(changes.sessions && changes.epochs && !changes.clusters);
    assert!(now.continues(since) && !since.continues(now));
    let listed = store
        .list_revoked_sessions(Some(since), at(0))
        .await
        .unwrap();
    // The second was of the former epoch.
    let whats: Vec<_> = listed.into_iter().map(|refused| refused.what).collect();
    assert_eq!(whats, [RefusedWhat::Token("three".to_owned())]);
    assert_eq!(
        store
            .list_revoked_sessions(None, at(0))
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        store.list_revoked_sessions(None, at(100)).await.unwrap(),
        []
    );
}

async fn an_import_that_replaces_owner_or_secret_takes_back_what_the_key_has_made(kind: Kind) {
    let store = TestStore::new(kind).await;
    let mk = |user: &str, secret: &str| ImportedKey {
        access_key: "imported".to_owned(),
        secret_key: secret.to_owned(),
        user: user.to_owned(),
    };
    let import = async |key: ImportedKey| store.import_key(&key, at(0)).await.unwrap();
    assert_eq!(import(mk("jeff", "one")).await, Written::Created);
    assert_eq!(import(mk("jeff", "one")).await, Written::Unchanged);
    assert!(!is_of_old_key(&store, "imported", 1).await);
    let mut former = 1;
    for (user, secret) in [("jeff", "two"), ("ann", "two")] {
        assert_eq!(import(mk(user, secret)).await, Written::Replaced);
        assert!(is_of_old_key(&store, "imported", former).await);
        former = store.list_epochs(at(0)).await.unwrap().keys["imported"];
        assert!(!is_of_old_key(&store, "imported", former).await);
    }
}

async fn the_longest_lifetimes_are_kept_and_heard_of_by_others(kind: Kind) {
    let store = TestStore::new(kind).await;
    let other = store.open_again().await;
    let first = store.lifetimes();
    let long = Lifetimes {
        any: first.any + 10,
        session: first.session + 10,
    };
    store.note_lifetimes(long).await.unwrap();
    store
        .note_lifetimes(Lifetimes { any: 1, session: 1 })
        .await
        .unwrap();
    assert_eq!(store.lifetimes(), long);
    tokio::time::timeout(std::time::Duration::from_secs(10), async {
        while other.lifetimes() != long {
            tokio::time::sleep(crate::POLL_INTERVAL).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(store.open_again().await.lifetimes(), long);
}

on_each_database!(
    who_is_disabled_or_gets_a_password_begins_a_new_epoch_which_is_never_forgotten,
    a_deleted_key_is_refused_and_one_that_stays_is_not,
    who_makes_and_deletes_keys_without_end_is_remembered_within_bounds,
    a_key_whose_tokens_are_taken_back_in_a_loop_gets_a_new_epoch,
    what_was_taken_back_since_a_revision_is_told_alone,
    an_import_that_replaces_owner_or_secret_takes_back_what_the_key_has_made,
    the_longest_lifetimes_are_kept_and_heard_of_by_others,
);
