//! What is refused, read from the database.

use cubegate_filter_config::{Epochs, NONE_GOOD, Sessions};
use cubegate_store::{RefusedWhat, Revision, Store, StoreError};
use time::OffsetDateTime;

/// The sessions and tokens that are refused, kept from one reading to the next: only what
/// was taken back since is read again, however many there are.
#[derive(Default)]
pub(super) struct RefusedSessions {
    list: Sessions,
    /// The revision that the list is of at least.
    revision: Option<Revision>,
}

// === impl RefusedSessions ===

impl RefusedSessions {
    /// Whether there is something to be read.
    pub(super) fn is_behind(&self, now: Revision) -> bool {
        self.revision.is_none_or(|own| now.since(own).sessions)
    }

    /// Reads what was taken back since the last time, or everything.
    pub(super) async fn read(
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
    pub(super) fn forget_expired(&mut self, now: OffsetDateTime) -> bool {
        let now = u64::try_from(now.unix_timestamp()).unwrap_or(0);
        self.list.forget_expired(now)
    }

    /// The document of at most so many bytes, and how many entries found no room.
    pub(super) fn document(&self, max_bytes: usize) -> (Vec<u8>, usize) {
        self.list.to_bytes(max_bytes)
    }
}

/// The document of users and keys.
pub(super) async fn epochs(store: &Store, now: OffsetDateTime) -> Result<Vec<u8>, StoreError> {
    let listed = store.list_epochs(now).await?;
    let mut epochs = Epochs::default();
    for (user, lowest) in &listed.users {
        epochs.raise_user(user, *lowest);
    }
    for (access_key, lowest) in &listed.keys {
        epochs.raise_key(access_key, *lowest);
    }
    Ok(epochs.to_bytes())
}
