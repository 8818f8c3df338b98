//! The revision: numbers that move when an Envoy must learn something.

use std::sync::Weak;
use std::time::Duration;

use sqlx::AnyExecutor;
use tokio::sync::watch;
use tokio::time;

use crate::StoreError;
use crate::connect::Dialect;
use crate::patience::{Statements, silent};
use crate::row::to_u64;
use crate::store::{Inner, Store};
use crate::wake::{Heard, NOTIFY};

/// How often the revision is read while nobody tells of changes by other processes: before
/// the first [`Store::subscribe`], and when listening for them fails.
pub const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// How often it is read although changes are told: for those made by hand, or by a process that
/// was killed before it told.
pub const POLL_FLOOR: Duration = Duration::from_secs(if cfg!(test) { 5 } else { 1 });

/// Before the revision is read once more because this process has moved it meanwhile.
const AGAIN: Duration = Duration::from_millis(5);

/// How long it may take to be read; until then nothing else is heard.
const READ: Duration = Duration::from_secs(10);

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    /// Clusters, and which of them is the host.
    Clusters,
    /// Which epochs of users and keys are good.
    Epochs,
    /// Sessions and single tokens that were taken back.
    Sessions,
}

/// Where the database stands: how many changes there were, all in all and by what they
/// are about. After a backup was put back there are fewer again, so it is compared and
/// not ordered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Revision {
    /// All changes.
    pub total: u64,
    clusters: u64,
    epochs: u64,
    sessions: u64,
}

/// What differs between two revisions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changes {
    /// Clusters, and which of them is the host.
    pub clusters: bool,
    /// Which epochs of users and keys are good.
    pub epochs: bool,
    /// Sessions and single tokens that were taken back.
    pub sessions: bool,
}

/// What of the installation is read again and again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Installation {
    pub(crate) revision: Revision,
    pub(crate) lifetimes: Lifetimes,
}

/// The longest lives, in seconds, that tokens were ever given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lifetimes {
    /// Of any token.
    pub any: u64,
    /// Of tokens of a session.
    pub session: u64,
}

// === impl Revision ===

impl Revision {
    /// Returns what has changed since another one, before or after.
    pub fn since(self, other: Self) -> Changes {
        // Made by a release that does not say what its changes are about, or by a change
        // that is about everything.
        let unnamed = self.unnamed() != other.unnamed();
        Changes {
            clusters: unnamed || self.clusters != other.clusters,
            epochs: unnamed || self.epochs != other.epochs,
            sessions: unnamed || self.sessions != other.sessions,
        }
    }

    /// Returns whether sessions and tokens that were taken back since `other` are all those that
    /// [`Store::list_revoked_sessions`] finds after it: nothing else has happened to them.
    pub fn continues(self, other: Self) -> bool {
        self.unnamed() == other.unnamed() && self.sessions >= other.sessions
    }

    /// Returns how often sessions and single tokens were taken back.
    pub(crate) fn sessions(self) -> u64 {
        self.sessions
    }

    /// Returns how often clusters have changed.
    pub(crate) fn clusters(self) -> u64 {
        self.clusters
    }

    /// Returns how often they have changed since `before`, if that is known.
    pub(crate) fn cluster_changes_since(self, before: Self) -> Option<u64> {
        let is_known = self.unnamed() == before.unnamed();
        let changes = self.clusters.checked_sub(before.clusters);
        changes.filter(|_| is_known)
    }

    fn unnamed(self) -> u64 {
        let named = [self.clusters, self.epochs, self.sessions];
        named.into_iter().fold(self.total, u64::wrapping_sub)
    }
}

// === impl Changes ===

impl Changes {
    /// Everything.
    pub const ALL: Self = Self {
        clusters: true,
        epochs: true,
        sessions: true,
    };
}

// === impl Store ===

impl Store {
    /// Returns the number of committed changes.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn revision(&self) -> Result<u64, StoreError> {
        Ok(read(self.reader()).await?.revision.total)
    }

    /// Follows the revision. A receiver sees the newest one and may miss those
    /// between. A change of this process shows at once, and one of another process as soon as it
    /// is told of: within milliseconds, within [`POLL_INTERVAL`] while it cannot be told, and
    /// within [`POLL_FLOOR`] if nobody does.
    pub fn subscribe(&self) -> watch::Receiver<Revision> {
        self.inner.listener.start();
        self.inner.followed.subscribe()
    }

    /// The longest lives that tokens were ever given, by any process on this database.
    pub fn lifetimes(&self) -> Lifetimes {
        *self.inner.lifetimes.borrow()
    }

    /// Notes how long tokens live that are given from now on.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn note_lifetimes(&self, given: Lifetimes) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        for (statement, seconds) in [
            (
                "UPDATE installation SET longest_lifetime = $1
                 WHERE id = 1 AND longest_lifetime < $1",
                given.any,
            ),
            (
                "UPDATE installation SET longest_session_lifetime = $1
                 WHERE id = 1 AND longest_session_lifetime < $1",
                given.session,
            ),
        ] {
            sqlx::query(statement)
                .bind(i64::try_from(seconds).unwrap_or(i64::MAX))
                .execute(&mut *tx)
                .await?;
        }
        let noted = read(&mut *tx).await?.lifetimes;
        tx.commit().await?;
        self.inner.lifetimes.send_replace(noted);
        Ok(())
    }

    /// Tells the subscribers, here and in other processes, of a revision that was just
    /// committed.
    pub(crate) fn publish(&self, revision: Revision) {
        self.inner.tell_others();
        self.inner.followed.send_if_modified(|current| {
            // Within the lock: a poll that was read before this must not undo it.
            self.inner.published();
            let differs = *current != revision;
            *current = revision;
            differs
        });
    }
}

/// Moves the revision within a transaction and returns the new one.
pub(crate) async fn bump(
    connection: &mut Statements<'_>,
    topic: Topic,
) -> Result<Revision, StoreError> {
    let statement = match topic {
        Topic::Clusters => {
            "UPDATE installation SET revision = revision + 1,
             cluster_revision = cluster_revision + 1 WHERE id = 1"
        }
        Topic::Epochs => {
            "UPDATE installation SET revision = revision + 1,
             epoch_revision = epoch_revision + 1 WHERE id = 1"
        }
        Topic::Sessions => {
            "UPDATE installation SET revision = revision + 1,
             session_revision = session_revision + 1 WHERE id = 1"
        }
    };
    moved(connection, statement).await
}

/// The same for a change that is about everything: all is read again.
pub(crate) async fn bump_everything(
    connection: &mut Statements<'_>,
) -> Result<Revision, StoreError> {
    let statement = "UPDATE installation SET revision = revision + 1 WHERE id = 1";
    moved(connection, statement).await
}

async fn moved(
    connection: &mut Statements<'_>,
    statement: &'static str,
) -> Result<Revision, StoreError> {
    sqlx::query(statement).execute(&mut *connection).await?;
    if connection.dialect() == Dialect::Postgres {
        sqlx::query(NOTIFY).execute(&mut *connection).await?;
    }
    Ok(read(connection).await?.revision)
}

pub(crate) async fn read(executor: impl AnyExecutor<'_>) -> Result<Installation, StoreError> {
    let row: (i64, i64, i64, i64, i64, i64) = sqlx::query_as(
        "SELECT revision, cluster_revision, epoch_revision, session_revision,
         longest_lifetime, longest_session_lifetime FROM installation WHERE id = 1",
    )
    .fetch_one(executor)
    .await?;
    let (total, clusters, epochs, sessions, any, session) = row;
    let number = |value, column| to_u64(value, "installation", column, "1");
    Ok(Installation {
        revision: Revision {
            total: number(total, "revision")?,
            clusters: number(clusters, "cluster_revision")?,
            epochs: number(epochs, "epoch_revision")?,
            sessions: number(sessions, "session_revision")?,
        },
        lifetimes: Lifetimes {
            any: number(any, "longest_lifetime")?,
            session: number(session, "longest_session_lifetime")?,
        },
    })
}

/// Reads the revision whenever somebody tells of a change, and every now and then, for as long
/// as the store is in use.
pub(crate) async fn follow(inner: Weak<Inner>, mut heard: watch::Receiver<Heard>) {
    let mut pause = Duration::ZERO;
    let mut failing = false;
    loop {
        tokio::select! {
            changed = heard.changed() => if changed.is_err() {
                return;
            },
            () = time::sleep(pause) => {}
        }
        let listens = heard.borrow_and_update().listens;
        let Some(inner) = inner.upgrade() else { return };
        if inner.pools.reader.is_closed() {
            return;
        }
        let published = inner.published_so_far();
        let found = time::timeout(READ, read(&inner.pools.reader)).await;
        match found.unwrap_or_else(|_| Err(silent().into())) {
            Ok(found) => {
                let taken = inner.take(found, published);
                failing = false;
                pause = match (taken, listens) {
                    (false, _) => AGAIN,
                    (true, true) => POLL_FLOOR,
                    (true, false) => POLL_INTERVAL,
                };
            }
            Err(error) => {
                // Once, not five times a second.
                if !failing {
                    tracing::error!(%error, "the revision cannot be read; changes by other processes are not seen");
                }
                failing = true;
                pause = POLL_INTERVAL;
            }
        }
    }
}

// === impl Inner ===

impl Inner {
    /// Takes what a poll has read that began when so much had been published. Any
    /// difference counts, also a lower number: a backup that was put back, or a database
    /// that has taken the place of one that was ahead of it. Only what was published
    /// meanwhile may be newer than what was read; then it is not taken, and has to be read
    /// again.
    fn take(&self, found: Installation, published: u64) -> bool {
        let mut taken = false;
        self.followed.send_if_modified(|current| {
            taken = self.published_so_far() == published;
            let differs = taken && *current != found.revision;
            if differs {
                *current = found.revision;
            }
            differs
        });
        self.lifetimes.send_if_modified(|current| {
            let differs = *current != found.lifetimes;
            *current = found.lifetimes;
            differs
        });
        taken
    }
}
