//! Schemathesis, which makes requests from an OpenAPI document and judges the
//! answers by it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::process::Command;

use crate::run::Run;

/// What is installed from PyPI.
const VERSION: &str = "4.32.5";

/// Longest time that the installation may take.
const INSTALL: Duration = Duration::from_secs(300);

/// What the answers are judged by. That a nonsensical request is refused and a
/// sensible one is not, is left to tests that know what is sensible.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";

/// One run.
pub struct Schemathesis<'a> {
    /// Names its folder.
    pub name: &'a str,
    /// The document.
    pub document: &'a Path,
    /// The server.
    pub server: &'a str,
    /// The CA of its certificate.
    pub ca: &'a Path,
    /// The token, when the calls have one.
    pub token: Option<&'a str>,
    /// Paths that are left out.
    pub without: &'a [&'a str],
    /// Further checks.
    pub checks: &'a [&'a str],
    /// Requests per operation and phase, at most.
    pub max_examples: u32,
    /// Longest time in all.
    pub within: Duration,
}

// === impl Schemathesis ===

impl Schemathesis<'_> {
    /// Runs it.
    ///
    /// # Errors
    /// An answer that is wrong, with what it says about it; no Python.
    pub async fn run(&self) -> Result<()> {
        let folder = Run::current()?.folder(self.name)?;
        let checks = std::iter::once(CHECKS)
            .chain(self.checks.iter().copied())
            .collect::<Vec<_>>()
            .join(",");
        let mut command = Command::new(installed().await?.join("bin/st"));
        command
            .arg("run")
            .arg(self.document)
            .args(["--url", self.server, "--checks", &checks])
            .arg("--tls-verify")
            .arg(self.ca)
            .args(["--phases", "examples,coverage,fuzzing"])
            .args(["--max-examples", &self.max_examples.to_string()])
            // The same requests in every run.
            .args(["--seed", "1", "--generation-database", "none"])
            .args(["--request-timeout", "20", "--no-color", "--warnings", "off"])
            // Of 40 operations, one that is wrong is shown once.
            .args(["--max-failures", "20", "--suppress-health-check", "all"])
            .current_dir(&folder);
        if let Some(token) = self.token {
            command.args(["--header", &format!("Authorization: Bearer {token}")]);
        }
        for path in self.without {
            command.args(["--exclude-path", path]);
        }
        let output = bounded(&mut command, self.within).await?;
        std::fs::write(folder.join("said"), &output.said)?;
        ensure!(output.well, "schemathesis, {}:\n{}", self.name, output.said);
        Ok(())
    }
}

struct Output {
    well: bool,
    said: String,
}

async fn bounded(command: &mut Command, within: Duration) -> Result<Output> {
    command
        .stdin(Stdio::null())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .kill_on_drop(true);
    let output = tokio::time::timeout(within, command.output())
        .await
        .with_context(|| format!("{command:?} took longer than {within:?}"))??;
    let said = [output.stdout, output.stderr].concat();
    Ok(Output {
        well: output.status.success(),
        said: String::from_utf8_lossy(&said).into_owned(),
    })
}

/// The virtual environment, made by the first run on a machine.
async fn installed() -> Result<PathBuf> {
    let folder = cache()?.join(format!("schemathesis-{VERSION}"));
    let done = folder.join("installed");
    if done.exists() {
        return Ok(folder);
    }
    let advice =
        "python3 with venv and pip is needed; run: apt-get install python3-venv python3-pip";
    let mut make = Command::new("python3");
    make.args(["-m", "venv"]).arg(&folder);
    let mut fill = Command::new(folder.join("bin/python"));
    fill.args(["-m", "pip", "install", "--quiet"])
        .arg(format!("schemathesis=={VERSION}"));
    for mut step in [make, fill] {
        let output = bounded(&mut step, INSTALL).await.context(advice)?;
        if !output.well {
            bail!("{advice}\n{}", output.said);
        }
    }
    std::fs::write(&done, VERSION)?;
    Ok(folder)
}

/// Where the Makefile's tools are kept too.
fn cache() -> Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    if let Some(cache) = variable("CUBEGATE_CACHE") {
        return Ok(cache);
    }
    variable("XDG_CACHE_HOME")
        .or_else(|| variable("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("cubegate"))
        .context("neither HOME nor XDG_CACHE_HOME is set")
}
