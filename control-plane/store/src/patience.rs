//! How long the database is waited for.
//!
//! A server that goes without a word, with its machine or the way to it, closes nothing: what was
//! asked last is waited for as long as TCP tries, a quarter of an hour, or for ever if it had
//! arrived. Meanwhile nothing else can be asked over that connection, and the pool has few. So each
//! statement on PostgreSQL has a time, and a connection without an answer does not go back to the
//! pool, which makes another one. (The driver sets neither keepalive nor a timeout at its sockets.)

use std::fmt;
use std::io;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt as _};
use sqlx::any::{AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::{
    Any, AnyConnection, Connection as _, Describe, Either, Execute, Executor, SqlStr, Transaction,
};
use tokio::time::timeout;

use crate::connect::Dialect;

/// What PostgreSQL may take until the next row. Longer than a lock may (`lock_timeout`).
pub(crate) const STATEMENT: Duration = Duration::from_secs(if cfg!(test) { 12 } else { 30 });

/// What it may take to say that it is there, before a connection is used and afterwards.
pub(crate) const ALIVE: Duration = Duration::from_secs(3);

/// What a statement gives.
pub(crate) type Rows<'e> = BoxStream<'e, Result<Either<AnyQueryResult, AnyRow>, sqlx::Error>>;

/// A transaction whose statements are waited for as long as its database is. It is rolled back
/// unless it is committed.
pub(crate) struct Statements<'t> {
    tx: Transaction<'t, Any>,
    dialect: Dialect,
}

/// The same rows, and an error in the place of one that does not come in time.
pub(crate) fn rows_within(rows: Rows<'_>, patience: Duration) -> Rows<'_> {
    stream::unfold(Some(rows), move |rows| async move {
        let mut rows = rows?;
        match timeout(patience, rows.next()).await {
            Ok(step) => step.map(|step| (step, Some(rows))),
            Err(_) => Some((Err(silent()), None)),
        }
    })
    .boxed()
}

/// The same, and an error if it does not come in time.
pub(crate) async fn within<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    timeout(patience, work)
        .await
        .unwrap_or_else(|_| Err(silent()))
}

/// Asks whether the server is there. An error closes the connection.
pub(crate) async fn is_alive(connection: &mut AnyConnection) -> Result<bool, sqlx::Error> {
    within(ALIVE, connection.ping()).await.map(|()| true)
}

pub(crate) fn silent() -> sqlx::Error {
    let told = "the database does not answer in time";
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, told))
}

// === impl Statements ===

impl<'t> Statements<'t> {
    pub(crate) fn of(tx: Transaction<'t, Any>, dialect: Dialect) -> Self {
        Self { tx, dialect }
    }

    /// Which database it is of.
    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Ends the transaction; what it has changed stays. After an error that is not known.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        within(self.dialect.patience(), self.tx.commit()).await
    }
}

impl fmt::Debug for Statements<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statements").finish_non_exhaustive()
    }
}

impl<'c> Executor<'c> for &'c mut Statements<'_> {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> Rows<'e>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let Statements { tx, dialect } = self;
        rows_within((&mut **tx).fetch_many(query), dialect.patience())
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<AnyRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let Statements { tx, dialect } = self;
        Box::pin(within(
            dialect.patience(),
            (&mut **tx).fetch_optional(query),
        ))
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [AnyTypeInfo],
    ) -> BoxFuture<'e, Result<AnyStatement, sqlx::Error>>
    where
        'c: 'e,
    {
        let Statements { tx, dialect } = self;
        Box::pin(within(
            dialect.patience(),
            (&mut **tx).prepare_with(sql, parameters),
        ))
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Any>, sqlx::Error>>
    where
        'c: 'e,
    {
        let Statements { tx, dialect } = self;
        Box::pin(within(dialect.patience(), (&mut **tx).describe(sql)))
    }
}
