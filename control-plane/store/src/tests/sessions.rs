//! Sessions, their generations and their end.

use super::{Kind, TestStore, at, mk_user, on_each_database};
use crate::{
    MAX_REFUSED_OF_USER, Refused, RefusedWhat, Rotation, SessionTokens, ShownRefreshToken, Store,
    TokenMarks,
};

/// When tokens have expired of which nothing better is known.
const FORMER: i64 = 100_000;

/// An access token lives 7,200 s, a refresh token twice as long.
fn mk<'a>(session: &'a str, generation: u64, token: &'a str, seconds: i64) -> SessionTokens<'a> {
    SessionTokens {
        session,
        user: "jeff",
        user_epoch: 1,
        generation,
        refresh_token: token,
        issued_at: at(seconds),
        access_until: at(seconds + 7_200),
        expires_at: at(seconds + 14_400),
    }
}

async fn with_users(kind: Kind) -> TestStore {
    let store = TestStore::new(kind).await;
    for user in ["jeff", "ann"] {
        store.create_user(mk_user(user), at(0)).await.unwrap();
    }
    store
}

async fn begin(store: &Store, session: &str, token: &str) {
    let tokens = mk(session, 1, token, 0);
    assert!(
        store
            .begin_session(tokens, false, at(FORMER))
            .await
            .unwrap()
    );
}

/// Refreshes session `s` from one generation to the next.
async fn refresh(store: &Store, old: &str, generation: u64, new: &str, seconds: i64) -> Rotation {
    let shown = ShownRefreshToken {
        token: old,
        generation: Some(generation),
    };
    let tokens = mk("s", generation + 1, new, seconds);
    store
        .refresh_session(shown, tokens, false, at(FORMER))
        .await
        .unwrap()
}

async fn is_revoked(store: &Store, session: &str, generation: u64) -> bool {
    let marks = TokenMarks {
        session: Some(session),
        generation: Some(generation),
        ..TokenMarks::default()
    };
    store.is_revoked(marks).await.unwrap()
}

async fn refused(store: &Store, seconds: i64) -> Vec<Refused> {
    store
        .list_revoked_sessions(None, at(seconds))
        .await
        .unwrap()
}

fn before(generation: u64, until: i64) -> Refused {
    Refused {
        what: RefusedWhat::Before("s".to_owned(), generation),
        until: at(until).unix_timestamp().try_into().unwrap(),
    }
}

async fn a_refresh_token_is_good_once_and_takes_its_access_token_along(kind: Kind) {
    let store = with_users(kind).await;
    begin(&store, "s", "one").await;
    let revision = store.revision().await.unwrap();
    assert!(refused(&store, 0).await.is_empty());
    assert_eq!(
        refresh(&store, "one", 1, "two", 10).await,
        Rotation::Rotated
    );
    assert!(is_revoked(&store, "s", 1).await);
    assert!(!is_revoked(&store, "s", 2).await);
    assert!(!is_revoked(&store, "t", 1).await);
    assert_eq!(store.revision().await.unwrap(), revision + 1);

    assert_eq!(
        refresh(&store, "one", 1, "three", 15).await,
        Rotation::Refused
    );
    assert_eq!(
        refresh(&store, "three", 2, "four", 15).await,
        Rotation::Refused
    );
    assert_eq!(store.revision().await.unwrap(), revision + 1);
    assert_eq!(
        refresh(&store, "two", 2, "five", 16).await,
        Rotation::Rotated
    );
}

async fn what_is_kept_of_refreshes_is_one_entry_that_ends_with_the_former_token(kind: Kind) {
    let store = with_users(kind).await;
    begin(&store, "s", "0").await;
    for number in 1..=20_u64 {
        let old = (number - 1).to_string();
        let new = number.to_string();
        let seconds = i64::try_from(number).unwrap() * 100;
        let rotation = refresh(&store, &old, number, &new, seconds).await;
        assert_eq!(rotation, Rotation::Rotated);
    }
    // The one before the last is of second 1,900.
    assert_eq!(refused(&store, 2_000).await, [before(21, 1_900 + 7_200)]);
    assert_eq!(refused(&store, 1_900 + 7_200).await, []);
    assert!(is_revoked(&store, "s", 20).await);

    // One that lives longer than those after it is refused to its own end.
    let brief = SessionTokens {
        access_until: at(2_200),
        ..mk("s", 22, "21", 2_100)
    };
    let shown = ShownRefreshToken {
        token: "20",
        generation: Some(21),
    };
    let rotation = store.refresh_session(shown, brief, false, at(FORMER));
    assert_eq!(rotation.await.unwrap(), Rotation::Rotated);
    assert_eq!(
        refresh(&store, "21", 22, "22", 2_150).await,
        Rotation::Rotated
    );
    assert_eq!(refused(&store, 2_150).await, [before(23, 2_000 + 7_200)]);
}

async fn a_late_second_use_ends_the_session(kind: Kind) {
    let store = with_users(kind).await;
    begin(&store, "s", "one").await;
    begin(&store, "t", "other").await;
    assert_eq!(
        refresh(&store, "one", 1, "two", 10).await,
        Rotation::Rotated
    );
    assert_eq!(
        refresh(&store, "one", 1, "three", 16).await,
        Rotation::Reused
    );
    assert!(is_revoked(&store, "s", 9).await);
    assert!(!is_revoked(&store, "t", 1).await);
    assert_eq!(
        refresh(&store, "two", 2, "four", 17).await,
        Rotation::Refused
    );
    let ended = Refused {
        what: RefusedWhat::Session("s".to_owned()),
        until: at(10 + 7_200).unix_timestamp().try_into().unwrap(),
    };
    assert_eq!(refused(&store, 17).await, [ended]);
}

async fn a_token_of_another_session_or_out_of_time_is_refused(kind: Kind) {
    let store = with_users(kind).await;
    begin(&store, "t", "one").await;
    assert_eq!(
        refresh(&store, "one", 1, "two", 10).await,
        Rotation::Refused
    );
    begin(&store, "s", "mine").await;
    assert_eq!(
        refresh(&store, "mine", 1, "new", 14_400).await,
        Rotation::Refused
    );
}

async fn who_has_another_password_since_gets_no_session(kind: Kind) {
    let store = with_users(kind).await;
    begin(&store, "s", "one").await;
    store
        .set_password("jeff", "NewOne123", at(0))
        .await
        .unwrap();
    // The password was checked, and then changed: the tokens are for who was before.
    let late = store.begin_session(mk("late", 1, "late", 1), false, at(FORMER));
    assert!(!late.await.unwrap());
    assert_eq!(refresh(&store, "one", 1, "two", 2).await, Rotation::Refused);
    let again = SessionTokens {
        user_epoch: store.get_user("jeff").await.unwrap().unwrap().token_epoch,
        ..mk("again", 1, "again", 3)
    };
    assert!(store.begin_session(again, false, at(FORMER)).await.unwrap());
}

async fn the_only_session_ends_the_others_of_its_user(kind: Kind) {
    let store = with_users(kind).await;
    begin(&store, "s", "one").await;
    let stranger = SessionTokens {
        user: "ann",
        ..mk("x", 1, "stranger", 0)
    };
    store
        .begin_session(stranger, false, at(FORMER))
        .await
        .unwrap();
    store
        .begin_session(mk("t", 1, "two", 5), true, at(FORMER))
        .await
        .unwrap();
    assert!(is_revoked(&store, "s", 1).await);
    assert!(!is_revoked(&store, "t", 1).await);
    assert!(!is_revoked(&store, "x", 1).await);
}

async fn a_session_that_has_no_row_is_refused_until_then_and_nobody_ends_anothers(kind: Kind) {
    let store = with_users(kind).await;
    begin(&store, "s", "one").await;
    store.end_session("s", "ann", at(50), at(1)).await.unwrap();
    assert_eq!(refresh(&store, "one", 1, "two", 2).await, Rotation::Rotated);
    store.end_session("c", "jeff", at(60), at(1)).await.unwrap();
    assert!(is_revoked(&store, "c", 7).await);
    let listed = refused(&store, 50).await;
    assert!(
        listed
            .iter()
            .any(|one| one.what == RefusedWhat::Session("c".to_owned()))
    );
    assert!(
        !refused(&store, 60)
            .await
            .iter()
            .any(|one| matches!(one.what, RefusedWhat::Session(_)))
    );
}

async fn the_ends_of_very_many_sessions_become_a_new_epoch(kind: Kind) {
    let store = with_users(kind).await;
    let epoch = async || store.get_user("jeff").await.unwrap().unwrap().token_epoch;
    store
        .fill_sessions("jeff", MAX_REFUSED_OF_USER - 1, at(500))
        .await;
    store
        .end_session("last", "jeff", at(500), at(1))
        .await
        .unwrap();
    assert_eq!(epoch().await, 1);
    assert_eq!(refused(&store, 1).await.len(), 4_096);
    store
        .end_session("more", "jeff", at(500), at(1))
        .await
        .unwrap();
    assert!(epoch().await > 1);
    assert_eq!(refused(&store, 1).await, []);
    assert_eq!(store.get_user("ann").await.unwrap().unwrap().token_epoch, 1);
}

async fn what_has_expired_leaves_by_itself_a_bounded_number_at_a_time(kind: Kind) {
    let store = with_users(kind).await;
    begin(&store, "s", "one").await;
    store.fill_sessions("jeff", 2_500, at(100)).await;
    store
        .end_session("kept", "jeff", at(101), at(0))
        .await
        .unwrap();
    assert!(!store.forget_expired(at(99)).await.unwrap());
    assert!(store.forget_expired(at(100)).await.unwrap());
    assert!(store.forget_expired(at(100)).await.unwrap());
    assert!(!store.forget_expired(at(100)).await.unwrap());
    assert!(is_revoked(&store, "kept", 0).await);
    assert!(!is_revoked(&store, "filled-1", 0).await);
    assert_eq!(
        refresh(&store, "one", 1, "two", 100).await,
        Rotation::Rotated
    );
    while store.forget_expired(at(100 + 14_400)).await.unwrap() {}
    assert!(!is_revoked(&store, "s", 1).await, "nothing is left of it");
}

async fn of_many_refreshes_at_the_same_time_one_wins_also_across_processes(kind: Kind) {
    let store = with_users(kind).await;
    begin(&store, "s", "one").await;
    let other = store.open_again().await;
    let tries: Vec<_> = (0..20)
        .map(|number| {
            let store = match number % 2 == 0 {
                true => store.store.clone(),
                false => other.clone(),
            };
            let new = format!("new-{number}");
            tokio::spawn(async move { refresh(&store, "one", 1, &new, 10).await })
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
    assert!(!is_revoked(&store, "s", 2).await);
}

async fn a_refresh_token_of_the_former_release_becomes_a_session(kind: Kind) {
    let store = with_users(kind).await;
    store
        .add_former_token("former", "s", "jeff", at(1_000))
        .await;
    let take_over = async |seconds| {
        let shown = ShownRefreshToken {
            token: "former",
            generation: None,
        };
        let tokens = mk("s", 1, "one", seconds);
        store
            .refresh_session(shown, tokens, false, at(FORMER))
            .await
            .unwrap()
    };
    assert_eq!(take_over(10).await, Rotation::Rotated);
    assert!(
        is_revoked(&store, "s", 0).await,
        "its access token has no generation"
    );
    assert!(!is_revoked(&store, "s", 1).await);
    assert_eq!(refused(&store, 10).await, [before(1, FORMER)]);
    assert_eq!(take_over(12).await, Rotation::Refused);
    assert_eq!(
        refresh(&store, "one", 1, "two", 13).await,
        Rotation::Rotated
    );
    assert_eq!(take_over(16).await, Rotation::Reused);
    assert!(is_revoked(&store, "s", 2).await);
}

on_each_database!(
    a_refresh_token_is_good_once_and_takes_its_access_token_along,
    what_is_kept_of_refreshes_is_one_entry_that_ends_with_the_former_token,
    a_late_second_use_ends_the_session,
    a_token_of_another_session_or_out_of_time_is_refused,
    who_has_another_password_since_gets_no_session,
    the_only_session_ends_the_others_of_its_user,
    a_session_that_has_no_row_is_refused_until_then_and_nobody_ends_anothers,
    the_ends_of_very_many_sessions_become_a_new_epoch,
    what_has_expired_leaves_by_itself_a_bounded_number_at_a_time,
    of_many_refreshes_at_the_same_time_one_wins_also_across_processes,
    a_refresh_token_of_the_former_release_becomes_a_session,
);
