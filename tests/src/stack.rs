//! The two real API servers that serve the whole run.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;

use crate::artifacts::root;
use crate::kube::Kube;
use crate::run::{Run, Shared};

/// Longest time that a script of the local stack may take here.
const SCRIPT: Duration = Duration::from_secs(120);

/// Names a folder with running servers, `pivot-cluster` and `member-1` in it,
/// each as `apiserver.sh` makes it. Without it the run starts its own.
const VARIABLE: &str = "CUBEGATE_TEST_STACK";

/// Two clusters, as the guide has them.
pub struct Stack {
    /// `pivot-cluster`.
    pub pivot: ApiServer,
    /// `member-1`.
    pub member: ApiServer,
}

/// One of them. The user `admin` is its cluster-admin.
pub struct ApiServer {
    /// Its name, also as a cluster of the gateway.
    pub name: String,
    /// The administrator's kubeconfig.
    pub kubeconfig: PathBuf,
    /// The gateway's own, which may impersonate and nothing else.
    pub gateway_kubeconfig: PathBuf,
    /// A client of it.
    pub kube: Kube,
}

// === impl Stack ===

impl Stack {
    /// The pair of this run.
    ///
    /// # Errors
    /// Servers that do not start.
    pub async fn shared() -> Result<&'static Self> {
        static STACK: Shared<Stack> = Shared::new();
        STACK.get(Self::start()).await
    }

    async fn start() -> Result<Self> {
        let given = std::env::var_os(VARIABLE).map(PathBuf::from);
        let dir = match &given {
            Some(dir) => dir.clone(),
            None => Run::current()?.folder("stack")?,
        };
        let own = given.is_none();
        let (pivot, member) = tokio::try_join!(
            ApiServer::start("pivot-cluster", &dir, own),
            ApiServer::start("member-1", &dir, own)
        )?;
        Ok(Self { pivot, member })
    }
}

// === impl ApiServer ===

impl ApiServer {
    /// One of a test's own that asks this webhook (a kubeconfig) whose a bearer token is.
    ///
    /// # Errors
    /// A server that does not start.
    pub async fn with_token_webhook(name: &str, webhook: &Path) -> Result<Self> {
        let dir = Run::current()?.folder(name)?;
        let webhook = webhook.to_str().context("a path that is no text")?;
        Run::current()?.guard_api_server(&dir)?;
        Self::start_in(name, &dir, &["--token-webhook", webhook]).await
    }

    /// One of a test's own that knows the tokens of this file, in the form of `--token-auth-file`.
    ///
    /// # Errors
    /// A server that does not start.
    pub async fn with_token_file(name: &str, file: &Path) -> Result<Self> {
        let dir = Run::current()?.folder(name)?;
        let file = file.to_str().context("a path that is no text")?;
        Run::current()?.guard_api_server(&dir)?;
        Self::start_in(name, &dir, &["--token-file", file]).await
    }

    /// One of a test's own that speaks TLS 1.3 and nothing older.
    ///
    /// # Errors
    /// A server that does not start.
    pub async fn with_newest_tls(name: &str) -> Result<Self> {
        let dir = Run::current()?.folder(name)?;
        Run::current()?.guard_api_server(&dir)?;
        Self::start_in(name, &dir, &["--tls-min-version", "VersionTLS13"]).await
    }

    async fn start(name: &str, stack: &Path, own: bool) -> Result<Self> {
        let dir = stack.join(name);
        if own {
            Run::current()?.guard_api_server(&dir)?;
        }
        Self::start_in(name, &dir, &[]).await
    }

    async fn start_in(name: &str, dir: &Path, flags: &[&str]) -> Result<Self> {
        // `start` on a running server says where it is.
        let kubeconfig = script(&["start", name], dir, flags).await?;
        let gateway_kubeconfig = script(&["gateway-kubeconfig"], dir, &[]).await?;
        let kube = Kube::new(&kubeconfig)?;
        kube.make_cluster_admin("admin").await?;
        Ok(Self {
            name: name.to_owned(),
            kubeconfig,
            gateway_kubeconfig,
            kube,
        })
    }
}

/// Runs `apiserver.sh` and gives the path that it prints.
async fn script(arguments: &[&str], dir: &Path, flags: &[&str]) -> Result<PathBuf> {
    let run = Command::new(root().join("deploy/local/apiserver.sh"))
        .args(arguments)
        .arg(dir)
        .args(flags)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(SCRIPT, run)
        .await
        .with_context(|| format!("apiserver.sh {arguments:?} took longer than {SCRIPT:?}"))??;
    if !output.status.success() {
        bail!(
            "apiserver.sh {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(PathBuf::from(
        String::from_utf8_lossy(&output.stdout).trim(),
    ))
}
