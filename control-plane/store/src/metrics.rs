//! What a store counts of its own work: how long statements and transactions take, and
//! which of them fail.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::stream::StreamExt as _;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use sqlx::any::{AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::{Any, AnyPool, Describe, Execute, Executor, SqlStr};

use crate::StoreError;
use crate::patience::{Rows, Statements, rows_within, within};

/// Upper bounds in seconds: from a row in memory to a disk that is in trouble.
const BUCKETS: [f64; 8] = [0.001, 0.005, 0.02, 0.05, 0.2, 1.0, 5.0, 10.0];

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// A statement that only reads, with the wait for a connection.
    Read,
    /// The wait until a transaction may write.
    Begin,
    /// A transaction from there to its commit.
    Write,
}

/// Operations by their name.
type Labels = [(&'static str, &'static str); 1];

/// The counters of a store; clones are the same ones.
#[derive(Clone)]
pub struct Metrics {
    seconds: Family<Labels, Histogram, fn() -> Histogram>,
    failed: Family<Labels, Counter>,
}

/// How many connections there are, and how many of them nobody uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSize {
    /// `reader` or `writer`.
    pub name: &'static str,
    /// All of them.
    pub open: u32,
    /// Those that wait for work.
    pub idle: u32,
    /// How many there may be.
    pub max: u32,
}

/// Measures one operation, until it is dropped.
struct Timer {
    metrics: Metrics,
    operation: Operation,
    began: Instant,
}

/// The connections for statements that read, measured.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) pool: &'a AnyPool,
    pub(crate) patience: Duration,
    pub(crate) metrics: &'a Metrics,
}

/// A transaction that writes, measured. It is rolled back unless it is committed.
pub(crate) struct Write {
    statements: Statements<'static>,
    timer: Timer,
}

// === impl Operation ===

impl Operation {
    const ALL: [Self; 3] = [Self::Read, Self::Begin, Self::Write];

    fn labels(self) -> Labels {
        let name = match self {
            Self::Read => "read",
            Self::Begin => "begin",
            Self::Write => "write",
        };
        [("operation", name)]
    }
}

// === impl Metrics ===

impl Metrics {
    /// Has the counters be read with a registry's.
    pub fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "store_operation_duration",
            "How long the database took: to read, to begin a transaction that writes, and from there to its commit",
            Unit::Seconds,
            self.seconds.clone(),
        );
        registry.register(
            "store_operations_failed",
            "Operations on the database that failed",
            self.failed.clone(),
        );
    }

    fn start(&self, operation: Operation) -> Timer {
        Timer {
            metrics: self.clone(),
            operation,
            began: Instant::now(),
        }
    }

    /// Measures how long the transaction is waited for, and then itself.
    pub(crate) async fn begin(
        &self,
        begin: impl Future<Output = Result<Statements<'static>, StoreError>>,
    ) -> Result<Write, StoreError> {
        let waiting = self.start(Operation::Begin);
        let statements = begin.await.inspect_err(|_| waiting.failed())?;
        drop(waiting);
        Ok(Write {
            statements,
            timer: self.start(Operation::Write),
        })
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let this = Self {
            seconds: Family::new_with_constructor(histogram),
            failed: Family::default(),
        };
        for operation in Operation::ALL {
            drop(this.seconds.get_or_create(&operation.labels()));
            drop(this.failed.get_or_create(&operation.labels()));
        }
        this
    }
}

// === impl Timer ===

impl Timer {
    fn failed(&self) {
        let Self {
            metrics, operation, ..
        } = self;
        metrics.failed.get_or_create(&operation.labels()).inc();
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let Self {
            metrics,
            operation,
            began,
        } = self;
        let seconds = began.elapsed().as_secs_f64();
        let of_operation = metrics.seconds.get_or_create(&operation.labels());
        of_operation.observe(seconds);
    }
}

// === impl Reader ===

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl<'c> Executor<'c> for Reader<'c> {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> Rows<'e>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let timer = self.metrics.start(Operation::Read);
        let rows = rows_within(self.pool.fetch_many(query), self.patience);
        // The timer ends with the stream.
        rows.inspect(move |step| {
            if step.is_err() {
                timer.failed();
            }
        })
        .boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<AnyRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let timer = self.metrics.start(Operation::Read);
        let row = within(self.patience, self.pool.fetch_optional(query));
        Box::pin(async move { row.await.inspect_err(|_| timer.failed()) })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [AnyTypeInfo],
    ) -> BoxFuture<'e, Result<AnyStatement, sqlx::Error>>
    where
        'c: 'e,
    {
        self.pool.prepare_with(sql, parameters)
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Any>, sqlx::Error>>
    where
        'c: 'e,
    {
        self.pool.describe(sql)
    }
}

// === impl Write ===

impl Write {
    /// Ends the transaction; what it has changed stays.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        let Self { statements, timer } = self;
        statements.commit().await.inspect_err(|_| timer.failed())
    }
}

impl Deref for Write {
    type Target = Statements<'static>;

    fn deref(&self) -> &Statements<'static> {
        &self.statements
    }
}

impl DerefMut for Write {
    fn deref_mut(&mut self) -> &mut Statements<'static> {
        &mut self.statements
    }
}
