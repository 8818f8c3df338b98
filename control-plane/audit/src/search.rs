//! Finding records: time, user and cluster by the database's indexes, everything
//! else by the list engine, which keeps no more than a page in memory.

use cubegate_list::{Finished, Limits, ListEngine, ListError, ListQuery, Page, Progress, Sort};
use cubegate_store::{AuditOrder, AuditRange, Store, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

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

/// The records of a search as JSON lines, batch by batch, the oldest first.
pub struct Lines {
    store: Store,
    range: AuditRange,
    query: ListQuery,
    ended: bool,
}

/// The answer of a search.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = AuditRecords)]
pub struct Answer<'a> {
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

    /// The same from the values; empty is not asked.
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

/// The id that stands for a time; empty for none.
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
    let mut answer: Answer<'_> = serde_json::from_slice(&body).map_err(|_| SearchError::NoList)?;
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

// === impl Lines ===

impl Lines {
    /// The records of a search up to `now`. Of the query, conditions and fields
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

    /// The next lines, each with its line feed; never empty. `None` at the end, and
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

#[cfg(test)]
mod tests {
    use cubegate_list::ListRequest;
    use cubegate_store::MasterKey;
    use serde_json::Value;
    use tempfile::TempDir;

    use super::*;
    use crate::{Record, Source};

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_700_000_000 + seconds).unwrap()
    }

    /// Record `n` is of second n; every third one is jeff's, every other one was
    /// refused.
    async fn mk_store(records: i64) -> (Store, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let key = MasterKey::from_bytes(&[1; 32]).unwrap();
        let store = Store::open(folder.path().join("cubegate.db"), &key)
            .await
            .unwrap();
        let rows: Vec<_> = (0..records)
            .map(|n| {
                let mut record = Record::new(Source::Gateway, at(n), "list");
                record.user = Some(if n % 3 == 0 { "jeff" } else { "admin" }.to_owned());
                record.status = Some(if n % 2 == 0 { 200 } else { 403 });
                record.name = Some(format!("n{n}"));
                record.into_row()
            })
            .collect();
        store.add_audit_rows(&rows).await.unwrap();
        (store, folder)
    }

    async fn find(store: &Store, raw_query: &str) -> (Vec<String>, u64) {
        let query = ListRequest::parse(raw_query).query.unwrap();
        let search = Search::parse(raw_query).unwrap();
        let body = page(store, search, query, 7).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["dropped"], 7);
        let names = body["items"].as_array().unwrap().iter();
        let names = names.map(|item| item["name"].as_str().unwrap().to_owned());
        (names.collect(), body["total"].as_u64().unwrap())
    }

    #[tokio::test]
    async fn the_newest_come_first_and_pages_go_back() {
        let (store, _folder) = mk_store(1_200).await;
        let (names, total) = find(&store, "").await;
        assert_eq!((names.len(), total), (10, 1_200));
        assert_eq!(names[0], "n1199");
        let (names, total) = find(&store, "pageSize=2&pageNum=3").await;
        assert_eq!(
            (names, total),
            (vec!["n1195".into(), "n1194".into()], 1_200)
        );
        let (names, _) = find(&store, "pageSize=1100").await;
        assert_eq!((names.len(), names[1099].as_str()), (1_100, "n100"));
        let (names, total) = find(&store, "count=only").await;
        assert_eq!((names.len(), total), (0, 1_200));
    }

    #[tokio::test]
    async fn the_list_language_works_on_records() {
        let (store, _folder) = mk_store(1_200).await;
        let (names, total) = find(&store, "filter=status%3D403&pageSize=2").await;
        assert_eq!((names, total), (vec!["n1199".into(), "n1197".into()], 600));
        let (names, total) = find(&store, "user=jeff&filter=status%3D403&pageSize=1").await;
        assert_eq!((names, total), (vec!["n1197".into()], 200));
        let (names, _) = find(&store, "sort=time&pageSize=2").await;
        assert_eq!(names, ["n0", "n1"]);
        let (names, total) = find(&store, "selector=name%3Dn5").await;
        assert_eq!((names, total), (vec!["n5".into()], 1));
    }

    #[tokio::test]
    async fn a_time_is_a_bound() {
        let (store, _folder) = mk_store(10).await;
        let (names, total) = find(&store, "from=1700000003&to=2023-11-14T22:13:25Z").await;
        assert_eq!((names, total), (vec!["n4".into(), "n3".into()], 2));
        for bad in ["from=yesterday", "to=1e9"] {
            assert!(
                matches!(Search::parse(bad), Err(SearchError::Time(_))),
                "{bad}"
            );
        }
    }

    #[tokio::test]
    async fn lines_are_all_of_them_the_oldest_first() {
        let (store, _folder) = mk_store(1_200).await;
        for (raw_query, count, first) in [
            ("", 1_200, "n0"),
            ("filter=status%3D403", 600, "n1"),
            ("user=jeff", 400, "n0"),
            ("from=1700001199", 1, "n1199"),
        ] {
            let query = ListRequest::parse(raw_query).query.unwrap();
            let search = Search::parse(raw_query).unwrap();
            let mut lines = Lines::new(store.clone(), search, query, at(5_000)).unwrap();
            let mut text = String::new();
            while let Some(batch) = lines.next().await {
                text.push_str(std::str::from_utf8(&batch.unwrap()).unwrap());
            }
            let names: Vec<_> = text
                .lines()
                .map(|line| serde_json::from_str::<Record>(line).unwrap().name.unwrap())
                .collect();
            assert_eq!(
                (names.len(), names[0].as_str()),
                (count, first),
                "{raw_query}"
            );
        }
    }

    #[tokio::test]
    async fn lines_in_another_order_are_refused() {
        let (store, _folder) = mk_store(1).await;
        let query = ListRequest::parse("sort=user").query.unwrap();
        let lines = Lines::new(store, Search::default(), query, at(0));
        assert!(matches!(lines.err(), Some(SearchError::Order)));
    }
}
