//! Opening a database, and the ways into it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use subtle::ConstantTimeEq as _;
use tokio::sync::{Mutex, watch};

use crate::cluster::{Known, Touched};
use crate::connect::{Dialect, Pools, Scope};
use crate::envoy::Noted;
use crate::key::KeyUses;
use crate::metrics::{Metrics, PoolSize, Reader, Write};
use crate::password::Passwords;
use crate::seal::Sealer;
use crate::wake::{self, Listener};
use crate::{DatabaseUrl, Lifetimes, MasterKey, Revision, StoreError, checkpoint, revision};

/// A database in use. Clones share it.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    database: DatabaseUrl,
    pub(crate) pools: Pools,
    pub(crate) sealer: Sealer,
    pub(crate) clusters: Mutex<Known>,
    pub(crate) touched: Touched,
    pub(crate) passwords: Passwords,
    pub(crate) uses: KeyUses,
    pub(crate) metrics: Metrics,
    pub(crate) followed: watch::Sender<Revision>,
    /// How often [`Store::publish`] was called.
    published: AtomicU64,
    pub(crate) lifetimes: watch::Sender<Lifetimes>,
    /// What the Envoys of this process have taken.
    pub(crate) noted: watch::Sender<Noted>,
    /// Hears of changes by others.
    pub(crate) listener: Listener,
}

// === impl Store ===

impl Store {
    /// Opens a database, the path of an SQLite file or a [`DatabaseUrl`], and brings
    /// its tables up to date. A file is made (mode 0600) if it is missing, in a
    /// folder that exists; a PostgreSQL database must be there.
    ///
    /// # Errors
    /// When it cannot be made, read or migrated, or when it was written under
    /// another master key.
    pub async fn open(
        database: impl Into<DatabaseUrl>,
        key: &MasterKey,
    ) -> Result<Self, StoreError> {
        let database = database.into();
        let mut sealer = Sealer::new(key);
        let pools = database.connect(&mut sealer).await?;
        let current = revision::read(&pools.reader).await?;
        let listener = Listener::new(&database);
        let heard = listener.heard();
        let inner = Arc::new(Inner {
            database,
            pools,
            sealer,
            clusters: Mutex::default(),
            touched: Touched::default(),
            passwords: Passwords::new(),
            uses: KeyUses::default(),
            metrics: Metrics::default(),
            followed: watch::Sender::new(current.revision),
            published: AtomicU64::new(0),
            lifetimes: watch::Sender::new(current.lifetimes),
            noted: watch::Sender::default(),
            listener,
        });
        let store = Self { inner };
        store.reseal_clusters().await?;
        tokio::spawn(revision::follow(Arc::downgrade(&store.inner), heard));
        if let Some(log) = store.inner.database.log() {
            tokio::spawn(checkpoint::keep(Arc::downgrade(&store.inner), log));
        }
        Ok(store)
    }

    /// Returns the database.
    pub fn database(&self) -> &DatabaseUrl {
        &self.inner.database
    }

    /// Returns the pass of this period by which Envoy's routes know the filter's requests: the
    /// same in all control planes on this database, and of no use for another period.
    pub fn route_pass(&self, period: u64) -> String {
        self.inner.sealer.route_pass(period)
    }

    /// Returns what the console's forms are proven with: the same in all control planes on
    /// this database.
    pub fn form_key(&self) -> [u8; 32] {
        self.inner.sealer.form_key()
    }

    /// Returns by what a control plane of this database knows that another one of them has
    /// said for whose browser it asks.
    pub fn reader_proof(&self, parts: &[&str]) -> String {
        self.inner.sealer.reader_proof(parts)
    }

    /// Returns whether that is the proof of these parts, in constant time.
    pub fn is_reader_proof(&self, proof: &str, parts: &[&str]) -> bool {
        let own = self.reader_proof(parts);
        own.as_bytes().ct_eq(proof.as_bytes()).into()
    }

    /// Says whether the database answers.
    ///
    /// # Errors
    /// [`StoreError::Database`] when it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.revision().await.map(|_| ())
    }

    /// Returns what time it is at the database's server, to the second; `None` where the
    /// database is a file of this machine.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn server_time(&self) -> Result<Option<time::OffsetDateTime>, StoreError> {
        if self.inner.pools.dialect == Dialect::Sqlite {
            return Ok(None);
        }
        let now: i64 =
            sqlx::query_scalar("SELECT CAST(extract(epoch FROM clock_timestamp()) AS BIGINT)")
                .fetch_one(self.reader())
                .await?;
        Ok(time::OffsetDateTime::from_unix_timestamp(now).ok())
    }

    /// Ends all connections; what comes after it fails. Dropping the store is
    /// safe too, this only empties SQLite's write-ahead log into the file.
    pub async fn close(&self) {
        self.inner.listener.stop();
        self.inner.pools.reader.close().await;
        self.inner.pools.writer.close().await;
    }

    /// What it counts of its own work.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// Returns how many connections it has now.
    pub fn pool_sizes(&self) -> [PoolSize; 2] {
        let Pools { reader, writer, .. } = &self.inner.pools;
        [("reader", reader), ("writer", writer)].map(|(name, pool)| PoolSize {
            name,
            open: pool.size(),
            idle: u32::try_from(pool.num_idle()).unwrap_or(u32::MAX),
            max: pool.options().get_max_connections(),
        })
    }

    /// For reading, one statement at a time: two of them may see different states.
    /// (A transaction would have to be begun as [`Pools::begin`] does it.)
    pub(crate) fn reader(&self) -> Reader<'_> {
        let Inner { pools, metrics, .. } = &*self.inner;
        Reader {
            pool: &pools.reader,
            patience: pools.dialect.patience(),
            metrics,
        }
    }

    /// A transaction that is alone in writing from its first moment: what it reads
    /// stays true until it ends, in this process and in others (SQLite's write
    /// lock, or an advisory lock on PostgreSQL). It is rolled back unless it is
    /// committed.
    pub(crate) async fn write(&self) -> Result<Write, StoreError> {
        let begin = self.inner.pools.begin(Scope::All);
        self.inner.metrics.begin(begin).await
    }

    /// A transaction for changes that are right whatever others write meanwhile:
    /// one statement, or rows that nobody else has. On PostgreSQL it locks no more
    /// than these, so that frequent writes do not wait for each other; on SQLite it
    /// is like [`Store::write`].
    pub(crate) async fn write_rows(&self) -> Result<Write, StoreError> {
        let begin = self.inner.pools.begin(Scope::Rows);
        self.inner.metrics.begin(begin).await
    }
}

// === impl Inner ===

impl Inner {
    pub(crate) fn published(&self) {
        self.published.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn published_so_far(&self) -> u64 {
        self.published.load(Ordering::SeqCst)
    }

    /// Tells other processes of a change that was just committed. On PostgreSQL the transaction
    /// has told them.
    pub(crate) fn tell_others(&self) {
        if let Some(path) = self.database.file() {
            wake::touch(path);
        }
    }
}
