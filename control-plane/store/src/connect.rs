//! From a URL to connections: the settings of each, the tables, the master key.

mod alone;
mod file;

use std::io;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{
    AnyConnection, AnyPool, AssertSqlSafe, ConnectOptions, Connection, Executor, SqlSafeStr,
};
use tokio::time;
use url::Url;

pub use self::alone::Migrations;
use self::file::prepare_file;
use crate::database::Kind;
use crate::patience::{STATEMENT, Statements, is_alive, within};
use crate::seal::Sealer;
use crate::{DatabaseUrl, StoreError};

/// What every connection to SQLite is told; the first line waits at most 10 s for
/// another process's transaction. The log is brought into the file by a task of its own ([`crate::checkpoint`]), and by whoever
/// commits only once it has 64 MB.
const SQLITE: &str = "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL;
    PRAGMA wal_autocheckpoint = 16000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";

/// What every connection to PostgreSQL is told. A transaction of ours waits for
/// nothing but the database: one that stands still for half a minute belongs to a
/// process that is cut off, and must not hold up the others.
const POSTGRES: &str = "SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '30s';
    SET client_min_messages = 'warning';";

/// How long connecting, or waiting for a connection that is free, may take.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How many statements read at the same time.
const READERS: u32 = 4;

/// On PostgreSQL, how many transactions write at the same time; most of them wait
/// for [`LOCK`].
const POSTGRES_WRITERS: u32 = 4;

/// How often opening is tried while another process opens the same new file.
const OPEN_ATTEMPTS: u32 = 5;

/// Held to the end of a transaction that must be alone in writing. The number is
/// any that no other program locks in a database of ours.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7163298241)";

/// Held, together with all others, by each connection of a store to PostgreSQL; whoever needs
/// the database alone takes it from all ([`DatabaseUrl::alone`]). Another number of that kind.
const IN_USE: &str = "SELECT pg_advisory_lock_shared(7163298242)";

/// What differs between the two databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// The connections of a store.
pub(crate) struct Pools {
    pub(crate) dialect: Dialect,
    pub(crate) writer: AnyPool,
    pub(crate) reader: AnyPool,
}

/// Who connects.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Owner,
    Writer,
    Reader,
}

/// Whom a transaction keeps from writing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Everybody.
    All,
    /// On PostgreSQL, those who would change the same rows; on SQLite, everybody.
    Rows,
}

// === impl Dialect ===

impl Dialect {
    pub(crate) fn begin(self) -> &'static str {
        match self {
            // Takes the write lock at once: a transaction that read first and then
            // found it taken would fail.
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// How long a statement is waited for: a file is there, and who writes it waits in order.
    pub(crate) fn patience(self) -> Duration {
        match self {
            Self::Sqlite => Duration::MAX,
            Self::Postgres => STATEMENT,
        }
    }

    fn lock(self, scope: Scope) -> Option<&'static str> {
        match (self, scope) {
            (Self::Postgres, Scope::All) => Some(LOCK),
            (Self::Postgres, Scope::Rows) | (Self::Sqlite, _) => None,
        }
    }

    fn settings(self, role: Role) -> &'static [&'static str] {
        match (self, role) {
            (Self::Sqlite, Role::Owner | Role::Writer) => &[SQLITE],
            (Self::Sqlite, Role::Reader) => &[SQLITE, "PRAGMA query_only = ON"],
            // A migration may take as long as it takes, and others wait for it.
            (Self::Postgres, Role::Owner) => &["SET client_min_messages = 'warning'"],
            (Self::Postgres, Role::Writer) => &[POSTGRES, IN_USE],
            (Self::Postgres, Role::Reader) => {
                &[POSTGRES, IN_USE, "SET default_transaction_read_only = on"]
            }
        }
    }

    /// Returns the migrations, the same files for both. On PostgreSQL every text is
    /// compared by its bytes, as SQLite does it, and not in the language of the
    /// database: lists come in one order everywhere.
    fn migrator(self) -> Migrator {
        let mut migrator = sqlx::migrate!("./migrations");
        if self == Self::Postgres {
            for migration in migrator.migrations.to_mut() {
                let sql = migration
                    .sql
                    .as_str()
                    .replace(" TEXT", " TEXT COLLATE \"C\"");
                migration.sql = AssertSqlSafe(sql).into_sql_str();
            }
        }
        migrator
    }
}

// === impl Pools ===

impl Pools {
    /// Begins a transaction that writes. It does so in a task of its own, because
    /// whoever waits for it may go away, a client that hangs up for one: the
    /// driver would then give a connection back to the pool inside of a transaction
    /// that nobody ends.
    pub(crate) async fn begin(&self, scope: Scope) -> Result<Statements<'static>, StoreError> {
        let (writer, dialect) = (self.writer.clone(), self.dialect);
        let begun = tokio::spawn(async move {
            let tx = within(dialect.patience(), writer.begin_with(dialect.begin())).await?;
            let mut tx = Statements::of(tx, dialect);
            if let Some(lock) = dialect.lock(scope) {
                (&mut tx).execute(lock).await?;
            }
            Ok::<_, sqlx::Error>(tx)
        });
        let begun = begun
            .await
            .map_err(|error| sqlx::Error::Io(io::Error::other(error)))?;
        Ok(begun?)
    }
}

// === impl DatabaseUrl ===

impl DatabaseUrl {
    /// Says whether no store has been in this database yet: then a new master key
    /// may be made for it.
    ///
    /// # Errors
    /// [`StoreError::Open`] when the database does not answer.
    pub async fn is_new(&self) -> Result<bool, StoreError> {
        let url = match self.kind() {
            Kind::Sqlite(path) => return Ok(!path.exists()),
            Kind::Postgres(url) => url,
        };
        let mut connection = self.owner(url, Dialect::Postgres).await?;
        let tables: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM information_schema.tables
             WHERE table_name = 'installation' AND table_schema = current_schema()",
        )
        .fetch_one(&mut connection)
        .await
        .map_err(|source| self.open_error(source))?;
        let _ = connection.close().await;
        Ok(tables == 0)
    }

    /// Makes the file, migrates, checks the master key and connects.
    pub(crate) async fn connect(&self, sealer: &mut Sealer) -> Result<Pools, StoreError> {
        let (url, dialect) = match self.kind() {
            Kind::Sqlite(path) => (prepare_file(path)?, Dialect::Sqlite),
            Kind::Postgres(url) => (url.as_ref().clone(), Dialect::Postgres),
        };
        let mut owner = self.migrated(&url, dialect).await?;
        self.claim(&mut owner, dialect, sealer).await?;
        let writers = match dialect {
            // Writers of this process queue here, in order, instead of polling
            // SQLite's lock against each other.
            Dialect::Sqlite => 1,
            Dialect::Postgres => POSTGRES_WRITERS,
        };
        let pools = async {
            Ok(Pools {
                dialect,
                writer: pool(&url, dialect, Role::Writer, writers).await?,
                reader: pool(&url, dialect, Role::Reader, READERS).await?,
            })
        };
        let pools = pools.await.map_err(|source| self.open_error(source))?;
        // Only now: SQLite takes its log away with the last connection.
        let _ = owner.close().await;
        Ok(pools)
    }

    /// A connection to tables that are up to date. Two processes that meet at a new
    /// SQLite file get in each other's way while it becomes one with a log, so it
    /// is tried again.
    async fn migrated(&self, url: &Url, dialect: Dialect) -> Result<AnyConnection, StoreError> {
        let attempts = match dialect {
            Dialect::Sqlite => OPEN_ATTEMPTS,
            Dialect::Postgres => 1,
        };
        let mut attempt = 1;
        loop {
            match self.migrate(url, dialect).await {
                Err(_) if attempt < attempts => {
                    time::sleep(Duration::from_millis(50) * attempt).await;
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    /// Applies what is missing, once, however many processes begin at a time:
    /// SQLite is locked by a transaction around all of it, PostgreSQL by the
    /// migrator's advisory lock.
    async fn migrate(&self, url: &Url, dialect: Dialect) -> Result<AnyConnection, StoreError> {
        let migrate = |source| StoreError::Migrate {
            database: self.clone(),
            source,
        };
        let migrator = dialect.migrator();
        let mut connection = self.owner(url, dialect).await?;
        match dialect {
            Dialect::Sqlite => {
                let mut tx = connection
                    .begin_with(dialect.begin())
                    .await
                    .map_err(|source| self.open_error(source))?;
                run(&migrator, &mut tx).await.map_err(migrate)?;
                tx.commit()
                    .await
                    .map_err(|source| self.open_error(source))?;
            }
            Dialect::Postgres => {
                self.check_encoding(&mut connection).await?;
                run(&migrator, &mut connection).await.map_err(migrate)?;
            }
        }
        Ok(connection)
    }

    /// Another encoding than UTF-8 could not hold every name.
    async fn check_encoding(&self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        let encoding: String = sqlx::query_scalar("SELECT current_setting('server_encoding')")
            .fetch_one(connection)
            .await
            .map_err(|source| self.open_error(source))?;
        if encoding == "UTF8" {
            return Ok(());
        }
        Err(StoreError::Encoding {
            database: self.clone(),
            encoding,
        })
    }

    /// Ties a new database to the master key and checks that an old one is.
    async fn claim(
        &self,
        connection: &mut AnyConnection,
        dialect: Dialect,
        sealer: &mut Sealer,
    ) -> Result<(), StoreError> {
        let check = sealer.check();
        let claim = async {
            let mut tx = connection.begin_with(dialect.begin()).await?;
            sqlx::query(
                "UPDATE installation SET master_key_check = $1
                 WHERE id = 1 AND master_key_check IS NULL",
            )
            .bind(&check)
            .execute(&mut *tx)
            .await?;
            let kept: (Option<String>, Option<String>) = sqlx::query_as(
                "SELECT master_key_check, kept_subkeys FROM installation WHERE id = 1",
            )
            .fetch_one(&mut *tx)
            .await?;
            tx.commit().await?;
            Ok(kept)
        };
        let (kept, subkeys) = claim.await.map_err(|source| self.open_error(source))?;
        let taken = subkeys.is_none_or(|subkeys| sealer.take(&subkeys));
        if kept.as_deref() == Some(check.as_str()) && taken {
            Ok(())
        } else {
            Err(StoreError::WrongMasterKey {
                database: self.clone(),
            })
        }
    }

    /// A single connection, for what is done once.
    async fn owner(&self, url: &Url, dialect: Dialect) -> Result<AnyConnection, StoreError> {
        sqlx::any::install_default_drivers();
        let connect = async {
            let mut connection = AnyConnectOptions::from_url(url)?.connect().await?;
            apply(&mut connection, dialect, Role::Owner).await?;
            Ok(connection)
        };
        let connected = time::timeout(CONNECT_TIMEOUT, connect).await;
        connected
            .unwrap_or_else(|_| Err(sqlx::Error::Io(io::ErrorKind::TimedOut.into())))
            .map_err(|source| self.open_error(source))
    }

    fn open_error(&self, source: sqlx::Error) -> StoreError {
        StoreError::Open {
            database: self.clone(),
            source,
        }
    }
}

/// `Migrator::run` as it is inside: around it the compiler does not see that the whole
/// can move between threads.
async fn run(migrator: &Migrator, connection: &mut AnyConnection) -> Result<(), MigrateError> {
    migrator.run_direct(None, connection, false).await
}

async fn pool(
    url: &Url,
    dialect: Dialect,
    role: Role,
    connections: u32,
) -> Result<AnyPool, sqlx::Error> {
    let options = AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(CONNECT_TIMEOUT)
        // Without a limit of its own.
        .test_before_acquire(false);
    let options = match dialect {
        // A server may have gone away meanwhile; a file has not.
        Dialect::Postgres => options
            .before_acquire(|connection, _| Box::pin(is_alive(connection)))
            .after_release(|connection, _| Box::pin(is_alive(connection))),
        Dialect::Sqlite => options,
    };
    options
        .after_connect(move |connection, _| Box::pin(apply(connection, dialect, role)))
        .connect_with(AnyConnectOptions::from_url(url)?)
        .await
}

async fn apply(
    connection: &mut AnyConnection,
    dialect: Dialect,
    role: Role,
) -> Result<(), sqlx::Error> {
    for settings in dialect.settings(role) {
        connection.execute(*settings).await?;
    }
    Ok(())
}
