//! From one database to another, of whichever kind: all that must survive a control plane.
//!
//! ```text
//! source ──read, in the order of its key──> rows ──> target, in one transaction
//!                                             └─ digest ══ digest ─┘ read again before the commit
//! ```
//!
//! What running control planes say of themselves (connected Envoys, questions about clusters,
//! how those are) stays behind.

use sha2::{Digest as _, Sha256};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Connection as _, Row as _};

use crate::change::{Changed, note};
use crate::connect::Dialect;
use crate::patience::Statements;
use crate::seal::Sealer;
use crate::{DatabaseUrl, MasterKey, StoreError};

/// How many rows are read and written at a time.
const ROWS: usize = 500;

/// A table, and the columns of its key.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    key: &'static [&'static str],
}

/// All of them, each behind those that it points at.
pub(crate) const TABLES: [Table; 17] = [
    Table::of("users", &["name"]),
    Table::of("user_groups", &["user_name", "group_name"]),
    Table::of("access_keys", &["access_key"]),
    Table::of("idempotency_keys", &["user_name", "id"]),
    Table::of("clusters", &["name"]),
    Table::of("discoveries", &["digest"]),
    Table::of("cluster_discoveries", &["cluster"]),
    Table::of("installation", &["id"]),
    Table::of("refresh_tokens", &["token_hash"]),
    Table::of("revocations", &["kind", "subject"]),
    Table::of("sessions", &["id"]),
    Table::of("logins", &["session"]),
    Table::of("login_addresses", &["user_name", "network"]),
    Table::of("nodes", &["name"]),
    Table::of("audit_records", &["id"]),
    Table::of("audit_sinks", &["name"]),
    Table::of("audit_outbox", &["sink", "id"]),
];

/// What only running control planes need.
#[cfg(test)]
pub(crate) const LEFT: [&str; 4] = [
    "envoys",
    "cluster_checks",
    "control_planes",
    "cluster_states",
];

/// Filled by the migrations, with one row that is replaced.
const INSTALLATION: &str = "installation";

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Each table and its rows.
    pub tables: Vec<(&'static str, u64)>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    name: String,
    is_text: bool,
}

/// There are no others (`migrations/README.md`).
#[derive(Clone)]
enum Value {
    Text(Option<String>),
    Number(Option<i64>),
}

/// A table's rows so far.
#[derive(Default)]
struct Tally {
    rows: u64,
    digest: Sha256,
}

/// Copies everything of one database into another one, which must be empty, and reads it again
/// there. Both are brought up to date first, and both must be of this master key; a new one
/// becomes it. On PostgreSQL nobody else may use either meanwhile; an SQLite file is only kept
/// from being written, so whoever has it open has to be ended before.
///
/// # Errors
/// [`StoreError::InUse`], [`StoreError::NotEmpty`], [`StoreError::Differs`] and whatever opening
/// a store may end with; the target is as empty as it was then, and the source never changes.
pub async fn copy_database(
    from: &DatabaseUrl,
    to: &DatabaseUrl,
    key: &MasterKey,
) -> Result<Copied, StoreError> {
    let (mut source, from_dialect) = from.alone(&mut Sealer::new(key)).await?;
    let (mut target, to_dialect) = to.alone(&mut Sealer::new(key)).await?;
    let mut source = source.begin_with(from_dialect.begin_to_read()).await?;
    let mut target = target.begin_with(to_dialect.begin()).await?;
    for table in TABLES.iter().filter(|table| table.name != INSTALLATION) {
        if table.holds_rows(&mut target).await? {
            return Err(StoreError::NotEmpty {
                database: to.clone(),
                table: table.name,
            });
        }
    }
    sqlx::query("DELETE FROM installation")
        .execute(&mut *target)
        .await?;
    let mut copied = Copied { tables: Vec::new() };
    for table in &TABLES {
        let differs = || StoreError::Differs {
            database: to.clone(),
            table: table.name,
        };
        let columns = from_dialect.columns(&mut source, table.name).await?;
        if columns != to_dialect.columns(&mut target, table.name).await? {
            return Err(differs());
        }
        let read = table.copy(&columns, &mut source, Some(&mut target)).await?;
        let written = table.copy(&columns, &mut target, None).await?;
        let rows = read.rows;
        if rows != written.rows || read.digest.finalize() != written.digest.finalize() {
            return Err(differs());
        }
        copied.tables.push((table.name, rows));
    }
    // Only there: the source is read and never changes.
    let mut target = Statements::of(target, to_dialect);
    let noted = note(&mut target, &[Changed::one("")]).await?;
    target.commit().await?;
    noted.committed();
    source.rollback().await?;
    Ok(copied)
}

// === impl Table ===

impl Table {
    const fn of(name: &'static str, key: &'static [&'static str]) -> Self {
        Self { name, key }
    }

    async fn holds_rows(&self, connection: &mut AnyConnection) -> Result<bool, StoreError> {
        let sql = format!(
            "SELECT COUNT(*) FROM (SELECT 1 FROM {} LIMIT 1) AS rows",
            self.name
        );
        let rows: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(connection)
            .await?;
        Ok(rows > 0)
    }

    /// Reads all rows in the order of the key, and writes them to `target` if there is one.
    async fn copy(
        &self,
        columns: &[Column],
        source: &mut AnyConnection,
        mut target: Option<&mut AnyConnection>,
    ) -> Result<Tally, StoreError> {
        let mut tally = Tally::default();
        let mut last: Option<Vec<Value>> = None;
        loop {
            let sql = self.select(columns, last.is_some());
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for value in last.iter().flatten() {
                query = value.bind(query);
            }
            let rows = query.fetch_all(&mut *source).await?;
            let rows: Vec<_> = rows
                .iter()
                .map(|row| read(columns, row))
                .collect::<Result<_, _>>()?;
            let Some(end) = rows.last() else {
                return Ok(tally);
            };
            last = Some(self.key_of(columns, end));
            for row in &rows {
                tally.add(row);
            }
            if let Some(target) = target.as_deref_mut() {
                let sql = self.insert(columns, rows.len());
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for value in rows.iter().flatten() {
                    query = value.bind(query);
                }
                query.execute(target).await?;
            }
            if rows.len() < ROWS {
                return Ok(tally);
            }
        }
    }

    fn select(&self, columns: &[Column], further: bool) -> String {
        let Self { name, key } = self;
        let (columns, key_columns) = (names(columns), key.join(", "));
        let behind = match further {
            true => {
                let places = places(1, key.len());
                format!(" WHERE ({key_columns}) > ({places})")
            }
            false => String::new(),
        };
        format!("SELECT {columns} FROM {name}{behind} ORDER BY {key_columns} LIMIT {ROWS}")
    }

    fn insert(&self, columns: &[Column], rows: usize) -> String {
        let width = columns.len();
        let rows: Vec<_> = (0..rows)
            .map(|row| format!("({})", places(row * width + 1, width)))
            .collect();
        let (name, columns) = (self.name, names(columns));
        format!("INSERT INTO {name} ({columns}) VALUES {}", rows.join(", "))
    }

    fn key_of(&self, columns: &[Column], row: &[Value]) -> Vec<Value> {
        let value = |name: &&str| {
            let place = columns.iter().position(|column| column.name == **name);
            place.and_then(|place| row.get(place)).cloned()
        };
        self.key.iter().filter_map(value).collect()
    }
}

fn names(columns: &[Column]) -> String {
    let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
    names.join(", ")
}

/// `$3, $4, $5`
fn places(first: usize, number: usize) -> String {
    let places: Vec<_> = (first..first + number)
        .map(|place| format!("${place}"))
        .collect();
    places.join(", ")
}

fn read(columns: &[Column], row: &AnyRow) -> Result<Vec<Value>, sqlx::Error> {
    let value = |(place, column): (usize, &Column)| {
        Ok(match column.is_text {
            true => Value::Text(row.try_get(place)?),
            false => Value::Number(row.try_get(place)?),
        })
    };
    columns.iter().enumerate().map(value).collect()
}

// === impl Value ===

impl Value {
    fn bind<'q>(&self, query: Query<'q, Any, AnyArguments>) -> Query<'q, Any, AnyArguments> {
        match self.clone() {
            Self::Text(text) => query.bind(text),
            Self::Number(number) => query.bind(number),
        }
    }
}

// === impl Tally ===

impl Tally {
    fn add(&mut self, row: &[Value]) {
        self.rows += 1;
        for value in row {
            // Each behind its length, so that no two rows have the same bytes.
            let bytes = match value {
                Value::Text(text) => text.as_ref().map(|text| text.as_bytes().to_vec()),
                Value::Number(number) => number.map(|number| number.to_be_bytes().to_vec()),
            };
            self.digest.update([u8::from(bytes.is_some())]);
            let bytes = bytes.unwrap_or_default();
            self.digest.update(bytes.len().to_be_bytes());
            self.digest.update(bytes);
        }
    }
}

// === impl Dialect ===

impl Dialect {
    /// Everything is read as it is at one moment.
    fn begin_to_read(self) -> &'static str {
        match self {
            Self::Sqlite => self.begin(),
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ",
        }
    }

    /// The columns of a table by their names.
    async fn columns(
        self,
        connection: &mut AnyConnection,
        table: &'static str,
    ) -> Result<Vec<Column>, StoreError> {
        let sql = match self {
            Self::Sqlite => "SELECT name, lower(type) FROM pragma_table_info($1) ORDER BY name",
            Self::Postgres => {
                "SELECT CAST(column_name AS TEXT), CAST(data_type AS TEXT)
                 FROM information_schema.columns
                 WHERE table_name = $1 AND table_schema = current_schema()
                 ORDER BY CAST(column_name AS TEXT) COLLATE \"C\""
            }
        };
        let rows: Vec<(String, String)> = sqlx::query_as(sql)
            .bind(table)
            .fetch_all(connection)
            .await?;
        let column = |(name, kind): (String, String)| Column {
            name,
            is_text: kind == "text",
        };
        Ok(rows.into_iter().map(column).collect())
    }
}
