//! How clusters are, as an administrator sees it, and a cluster that is tried before it is
//! added.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cubegate_tests::gateway::free_port;
use cubegate_tests::kubeconfig;
use cubegate_tests::kubeconfig::Kubeconfig;
use cubegate_tests::run::unique;
use cubegate_tests::{Client, Site, block_on, until};
use serde_json::{Value, json};

use crate::support::{cube, in_the_world};

const CLUSTERS: &str = "/api/v1/cube/clusters";

const PATIENCE: Duration = Duration::from_secs(20);

/// The item of a cluster, as soon as it has this status.
async fn until_it_is(admin: &Client, cluster: &str, status: &str) -> Result<Value> {
    until("the cluster was looked at", PATIENCE, || async {
        let list = admin.get(CLUSTERS).send().await?.expect(200)?.json()?;
        let items = list["items"].as_array().context("no items")?;
        let item = items.iter().find(|item| item["name"] == json!(cluster));
        Ok(item.filter(|item| item["status"] == json!(status)).cloned())
    })
    .await
}

#[test]
fn a_cluster_that_answers_tells_version_and_latency_and_where_it_came_from() -> Result<()> {
    in_the_world(async |world| {
        let admin = world.gateway.admin().await?;
        let item = until_it_is(&admin, "member-1", "normal").await?;
        let version = admin.get(&cube("member-1", "/version")).send().await?;
        let version = version.expect(200)?.json()?;
        ensure!(item["version"] == version["gitVersion"], "{item}");
        ensure!(
            item["latencyMs"].as_u64().is_some_and(|ms| ms > 0),
            "{item}"
        );
        ensure!(item["reason"] == json!(""), "{item}");
        ensure!(item["source"] == json!("cli"), "{item}");
        // Its credential is a client certificate.
        ensure!(item["credentialExpiresAt"].is_string(), "{item}");
        // The command is another process, which asks no cluster.
        let site = world.gateway.site();
        until("the command knows it, too", PATIENCE, || async {
            let shown = site.ok(&["cluster", "list", "-o", "json"]).await?;
            let shown: Value = serde_json::from_str(&shown)?;
            let items = shown["items"].as_array().context("no items")?;
            let same = |known: &&Value| {
                ["name", "status", "since", "version", "credentialExpiresAt"]
                    .iter()
                    .all(|field| known[field] == item[field])
            };
            Ok(items.iter().find(same).map(drop))
        })
        .await?;
        let is_host = |item: &Value| item["host"] == json!(true);
        ensure!(!is_host(&item));
        ensure!(is_host(
            &until_it_is(&admin, "pivot-cluster", "normal").await?
        ));
        Ok(())
    })
}

#[test]
fn a_cluster_that_is_of_no_use_says_why_and_since_when() -> Result<()> {
    in_the_world(async |world| {
        let (gateway, admin) = (&world.gateway, world.gateway.admin().await?);
        let site = gateway.site();
        let down = format!("silent-{}", unique());
        site.add_plain_cluster(&down, free_port()?).await?;
        let item = until_it_is(&admin, &down, "abnormal").await?;
        let reason = item["reason"].as_str().context("no reason")?;
        ensure!(reason.contains("refuses connections"), "{reason}");
        ensure!(item.get("latencyMs").is_none(), "{item}");

        let member = &world.stack.member.gateway_kubeconfig;
        let Kubeconfig { server, ca, .. } = Kubeconfig::read(member)?;
        let ca = String::from_utf8(ca)?;
        let mut document = kubeconfig::document(&server, Some(&ca));
        document["users"][0]["user"] = json!({ "token": "of-somebody-else" });
        let refused = format!("refused-{}", unique());
        let file = site.dir().join(format!("{refused}.kubeconfig"));
        fs::write(&file, document.to_string())?;
        site.add_cluster(&refused, &file, false).await?;
        let item = until_it_is(&admin, &refused, "abnormal").await?;
        let reason = item["reason"].as_str().context("no reason")?;
        ensure!(
            reason.contains("does not accept the credential"),
            "{reason}"
        );
        ensure!(
            item["since"].as_str() >= item["createdAt"].as_str(),
            "{item}"
        );

        for name in [&down, &refused] {
            site.ok(&["cluster", "remove", name]).await?;
        }
        Ok(())
    })
}

#[test]
fn a_cluster_is_tried_before_it_is_added_and_nothing_is_kept() -> Result<()> {
    in_the_world(async |world| {
        let admin = world.gateway.admin().await?;
        let check = format!("{CLUSTERS}/check");
        let text = fs::read_to_string(&world.stack.member.gateway_kubeconfig)?;
        let name = format!("tried-{}", unique());
        for name in ["", &name] {
            let body = json!({ "name": name, "kubeconfig": text });
            let said = admin.post(&check).json(&body).send().await?.expect(200)?;
            let said = said.json()?;
            let version = said["version"].as_str().context("no version")?;
            ensure!(version.starts_with('v'), "{said}");
            ensure!(said["warnings"].is_array(), "{said}");
            ensure!(
                said["contexts"]
                    .as_array()
                    .is_some_and(|all| !all.is_empty())
            );
        }
        let list = admin.get(CLUSTERS).send().await?.expect(200)?;
        ensure!(!list.text().contains(&name), "{}", list.text());

        let body = json!({ "name": "member-1", "kubeconfig": text });
        let taken = admin.post(&check).json(&body).send().await?;
        ensure!(taken.cube_error(400)? == "cluster member-1 exists.");
        let server = format!("http://127.0.0.1:{}", free_port()?);
        let dead = kubeconfig::document(&server, None).to_string();
        let body = json!({ "name": name, "kubeconfig": dead });
        let mut said = Vec::new();
        for path in [check.as_str(), CLUSTERS] {
            said.push(admin.post(path).json(&body).send().await?.cube_error(400)?);
        }
        ensure!(said[0].contains("refuses connections"), "{said:?}");
        ensure!(said[0] == said[1], "{said:?}");
        Ok(())
    })
}

#[test]
fn a_credential_that_ends_soon_is_told_in_the_list() -> Result<()> {
    block_on(async {
        let site = Site::new("ending")?;
        let in_days = |days: u64| -> Result<String> {
            let ends = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + days * 86_400 + 60;
            let payload = URL_SAFE_NO_PAD.encode(json!({ "exp": ends }).to_string());
            Ok(format!("e30.{payload}.c2ln"))
        };
        for (name, days) in [("soon", 13), ("later", 15)] {
            let mut document = kubeconfig::document("https://127.0.0.1:1", None);
            document["users"][0]["user"] = json!({ "token": in_days(days)? });
            let file = site.dir().join(format!("{name}.kubeconfig"));
            fs::write(&file, document.to_string())?;
            site.add_cluster(name, &file, false).await?;
        }
        let listed = site.run(&["cluster", "list"]).await?;
        let said = "the gateway's credential at cluster soon ends in 13 days";
        ensure!(listed.stderr.contains(said), "{listed:?}");
        ensure!(!listed.stderr.contains("cluster later"), "{listed:?}");
        Ok(())
    })
}
