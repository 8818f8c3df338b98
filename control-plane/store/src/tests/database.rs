//! A new database for each test.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use tempfile::TempDir;

use super::mk_key;
use crate::{DatabaseUrl, Store, StoreError};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Sqlite,
    Postgres,
}

/// A database that nobody else uses. It goes away with the value.
pub(super) struct TestDatabase {
    pub(super) kind: Kind,
    /// For `Store::open`, also in another process.
    pub(super) url: String,
    /// With the file, if it is one.
    pub(super) folder: TempDir,
}

/// A PostgreSQL server for this test process; `postgres.sh` stops it when the pipe
/// to it breaks, at the latest with the process.
pub(super) struct Server {
    /// Without a database.
    pub(super) url: String,
    /// The CA of its certificate.
    pub(super) ca: String,
    _alive: ChildStdin,
}

/// Runs each of these tests, functions of a [`Kind`], on each database, as
/// `sqlite::name` and `postgres::name`.
macro_rules! on_each_database {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test($crate::tests::Kind::Sqlite).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test($crate::tests::Kind::Postgres).await;
            })+
        }
    };
}
pub(super) use on_each_database;

// === impl TestDatabase ===

impl TestDatabase {
    pub(super) async fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = match kind {
            Kind::Sqlite => format!("sqlite://{}", folder.path().join("cubegate.db").display()),
            Kind::Postgres => {
                static NUMBER: AtomicU32 = AtomicU32::new(0);
                let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
                let server = Server::current();
                server.run(format!("CREATE DATABASE {name}")).await;
                format!("{}/{name}?sslmode=disable", server.url)
            }
        };
        Self { kind, url, folder }
    }

    pub(super) async fn open(&self) -> Result<Store, StoreError> {
        Store::open(self.parsed(), &mk_key(1)).await
    }

    pub(super) fn parsed(&self) -> DatabaseUrl {
        self.url.parse().unwrap()
    }

    /// All that the database holds, byte by byte or as text. The store must be closed.
    pub(super) async fn contents(&self) -> Vec<u8> {
        if let Some(path) = self.parsed().file() {
            return std::fs::read(path).unwrap();
        }
        let mut connection = connect(&self.url).await;
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT CAST(table_name AS TEXT) FROM information_schema.tables
             WHERE table_schema = current_schema()",
        )
        .fetch_all(&mut connection)
        .await
        .unwrap();
        assert!(tables.len() > 5, "{tables:?}");
        let mut all = Vec::new();
        for table in tables {
            let sql = format!("SELECT CAST(t AS TEXT) FROM {table} t");
            let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql))
                .fetch_all(&mut connection)
                .await
                .unwrap();
            all.extend(rows.concat().into_bytes());
        }
        connection.close().await.unwrap();
        all
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if self.kind == Kind::Sqlite {
            return;
        }
        let url = self.parsed().to_string();
        let (_, name) = url.rsplit_once('/').unwrap();
        let sql = format!("DROP DATABASE {name} WITH (FORCE)");
        // Nobody waits for it: the server does not drop it before the connections
        // that this test's runtime is still making have come about, or broken.
        thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(Server::current().run(sql));
        });
    }
}

// === impl Server ===

impl Server {
    /// The server, started by the first test that needs it.
    pub(super) fn current() -> &'static Self {
        static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
        match SERVER.get_or_init(Self::start) {
            Ok(server) => server,
            Err(error) => panic!("{error}"),
        }
    }

    fn start() -> Result<Self, String> {
        let script = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../deploy/local/postgres.sh"
        );
        let mut child = Command::new("bash")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // An interrupt at the terminal ends the tests; the pipe tells the script.
            .process_group(0)
            .spawn()
            .map_err(|error| format!("bash cannot be started: {error}"))?;
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut line = || lines.next()?.ok();
        let (Some(url), Some(ca), Some(_programs)) = (line(), line(), line()) else {
            let mut said = String::new();
            let _ = child.stderr.take().unwrap().read_to_string(&mut said);
            return Err(said);
        };
        Ok(Self {
            url,
            ca,
            _alive: child.stdin.take().unwrap(),
        })
    }

    pub(super) async fn run(&self, sql: String) {
        let mut connection = connect(&format!("{}/postgres?sslmode=disable", self.url)).await;
        connection.execute(AssertSqlSafe(sql)).await.unwrap();
        connection.close().await.unwrap();
    }
}

pub(super) async fn connect(url: &str) -> AnyConnection {
    sqlx::any::install_default_drivers();
    let options: AnyConnectOptions = url.parse().unwrap();
    options.connect().await.unwrap()
}
