//! kubectl, with a token and the gateway's URL.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::artifacts::root;
use cubegate_tests::{Gateway, Run, Shared};
use tokio::process::Command;

/// kubectl asks for the API's groups first; each is a request.
const PATIENCE: Duration = Duration::from_secs(30);

/// kubectl with this token at a path of the gateway, `/clusters/member-1`.
pub(crate) async fn command(
    gateway: &Gateway,
    path: &str,
    token: &str,
    arguments: &[&str],
) -> Result<Command> {
    let mut command = Command::new(program().await?);
    command
        .arg("--server")
        .arg(gateway.client().base().to_owned() + path)
        .arg("--certificate-authority")
        .arg(gateway.ca_file().context("a CA")?)
        .arg("--token")
        .arg(token)
        .args(arguments)
        .env("KUBECONFIG", "/dev/null")
        // Its cache of what the server offers.
        .env("HOME", Run::current()?.dir())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    Ok(command)
}

/// The same, run to its end, whatever that is.
pub(crate) async fn run(
    gateway: &Gateway,
    path: &str,
    token: &str,
    arguments: &[&str],
) -> Result<Output> {
    let mut command = command(gateway, path, token, arguments).await?;
    tokio::time::timeout(PATIENCE, command.output())
        .await
        .with_context(|| format!("kubectl {arguments:?} hangs"))?
        .context("kubectl does not start")
}

/// kubectl with a kubeconfig.
pub(crate) async fn under(kubeconfig: &Path, arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(program().await?);
    command
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .args(arguments)
        .env("HOME", Run::current()?.folder("direct")?)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    Ok(command)
}

/// The same, past the gateway and run to its end.
pub(crate) async fn directly(kubeconfig: &Path, arguments: &[&str]) -> Result<Output> {
    let mut command = under(kubeconfig, arguments).await?;
    tokio::time::timeout(PATIENCE, command.output())
        .await
        .with_context(|| format!("kubectl {arguments:?} hangs"))?
        .context("kubectl does not start")
}

/// Where it is.
pub(crate) async fn program() -> Result<&'static PathBuf> {
    static KUBECTL: Shared<PathBuf> = Shared::new();
    KUBECTL
        .get(async {
            let tools = root().join("deploy/local/tools.sh");
            let output = Command::new(tools).arg("kubectl").output().await?;
            ensure!(output.status.success(), "tools.sh kubectl: {output:?}");
            Ok(PathBuf::from(
                String::from_utf8_lossy(&output.stdout).trim(),
            ))
        })
        .await
}
