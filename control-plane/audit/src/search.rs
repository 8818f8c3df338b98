//! Finding records: time, user and cluster by the database's indexes, everything
//! else by the list engine, which keeps no more than a page in memory.

mod lines;

use cubegate_list::{Finished, Limits, ListEngine, ListError, ListQuery, Page, Progress};
use cubegate_store::{AuditOrder, AuditRange, Store, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

pub use self::lines::Lines;
use crate::record::id_of;

/// How many records are read from the database at a time.
const BATCH: u32 = 500;

/// What a page may take.
const LIMITS: Limits = Limits {
    max_item_bytes: 64 << 10,
    max_page_bytes: 16 << 20,
    max_envelope_bytes: 4 << 10,
};

/// The part of a search that the database answers by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    range: AuditRange,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum SearchError {
    /// A time that cannot be read.
    #[error("{0} must be a time as 2026-01-31T12:00:00Z or in seconds since 1970.")]
    Time(&'static str),
    /// An order for lines, which have theirs.
    #[error("Lines come in the order of time; leave the parameters of sorting out.")]
    Order,
    /// The list engine gives up; a page that is too large, above all.
    #[error(transparent)]
    List(#[from] ListError),
    /// The database fails, or holds what is no record.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The list engine has answered as it does for other lists only.
    #[error("the records were not read as a list")]
    NoList,
}

/// The answer of a search.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = AuditRecords, example = json!({
    "items": [{
        "id": "0643f0a1b2c3d4e5f6a7b8c9", "time": "2026-11-25T06:10:11.123Z", "source": "api",
        "user": "jeff", "verb": "rotate", "resource": "keys", "name": "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "method": "POST", "path": "/api/v1/cube/key/rotate", "status": 200,
        "bytesIn": 0, "bytesOut": 140, "durationMs": 4,
    }],
    "total": 1, "dropped": 0,
}))]
pub struct RecordPage<'a> {
    /// The records of the page.
    #[serde(borrow)]
    #[schema(value_type = Vec<crate::Record>)]
    items: &'a RawValue,
    /// How many there are on all pages.
    total: u64,
    /// How many were lost since the control plane began.
    #[serde(default)]
    dropped: u64,
}

// === impl Search ===

impl Search {
    /// Reads `from`, `to`, `user` and `cluster` from a raw query; each may be left
    /// out. `from` is included, `to` is not.
    ///
    /// # Errors
    /// [`SearchError::Time`].
    pub fn parse(raw_query: &str) -> Result<Self, SearchError> {
        let first = |wanted: &str| {
            form_urlencoded::parse(raw_query.as_bytes())
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.into_owned())
                .unwrap_or_default()
        };
        Self::new(
            &first("from"),
            &first("to"),
            &first("user"),
            &first("cluster"),
        )
    }

    /// Makes a search from the values; an empty one is not asked for.
    ///
    /// # Errors
    /// [`SearchError::Time`].
    pub fn new(from: &str, to: &str, user: &str, cluster: &str) -> Result<Self, SearchError> {
        Ok(Self {
            range: AuditRange {
                from: bound(from).ok_or(SearchError::Time("from"))?,
                before: bound(to).ok_or(SearchError::Time("to"))?,
                user: user.to_owned(),
                cluster: cluster.to_owned(),
            },
        })
    }
}

/// Returns the id that stands for a time; empty for none.
fn bound(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some(String::new());
    }
    let time = match text.parse() {
        Ok(seconds) => OffsetDateTime::from_unix_timestamp(seconds).ok(),
        Err(_) => OffsetDateTime::parse(text, &Rfc3339).ok(),
    };
    time.map(id_of)
}

/// One page of a search, the newest records first unless the query sorts them:
/// `{"items":[…],"total":n,"dropped":n}`, the last as given.
///
/// # Errors
/// See [`SearchError`].
pub async fn page(
    store: &Store,
    search: Search,
    query: ListQuery,
    dropped: u64,
) -> Result<Vec<u8>, SearchError> {
    let Search { range } = search;
    // Without a condition and an order of its own the page is a range of rows.
    let whole = query.is_everything_by_name();
    let (offset, limit, total, query) = if whole {
        let total = store.count_audit(&range).await?;
        let Page { offset, limit } = query.page;
        let page = Page::EVERYTHING;
        (offset, limit, Some(total), ListQuery { page, ..query })
    } else {
        (0, u64::MAX, None, query)
    };
    let mut engine = ListEngine::new(query, LIMITS);
    push(&mut engine, br#"{"items":["#)?;
    feed(&mut engine, store, range, offset, limit).await?;
    push(&mut engine, b"]}")?;
    let body = finish(engine)?;
    let mut answer: RecordPage<'_> =
        serde_json::from_slice(&body).map_err(|_| SearchError::NoList)?;
    answer.total = total.unwrap_or(answer.total);
    answer.dropped = dropped;
    serde_json::to_vec(&answer).map_err(|_| SearchError::NoList)
}

/// Pushes the items of a range, `limit` of them from `offset` on.
async fn feed(
    engine: &mut ListEngine,
    store: &Store,
    mut range: AuditRange,
    offset: u64,
    limit: u64,
) -> Result<(), SearchError> {
    let mut offset = u32::try_from(offset).unwrap_or(u32::MAX);
    let mut left = limit;
    let mut first = true;
    while left > 0 {
        let batch = u32::try_from(left).unwrap_or(BATCH).min(BATCH);
        let rows = store
            .read_audit(&range, AuditOrder::NewestFirst, offset, batch)
            .await?;
        let read = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        for (id, record) in rows {
            if !first {
                push(engine, b",")?;
            }
            push(engine, record.as_bytes())?;
            first = false;
            // The next batch begins behind the last record of this one.
            range.before = id;
        }
        offset = 0;
        left = left.saturating_sub(u64::from(read));
        if read < batch {
            break;
        }
    }
    Ok(())
}

fn push(engine: &mut ListEngine, bytes: &[u8]) -> Result<(), SearchError> {
    match engine.push(bytes)? {
        Progress::Held => Ok(()),
        Progress::PassThrough(_) => Err(SearchError::NoList),
    }
}

fn finish(engine: ListEngine) -> Result<Vec<u8>, SearchError> {
    match engine.finish()? {
        Finished::Page(body) => Ok(body),
        _ => Err(SearchError::NoList),
    }
}

#[cfg(test)]
mod tests;
