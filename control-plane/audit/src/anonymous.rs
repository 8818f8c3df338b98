//! Requests without a credential: counted, because anybody can make any number of them.
//!
//! One record stands for all of one address, kind of source and claimed user within a
//! minute. It is kept when the first one comes, and again, under the same id, when its
//! count has grown.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cubegate_store::AuditRow;
use time::{Duration, OffsetDateTime};

use crate::{Record, Source};

/// How many records are counted at a time. Whoever comes then is counted with all the
/// others of the minute.
pub(crate) const MAX_COUNTED: usize = 4_096;

/// What stands in the place of an address then.
const OTHERS: &str = "others";

/// How long after a minute still comes what happened in it: Envoys send what they have
/// once a second, later after an outage.
const LATE: Duration = Duration::seconds(30);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    /// Unix time in minutes.
    minute: i64,
    source: Source,
    client: Option<String>,
    user: Option<String>,
}

#[derive(Debug)]
struct Counted {
    record: Record,
    count: u64,
    /// Whether it has grown since it was kept.
    grown: bool,
    /// When it was last counted.
    last: OffsetDateTime,
}

/// The records that are counted now.
#[derive(Debug, Default)]
pub(crate) struct Anonymous(Mutex<HashMap<Key, Counted>>);

// === impl Anonymous ===

impl Anonymous {
    fn counted(&self) -> MutexGuard<'_, HashMap<Key, Counted>> {
        // Every change is of one entry, so nothing is ever half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request; `now` is when that is.
    pub(crate) fn count(&self, mut record: Record, now: OffsetDateTime) {
        let mut key = Key {
            minute: record.unix_minute(),
            source: record.source,
            client: record.client.clone(),
            user: record.user.clone(),
        };
        let mut counted = self.counted();
        if !counted.contains_key(&key) && counted.len() >= MAX_COUNTED {
            // Nothing but the number is the same for all of them. An entry for each
            // minute and source may come beyond the bound, those of an old minute with
            // this one.
            key.minute = now.unix_timestamp().div_euclid(60);
            key.client = Some(OTHERS.to_owned());
            key.user = None;
            let mut others = Record::new(record.source, now, &record.verb);
            others.client = Some(OTHERS.to_owned());
            others.class = record.class;
            record = others;
        }
        let entry = counted.entry(key).or_insert_with(|| Counted {
            record,
            count: 0,
            grown: false,
            last: now,
        });
        entry.count = entry.count.saturating_add(1);
        entry.grown = true;
        entry.last = now;
    }

    /// Returns what is to be kept now, `limit` at most. What nobody is waited for any more is
    /// settled and forgotten; with `all`, everything is.
    pub(crate) fn take(&self, now: OffsetDateTime, all: bool, limit: usize) -> Vec<AuditRow> {
        let mut counted = self.counted();
        let mut rows = Vec::new();
        counted.retain(|key, entry| {
            let settled = all
                || (now.unix_timestamp().div_euclid(60) > key.minute && now - entry.last >= LATE);
            if rows.len() >= limit || !(settled || entry.grown) {
                return true;
            }
            let mut record = entry.record.clone();
            record.count = Some(entry.count);
            let mut row = record.into_row();
            row.settled = settled;
            rows.push(row);
            entry.grown = false;
            !settled
        });
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_700_000_040 + seconds).unwrap()
    }

    fn refused(client: &str, seconds: i64) -> Record {
        let mut record = Record::new(Source::Gateway, at(seconds), "get");
        record.client = Some(client.to_owned());
        record.path = Some(format!("/{seconds}"));
        record
    }

    fn told(rows: &[AuditRow]) -> Vec<(String, u64, String, bool)> {
        let mut told: Vec<_> = rows
            .iter()
            .map(|row| {
                let record: Record = serde_json::from_str(&row.record).unwrap();
                let path = record.path.unwrap_or_default();
                let client = record.client.unwrap();
                (client, record.count.unwrap(), path, row.settled)
            })
            .collect();
        told.sort();
        told
    }

    #[test]
    fn a_minute_of_an_address_is_one_record_that_grows() {
        let anonymous = Anonymous::default();
        for second in 0..3 {
            anonymous.count(refused("a", second), at(second));
        }
        anonymous.count(refused("b", 2), at(2));
        let first = anonymous.take(at(3), false, 100);
        let row = |client: &str, count, path: &str, settled| {
            (client.to_owned(), count, path.to_owned(), settled)
        };
        assert_eq!(
            told(&first),
            [row("a", 3, "/0", false), row("b", 1, "/2", false)]
        );
        assert_eq!(told(&anonymous.take(at(4), false, 100)), []);

        anonymous.count(refused("a", 5), at(6));
        let more = anonymous.take(at(7), false, 100);
        assert_eq!(told(&more), [row("a", 4, "/0", false)]);
        let id = |rows: &[AuditRow]| rows.iter().map(|row| row.id.clone()).max();
        assert!(first.iter().any(|row| Some(&row.id) == id(&more).as_ref()));

        // The next minute is another record, and the first one is done.
        anonymous.count(refused("a", 61), at(61));
        let next = anonymous.take(at(62), false, 100);
        assert_eq!(
            told(&next),
            [
                row("a", 1, "/61", false),
                row("a", 4, "/0", true),
                row("b", 1, "/2", true)
            ]
        );
        let rest = anonymous.take(at(63), true, 100);
        assert_eq!(told(&rest), [row("a", 1, "/61", true)]);
        assert_eq!(told(&anonymous.take(at(64), true, 100)), []);
    }

    #[test]
    fn addresses_beyond_the_bound_are_the_others() {
        let anonymous = Anonymous::default();
        for number in 0..MAX_COUNTED + 500 {
            anonymous.count(refused(&number.to_string(), 0), at(1));
        }
        // Also when they lie about the time.
        for minute in 1..500 {
            anonymous.count(refused("x", -60 * minute), at(1));
        }
        let rows = anonymous.take(at(2), false, 10_000);
        assert_eq!(rows.len(), MAX_COUNTED + 1);
        let others = told(&rows).into_iter().find(|row| row.0 == OTHERS);
        assert_eq!(others.map(|row| row.1), Some(999));
    }
}
