//! A PostgreSQL server for the tests.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow, ensure};

use crate::artifacts::root;
use crate::run::unique;

/// A running server. It ends with the test process, because the pipe to its script
/// (`deploy/local/postgres.sh`) breaks then.
pub struct Postgres {
    /// Without a database.
    url: String,
    programs: PathBuf,
    _alive: ChildStdin,
}

// === impl Postgres ===

impl Postgres {
    /// The server of this process, started by the first test that needs it.
    ///
    /// # Errors
    /// What the script says: no PostgreSQL, above all.
    pub fn shared() -> Result<&'static Self> {
        static SERVER: OnceLock<Result<Postgres, String>> = OnceLock::new();
        SERVER
            .get_or_init(|| Self::start().map_err(|error| format!("{error:#}")))
            .as_ref()
            .map_err(|error| anyhow!("{error}"))
    }

    fn start() -> Result<Self> {
        let mut child = Command::new("bash")
            .arg(root().join("deploy/local/postgres.sh"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Out of reach of what ends the tests; the pipe tells it.
            .process_group(0)
            .spawn()
            .context("bash cannot be started")?;
        let stdin = child.stdin.take().context("no stdin")?;
        let stdout = child.stdout.take().context("no stdout")?;
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let (Some(url), Some(_ca), Some(programs)) = (lines.next(), lines.next(), lines.next())
        else {
            let mut said = String::new();
            if let Some(mut stderr) = child.stderr.take() {
                let _ = stderr.read_to_string(&mut said);
            }
            return Err(anyhow!("{said}"));
        };
        Ok(Self {
            url,
            programs: programs.into(),
            _alive: stdin,
        })
    }

    /// The URL of a new database, for whatever it is named after.
    ///
    /// # Errors
    /// One that cannot be made.
    pub fn database(&self, name: &str) -> Result<String> {
        let name = format!("{name}_{}", unique());
        self.execute(&format!("CREATE DATABASE {name}"))?;
        Ok(format!("{}/{name}", self.url))
    }

    /// The URL of a new database that belongs to a new user with this password; both have this
    /// name.
    ///
    /// # Errors
    /// One that cannot be made.
    pub fn database_of(&self, name: &str, password: &str) -> Result<String> {
        self.execute(&format!("CREATE USER {name} PASSWORD '{password}'"))?;
        self.execute(&format!("CREATE DATABASE {name} OWNER {name}"))?;
        let (_, server) = self.url.rsplit_once('@').context("a URL without a user")?;
        Ok(format!("postgres://{name}:{password}@{server}/{name}"))
    }

    /// Has the server do this.
    ///
    /// # Errors
    /// What it says.
    pub fn execute(&self, sql: &str) -> Result<()> {
        let done = Command::new(self.programs.join("psql"))
            .args(["--no-psqlrc", "--quiet", "--dbname"])
            .arg(format!("{}/postgres", self.url))
            .arg("--command")
            .arg(sql)
            .output()
            .context("psql cannot be started")?;
        ensure!(done.status.success(), "{done:?}");
        Ok(())
    }

    /// The password in its URLs.
    pub fn password(&self) -> &str {
        let (before, _) = self.url.rsplit_once('@').unwrap_or_default();
        before.rsplit_once(':').unwrap_or_default().1
    }
}
