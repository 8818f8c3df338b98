//! The sessions and tokens that are refused, read from the database in a task of their
//! own: a million of them take seconds, and nothing else waits for that.

use std::time::Duration;

use cubegate_filter_config::{NONE_GOOD, RevocationPart, Sessions};
use cubegate_store::{RefusedWhat, Revision, Store, StoreError};
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::RETRY;

/// How often what has expired is looked for.
const EXPIRY: Duration = Duration::from_secs(60);

/// While the document took so long to be made, it is not made again for so many times as
/// long. With a million entries that is work, so it takes a part of the time at most; with
/// few it never waits.
const REST: u32 = 3;

/// Most that the document may have, in bytes: some million entries.
pub(super) const MAX_SESSIONS_BYTES: usize = 12 << 20;

/// The document as it was made.
#[derive(Debug, Clone, Default)]
pub(super) struct Document {
    pub(super) parts: Vec<(RevocationPart, Vec<u8>)>,
    /// How many entries found no room.
    pub(super) left_out: usize,
}

/// Makes the document anew whenever something is taken back.
struct Feed {
    store: Store,
    refused: Refused,
    /// When it may be made again.
    due: Instant,
}

/// What is refused, kept from one reading to the next: only what was taken back since is
/// read again, however much there is.
#[derive(Default)]
struct Refused {
    list: Sessions,
    /// The revision that the list is of at least.
    revision: Option<Revision>,
}

/// Makes the document, and goes on making it in a task for as long as somebody follows.
///
/// # Errors
/// A database that fails when it is made for the first time.
pub(super) async fn feed(store: Store) -> Result<watch::Receiver<Document>, StoreError> {
    let mut feed = Feed {
        refused: Refused::default(),
        due: Instant::now(),
        store,
    };
    let now = *feed.store.subscribe().borrow();
    let (documents, followers) = watch::channel(feed.document(now).await?);
    tokio::spawn(feed.run(documents));
    Ok(followers)
}

// === impl Feed ===

impl Feed {
    /// Reads what was taken back until `now`, and makes the document.
    async fn document(&mut self, now: Revision) -> Result<Document, StoreError> {
        let began = Instant::now();
        let time = OffsetDateTime::now_utc();
        self.refused.read(&self.store, now, time).await?;
        let (parts, left_out) = self.refused.list.to_parts(MAX_SESSIONS_BYTES);
        self.due = Instant::now() + began.elapsed() * REST;
        Ok(Document { parts, left_out })
    }

    /// Makes it whenever the store has taken something back or something has expired, until
    /// nobody listens. While the database fails the former one stays.
    async fn run(mut self, documents: watch::Sender<Document>) {
        let mut revision = self.store.subscribe();
        // It may have moved since the first was made.
        revision.mark_changed();
        let mut expiry = tokio::time::interval(EXPIRY);
        let mut has_expired = false;
        loop {
            let now = *revision.borrow();
            let waits = self.refused.is_behind(now) || has_expired;
            tokio::select! {
                changed = revision.changed() => if changed.is_err() {
                    return;
                },
                () = sleep_until(self.due), if waits => {}
                _ = expiry.tick() => {
                    has_expired |= self.refused.forget_expired(OffsetDateTime::now_utc());
                }
                () = documents.closed() => return,
            }
            let now = *revision.borrow_and_update();
            if Instant::now() < self.due || !(self.refused.is_behind(now) || has_expired) {
                continue;
            }
            match self.document(now).await {
                Ok(document) => {
                    has_expired = false;
                    documents.send_replace(document);
                }
                Err(error) => {
                    let error = crate::output::sentence(&error.into());
                    tracing::error!(%error, "what was taken back cannot be read; Envoys keep what they have");
                    sleep(RETRY).await;
                    revision.mark_changed();
                }
            }
        }
    }
}

// === impl Refused ===

impl Refused {
    /// Returns whether there is something to be read.
    fn is_behind(&self, now: Revision) -> bool {
        self.revision.is_none_or(|own| now.since(own).sessions)
    }

    /// Reads what was taken back since the last time, or everything.
    async fn read(
        &mut self,
        store: &Store,
        revision: Revision,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let since = self.revision.filter(|own| revision.continues(*own));
        let rows = store.list_revoked_sessions(since, now).await?;
        if since.is_none() {
            self.list = Sessions::default();
        }
        for row in rows {
            match row.what {
                RefusedWhat::Session(id) => {
                    self.list
                        .raise_session(&id, u64::from(NONE_GOOD), row.until);
                }
                RefusedWhat::Before(id, lowest) => self.list.raise_session(&id, lowest, row.until),
                RefusedWhat::Token(id) => self.list.add_token(&id, row.until),
            }
        }
        self.revision = Some(revision);
        self.forget_expired(now);
        Ok(())
    }

    /// Takes out what has expired, and says whether there was any.
    fn forget_expired(&mut self, now: OffsetDateTime) -> bool {
        let now = u64::try_from(now.unix_timestamp()).unwrap_or(0);
        self.list.forget_expired(now)
    }
}
