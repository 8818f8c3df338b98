//! kubectl, with a token and the gateway's URL.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::kube::pod;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::support::{World, in_the_world, kube, kubectl};

/// How long a watch may take to tell.
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
    let (gateway, path) = (&world.gateway, kube("pivot-cluster", ""));
    kubectl::command(gateway, &path, gateway.admin_token().await?, arguments).await
}

async fn run(world: &World, arguments: &[&str]) -> Result<String> {
    let (gateway, path) = (&world.gateway, kube("pivot-cluster", ""));
    let output = kubectl::run(gateway, &path, gateway.admin_token().await?, arguments).await?;
    ensure!(output.status.success(), "kubectl {arguments:?}: {output:?}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
