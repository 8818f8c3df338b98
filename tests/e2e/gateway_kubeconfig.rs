//! The kubeconfig that the gateway gives, under a real kubectl, which leaves the path of its
//! server out of what it asks by `--raw` and as a proxy.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_tests::kube::config_map;
use cubegate_tests::run::unique;
use cubegate_tests::{Client, Gateway, Options, Stack, block_on};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::support::{World, cube, in_the_world, kube, kubectl};

const PATIENCE: Duration = Duration::from_secs(30);

/// The administrator's kubeconfig, in a file.
async fn kubeconfig(gateway: &Gateway) -> Result<(PathBuf, Value)> {
    let client = gateway.admin().await?;
    let answer = client.get("/api/v1/cube/user/kubeconfigs").send().await?;
    let text = answer.expect(200)?.json()?;
    let text = STANDARD.decode(text.as_str().context("no text")?)?;
    let file = gateway.site().dir().join(format!("{}.yaml", unique()));
    tokio::fs::write(&file, &text).await?;
    Ok((file, serde_json::from_slice(&text)?))
}

/// What kubectl prints under that file, both ways, and whether it was content.
async fn run(file: &Path, arguments: &[&str]) -> Result<(bool, String)> {
    let output = kubectl::under(file, arguments).await?.output();
    let output = tokio::time::timeout(PATIENCE, output).await??;
    let text = [output.stdout, output.stderr].concat();
    Ok((
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    ))
}

#[test]
fn each_context_reaches_its_cluster_and_the_current_one_is_the_host() -> Result<()> {
    in_the_world(async |world| {
        let (file, config) = kubeconfig(&world.gateway).await?;
        assert_eq!(config["current-context"], "pivot-cluster");
        for (cluster, server) in [
            ("pivot-cluster", &world.stack.pivot),
            ("member-1", &world.stack.member),
        ] {
            let namespace = server.kube.namespace("contexts").await?;
            let asked = ["--context", cluster, "get", "namespaces", "-o", "name"];
            let (good, listed) = run(&file, &asked).await?;
            ensure!(good && listed.contains(&namespace), "{listed}");
            let asked = [
                "--context",
                cluster,
                "--as",
                "bob",
                "auth",
                "can-i",
                "get",
                "pods",
            ];
            let (_, said) = run(&file, &asked).await?;
            assert_eq!(said.trim(), "no", "{cluster}");
        }
        Ok(())
    })
}

#[test]
fn a_raw_path_and_a_proxy_of_kubectl_do_not_land_on_another_cluster() -> Result<()> {
    in_the_world(async |world| {
        let (file, config) = kubeconfig(&world.gateway).await?;
        let host = &world.stack.pivot.kube;
        let namespace = host.namespace("raw").await?;
        let path = format!("/api/v1/namespaces/{namespace}/configmaps");
        host.create(&path, &config_map("same", &json!({ "a": "b" })))
            .await?;
        let path = format!("{path}/same");

        // kubectl of every version, with the path that it makes of `--raw` before 1.34.
        let users = config["users"].as_array().context("no users")?;
        let user = users.iter().find(|user| {
            user["name"]
                .as_str()
                .is_some_and(|name| name.ends_with("@member-1"))
        });
        let token = user.context("no user of member-1")?["user"]["token"].as_str();
        let client: Client = world
            .gateway
            .client()
            .with_bearer(token.context("no token")?)?;
        let refused = client.delete(&path).send().await?;
        ensure!(
            refused
                .header("warning")
                .is_some_and(|text| text.contains("/clusters/member-1/")),
            "{}",
            refused.describe()
        );
        let words = refused.kube_error(403)?;
        ensure!(words.contains("write /clusters/member-1/api"), "{words}");
        client
            .get(&kube("pivot-cluster", "/version"))
            .send()
            .await?
            .kube_error(403)?;

        // The real one, as it is.
        let raw = ["--context", "member-1", "delete", "--raw", &path];
        let (good, said) = run(&file, &raw).await?;
        ensure!(!good, "{said}");
        let proxy = ["--context", "member-1", "proxy", "--port=0"];
        let mut proxy = kubectl::under(&file, &proxy)
            .await?
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(proxy.stdout.take().context("no stdout")?).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await??;
        let line = line.context("no line")?;
        let address = line.rsplit(' ').next().unwrap_or_default();
        let through = Client::plain(&format!("http://{address}"))?;
        let refused = through.delete(&path).send().await?;
        ensure!(refused.status == 403, "{}", refused.describe());
        proxy.kill().await?;

        host.get(&path).await?;
        Ok(())
    })
}

#[test]
fn a_cluster_that_is_not_there_is_named_to_people_at_kubectl() -> Result<()> {
    in_the_world(async |world| {
        let token = world.gateway.admin_token().await?;
        let server = format!(
            "--server={}{}",
            world.gateway.client().base(),
            kube("mmeber-1", "")
        );
        let token = format!("--token={token}");
        let (file, _) = kubeconfig(&world.gateway).await?;
        let skip = "--insecure-skip-tls-verify";
        for asked in [
            &["get", "pods"][..],
            &["version"],
            &["auth", "can-i", "get", "pods"],
        ] {
            let arguments = [&[server.as_str(), token.as_str(), skip], asked].concat();
            let (good, said) = run(&file, &arguments).await?;
            ensure!(
                !good && said.contains("cluster mmeber-1 not found"),
                "{said}"
            );
        }
        Ok(())
    })
}

#[test]
fn a_list_that_is_cut_for_kubecubes_clients_says_so_to_others() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.member.kube;
        let namespace = server.namespace("cut").await?;
        let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
        for number in 0..12 {
            let map = config_map(&format!("m-{number:02}"), &json!({}));
            server.create(&maps, &map).await?;
        }
        let client = world.gateway.admin().await?;
        let json = "application/json";
        let cut = client.get(&cube("member-1", &maps)).header("accept", json);
        let cut = cut.send().await?.expect(200)?;
        assert_eq!(cut.names()?.len(), 10);
        let warning = cut.header("warning").context("no warning")?;
        ensure!(
            warning.starts_with("299 - \"this is page 1 with 10 of 12"),
            "{warning}"
        );
        for whole in [
            cube("member-1", &format!("{maps}?pageSize=5")),
            cube("member-1", &format!("{maps}?isFilter=false")),
            cube("member-1", &format!("{maps}?limit=500")),
            cube("member-1", &format!("{maps}?selector=metadata.name~m-00")),
            kube("member-1", &maps),
        ] {
            let answer = client.get(&whole).header("accept", json).send().await?;
            assert_eq!(answer.expect(200)?.header("warning"), None, "{whole}");
        }
        // kubectl shows it, where it is given such a path and asks for no pieces.
        let server = format!(
            "--server={}{}",
            world.gateway.client().base(),
            cube("member-1", "")
        );
        let token = format!("--token={}", world.gateway.admin_token().await?);
        let (file, _) = kubeconfig(&world.gateway).await?;
        let arguments = [
            server.as_str(),
            &token,
            "--insecure-skip-tls-verify",
            "get",
            "--raw",
            &cube("member-1", &maps),
        ];
        let (good, said) = run(&file, &arguments).await?;
        ensure!(good && said.contains("Warning: this is page 1"), "{said}");
        Ok(())
    })
}

#[test]
fn paths_without_a_cluster_can_be_switched_off() -> Result<()> {
    block_on(async {
        let stack = Stack::shared().await?;
        let options = Options {
            flags: vec!["--no-host-paths".to_owned()],
            ..Options::default()
        };
        let gateway = World::gateway_with("no-host-paths", stack, &options).await?;
        let client = gateway.admin().await?;
        for path in ["/api", "/apis/apps/v1/deployments", "/api/v1/namespaces"] {
            let words = client.get(path).send().await?.kube_error(404)?;
            ensure!(words.contains("names no cluster"), "{words}");
        }
        // The gateway's own word, as without a credential.
        client.get("/version").send().await?.expect(200)?;
        for path in [
            kube("pivot-cluster", "/version"),
            kube("host", "/version"),
            "/api/clusters/pivot-cluster/v1/namespaces".to_owned(),
        ] {
            client.get(&path).send().await?.expect(200)?;
        }
        gateway.health().check().await
    })
}
