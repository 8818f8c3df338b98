//! All records of a search, for an export.

use cubegate_list::{ListEngine, ListQuery, Page, Sort};
use cubegate_store::{AuditOrder, AuditRange, Store};
use serde::Deserialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;

use super::{BATCH, LIMITS, Search, SearchError, finish, push};
use crate::record::id_of;

/// The records of a search as JSON lines, batch by batch, the oldest first.
pub struct Lines {
    store: Store,
    range: AuditRange,
    query: ListQuery,
    ended: bool,
}

// === impl Lines ===

impl Lines {
    /// Returns the records of a search up to `now`. Of the query, conditions and fields
    /// count; pages do not.
    ///
    /// # Errors
    /// [`SearchError::Order`].
    pub fn new(
        store: Store,
        search: Search,
        query: ListQuery,
        now: OffsetDateTime,
    ) -> Result<Self, SearchError> {
        if query.sort != Sort::default() {
            return Err(SearchError::Order);
        }
        let Search { mut range } = search;
        if range.before.is_empty() {
            range.before = id_of(now);
        }
        Ok(Self {
            store,
            range,
            query: ListQuery {
                page: Page::EVERYTHING,
                ..query
            },
            ended: false,
        })
    }

    /// Returns the next lines, each with its line feed; never empty. `None` at the end, and
    /// after an error.
    pub async fn next(&mut self) -> Option<Result<Vec<u8>, SearchError>> {
        while !self.ended {
            match self.batch().await {
                Ok(lines) if lines.is_empty() => {}
                Ok(lines) => return Some(Ok(lines)),
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }

    async fn batch(&mut self) -> Result<Vec<u8>, SearchError> {
        let rows = self
            .store
            .read_audit(&self.range, AuditOrder::OldestFirst, 0, BATCH)
            .await?;
        self.ended = rows.len() < usize::try_from(BATCH).unwrap_or(usize::MAX);
        let Some((last, _)) = rows.last() else {
            return Ok(Vec::new());
        };
        // Behind the last id, and before every other one that is behind it.
        self.range.from = format!("{last}0");
        let items: Vec<&str> = rows.iter().map(|(_, record)| record.as_str()).collect();
        let mut engine = ListEngine::new(self.query.clone(), LIMITS);
        push(&mut engine, br#"{"items":["#)?;
        push(&mut engine, items.join(",").as_bytes())?;
        push(&mut engine, b"]}")?;
        let body = finish(engine)?;
        #[derive(Deserialize)]
        struct Kept<'a> {
            #[serde(borrow)]
            items: Vec<&'a RawValue>,
        }
        let kept: Kept<'_> = serde_json::from_slice(&body).map_err(|_| SearchError::NoList)?;
        let mut lines = Vec::new();
        for item in kept.items {
            lines.extend_from_slice(item.get().as_bytes());
            lines.push(b'\n');
        }
        Ok(lines)
    }
}
