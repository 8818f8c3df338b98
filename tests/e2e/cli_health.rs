//! The health check of the images, and what their first start writes.

use std::fs;

use anyhow::{Result, ensure};
use cubegate_tests::{Site, block_on};

use crate::support::Playground;

#[test]
fn health_is_asked_at_the_filter_and_at_the_control_plane() -> Result<()> {
    block_on(async {
        let playground = Playground::of(Site::new("health")?, true, &[]).await?;
        let gateway = &playground.gateway;
        let endpoints = gateway.endpoints();
        // One shows the listener's certificate, the other that of a CA of its own.
        for live in [
            format!("{}/livez/filter", endpoints.gateway),
            format!("{}/livez", endpoints.control_plane),
        ] {
            gateway.site().ok(&["health", &live]).await?;
        }
        let missing = format!("{}/nothing-here", endpoints.control_plane);
        let refused = gateway.site().run(&["health", &missing]).await?;
        ensure!(refused.code == Some(1), "{refused:?}");
        ensure!(refused.one_sentence()?.contains(", not 200"), "{refused:?}");
        let away = ["health", "https://198.51.100.1/livez"];
        let refused = gateway.site().run(&away).await?;
        ensure!(refused.code == Some(2), "{refused:?}");
        ensure!(refused.stderr.contains("a loopback address"), "{refused:?}");
        Ok(())
    })
}

#[test]
fn a_certificate_that_is_good_is_kept_and_any_other_one_made_anew() -> Result<()> {
    block_on(async {
        let site = Site::new("kept-certificate")?;
        site.begin().await?;
        let folder = site.dir().join("xds");
        let certificate = folder.join("tls.pem");
        let file = folder.join("bootstrap.yaml").display().to_string();
        let folder = folder.display().to_string();
        let write = async |node: &str| {
            let arguments = [
                "bootstrap",
                "--node-id",
                node,
                "--write-certs",
                &folder,
                "--keep-certs",
                "--output",
                &file,
            ];
            let printed = site.ok(&arguments).await?;
            ensure!(printed.is_empty(), "{printed}");
            ensure!(fs::read_to_string(&file)?.contains(&format!("id: \"{node}\"")));
            Ok(fs::read(&certificate)?)
        };
        let first = write("edge-1").await?;
        ensure!(write("edge-1").await? == first, "a good one is made anew");
        let other = write("edge-2").await?;
        ensure!(other != first, "that of another Envoy is kept");
        // Not this gateway's.
        fs::write(&certificate, &first[..first.len() / 2])?;
        ensure!(write("edge-2").await? != other, "a broken one is kept");
        Ok(())
    })
}
