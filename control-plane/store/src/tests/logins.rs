//! E-mail addresses, where users log in from, and locks.

use cubegate_domain::Profile;

use super::{Kind, TestStore, at, mk_user, on_each_database};
use crate::{LoginHistory, MAX_LOGIN_ADDRESSES, Md5Password, ProfileChange, StoreError, Written};

fn email(text: &str) -> ProfileChange {
    ProfileChange {
        email: Some(text.to_owned()),
        ..ProfileChange::default()
    }
}

async fn an_email_address_is_one_users_only(kind: Kind) {
    let store = TestStore::new(kind).await;
    for name in ["alice", "mallory"] {
        store.create_user(mk_user(name), at(0)).await.unwrap();
    }
    store
        .change_profile("alice", &email("alice@corp.example"))
        .await
        .unwrap();
    for taken in ["alice@corp.example", "ALICE@corp.example"] {
        let refused = store.change_profile("mallory", &email(taken)).await;
        assert!(
            matches!(refused, Err(StoreError::EmailTaken)),
            "{refused:?}"
        );
    }
    let profile = Profile {
        email: "Alice@corp.example".to_owned(),
        ..Profile::default()
    };
    let refused = store
        .create_user_with_profile(mk_user("eve"), &profile, at(0))
        .await;
    assert!(
        matches!(refused, Err(StoreError::EmailTaken)),
        "{refused:?}"
    );
    assert!(store.get_user("eve").await.unwrap().is_none());
    for address in ["alice@corp.example", "alice@CORP.example"] {
        let found = store.user_of_email(address).await.unwrap();
        assert_eq!(found.as_deref(), Some("alice"), "{address}");
    }
    assert_eq!(store.user_of_email("").await.unwrap(), None);
}

async fn a_user_is_taken_over_without_an_address_that_another_one_has(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("alice"), at(0)).await.unwrap();
    store
        .change_profile("alice", &email("a@corp.example"))
        .await
        .unwrap();
    let mut bob = crate::KubeCubeUser {
        name: "bob".to_owned(),
        display_name: "bob".to_owned(),
        profile: Profile {
            email: "a@corp.example".to_owned(),
            ..Profile::default()
        },
        state: cubegate_domain::UserState::Normal,
        groups: Vec::new(),
        password: None::<Md5Password>,
    };
    let done = store.import_kubecube_user(&bob, at(1)).await.unwrap();
    assert_eq!(done, Written::Created);
    let kept = store.get_user("bob").await.unwrap().unwrap();
    assert_eq!(kept.profile.email, "");
    let again = store.import_kubecube_user(&bob, at(2)).await.unwrap();
    assert_eq!(again, Written::Unchanged);
    bob.display_name = "Bob".to_owned();
    let again = store.import_kubecube_user(&bob, at(2)).await.unwrap();
    assert_eq!(again, Written::Replaced);
}

async fn where_a_user_has_logged_in_from_is_remembered_to_a_bound(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    let history = async |network: &str| store.login_history("jeff", Some(network)).await.unwrap();
    let home = "203.0.113.1";
    assert!(history(home).await.exists);
    assert_eq!(history(home).await.from_here, None);
    let nobody = store.login_history("zed", Some(home)).await.unwrap();
    assert_eq!(nobody, LoginHistory::default());

    let note = async |network: &str, seconds: i64| {
        let known = history(network).await;
        store
            .note_login_address("jeff", network, &known, at(seconds))
            .await
            .unwrap();
    };
    note(home, 1).await;
    // Not again within the hour.
    note(home, 3_000).await;
    assert_eq!(history(home).await.from_here, Some(at(1)));
    note(home, 4_000).await;
    assert_eq!(history(home).await.from_here, Some(at(4_000)));
    for number in 0..MAX_LOGIN_ADDRESSES {
        note(&format!("198.51.100.{number}"), 4_001 + number).await;
    }
    assert_eq!(
        history(home).await.from_here,
        None,
        "the oldest is forgotten"
    );
    assert!(history("198.51.100.0").await.from_here.is_some());
    // Nobody has addresses.
    let unknown = LoginHistory::default();
    store
        .note_login_address("zed", home, &unknown, at(1))
        .await
        .unwrap();
    // Another process knows them, too.
    let other = store.open_again().await;
    let known = other.login_history("jeff", Some("198.51.100.0")).await;
    assert!(known.unwrap().from_here.is_some());
}

async fn a_lock_is_in_the_database_until_it_is_taken_away(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    store.lock_user("jeff", at(600)).await.unwrap();
    // Never shorter than it is.
    store.lock_user("jeff", at(500)).await.unwrap();
    store.lock_user("zed", at(600)).await.unwrap();
    let other = store.open_again().await;
    let history = other.login_history("jeff", None).await.unwrap();
    assert_eq!(history.locked_until, Some(at(600)));
    let jeff = other.get_user("jeff").await.unwrap().unwrap();
    assert_eq!(jeff.locked_until, Some(at(600)));

    other.unlock_user("jeff", at(10)).await.unwrap();
    let history = store.login_history("jeff", None).await.unwrap();
    assert_eq!(
        (history.locked_until, history.unlocked_at),
        (None, Some(at(10)))
    );
    let refused = store.unlock_user("zed", at(10)).await;
    assert!(matches!(refused, Err(StoreError::UserNotFound(_))));
}

/// The migration before an older database has its index.
async fn of_those_who_had_the_same_address_the_oldest_keeps_it(kind: Kind) {
    let store = TestStore::new(kind).await;
    for (name, seconds) in [("c", 3), ("b", 1), ("a", 1), ("alone", 5), ("none", 0)] {
        store.create_user(mk_user(name), at(seconds)).await.unwrap();
    }
    let mut tx = store.write().await.unwrap();
    sqlx::query("DROP INDEX users_by_email")
        .execute(&mut *tx)
        .await
        .unwrap();
    for (name, email) in [
        ("a", "x@corp.example"),
        ("b", "X@corp.example"),
        ("c", "x@CORP.example"),
        ("alone", "y@corp.example"),
    ] {
        sqlx::query("UPDATE users SET email = $2 WHERE name = $1")
            .bind(name)
            .bind(email)
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    let migration = include_str!("../../migrations/20261128004100_logins.sql");
    for statement in migration.split(';').take(2) {
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let users = store.list_users().await.unwrap();
    let kept: Vec<_> = users
        .iter()
        .map(|user| (&*user.name, &*user.profile.email))
        .collect();
    let expected = [
        ("a", "x@corp.example"),
        ("alone", "y@corp.example"),
        ("b", ""),
        ("c", ""),
        ("none", ""),
    ];
    assert_eq!(kept, expected);
}

on_each_database!(
    of_those_who_had_the_same_address_the_oldest_keeps_it,
    an_email_address_is_one_users_only,
    a_user_is_taken_over_without_an_address_that_another_one_has,
    where_a_user_has_logged_in_from_is_remembered_to_a_bound,
    a_lock_is_in_the_database_until_it_is_taken_away,
);
