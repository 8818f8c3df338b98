//! Being told of what others change, and what happens while one is not.

use std::fs;
use std::time::{Duration, Instant};

use cubegate_domain::UserState;
use tokio::sync::watch;
use tokio::time::timeout;

use super::database::connect;
use super::{Kind, TestStore, at, mk_user, on_each_database};
use crate::wake::Heard;
use crate::{POLL_FLOOR, POLL_INTERVAL, Revision, Store};

/// Less than the poll takes while somebody listens.
const TOLD: Duration = POLL_FLOOR.checked_div(2).unwrap();

/// Until something happens that nothing is in the way of, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// One store that follows what another one changes, as another process would.
struct Pair {
    store: TestStore,
    other: Store,
    followed: watch::Receiver<Revision>,
    heard: watch::Receiver<Heard>,
}

// === impl Pair ===

impl Pair {
    async fn new(kind: Kind) -> Self {
        let store = TestStore::new(kind).await;
        let other = store.open_again().await;
        other.create_user(mk_user("jeff"), at(0)).await.unwrap();
        let mut pair = Self {
            followed: store.subscribe(),
            heard: store.inner.listener.heard(),
            store,
            other,
        };
        pair.until_it(true).await;
        pair
    }

    /// Waits until it listens, or does not.
    async fn until_it(&mut self, listens: bool) {
        let heard = self.heard.wait_for(|heard| heard.listens == listens);
        timeout(PATIENCE, heard).await.unwrap().unwrap();
    }

    async fn change(&self) -> u64 {
        self.other
            .set_user_state("jeff", UserState::Forbidden, at(0))
            .await
            .unwrap();
        self.other.revision().await.unwrap()
    }

    /// Returns how long it took until it was seen.
    async fn see(&mut self, total: u64) -> Duration {
        let began = Instant::now();
        let seen = self.followed.wait_for(|now| now.total >= total);
        timeout(PATIENCE, seen).await.unwrap().unwrap();
        began.elapsed()
    }

    /// Changes something a few times, and returns how long each took to be seen.
    async fn see_changes(&mut self) -> Vec<Duration> {
        let mut took = Vec::new();
        for _ in 0..21 {
            let total = self.change().await;
            took.push(self.see(total).await);
        }
        took.sort();
        took
    }
}

async fn a_change_elsewhere_is_told_at_once(kind: Kind) {
    let mut pair = Pair::new(kind).await;
    let took = pair.see_changes().await;
    let (median, longest) = (took[took.len() / 2], took[took.len() - 1]);
    assert!(median <= Duration::from_millis(50), "{took:?}");
    assert!(longest < TOLD, "the poll has found it: {took:?}");
}

async fn a_change_that_nobody_tells_of_is_found(kind: Kind) {
    let mut pair = Pair::new(kind).await;
    let before = pair.store.revision().await.unwrap();
    pair.store
        .execute("UPDATE installation SET revision = revision + 1")
        .await;
    pair.see(before + 1).await;
}

/// The listener is cut, something is changed before it is back, and then it tells again.
async fn nothing_is_lost_while_nobody_listens(kind: Kind) {
    let mut pair = Pair::new(kind).await;
    let path = pair.store.database().file().map(ToOwned::to_owned);
    let away = path.as_deref().map(|path| path.with_extension("away"));
    match path.as_deref().zip(away.as_deref()) {
        // Who has it open goes on with it.
        Some((path, away)) => fs::rename(path, away).unwrap(),
        None => cut_listeners(&pair.store).await,
    }
    let total = pair.change().await;
    let took = pair.see(total).await;
    assert!(took < TOLD, "the poll is no faster than before: {took:?}");
    if let Some((path, away)) = path.as_deref().zip(away.as_deref()) {
        pair.until_it(false).await;
        let total = pair.change().await;
        assert!(pair.see(total).await < TOLD + POLL_INTERVAL);
        fs::rename(away, path).unwrap();
    }
    pair.until_it(true).await;
    let took = pair.see_changes().await;
    assert!(took[took.len() / 2] < POLL_INTERVAL / 2, "{took:?}");
    assert!(took[took.len() - 1] < TOLD, "{took:?}");
}

/// Ends the connections that listen on this store's database.
async fn cut_listeners(store: &TestStore) {
    let mut connection = connect(&store.database.url).await;
    let cut: i64 = sqlx::query_scalar(
        "SELECT CAST(COUNT(pg_terminate_backend(pid)) AS BIGINT) FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE 'LISTEN%'",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert_eq!(cut, 1, "only who follows has a connection that listens");
}

async fn who_closes_the_store_listens_no_more(kind: Kind) {
    let mut pair = Pair::new(kind).await;
    pair.store.close().await;
    pair.until_it(false).await;
    drop(pair.store);
    let ended = timeout(PATIENCE, pair.heard.wait_for(|_| false)).await;
    assert!(ended.unwrap().is_err(), "the task goes on");
}

on_each_database!(
    a_change_elsewhere_is_told_at_once,
    a_change_that_nobody_tells_of_is_found,
    nothing_is_lost_while_nobody_listens,
    who_closes_the_store_listens_no_more,
);
