//! Which clients there are.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::artifacts::{root, target};
use tokio::process::Command;

/// Restricts a run to clients whose names begin so, with blanks between them.
const VARIABLE: &str = "CLIENTS";

/// One of them.
pub(crate) struct Client {
    /// Its name and version, as `kubectl-1.34`.
    pub(crate) name: String,
    kind: String,
    program: PathBuf,
}

// === impl Client ===

impl Client {
    /// Those that `deploy/local/clients.sh` finds or gets.
    pub(crate) async fn all() -> Result<Vec<Self>> {
        let script = root().join("deploy/local/clients.sh");
        let output = Command::new(script)
            .stderr(std::process::Stdio::inherit())
            .output()
            .await?;
        ensure!(output.status.success(), "clients.sh: {}", output.status);
        let mut lines = String::from_utf8(output.stdout)?;
        lines.push_str(&kube_crate()?);
        let wanted = std::env::var(VARIABLE).unwrap_or_default();
        let is_wanted = |name: &str| {
            wanted.is_empty() || wanted.split_whitespace().any(|each| name.starts_with(each))
        };
        lines
            .lines()
            .map(|line| {
                let mut words = line.split_whitespace();
                let mut word = || words.next().map(str::to_owned).context("too few words");
                Ok(Self {
                    kind: word()?,
                    name: word()?,
                    program: word()?.into(),
                })
            })
            .filter(|client| {
                client
                    .as_ref()
                    .map_or(true, |client| is_wanted(&client.name))
            })
            .collect()
    }

    /// Whether this is a matter for it at all.
    pub(crate) fn is_asked(&self, capability: &str) -> bool {
        capability.starts_with("helm_") == (self.kind == "helm")
    }

    /// Whether it is kubectl.
    pub(crate) fn is_kubectl(&self) -> bool {
        self.kind == "kubectl"
    }

    /// Its program.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// What tries a capability with it.
    pub(crate) fn command(&self, capability: &str) -> Command {
        let scripts = root().join("tests/conformance");
        let mut command = match self.kind.as_str() {
            "python" => {
                let mut command = Command::new(&self.program);
                command.arg(scripts.join("client.py"));
                command
            }
            "javascript" => {
                let mut command = Command::new("node");
                command
                    .arg(scripts.join("client.mjs"))
                    .env("NODE_MODULES", &self.program);
                command
            }
            "rust" => Command::new(&self.program),
            shell => {
                let mut command = Command::new("bash");
                command.arg(scripts.join(format!("{shell}.sh")));
                command
            }
        };
        let minor = self.name.rsplit('.').next().unwrap_or_default();
        command
            .arg(capability)
            .env("CLIENT", &self.program)
            .env("MINOR", minor);
        command
    }
}

/// Whether a run is with all of them.
pub(crate) fn are_all() -> bool {
    std::env::var_os(VARIABLE).is_none()
}

/// The line of the `kube` crate, which `make conformance` builds.
fn kube_crate() -> Result<String> {
    let program = target().join("debug/conformance-kube");
    ensure!(
        program.exists(),
        "{} is missing; run: make conformance",
        program.display()
    );
    let lock = std::fs::read_to_string(root().join("tests/conformance/kube/Cargo.lock"))?;
    let version = lock
        .split_once("name = \"kube\"\nversion = \"")
        .and_then(|(_, rest)| rest.split('"').next())
        .context("no kube in Cargo.lock")?;
    Ok(format!("rust kube-{version} {}\n", program.display()))
}
