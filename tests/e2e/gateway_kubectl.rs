//! kubectl, with a token and the gateway's URL.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::artifacts::root;
use cubegate_tests::kube::pod;
use cubegate_tests::{Run, Shared};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::support::{World, in_the_world, kube};

/// kubectl asks for the API's groups first; each is a request.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn kubectl_lists_pods_as_a_table() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.pivot.kube;
        let namespace = server.namespace("kubectl").await?;
        for number in 0..12 {
            let pods = format!("/api/v1/namespaces/{namespace}/pods");
            server
                .create(&pods, &pod(&format!("p-{number:02}")))
                .await?;
        }
        let listed = run(world, &["get", "pods", "--namespace", &namespace]).await?;
        let mut lines = listed.lines();
        let head: Vec<_> = lines
            .next()
            .context("nothing listed")?
            .split_whitespace()
            .collect();
        assert_eq!(head, ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]);
        let names: Vec<_> = lines
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        assert_eq!(names.len(), 12, "{listed}");
        assert_eq!(names[0], "p-00");
        Ok(())
    })
}

#[test]
fn kubectl_reads_on_in_chunks_and_writes() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.pivot.kube;
        let namespace = server.namespace("kubectl").await?;
        let namespace = namespace.as_str();
        for name in ["a", "b", "c"] {
            run(
                world,
                &[
                    "create",
                    "configmap",
                    name,
                    "--from-literal=k=v",
                    "--namespace",
                    namespace,
                ],
            )
            .await?;
        }
        let list = [
            "get",
            "configmaps",
            "--namespace",
            namespace,
            "--chunk-size=2",
            "--output=name",
        ];
        let listed = run(world, &list).await?;
        assert_eq!(
            listed.lines().collect::<Vec<_>>(),
            ["configmap/a", "configmap/b", "configmap/c"]
        );
        run(
            world,
            &[
                "label",
                "configmap",
                "a",
                "tier=front",
                "--namespace",
                namespace,
            ],
        )
        .await?;
        run(
            world,
            &["delete", "configmap", "b", "--namespace", namespace],
        )
        .await?;
        let maps = server
            .get(&format!("/api/v1/namespaces/{namespace}/configmaps"))
            .await?;
        assert_eq!(maps.names()?, ["a", "c"]);
        assert_eq!(
            maps.json()?["items"][0]["metadata"]["labels"]["tier"],
            "front"
        );
        Ok(())
    })
}

#[test]
fn kubectl_watches() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.pivot.kube;
        let namespace = server.namespace("kubectl").await?;
        let pods = format!("/api/v1/namespaces/{namespace}/pods");
        server.create(&pods, &pod("there-before")).await?;
        let mut kubectl = command(
            world,
            &[
                "get",
                "pods",
                "--watch",
                "--no-headers",
                "--namespace",
                &namespace,
            ],
        )
        .await?
        .stdout(Stdio::piped())
        .spawn()?;
        let mut lines = BufReader::new(kubectl.stdout.take().context("no stdout")?).lines();
        // The watch goes on where the list ended, so that nothing is missed.
        for name in ["there-before", "new-one"] {
            if name == "new-one" {
                server.create(&pods, &pod(name)).await?;
            }
            let line = tokio::time::timeout(PATIENCE, lines.next_line())
                .await??
                .unwrap_or_default();
            assert!(line.starts_with(name), "{line}");
        }
        kubectl.kill().await?;
        Ok(())
    })
}

/// kubectl on the gateway's `pivot-cluster`, as `admin`.
async fn command(world: &World, arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(kubectl().await?);
    let gateway = &world.gateway;
    command
        .arg("--server")
        .arg(gateway.client().base().to_owned() + &kube("pivot-cluster", ""))
        .arg("--certificate-authority")
        .arg(gateway.ca_file().context("a CA")?)
        .arg("--token")
        .arg(gateway.admin_token().await?)
        .args(arguments)
        .env("KUBECONFIG", "/dev/null")
        // Its cache of what the server offers.
        .env("HOME", Run::current()?.dir())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    Ok(command)
}

async fn run(world: &World, arguments: &[&str]) -> Result<String> {
    let output = tokio::time::timeout(PATIENCE, command(world, arguments).await?.output())
        .await
        .with_context(|| format!("kubectl {arguments:?} hangs"))??;
    ensure!(output.status.success(), "kubectl {arguments:?}: {output:?}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

async fn kubectl() -> Result<&'static PathBuf> {
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
