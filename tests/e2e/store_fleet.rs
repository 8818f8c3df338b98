//! Several control planes on one database with one set of keys, before a fleet of Envoys with
//! one certificate.

use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};
use cubegate_tests::elsewhere::{Elsewhere, Serve};
use cubegate_tests::faults::{Scripted, list, whole};
use cubegate_tests::postgres::Postgres;
use cubegate_tests::{Client, Site, block_on, until};
use serde_json::Value;

use crate::support::cube;

const PATIENCE: Duration = Duration::from_secs(30);
const PASSWORD: &str = "a password for a fleet";

/// Keys of one folder, the database of one file.
fn mk_site(name: &str, shared: &Site) -> Result<Site> {
    let file = |name: &str| shared.dir().join(name).display().to_string();
    Ok(Site::new(name)?
        .with_variable("CUBEGATE_KEYS_DIR", &file("keys"))
        .with_variable("CUBEGATE_DATABASE_URL_FILE", &file("url")))
}

async fn ready(envoy: &Elsewhere) -> Result<()> {
    until("Envoy is ready", PATIENCE, || async {
        Ok(envoy.is_ready().await?.then_some(()))
    })
    .await
}

async fn status(client: &Client, path: &str) -> Result<u16> {
    Ok(client.get(path).send().await?.status)
}

#[test]
fn one_of_two_control_planes_and_one_of_two_envoys_are_enough() -> Result<()> {
    block_on(async {
        let upstream = Scripted::start(whole(&list(&["a"]))).await?;
        let shared = Site::new("fleet-shared")?;
        let database = Postgres::shared()?.database("fleet")?;
        fs::write(shared.dir().join("url"), format!("{database}\n"))?;

        // Nothing is made up that others would not know.
        let one = mk_site("fleet-one", &shared)?;
        let filter = one.artifacts().filter.display().to_string();
        let refused = one.run(&["serve", "--plain", "--filter", &filter]).await?;
        let sentence = refused.one_sentence()?;
        ensure!(sentence.contains("cubegate keys init"), "{sentence}");
        let keys = shared.dir().join("keys").display().to_string();
        let said = shared.ok(&["keys", "init", "--keys-dir", &keys]).await?;
        ensure!(said.contains("xds-ca.key"), "{said}");

        let mut one = Serve::start(one, &["--log-format", "json"]).await?;
        let port = one.listen();
        let two = Serve::start_at(mk_site("fleet-two", &shared)?, port, &[]).await?;
        let site = two.site();
        site.add_plain_cluster("first", upstream.port()).await?;
        site.add_user("jane", PASSWORD).await?;
        let pair = site.create_key("jane").await?;

        // One certificate, two names.
        let mut envoys = Vec::new();
        for name in ["fleet/a", "fleet/b"] {
            let bootstrap = one
                .bootstrap_for("fleet", "fleet", envoys.is_empty(), &[&two])
                .await?;
            let flags = ["--service-node", name];
            envoys.push(two.envoy_with("fleet", &bootstrap, &flags).await?);
        }
        let (mut first, second) = (envoys.remove(0), envoys.remove(0));
        for envoy in [&first, &second] {
            ready(envoy).await?;
        }
        until("both are told apart", PATIENCE, || async {
            let listed = site.ok(&["envoys"]).await?;
            Ok(["fleet/a", "fleet/b"]
                .iter()
                .all(|name| listed.contains(name))
                .then_some(()))
        })
        .await?;

        // A token of one is good at the other, and the access line says whose it is.
        let path = cube("first", "/api/v1/configmaps");
        let client = two.listener()?;
        let token = client.get(&pair.token_path()).send().await?.expect(200)?;
        let token = token.json()?["token"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let jane = client.with_bearer(&token)?;
        for _ in 0..20 {
            assert_eq!(
                status(&two.listener()?.with_bearer(&token)?, &path).await?,
                200
            );
        }
        until("an access line names the caller", PATIENCE, || async {
            let lines = format!("{}{}", first.log()?, second.log()?);
            let known = format!(
                "user=jane key={} cluster=first verb=list resource=configmaps",
                pair.access_key
            );
            let as_json = |line: &str| serde_json::from_str::<Value>(line).ok();
            let object = lines.lines().filter_map(as_json).find(|line| {
                line["user"] == "jane" && line["resource"] == "configmaps" && line["status"] == 200
            });
            // Each Envoy writes as the control plane says that it is connected to.
            Ok((lines.contains(&known) || object.is_some()).then_some(()))
        })
        .await?;
        ensure!(!format!("{}{}", first.log()?, second.log()?).contains(&pair.secret_key));
        for line in one.log()?.lines().filter(|line| line.starts_with('{')) {
            serde_json::from_str::<Value>(line)?;
        }
        ensure!(one.log()?.contains("\"level\":\"INFO\""));

        // Without the control plane that has issued the certificate, and without an Envoy.
        one.kill().await?;
        first.kill().await?;
        until(
            "the other Envoy is at the other control plane",
            PATIENCE,
            || async {
                let state = second.stat("control_plane.connected_state").await?;
                Ok((state == 1).then_some(()))
            },
        )
        .await?;
        assert_eq!(
            status(&two.listener()?.with_bearer(&token)?, &path).await?,
            200
        );
        site.ok(&["user", "disable", "jane"]).await?;
        until("what changes is in force", PATIENCE, || async {
            let client = two.listener()?.with_bearer(&token)?;
            Ok((status(&client, &path).await? == 401).then_some(()))
        })
        .await?;
        drop(jane);
        Ok(())
    })
}
