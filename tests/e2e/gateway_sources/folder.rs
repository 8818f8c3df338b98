//! A folder of kubeconfigs.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::gateway::Options;
use cubegate_tests::kube::config_map;
use cubegate_tests::{Gateway, Site, Stack, block_on, kubeconfig, until};
use tokio::time::sleep;

use super::{PATIENCE, listed, times_logged, until_listed, until_status};
use crate::support::kube;

/// A gateway that follows a folder beside its data.
async fn gateway(name: &str) -> Result<(Gateway, PathBuf)> {
    let site = Site::new(name)?;
    let folder = site.dir().join("clusters");
    fs::create_dir(&folder)?;
    let options = Options {
        flags: vec![format!("--clusters-dir={}", folder.display())],
        ..Options::default()
    };
    Ok((Gateway::start(site, &options).await?, folder))
}

/// Puts a file in its place at once, as it should be done.
fn put(folder: &Path, name: &str, text: &[u8]) -> Result<()> {
    let beside = folder.join(".beside");
    fs::write(&beside, text)?;
    fs::rename(&beside, folder.join(name))?;
    Ok(())
}

#[test]
fn a_file_is_a_cluster_as_long_as_it_is_there_and_as_it_is() -> Result<()> {
    block_on(async {
        let stack = Stack::shared().await?;
        let (gateway, folder) = gateway("folder").await?;
        let site = gateway.site();
        let admin = gateway.admin().await?;
        let [pivot, member] =
            [&stack.pivot, &stack.member].map(|server| fs::read(&server.gateway_kubeconfig));
        let (pivot, member) = (pivot?, member?);
        site.add_plain_cluster("by-hand", 1).await?;

        put(&folder, "eu.prod-1.yaml", &pivot)?;
        fs::write(folder.join("other"), &pivot)?;
        let both = [
            ("by-hand", "cli"),
            ("eu.prod-1", "folder"),
            ("other", "folder"),
        ];
        until_listed(site, "both are registered", &both).await?;
        until_status(&admin, &kube("eu.prod-1", "/version"), 200).await?;
        let clusters = admin.get("/api/v1/cube/clusters").send().await?;
        assert_eq!(clusters.json()?["items"][1]["source"], "folder");

        // Only the folder changes and removes them.
        let path = "/api/v1/cube/clusters/eu.prod-1";
        let refused = admin.delete(path).send().await?.cube_error(400)?;
        let reason = "it comes from the folder of kubeconfigs (--clusters-dir): change or remove its file there";
        assert_eq!(
            refused,
            format!("cluster eu.prod-1 is not changed here: {reason}.")
        );
        let file = stack.member.gateway_kubeconfig.display().to_string();
        let replace = [
            "cluster",
            "add",
            "eu.prod-1",
            "--replace",
            "--kubeconfig",
            &file,
        ];
        for command in [&["cluster", "remove", "eu.prod-1"][..], &replace] {
            let refused = site.run(command).await?;
            ensure!(refused.code == Some(1), "{refused:?}");
            ensure!(refused.stderr.contains(reason), "{refused:?}");
        }
        until_listed(site, "they stay", &both).await?;

        // Another server takes its place.
        let namespace = stack.member.kube.namespace("sources").await?;
        let there = kube("eu.prod-1", &format!("/api/v1/namespaces/{namespace}"));
        until_status(&admin, &there, 404).await?;
        put(&folder, "eu.prod-1.yaml", &member)?;
        until_status(&admin, &there, 200).await?;

        // What is of no use is told once, by name, without what is in it, and harms nobody.
        put(&folder, "by-hand.yaml", &member)?;
        put(&folder, "broken.yaml", b"token: s3cret: [")?;
        put(&folder, "No_Name.yaml", &member)?;
        put(&folder, "large.yaml", &vec![b'#'; 300 << 10])?;
        let mut exec = kubeconfig::document("https://127.0.0.1:1", None);
        exec["users"][0]["user"] =
            serde_json::json!({ "exec": { "apiVersion": "v1", "command": "/bin/true" } });
        put(&folder, "exec.json", exec.to_string().as_bytes())?;
        put(&folder, "other.json", &member)?;
        for words in [
            "registered on the command line and stays as it is",
            "the kubeconfig is not valid YAML or JSON",
            "the cluster name \\\"No_Name\\\"",
            "is longer than 256 KiB",
            "exec plugin",
            "two files have this name",
        ] {
            until(words, PATIENCE, async || {
                let words = words.replace('\\', "");
                let log = fs::read_to_string(site.dir().join("up.log"))?.replace('\\', "");
                Ok(log.contains(&words).then_some(()))
            })
            .await?;
        }
        put(&folder, "good.yaml", &pivot)?;
        until_status(&admin, &kube("good", "/version"), 200).await?;
        fs::remove_file(folder.join("other.json"))?;
        sleep(Duration::from_secs(3)).await;
        assert_eq!(times_logged(&gateway, "is longer than 256 KiB")?, 1);
        assert_eq!(times_logged(&gateway, "s3cret")?, 0);
        let all = [
            ("by-hand", "cli"),
            ("eu.prod-1", "folder"),
            ("good", "folder"),
            ("other", "folder"),
        ];
        until_listed(site, "the good ones are there", &all).await?;

        // What goes is removed, also the last one, and what was made by hand stays.
        // A watch over HTTP/2, as API servers speak it, goes on without its cluster.
        let namespace = stack.pivot.kube.namespace("sources").await?;
        let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
        let watch = kube("other", &format!("{maps}?watch=true"));
        let mut watch = admin.get(&watch).open().await?;
        assert_eq!(watch.status, 200);
        for name in ["eu.prod-1.yaml", "other"] {
            fs::remove_file(folder.join(name))?;
        }
        until_status(&admin, &kube("eu.prod-1", "/version"), 404).await?;
        let rest = [("by-hand", "cli"), ("good", "folder")];
        until_listed(site, "two are removed", &rest).await?;
        until_status(&admin, &kube("other", "/version"), 404).await?;
        for name in ["first", "second"] {
            sleep(Duration::from_secs(3)).await;
            let map = config_map(name, &serde_json::json!({}));
            stack.pivot.kube.create(&maps, &map).await?;
            assert_eq!(
                watch.event(PATIENCE).await?["object"]["metadata"]["name"],
                name
            );
        }
        fs::remove_file(folder.join("good.yaml"))?;
        until_listed(site, "all are removed", &[("by-hand", "cli")]).await?;

        let changes = ["audit", "export", "--filter", "source=follow"];
        let changes = site.ok(&changes).await?;
        for verb in ["create", "update", "delete"] {
            ensure!(
                changes.contains(&format!("\"verb\":\"{verb}\"")),
                "{changes}"
            );
        }
        ensure!(changes.contains("\"client\":\"folder\""), "{changes}");
        gateway.health().check().await
    })
}

#[test]
fn a_secret_that_is_mounted_changes_by_the_swap_of_a_link() -> Result<()> {
    block_on(async {
        let stack = Stack::shared().await?;
        let (gateway, folder) = gateway("folder-secret").await?;
        let site = gateway.site();
        let admin = gateway.admin().await?;
        // As kubelets do it: files are links into `..data`, which is a link that is swapped.
        let version = |name: &str, files: &[(&str, &Path)]| -> Result<()> {
            let data = folder.join(name);
            fs::create_dir(&data)?;
            for (file, from) in files {
                fs::copy(from, data.join(file))?;
            }
            let beside = folder.join("..data_tmp");
            symlink(name, &beside)?;
            fs::rename(&beside, folder.join("..data"))?;
            Ok(())
        };
        let (pivot, member) = (
            stack.pivot.gateway_kubeconfig.as_path(),
            stack.member.gateway_kubeconfig.as_path(),
        );
        version("..2026_1", &[("a.yaml", pivot), ("b.yaml", pivot)])?;
        for file in ["a.yaml", "b.yaml"] {
            symlink(format!("..data/{file}"), folder.join(file))?;
        }
        let both = [("a", "folder"), ("b", "folder")];
        until_listed(site, "both are registered", &both).await?;
        let namespace = stack.member.kube.namespace("sources").await?;
        let there = kube("a", &format!("/api/v1/namespaces/{namespace}"));
        until_status(&admin, &there, 404).await?;

        version("..2026_2", &[("a.yaml", member), ("c.yaml", member)])?;
        fs::remove_file(folder.join("b.yaml"))?;
        symlink("..data/c.yaml", folder.join("c.yaml"))?;
        until_status(&admin, &there, 200).await?;
        let now = [("a", "folder"), ("c", "folder")];
        until_listed(site, "one has gone, one has come", &now).await?;
        gateway.health().check().await
    })
}

#[test]
fn a_folder_that_is_away_removes_nothing() -> Result<()> {
    block_on(async {
        let (gateway, folder) = gateway("folder-away").await?;
        let site = gateway.site();
        let document = |port: u16| {
            let server = format!("http://127.0.0.1:{port}");
            kubeconfig::document(&server, None).to_string()
        };
        for name in ["a", "b"] {
            put(&folder, name, document(1).as_bytes())?;
        }
        let both = [("a", "folder"), ("b", "folder")];
        until_listed(site, "both are registered", &both).await?;

        let elsewhere = folder.with_extension("elsewhere");
        fs::rename(&folder, &elsewhere)?;
        until("it is told", PATIENCE, async || {
            Ok((times_logged(&gateway, "a source of clusters cannot be read")? > 0).then_some(()))
        })
        .await?;
        // It comes back without anything, as a volume does that is not mounted.
        fs::create_dir(&folder)?;
        until("that it is empty is told", PATIENCE, async || {
            Ok((times_logged(&gateway, "is empty, and was not seen otherwise")? > 0).then_some(()))
        })
        .await?;
        sleep(Duration::from_secs(4)).await;
        assert_eq!(listed(site).await?.len(), 2);
        fs::remove_dir(&folder)?;
        fs::rename(&elsewhere, &folder)?;
        put(&folder, "c", document(1).as_bytes())?;
        let three = [("a", "folder"), ("b", "folder"), ("c", "folder")];
        until_listed(site, "it is followed again", &three).await?;
        fs::remove_file(folder.join("a"))?;
        let two = [("b", "folder"), ("c", "folder")];
        until_listed(site, "it is believed again", &two).await?;
        assert_eq!(
            times_logged(&gateway, "a source of clusters cannot be read")?,
            1
        );

        // Where nobody follows a source any more, an operator may take its clusters out.
        let force = ["cluster", "remove", "b", "--force"];
        site.ok(&force).await.context("by force")?;
        until_listed(site, "it is gone", &[("c", "folder")]).await?;
        Ok(())
    })
}
