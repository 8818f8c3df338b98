//! How many there are of what a store keeps, for whoever watches over it.

use std::collections::BTreeMap;

use cubegate_domain::ClusterSource;

use crate::row::to_u64;
use crate::{Store, StoreError};

/// How many there are, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// Users, disabled ones among them.
    pub users: u64,
    /// Access keys, expired ones among them.
    pub access_keys: u64,
    /// Logins that have not ended.
    pub sessions: u64,
    /// Clusters, by what they were registered by or come from.
    pub clusters: BTreeMap<ClusterSource, u64>,
    /// What waits for each place that audit records are sent to.
    pub outbox: Vec<Waiting>,
}

/// Audit records that wait for a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The sink's name.
    pub sink: String,
    /// How many.
    pub records: u64,
    /// When the oldest of them was made, in microseconds since 1970.
    pub oldest: Option<u64>,
}

/// How many hex digits of an audit record's id are its time.
const TIME_DIGITS: usize = 14;

// === impl Store ===

impl Store {
    /// Counts. It reads indexes of whole tables, so it is not for every request.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn census(&self) -> Result<Census, StoreError> {
        let (users, keys, sessions): (i64, i64, i64) = sqlx::query_as(
            "SELECT (SELECT COUNT(*) FROM users), (SELECT COUNT(*) FROM access_keys),
                    (SELECT COUNT(*) FROM logins)",
        )
        .fetch_one(self.reader())
        .await?;
        let waiting: Vec<(String, i64, Option<String>)> = sqlx::query_as(
            "SELECT s.name, COUNT(o.id), MIN(o.id) FROM audit_sinks s
             LEFT JOIN audit_outbox o ON o.sink = s.name GROUP BY s.name ORDER BY s.name",
        )
        .fetch_all(self.reader())
        .await?;
        let sources: Vec<(String, i64)> =
            sqlx::query_as("SELECT source, COUNT(*) FROM clusters GROUP BY source ORDER BY source")
                .fetch_all(self.reader())
                .await?;
        let count = |count, table| to_u64(count, table, "count", "all");
        let mut clusters = BTreeMap::new();
        for (word, number) in sources {
            // A word of a later release is not known here, and neither is that of an older one.
            *clusters.entry(ClusterSource::parse(&word)).or_default() += count(number, "clusters")?;
        }
        let outbox = waiting.into_iter().map(|(sink, records, oldest)| {
            Ok::<_, StoreError>(Waiting {
                records: count(records, "audit_outbox")?,
                oldest: oldest.as_deref().and_then(micros),
                sink,
            })
        });
        Ok(Census {
            users: count(users, "users")?,
            access_keys: count(keys, "access_keys")?,
            sessions: count(sessions, "logins")?,
            clusters,
            outbox: outbox.collect::<Result<_, _>>()?,
        })
    }
}

/// Returns the time in an audit record's id.
fn micros(id: &str) -> Option<u64> {
    u64::from_str_radix(id.get(..TIME_DIGITS)?, 16).ok()
}
