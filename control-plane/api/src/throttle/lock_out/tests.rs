use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const WINDOW: Duration = Duration::from_secs(600);

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_700_000_000 + seconds).unwrap()
}

async fn fail(lock_out: &LockOut, user: &str, seconds: i64) {
    let history = LoginHistory::default();
    let attempt = lock_out.begin(user, None, &history, at(seconds)).await;
    attempt.unwrap().was_wrong();
}

async fn begin(lock_out: &LockOut, seconds: i64) -> Attempt<'_> {
    let history = LoginHistory::default();
    lock_out
        .begin("a", None, &history, at(seconds))
        .await
        .unwrap()
}

async fn wait(lock_out: &LockOut, user: &str, seconds: i64) -> Option<u64> {
    let history = LoginHistory::default();
    match lock_out.begin(user, None, &history, at(seconds)).await {
        Ok(attempt) => {
            attempt.was_not_checked();
            None
        }
        Err(locked) => Some(locked.too_many.retry_after),
    }
}

#[tokio::test]
async fn the_last_failure_locks_for_the_window() {
    let lock_out = LockOut::new(3, WINDOW);
    for second in [0, 10, 20] {
        assert_eq!(wait(&lock_out, "a", second).await, None);
        fail(&lock_out, "a", second).await;
    }
    assert_eq!(wait(&lock_out, "a", 20).await, Some(600));
    assert_eq!(wait(&lock_out, "a", 619).await, Some(1));
    assert_eq!(wait(&lock_out, "b", 20).await, None);
    // And then it begins anew.
    fail(&lock_out, "a", 620).await;
    fail(&lock_out, "a", 621).await;
    assert_eq!(wait(&lock_out, "a", 621).await, None);
}

#[tokio::test]
async fn what_is_older_than_the_window_does_not_count() {
    let lock_out = LockOut::new(2, WINDOW);
    fail(&lock_out, "a", 0).await;
    fail(&lock_out, "a", 600).await;
    assert_eq!(wait(&lock_out, "a", 600).await, None);
    fail(&lock_out, "a", 601).await;
    assert_eq!(wait(&lock_out, "a", 601).await, Some(600));
}

#[tokio::test]
async fn a_right_password_forgets_the_wrong_ones() {
    let lock_out = LockOut::new(2, WINDOW);
    for second in 0..10 {
        fail(&lock_out, "a", second).await;
        begin(&lock_out, second).await.was_right();
    }
    assert_eq!(lock_out.rooms().made_up.len(), 0);
}

#[tokio::test]
async fn hanging_up_counts_and_a_broken_database_does_not() {
    let lock_out = LockOut::new(1, WINDOW);
    for _ in 0..5 {
        begin(&lock_out, 0).await.was_not_checked();
    }
    drop(begin(&lock_out, 0).await);
    assert_eq!(wait(&lock_out, "a", 0).await, Some(600));
}

#[tokio::test]
async fn without_a_number_nobody_is_locked() {
    let lock_out = LockOut::new(0, WINDOW);
    for _ in 0..100 {
        fail(&lock_out, "a", 0).await;
    }
    assert_eq!(lock_out.rooms().made_up.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn as_many_guesses_at_the_same_time_get_through_as_one_after_the_other() {
    let lock_out = Arc::new(LockOut::new(10, WINDOW));
    let (checked, refused) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let guesses: Vec<_> = (0..200)
        .map(|_| {
            let (lock_out, checked, refused) = (lock_out.clone(), checked.clone(), refused.clone());
            tokio::spawn(async move {
                let history = LoginHistory::default();
                match lock_out.begin("a", None, &history, at(0)).await {
                    Ok(attempt) => {
                        tokio::task::yield_now().await;
                        checked.fetch_add(1, Ordering::Relaxed);
                        attempt.was_wrong();
                    }
                    Err(_) => {
                        refused.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    for guess in guesses {
        guess.await.unwrap();
    }
    assert_eq!(checked.load(Ordering::Relaxed), 10);
    assert_eq!(refused.load(Ordering::Relaxed), 190);
}

#[tokio::test]
async fn right_passwords_at_the_same_time_all_get_through() {
    let lock_out = Arc::new(LockOut::new(2, WINDOW));
    let logins: Vec<_> = (0..50)
        .map(|_| {
            let lock_out = lock_out.clone();
            tokio::spawn(async move {
                let attempt = begin(&lock_out, 0).await;
                tokio::task::yield_now().await;
                attempt.was_right();
            })
        })
        .collect();
    for login in logins {
        tokio::time::timeout(Duration::from_secs(10), login)
            .await
            .unwrap()
            .unwrap();
    }
}

#[tokio::test]
async fn the_memory_is_bounded() {
    let lock_out = LockOut::new(2, WINDOW);
    for number in 0..2 * MAX_NAMES.get() {
        fail(&lock_out, &number.to_string(), 0).await;
    }
    assert_eq!(lock_out.rooms().made_up.len(), MAX_NAMES.get());
}

fn user() -> LoginHistory {
    LoginHistory {
        exists: true,
        ..LoginHistory::default()
    }
}

/// What a user is told who has logged in from this network before.
async fn at_home(lock_out: &LockOut, seconds: i64) -> Result<Attempt<'_>, Locked> {
    let history = LoginHistory {
        from_here: Some(at(-100)),
        ..user()
    };
    lock_out
        .begin("a", Some("203.0.113.1"), &history, at(seconds))
        .await
}

#[tokio::test]
async fn guesses_from_elsewhere_do_not_keep_a_user_out_at_home() {
    let lock_out = LockOut::new(2, WINDOW);
    let mut locked = None;
    for _ in 0..2 {
        let attempt = lock_out
            .begin("a", Some("198.51.100.1"), &user(), at(0))
            .await;
        locked = attempt.unwrap().was_wrong();
    }
    assert_eq!(locked, Some(at(600)));
    let refused = lock_out
        .begin("a", Some("198.51.100.2"), &user(), at(1))
        .await;
    let refused = refused.err().unwrap();
    assert_eq!(
        (refused.too_many.retry_after, refused.unwritten),
        (599, locked)
    );
    at_home(&lock_out, 1).await.unwrap().was_right();
    // That is no right password from elsewhere.
    assert!(lock_out.begin("a", None, &user(), at(1)).await.is_err());
}

#[tokio::test]
async fn guesses_at_home_are_slowed_down_and_never_locked_out() {
    let lock_out = LockOut::new(3, WINDOW);
    for _ in 0..3 {
        assert_eq!(at_home(&lock_out, 0).await.unwrap().was_wrong(), None);
    }
    for round in 0..10 {
        let now = 5 * round;
        let refused = at_home(&lock_out, now + 4).await.err().unwrap();
        assert_eq!(
            (refused.too_many.retry_after, refused.unwritten),
            (1, None),
            "{round}"
        );
        let attempt = at_home(&lock_out, now + 5).await.unwrap();
        assert_eq!(attempt.was_wrong(), None);
    }
    at_home(&lock_out, 100).await.unwrap().was_right();
    // And elsewhere nobody has guessed.
    assert!(lock_out.begin("a", None, &user(), at(100)).await.is_ok());
}

#[tokio::test]
async fn a_lock_that_is_written_counts_and_its_end_forgives() {
    let lock_out = LockOut::new(2, WINDOW);
    let mut history = LoginHistory {
        locked_until: Some(at(50)),
        ..user()
    };
    let refused = lock_out.begin("a", None, &history, at(20)).await;
    let refused = refused.err().unwrap();
    assert_eq!(
        (refused.too_many.retry_after, refused.unwritten),
        (30, None)
    );
    history.locked_until = None;
    for _ in 0..2 {
        let attempt = lock_out.begin("a", None, &history, at(20)).await;
        attempt.unwrap().was_wrong();
    }
    assert!(lock_out.begin("a", None, &history, at(21)).await.is_err());
    history.unlocked_at = Some(at(22));
    let attempt = lock_out.begin("a", None, &history, at(23)).await;
    attempt.unwrap().was_wrong();
    assert!(lock_out.begin("a", None, &history, at(23)).await.is_ok());
}

#[tokio::test]
async fn made_up_names_do_not_push_out_the_failures_of_users() {
    let lock_out = LockOut::new(2, WINDOW);
    let attempt = lock_out.begin("a", None, &user(), at(0)).await;
    attempt.unwrap().was_wrong();
    for number in 0..=MAX_NAMES.get() {
        fail(&lock_out, &number.to_string(), 0).await;
    }
    let attempt = lock_out.begin("a", None, &user(), at(1)).await;
    assert_eq!(attempt.unwrap().was_wrong(), Some(at(601)));
}
