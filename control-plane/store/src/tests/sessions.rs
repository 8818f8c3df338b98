//! Refresh tokens and the end of sessions.

use super::{Kind, TestStore, at, on_each_database};
use crate::{NewRefreshToken, Rotation, Store, TokenMarks};

fn mk<'a>(token: &'a str, session: &'a str, seconds: i64) -> NewRefreshToken<'a> {
    NewRefreshToken {
        token,
        session,
        user: "jeff",
        issued_at: at(seconds),
        expires_at: at(seconds + 14_400),
    }
}

async fn add(store: &Store, token: &str, session: &str) {
    let new = mk(token, session, 0);
    store
        .add_refresh_token(new, false, at(7_200))
        .await
        .unwrap();
}

/// Rotates a token of session `s`, whose access token was called `a`.
async fn rotate(store: &Store, old: &str, new: &str, seconds: i64) -> Rotation {
    store
        .rotate_refresh_token(old, "a", mk(new, "s", seconds), false, at(seconds + 7_200))
        .await
        .unwrap()
}

async fn is_revoked(store: &Store, session: &str, id: &str) -> bool {
    let marks = TokenMarks {
        session: Some(session),
        id: Some(id),
        ..TokenMarks::default()
    };
    store.is_revoked(marks).await.unwrap()
}

async fn a_token_is_good_once(kind: Kind) {
    let store = TestStore::new(kind).await;
    add(&store, "one", "s").await;
    let revision = store.revision().await.unwrap();
    assert_eq!(rotate(&store, "one", "two", 10).await, Rotation::Rotated);
    assert!(is_revoked(&store, "x", "a").await);
    assert!(!is_revoked(&store, "s", "b").await);
    assert_eq!(store.revision().await.unwrap(), revision + 1);

    assert_eq!(rotate(&store, "one", "three", 15).await, Rotation::Refused);
    assert_eq!(store.revision().await.unwrap(), revision + 1);
    assert_eq!(rotate(&store, "three", "four", 15).await, Rotation::Refused);
    assert_eq!(rotate(&store, "two", "five", 16).await, Rotation::Rotated);
}

async fn a_late_second_use_ends_the_session(kind: Kind) {
    let store = TestStore::new(kind).await;
    add(&store, "one", "s").await;
    add(&store, "other", "t").await;
    assert_eq!(rotate(&store, "one", "two", 10).await, Rotation::Rotated);
    assert_eq!(rotate(&store, "one", "three", 16).await, Rotation::Reused);
    assert!(is_revoked(&store, "s", "b").await);
    assert!(!is_revoked(&store, "t", "b").await);
    assert_eq!(rotate(&store, "two", "four", 17).await, Rotation::Refused);
}

async fn a_token_of_another_session_or_out_of_time_is_refused(kind: Kind) {
    let store = TestStore::new(kind).await;
    add(&store, "one", "t").await;
    assert_eq!(rotate(&store, "one", "two", 10).await, Rotation::Refused);
    add(&store, "mine", "s").await;
    assert_eq!(
        rotate(&store, "mine", "new", 14_400).await,
        Rotation::Refused
    );
}

async fn the_only_session_ends_the_others_of_its_user(kind: Kind) {
    let store = TestStore::new(kind).await;
    add(&store, "one", "s").await;
    let stranger = NewRefreshToken {
        user: "admin",
        ..mk("stranger", "x", 0)
    };
    store
        .add_refresh_token(stranger, false, at(7_200))
        .await
        .unwrap();
    store
        .add_refresh_token(mk("two", "t", 5), true, at(7_205))
        .await
        .unwrap();
    assert!(is_revoked(&store, "s", "").await);
    assert!(!is_revoked(&store, "t", "").await);
    assert!(!is_revoked(&store, "x", "").await);
}

async fn what_has_expired_is_forgotten(kind: Kind) {
    let store = TestStore::new(kind).await;
    add(&store, "one", "s").await;
    store.end_session("s", at(7_200)).await.unwrap();
    store.revoke_token("a", at(7_201)).await.unwrap();
    assert!(is_revoked(&store, "s", "").await && is_revoked(&store, "", "a").await);
    let late = mk("late", "u", 7_200);
    store
        .add_refresh_token(late, false, at(9_000))
        .await
        .unwrap();
    assert!(!is_revoked(&store, "s", "").await);
    assert!(is_revoked(&store, "", "a").await);
}

async fn of_many_rotations_at_the_same_time_one_wins_also_across_processes(kind: Kind) {
    let store = TestStore::new(kind).await;
    add(&store, "one", "s").await;
    let other = store.open_again().await;
    let tries: Vec<_> = (0..20)
        .map(|number| {
            let store = if number % 2 == 0 {
                store.store.clone()
            } else {
                other.clone()
            };
            tokio::spawn(async move { rotate(&store, "one", &format!("new-{number}"), 10).await })
        })
        .collect();
    let mut rotated = 0;
    for attempt in tries {
        match attempt.await.unwrap() {
            Rotation::Rotated => rotated += 1,
            Rotation::Refused => {}
            Rotation::Reused => panic!("a race is no theft"),
        }
    }
    assert_eq!(rotated, 1);
    assert!(!is_revoked(&store, "s", "b").await);
}

on_each_database!(
    a_token_is_good_once,
    a_late_second_use_ends_the_session,
    a_token_of_another_session_or_out_of_time_is_refused,
    the_only_session_ends_the_others_of_its_user,
    what_has_expired_is_forgotten,
    of_many_rotations_at_the_same_time_one_wins_also_across_processes,
);
