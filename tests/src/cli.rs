//! The `cubegate` commands, run as a user runs them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::artifacts::Artifacts;
use crate::gateway::ADMIN_PASSWORD;
use crate::kubeconfig;
use crate::run::Run;

/// No command of the CLI takes longer.
const COMMAND: Duration = Duration::from_secs(30);

/// A data directory and the commands on it.
#[derive(Debug, Clone)]
pub struct Site {
    artifacts: Artifacts,
    dir: PathBuf,
    data_dir: PathBuf,
    variables: Vec<(&'static str, String)>,
    /// Held while the gateway is made.
    beginning: Arc<Mutex<()>>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it said beside that.
    pub stderr: String,
}

/// An access key as `key create` shows it.
#[derive(Debug, Clone)]
pub struct KeyPair {
    /// Its public half.
    pub access_key: String,
    /// Its secret half.
    pub secret_key: String,
}

// === impl KeyPair ===

impl KeyPair {
    /// What a token is got from with it.
    pub fn token_path(&self) -> String {
        format!(
            "/api/v1/cube/key/token?accessKey={}&secretKey={}",
            self.access_key, self.secret_key
        )
    }
}

// === impl Site ===

impl Site {
    /// A new one, empty, in the folder of the run.
    ///
    /// # Errors
    /// Artifacts that are not there, a folder that cannot be made.
    pub fn new(name: &str) -> Result<Self> {
        let artifacts = Artifacts::find()?;
        let dir = Run::current()?.folder(name)?;
        let data_dir = dir.join("data");
        Ok(Self {
            artifacts,
            dir,
            data_dir,
            variables: Vec::new(),
            beginning: Arc::default(),
        })
    }

    /// The same with an environment variable for every command.
    #[must_use]
    pub fn with_variable(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// The folder around the data directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The data directory.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The CA of the control plane: in the folder of shared keys, if one is named.
    pub fn xds_ca(&self) -> PathBuf {
        let shared = self
            .variables
            .iter()
            .find(|(name, _)| *name == "CUBEGATE_KEYS_DIR");
        match shared {
            Some((_, folder)) => Path::new(folder).join("xds-ca.crt"),
            None => self.data_dir.join("pki/xds-ca.crt"),
        }
    }

    /// The artifacts in use.
    pub fn artifacts(&self) -> &Artifacts {
        &self.artifacts
    }

    /// A `cubegate` command, not yet started.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(&self.artifacts.binary);
        command
            .args(arguments)
            // Nothing of the machine's own settings.
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.dir)
            .env("CUBEGATE_DATA_DIR", &self.data_dir)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Makes the gateway, if there is none yet, as its first start does it: commands
    /// find one, and none makes it by itself.
    ///
    /// # Errors
    /// A control plane that does not start.
    pub async fn begin(&self) -> Result<()> {
        let _alone = self.beginning.lock().await;
        // Of a control plane that has its keys elsewhere there is a lock.
        if ["master.key", "lock"]
            .iter()
            .any(|file| self.data_dir.join(file).exists())
        {
            return Ok(());
        }
        let filter = self.artifacts.filter.display().to_string();
        let any = "127.0.0.1:0";
        let mut child = self
            .command(&[
                "serve",
                "--plain",
                "--api-listen",
                any,
                "--metrics-listen",
                "127.0.0.1:0",
                "--xds-listen",
                any,
                "--filter",
                &filter,
                "--admin-password",
                ADMIN_PASSWORD,
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let said = child.stdout.take().context("no output")?;
        let mut lines = BufReader::new(said).lines();
        // It says so when everything is there.
        let ready = async {
            while let Some(line) = lines.next_line().await? {
                if line.starts_with("HTTP API") {
                    return Ok(());
                }
            }
            bail!("cubegate serve ended before it was ready")
        };
        tokio::time::timeout(COMMAND, ready)
            .await
            .context("cubegate serve does not get ready")??;
        let pid = child
            .id()
            .and_then(|id| Pid::from_raw(id.cast_signed()))
            .context("cubegate serve has ended")?;
        kill_process(pid, Signal::TERM)?;
        let status = tokio::time::timeout(COMMAND, child.wait()).await??;
        ensure!(status.success(), "cubegate serve ended with {status}");
        Ok(())
    }

    /// Runs a command to its end, whatever that is.
    ///
    /// # Errors
    /// A command that cannot be started or does not end.
    pub async fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Ended> {
        let shown: Vec<_> = arguments
            .iter()
            .map(|argument| argument.as_ref().to_owned())
            .collect();
        let output = tokio::time::timeout(COMMAND, self.command(arguments).output())
            .await
            .with_context(|| format!("cubegate {shown:?} did not end within {COMMAND:?}"))?
            .with_context(|| format!("cubegate {shown:?} cannot be started"))?;
        Ok(Ended {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs a command that must succeed, and gives what it printed. One that needs a
    /// gateway gets one.
    ///
    /// # Errors
    /// An exit code that is not 0.
    pub async fn ok<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<String> {
        let needs = ["audit", "cluster", "import", "key", "user"];
        if arguments
            .first()
            .is_some_and(|first| needs.iter().any(|need| first.as_ref() == OsStr::new(need)))
        {
            self.begin().await?;
        }
        let ended = self.run(arguments).await?;
        if ended.code != Some(0) {
            let shown: Vec<_> = arguments
                .iter()
                .map(|argument| argument.as_ref().to_owned())
                .collect();
            bail!("cubegate {shown:?} failed: {ended:?}");
        }
        Ok(ended.stdout)
    }

    /// Registers a cluster that is plain HTTP on this port, without asking it.
    ///
    /// # Errors
    /// The command's.
    pub async fn add_plain_cluster(&self, name: &str, port: u16) -> Result<()> {
        let file = kubeconfig::write(&self.dir, name, &format!("http://127.0.0.1:{port}"), None)?;
        self.add_cluster(name, &file, false).await
    }

    /// Registers a cluster.
    ///
    /// # Errors
    /// The command's.
    pub async fn add_cluster(&self, name: &str, kubeconfig: &Path, check: bool) -> Result<()> {
        let mut arguments = vec!["cluster", "add", name, "--kubeconfig"];
        let file = kubeconfig.to_str().context("a path that is no text")?;
        arguments.push(file);
        if !check {
            arguments.push("--no-check");
        }
        self.ok(&arguments).await.map(drop)
    }

    /// What commands have changed of such a resource, as the audit log has it: verbs and names.
    ///
    /// # Errors
    /// The command's.
    pub async fn changes(&self, resource: &str) -> Result<Vec<(String, String)>> {
        let filter = format!("source=cli,resource={resource}");
        let records = self.ok(&["audit", "export", "--filter", &filter]).await?;
        let text =
            |record: &Value, field: &str| record[field].as_str().unwrap_or_default().to_owned();
        records
            .lines()
            .map(|line| {
                let record: Value = serde_json::from_str(line)?;
                Ok((text(&record, "verb"), text(&record, "name")))
            })
            .collect()
    }

    /// Adds a user without a group.
    ///
    /// # Errors
    /// The command's.
    pub async fn add_user(&self, name: &str, password: &str) -> Result<()> {
        self.ok(&["user", "add", name, "--password", password])
            .await
            .map(drop)
    }

    /// Creates an access key.
    ///
    /// # Errors
    /// The command's, or output without the two halves.
    pub async fn create_key(&self, user: &str) -> Result<KeyPair> {
        self.create_key_with(user, &[]).await
    }

    /// Creates an access key with these flags.
    ///
    /// # Errors
    /// The command's, or output without the two halves.
    pub async fn create_key_with(&self, user: &str, flags: &[&str]) -> Result<KeyPair> {
        let arguments = [&["key", "create", user], flags].concat();
        key_pair(&self.ok(&arguments).await?)
    }

    /// Gives an access key another secret.
    ///
    /// # Errors
    /// The command's, or output without the two halves.
    pub async fn rotate_key(&self, access_key: &str, flags: &[&str]) -> Result<KeyPair> {
        let arguments = [&["key", "rotate", access_key], flags].concat();
        key_pair(&self.ok(&arguments).await?)
    }
}

/// What `key create` and `key rotate` show.
fn key_pair(shown: &str) -> Result<KeyPair> {
    let is_half =
        |word: &&str| word.len() == 32 && word.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
    let halves: Vec<&str> = shown
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(is_half)
        .collect();
    let [access_key, secret_key] = halves.as_slice() else {
        bail!("no pair of 32 hex digits is shown: {shown}");
    };
    Ok(KeyPair {
        access_key: (*access_key).to_owned(),
        secret_key: (*secret_key).to_owned(),
    })
}

// === impl Ended ===

impl Ended {
    /// Checks that the command refused with one sentence, and gives it.
    ///
    /// # Errors
    /// Success, death by a signal, a panic, or more or less than one line.
    pub fn one_sentence(&self) -> Result<&str> {
        ensure!(
            self.code.is_some_and(|code| code != 0),
            "it should end with an exit code that is not 0: {self:?}"
        );
        let sentence = self.stderr.trim();
        ensure!(
            !sentence.is_empty() && sentence.lines().count() == 1,
            "it should say one sentence on stderr: {self:?}"
        );
        ensure!(
            !sentence.contains("panicked") && !sentence.contains("RUST_BACKTRACE"),
            "it panicked: {self:?}"
        );
        Ok(sentence)
    }
}
