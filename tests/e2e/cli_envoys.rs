//! What an Envoy refuses of a cluster is told to whoever registers it.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_tests::run::unique;
use cubegate_tests::{Site, block_on, kubeconfig, until};
use rcgen::{CertificateParams, KeyPair};
use serde_json::json;

use crate::support::Playground;

/// Its CA was made in a month that does not exist: our own TLS does not look at that,
/// Envoy's does.
pub(crate) fn refused_kubeconfig() -> Result<String> {
    let key = KeyPair::generate()?;
    let mut certificate = CertificateParams::new(Vec::new())?
        .self_signed(&key)?
        .der()
        .to_vec();
    let time = certificate
        .windows(2)
        .position(|begin| begin == [0x17, 0x0d])
        .context("no UTCTime in it")?;
    certificate
        .get_mut(time + 4..time + 6)
        .context("a time that is too short")?
        .copy_from_slice(b"99");
    let body = STANDARD.encode(certificate);
    let lines: Vec<_> = body
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    );
    Ok(kubeconfig::document("https://127.0.0.1:1", Some(&pem)).to_string())
}

#[test]
fn a_cluster_that_envoy_refuses_is_told_when_it_is_added_and_in_the_list() -> Result<()> {
    // Its own gateway: clusters that are added later wait with the refused one.
    block_on(async {
        // The cluster is on this machine.
        let flags = ["--allow-cluster-address=127.0.0.0/8"];
        let playground = Playground::of(Site::new("refusing")?, true, &flags).await?;
        let site = playground.gateway.site();
        let name = format!("refused-{}", unique());
        let file = site.dir().join(format!("{name}.kubeconfig"));
        std::fs::write(&file, refused_kubeconfig()?)?;
        let file = file.to_str().context("a path that is no text")?;
        let added = site
            .run(&["cluster", "add", &name, "--no-check", "--kubeconfig", file])
            .await?;
        ensure!(added.code == Some(0), "{added:?}");
        let told = " refuses the cluster and does not serve it: ";
        ensure!(added.stderr.contains("warning: the Envoy up-"), "{added:?}");
        ensure!(added.stderr.contains(told), "{added:?}");

        let listed = site.run(&["cluster", "list"]).await?;
        let row = listed.stdout.lines().find(|row| row.starts_with(&name));
        ensure!(
            row.is_some_and(|row| row.ends_with("refused by 1 of 1")),
            "{listed:?}"
        );
        ensure!(
            listed
                .stderr
                .contains(&format!(" refuses cluster {name}: ")),
            "{listed:?}"
        );

        let envoys = site.run(&["envoys"]).await?;
        let row = envoys.stdout.lines().find(|row| row.starts_with("up-"));
        let row = row.context("the Envoy is not listed")?;
        for told in ["  1.40.", "  127.0.0.1:", "  refuses 1  ", " Listener"] {
            ensure!(row.contains(told), "{told:?} in {envoys:?}");
        }
        let told = [" refuses the Secret ", &name]
            .iter()
            .all(|told| envoys.stderr.contains(told));
        ensure!(told, "{envoys:?}");

        // All others go on as before.
        let good = format!("good-{}", unique());
        site.add_plain_cluster(&good, 1).await?;
        until("it is taken", Duration::from_secs(60), || async {
            let listed = site.ok(&["cluster", "list"]).await?;
            let row = listed.lines().find(|row| row.starts_with(&good));
            Ok(row.filter(|row| row.ends_with("1 of 1")).map(drop))
        })
        .await?;

        // The same over the API.
        let client = playground.client()?;
        let body = json!({"name": format!("{name}-2"), "kubeconfig": refused_kubeconfig()?, "check": false});
        let answer = client
            .post("/api/v1/cube/clusters")
            .json(&body)
            .send()
            .await?;
        let answer = answer.expect(200)?.json()?;
        let warnings = answer["warnings"].to_string();
        ensure!(warnings.contains(" refuses the cluster"), "{answer}");
        let listed = client
            .get("/api/v1/cube/clusters")
            .send()
            .await?
            .expect(200)?
            .json()?;
        let items = listed["items"].as_array().context("no items")?;
        let item = items.iter().find(|item| item["name"] == name);
        let envoys = &item.context("it is not listed")?["envoys"];
        ensure!(
            envoys["connected"] == 1 && !envoys["refused"][0]["reason"].is_null(),
            "{envoys}"
        );

        let listed = client
            .get("/api/v1/cube/envoys")
            .send()
            .await?
            .expect(200)?
            .json()?;
        let envoy = &listed["items"][0];
        ensure!(
            listed["total"] == 1
                && envoy["upToDate"] == false
                && envoy["refusedTotal"] == 2
                && envoy["refused"][0]["kind"] == "Secret"
                && !envoy["refused"][0]["reason"].is_null()
                && envoy["accepted"]
                    .as_array()
                    .is_some_and(|types| types.len() >= 4),
            "{listed}"
        );

        playground.gateway.health().check().await
    })
}

#[test]
fn without_an_envoy_nothing_is_said_of_any() -> Result<()> {
    block_on(async {
        let site = Site::new("no-envoys")?;
        site.begin().await?;
        let file = kubeconfig::write(site.dir(), "m", "http://127.0.0.1:1", None)?;
        let file = file.to_str().context("a path that is no text")?;
        let added = site
            .run(&["cluster", "add", "m", "--no-check", "--kubeconfig", file])
            .await?;
        ensure!(
            added.code == Some(0) && !added.stderr.contains("Envoy"),
            "{added:?}"
        );
        let listed = site.ok(&["cluster", "list"]).await?;
        ensure!(listed.contains("none connected"), "{listed}");
        let envoys = site.ok(&["envoys"]).await?;
        ensure!(envoys.lines().count() == 1, "{envoys}");
        Ok(())
    })
}
