//! Audit records: rows with a few columns to find them by, and a JSON text that
//! only others read.

use std::collections::HashSet;
use std::slice;
use std::sync::LazyLock;

use crate::patience::Statements;
use crate::row::to_u64;
use crate::{Store, StoreError, outbox};

/// One record as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Begins with the time in microseconds as 14 hex digits; unique.
    pub id: String,
    /// Whose doing it was; empty when that is not known.
    pub user: String,
    /// Where; empty when it was no cluster.
    pub cluster: String,
    /// A JSON object.
    pub record: String,
    /// What it is among the others.
    pub class: AuditClass,
    /// Whether it stays as it is. One that is not settled is kept again under the same
    /// id, and goes nowhere else until it is.
    pub settled: bool,
}

/// Records of one class never displace those of another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AuditClass {
    /// What was changed, and who logged in.
    Change,
    /// A request of somebody who has proved who it is.
    #[default]
    Traffic,
    /// Requests without a credential.
    Anonymous,
}

/// What a removal came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purged {
    /// So many records went.
    pub records: u64,
    /// So many times one of them was still to be sent somewhere.
    pub unsent: u64,
}

/// Which records. What is empty is not asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditRange {
    /// Ids at or behind this one.
    pub from: String,
    /// Ids before this one.
    pub before: String,
    /// Of this user.
    pub user: String,
    /// On this cluster.
    pub cluster: String,
}

/// In which order records are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditOrder {
    /// The newest first.
    NewestFirst,
    /// The oldest first.
    OldestFirst,
}

/// Greater than every id: they begin with a digit or a to f.
const LAST: &str = "g";

/// One statement for each set of columns that is asked by, so that each uses its
/// index. The last two are the parameters of the columns, the first ones come first.
macro_rules! by_columns {
    ($range:expr, $head:literal, $tail:literal, $first:literal, $second:literal) => {
        match ($range.user.is_empty(), $range.cluster.is_empty()) {
            (true, true) => concat!($head, $tail),
            (false, true) => concat!($head, " AND user_name = ", $first, $tail),
            (true, false) => concat!($head, " AND cluster = ", $first, $tail),
            (false, false) => concat!(
                $head,
                " AND user_name = ",
                $first,
                " AND cluster = ",
                $second,
                $tail
            ),
        }
    };
}

// === impl AuditRange ===

impl AuditRange {
    fn before(&self) -> &str {
        if self.before.is_empty() {
            LAST
        } else {
            &self.before
        }
    }

    /// The values of the columns that are asked by.
    fn columns(&self) -> impl Iterator<Item = &str> {
        [self.user.as_str(), self.cluster.as_str()]
            .into_iter()
            .filter(|value| !value.is_empty())
    }
}

/// Returns what somebody tried to log in as may hold anything, and a record must not be
/// lost for it: a NUL character, which PostgreSQL does not keep, is shown as one
/// that cannot be shown.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

// === impl Store ===

impl Store {
    /// Keeps these records, all or none.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn add_audit_rows(&self, rows: &[AuditRow]) -> Result<(), StoreError> {
        let mut tx = self.write_rows().await?;
        insert_rows(&mut tx, rows).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Returns the first `limit` records of a range without the first `offset` ones: ids
    /// and JSON texts.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn read_audit(
        &self,
        range: &AuditRange,
        order: AuditOrder,
        offset: u32,
        limit: u32,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let sql = match order {
            AuditOrder::NewestFirst => by_columns!(
                range,
                "SELECT id, record FROM audit_records WHERE id >= $1 AND id < $2",
                " ORDER BY id DESC LIMIT $3 OFFSET $4",
                "$5",
                "$6"
            ),
            AuditOrder::OldestFirst => by_columns!(
                range,
                "SELECT id, record FROM audit_records WHERE id >= $1 AND id < $2",
                " ORDER BY id LIMIT $3 OFFSET $4",
                "$5",
                "$6"
            ),
        };
        let mut query = sqlx::query_as(sql)
            .bind(&range.from)
            .bind(range.before())
            .bind(i64::from(limit))
            .bind(i64::from(offset));
        for value in range.columns() {
            query = query.bind(value);
        }
        Ok(query.fetch_all(self.reader()).await?)
    }

    /// Returns how many records a range has.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn count_audit(&self, range: &AuditRange) -> Result<u64, StoreError> {
        let sql = by_columns!(
            range,
            "SELECT COUNT(*) FROM audit_records WHERE id >= $1 AND id < $2",
            "",
            "$3",
            "$4"
        );
        let mut query = sqlx::query_scalar(sql)
            .bind(&range.from)
            .bind(range.before());
        for value in range.columns() {
            query = query.bind(value);
        }
        let count: i64 = query.fetch_one(self.reader()).await?;
        to_u64(count, "audit_records", "count", "")
    }

    /// Returns how many records of a class there are.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn count_audit_class(&self, class: AuditClass) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM audit_records WHERE class = $1")
            .bind(class.as_str())
            .fetch_one(self.reader())
            .await?;
        to_u64(count, "audit_records", "count", class.as_str())
    }

    /// Removes the oldest records of a class before this id, `limit` at most.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn purge_audit(
        &self,
        class: AuditClass,
        before: &str,
        limit: u32,
    ) -> Result<Purged, StoreError> {
        let before = if before.is_empty() { LAST } else { before };
        let mut tx = self.write().await?;
        let mut gone = [0, 0];
        for (gone, statement) in gone.iter_mut().zip([
            "DELETE FROM audit_outbox WHERE id IN (SELECT id FROM audit_records
             WHERE class = $1 AND id < $2 ORDER BY id LIMIT $3)",
            "DELETE FROM audit_records WHERE id IN (SELECT id FROM audit_records
             WHERE class = $1 AND id < $2 ORDER BY id LIMIT $3)",
        ]) {
            *gone = sqlx::query(statement)
                .bind(class.as_str())
                .bind(before)
                .bind(i64::from(limit))
                .execute(&mut *tx)
                .await?
                .rows_affected();
        }
        tx.commit().await?;
        let [unsent, records] = gone;
        Ok(Purged { records, unsent })
    }
}

/// How many records are kept by one statement: each one costs a way to the database and
/// back, which for SQLite is another thread and for PostgreSQL the network.
const ROWS: usize = 50;

/// The statements that keep one record and [`ROWS`] of them.
static INSERTS: LazyLock<[String; 2]> = LazyLock::new(|| [1, ROWS].map(insert));

/// Keeps records within a transaction, and notes them for whoever sends them on.
pub(crate) async fn insert_rows(
    tx: &mut Statements<'_>,
    rows: &[AuditRow],
) -> Result<(), StoreError> {
    let [one, many] = &*INSERTS;
    for rows in rows.chunks(ROWS) {
        // PostgreSQL keeps no row twice in one statement.
        let ids: HashSet<_> = rows.iter().map(|row| &row.id).collect();
        if ids.len() == ROWS {
            insert_with(tx, many, rows).await?;
        } else {
            for row in rows {
                insert_with(tx, one, slice::from_ref(row)).await?;
            }
        }
    }
    let settled = rows.iter().filter(|row| row.settled);
    outbox::note(tx, settled.map(|row| row.id.as_str())).await
}

async fn insert_with(
    tx: &mut Statements<'_>,
    statement: &'static str,
    rows: &[AuditRow],
) -> Result<(), StoreError> {
    let mut query = sqlx::query(statement);
    for row in rows {
        query = query
            .bind(&row.id)
            .bind(storable(&row.user))
            .bind(storable(&row.cluster))
            .bind(row.class.as_str())
            .bind(storable(&row.record));
    }
    query.execute(&mut *tx).await?;
    Ok(())
}

/// Returns the statement that keeps so many records.
fn insert(rows: usize) -> String {
    let mut parameter = 1_usize..;
    let mut row = || {
        let row = parameter.by_ref().take(5);
        let row: Vec<_> = row.map(|number| format!("${number}")).collect();
        format!("({})", row.join(", "))
    };
    let rows: Vec<_> = (0..rows).map(|_| row()).collect();
    format!(
        "INSERT INTO audit_records (id, user_name, cluster, class, record) VALUES {}
         ON CONFLICT (id) DO UPDATE SET record = excluded.record",
        rows.join(", ")
    )
}

// === impl AuditClass ===

impl AuditClass {
    /// Every class.
    pub const ALL: [Self; 3] = [Self::Change, Self::Traffic, Self::Anonymous];

    /// As it stands in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Traffic => "traffic",
            Self::Anonymous => "anonymous",
        }
    }
}
