//! Opening a database, and the two ways into it.

use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, Transaction};
use tokio::sync::watch;
use tokio::time;

use crate::key::KeyUses;
use crate::password::Passwords;
use crate::seal::Sealer;
use crate::{MasterKey, StoreError, revision};

/// How long a statement waits for another process's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How many statements read at the same time.
const READERS: u32 = 4;

/// How often opening is tried while another process opens the same new file.
const OPEN_ATTEMPTS: u32 = 5;

/// A database in use. Clones share it.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    path: PathBuf,
    /// One connection: writers of this process queue here, in order, instead of
    /// polling SQLite's lock against each other.
    pub(crate) writer: SqlitePool,
    pub(crate) reader: SqlitePool,
    pub(crate) sealer: Sealer,
    pub(crate) passwords: Passwords,
    pub(crate) uses: KeyUses,
    pub(crate) revision: watch::Sender<u64>,
}

// === impl Store ===

impl Store {
    /// Opens the database file at `path`, making it (mode 0600) if it is missing,
    /// and brings its tables up to date. The folder must exist.
    ///
    /// # Errors
    /// When the file cannot be made, read or migrated, or when it was written
    /// under another master key.
    pub async fn open(path: impl AsRef<Path>, key: &MasterKey) -> Result<Self, StoreError> {
        let path = path.as_ref().to_path_buf();
        protect(&path).map_err(|source| StoreError::File {
            path: path.clone(),
            source,
        })?;

        // SQLite gives the -wal and -shm files the mode of the database file.
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(false)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let writer = prepare(&path, &options).await?;
        let reader = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(options.pragma("query_only", "on"))
            .await
            .map_err(|source| StoreError::Open {
                path: path.clone(),
                source,
            })?;

        let sealer = Sealer::new(key);
        claim(&path, &writer, &sealer).await?;
        let current = {
            let mut connection = reader.acquire().await?;
            revision::read(&mut connection).await?
        };
        let inner = Arc::new(Inner {
            path,
            writer,
            reader,
            sealer,
            passwords: Passwords::new(),
            uses: KeyUses::default(),
            revision: watch::Sender::new(current),
        });
        tokio::spawn(revision::poll(Arc::downgrade(&inner)));
        Ok(Self { inner })
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Says whether the database answers.
    ///
    /// # Errors
    /// [`StoreError::Database`] when it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.revision().await.map(|_| ())
    }

    /// Ends all connections; what comes after it fails. Dropping the store is
    /// safe too, this only empties the write-ahead log into the file.
    pub async fn close(&self) {
        self.inner.reader.close().await;
        self.inner.writer.close().await;
    }

    pub(crate) fn reader(&self) -> &SqlitePool {
        &self.inner.reader
    }

    /// A transaction that holds the write lock from its first moment: what it
    /// reads stays true until it ends, in this process and in others. (On
    /// PostgreSQL the row locks taken by each operation's first statement do
    /// this.) It is rolled back unless it is committed.
    pub(crate) async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.inner.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}

/// Makes the file with mode 0600, or takes others' rights off an existing one.
fn protect(path: &Path) -> std::io::Result<()> {
    // Read and write, so that a file that is not writable fails here, in the
    // system's words.
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    let mode = file.metadata()?.permissions().mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(path, Permissions::from_mode(mode & !0o077))?;
    }
    Ok(())
}

/// Connects and migrates. Two processes that meet at a new file get in each
/// other's way (SQLite has no lock around a whole migration), so it is tried again.
async fn prepare(path: &Path, options: &SqliteConnectOptions) -> Result<SqlitePool, StoreError> {
    let mut attempt = 1;
    loop {
        match connect(path, options).await {
            Err(_) if attempt < OPEN_ATTEMPTS => {
                time::sleep(Duration::from_millis(50) * attempt).await;
                attempt += 1;
            }
            result => return result,
        }
    }
}

async fn connect(path: &Path, options: &SqliteConnectOptions) -> Result<SqlitePool, StoreError> {
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options.clone())
        .await
        .map_err(|source| StoreError::Open {
            path: path.to_path_buf(),
            source,
        })?;
    sqlx::migrate!("./migrations")
        .run(&writer)
        .await
        .map_err(|source| StoreError::Migrate {
            path: path.to_path_buf(),
            source,
        })?;
    Ok(writer)
}

/// Ties a new database to the master key and checks that an old one is.
async fn claim(path: &Path, writer: &SqlitePool, sealer: &Sealer) -> Result<(), StoreError> {
    let check = sealer.check();
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query(
        "UPDATE installation SET master_key_check = $1 WHERE id = 1 AND master_key_check IS NULL",
    )
    .bind(&check)
    .execute(&mut *tx)
    .await?;
    let kept: Option<String> =
        sqlx::query_scalar("SELECT master_key_check FROM installation WHERE id = 1")
            .fetch_one(&mut *tx)
            .await?;
    tx.commit().await?;
    if kept.as_deref() == Some(check.as_str()) {
        Ok(())
    } else {
        Err(StoreError::WrongMasterKey {
            path: path.to_path_buf(),
        })
    }
}
