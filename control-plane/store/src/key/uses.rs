//! When, from where and at which cluster keys were last used: noted in memory, written from
//! time to time.
//!
//! A write for every token, or for every request, would cost more than those. What is noted
//! and not yet written is lost when the process is killed.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cubegate_domain::AccessKey;
use time::OffsetDateTime;

use crate::row::from_time;
use crate::{Store, StoreError};

/// How often whoever runs a store should write what was noted.
pub const KEY_USES_INTERVAL: Duration = Duration::from_secs(60);

/// How many keys one transaction writes, so that nobody else waits long for it.
const BATCH: usize = 500;

/// Of how many keys a use is noted until it is written. Where others sign with a shared
/// secret, tokens may name keys that there are not.
const MAX_NOTED: usize = 20_000;

/// Longest name of a key or a cluster.
const MAX_NAME_BYTES: usize = 253;

/// A use of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUse<'a> {
    /// When.
    pub at: OffsetDateTime,
    /// From where, as far as that is known.
    pub address: Option<IpAddr>,
    /// The cluster that was asked with a token of it; `None` when it was used for something
    /// else, as for a token.
    pub cluster: Option<&'a str>,
}

/// The last use of each key that was used since the last time that it was written. In their
/// order, so that two control planes that write at once lock the same rows in the same order.
#[derive(Default)]
pub(crate) struct KeyUses(Mutex<BTreeMap<String, LastUse>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct LastUse {
    at: OffsetDateTime,
    address: Option<IpAddr>,
    cluster: Option<String>,
}

// === impl KeyUses ===

impl KeyUses {
    /// Puts into a key what is noted of it and not in the database yet.
    pub(crate) fn add_to(&self, key: &mut AccessKey) {
        let noted = self.noted();
        let Some(last) = noted.get(&key.access_key) else {
            return;
        };
        if key.last_used_at <= Some(last.at) {
            key.last_used_at = Some(last.at);
            key.last_used_address = last.address.map(|address| address.to_string());
            if last.cluster.is_some() {
                key.last_used_cluster.clone_from(&last.cluster);
            }
        }
    }

    fn noted(&self) -> MutexGuard<'_, BTreeMap<String, LastUse>> {
        // Every change is of one entry, so nothing is ever half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, access_key: &str, used: KeyUse<'_>) {
        let mut noted = self.noted();
        if let Some(last) = noted.get_mut(access_key) {
            last.take(used);
        } else if noted.len() < MAX_NOTED {
            let last = LastUse {
                at: used.at,
                address: used.address,
                cluster: used.cluster.map(str::to_owned),
            };
            noted.insert(access_key.to_owned(), last);
        }
    }

    /// Forgets what has been written, unless a newer use was noted meanwhile.
    fn written(&self, batch: &[(String, LastUse)]) {
        let mut noted = self.noted();
        for (access_key, last) in batch {
            if noted.get(access_key) == Some(last) {
                noted.remove(access_key);
            }
        }
    }
}

// === impl LastUse ===

impl LastUse {
    /// Most requests are for the cluster that the one before was for, and cost no text.
    fn take(&mut self, used: KeyUse<'_>) {
        let is_newer = self.at <= used.at;
        if is_newer {
            self.at = used.at;
            self.address = used.address;
        }
        if let Some(cluster) = used.cluster
            && self.cluster.as_deref() != Some(cluster)
            && (is_newer || self.cluster.is_none())
        {
            self.cluster = Some(cluster.to_owned());
        }
    }
}

/// Returns whether a text can be a name in the database.
fn is_name(text: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&text.len()) && !text.contains('\0')
}

// === impl Store ===

impl Store {
    /// Notes that a key was used, at next to no cost. It shows in [`Store::list_keys`] of this
    /// process at once, and in the database with the next [`Store::write_key_uses`].
    pub fn note_key_use(&self, access_key: &str, used: KeyUse<'_>) {
        if is_name(access_key) && used.cluster.is_none_or(is_name) {
            self.inner.uses.note(access_key, used);
        }
    }

    /// Writes the uses that were noted since the last time.
    ///
    /// # Errors
    /// [`StoreError::Database`]; what is not written stays noted.
    pub async fn write_key_uses(&self) -> Result<(), StoreError> {
        let noted: Vec<_> = {
            let noted = self.inner.uses.noted();
            let noted = noted.iter();
            noted
                .map(|(key, last)| (key.clone(), last.clone()))
                .collect()
        };
        for batch in noted.chunks(BATCH) {
            let mut tx = self.write_rows().await?;
            for (access_key, last) in batch {
                sqlx::query(
                    "UPDATE access_keys SET last_used_at = $2, last_used_address = $3,
                     last_used_cluster = COALESCE($4, last_used_cluster)
                     WHERE access_key = $1 AND (last_used_at IS NULL OR last_used_at <= $2)",
                )
                .bind(access_key)
                .bind(from_time(last.at))
                .bind(last.address.map(|address| address.to_string()))
                .bind(last.cluster.as_deref())
                .execute(&mut *tx)
                .await?;
            }
            tx.commit().await?;
            self.inner.uses.written(batch);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mk_use(seconds: i64, cluster: Option<&str>) -> KeyUse<'_> {
        KeyUse {
            at: OffsetDateTime::from_unix_timestamp(seconds).unwrap(),
            address: None,
            cluster,
        }
    }

    #[test]
    fn what_is_noted_is_bounded_and_known_keys_go_on() {
        let uses = KeyUses::default();
        for number in 0..=MAX_NOTED {
            uses.note(&number.to_string(), mk_use(1, None));
        }
        assert_eq!(uses.noted().len(), MAX_NOTED);
        uses.note("0", mk_use(2, Some("a")));
        let first = uses.noted().get("0").cloned().unwrap();
        assert_eq!(first.cluster.as_deref(), Some("a"));
    }

    #[test]
    fn the_cluster_stays_that_was_asked_last() {
        let uses = KeyUses::default();
        let cluster = || uses.noted().get("k").unwrap().cluster.clone();
        uses.note("k", mk_use(5, None));
        assert_eq!(cluster(), None);
        // Envoys tell of a request when it has ended.
        uses.note("k", mk_use(4, Some("a")));
        assert_eq!(cluster().as_deref(), Some("a"));
        uses.note("k", mk_use(6, Some("b")));
        uses.note("k", mk_use(7, None));
        uses.note("k", mk_use(3, Some("c")));
        assert_eq!(cluster().as_deref(), Some("b"));
        assert_eq!(uses.noted().get("k").unwrap().at.unix_timestamp(), 7);
    }

    #[test]
    fn a_use_that_was_noted_while_another_was_written_stays() {
        let uses = KeyUses::default();
        uses.note("k", mk_use(1, None));
        let batch = [("k".to_owned(), uses.noted().get("k").cloned().unwrap())];
        uses.note("k", mk_use(1, Some("a")));
        uses.written(&batch);
        assert_eq!(uses.noted().len(), 1);
    }

    #[test]
    fn what_no_database_takes_is_no_name() {
        assert!(is_name("0a1b") && is_name(&"a".repeat(253)));
        assert!(!is_name("") && !is_name("a\0") && !is_name(&"a".repeat(254)));
    }
}
