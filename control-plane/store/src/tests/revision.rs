//! Following the revision, also when it goes back.

use std::time::Duration;

use cubegate_domain::UserState;
use tokio::time::timeout;

use super::{Kind, TestStore, at, mk_user, on_each_database};

const PATIENCE: Duration = Duration::from_secs(10);

/// What a backup that was put back, or a database that takes over from one that was ahead
/// of it, does.
async fn a_revision_that_goes_back_is_a_change_and_so_is_what_comes_after(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    for _ in 0..5 {
        store
            .set_user_state("jeff", UserState::Forbidden, at(0))
            .await
            .unwrap();
    }
    let mut followed = store.subscribe();
    let ahead = *followed.borrow_and_update();
    store
        .execute("UPDATE installation SET revision = 1, epoch_revision = 1")
        .await;
    timeout(PATIENCE, followed.changed())
        .await
        .unwrap()
        .unwrap();
    let back = *followed.borrow_and_update();
    assert_eq!(back.total, 1);
    assert!(back.since(ahead).epochs);

    // By this process and by another.
    let other = store.open_again().await;
    for store in [&store.store, &other] {
        store
            .set_user_state("jeff", UserState::Forbidden, at(0))
            .await
            .unwrap();
        timeout(PATIENCE, followed.changed())
            .await
            .unwrap()
            .unwrap();
        let now = *followed.borrow_and_update();
        assert!(now.since(back).epochs && now.total < ahead.total);
    }
}

/// A poll must not undo what a commit of this process has told meanwhile.
async fn commits_of_this_process_are_never_followed_by_an_older_revision(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    let mut followed = store.subscribe();
    let watcher = tokio::spawn(async move {
        let mut seen = 0;
        while followed.changed().await.is_ok() {
            let now = followed.borrow_and_update().total;
            assert!(now >= seen, "{now} after {seen}");
            seen = now;
            if seen >= 300 {
                break;
            }
        }
        seen
    });
    for _ in 0..300 {
        store
            .set_user_state("jeff", UserState::Forbidden, at(0))
            .await
            .unwrap();
    }
    let seen = timeout(PATIENCE, watcher).await.unwrap().unwrap();
    assert_eq!(seen, 300);
}

async fn a_change_of_a_release_that_names_no_topic_is_about_everything(kind: Kind) {
    let store = TestStore::new(kind).await;
    let mut followed = store.subscribe();
    let before = *followed.borrow_and_update();
    store
        .execute("UPDATE installation SET revision = revision + 1")
        .await;
    timeout(PATIENCE, followed.changed())
        .await
        .unwrap()
        .unwrap();
    let after = *followed.borrow_and_update();
    assert_eq!(after.since(before), crate::Changes::ALL);
    assert!(!after.continues(before));
    assert_eq!(after.since(after), Default::default());
}

on_each_database!(
    a_revision_that_goes_back_is_a_change_and_so_is_what_comes_after,
    commits_of_this_process_are_never_followed_by_an_older_revision,
    a_change_of_a_release_that_names_no_topic_is_about_everything,
);
