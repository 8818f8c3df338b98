//! Several control planes that follow one source.

use std::fs;

use anyhow::{Result, ensure};
use cubegate_tests::elsewhere::Serve;
use cubegate_tests::postgres::Postgres;
use cubegate_tests::{Site, block_on, kubeconfig, until};
use serde_json::Value;

use super::{PATIENCE, listed};

#[test]
fn two_control_planes_that_follow_a_folder_do_its_work_once() -> Result<()> {
    const CLUSTERS: usize = 300;
    block_on(async {
        let shared = Site::new("sources-shared")?;
        let database = Postgres::shared()?.database("sources")?;
        fs::write(shared.dir().join("url"), format!("{database}\n"))?;
        let file = |name: &str| shared.dir().join(name).display().to_string();
        shared
            .ok(&["keys", "init", "--keys-dir", &file("keys")])
            .await?;
        let folder = shared.dir().join("clusters");
        fs::create_dir(&folder)?;
        let server = |port| kubeconfig::document(&format!("http://127.0.0.1:{port}"), None);
        let put = |number: usize, port: usize| -> Result<()> {
            let beside = folder.join(".beside");
            fs::write(&beside, server(port).to_string())?;
            Ok(fs::rename(
                beside,
                folder.join(format!("m-{number:03}.yaml")),
            )?)
        };
        for number in 0..CLUSTERS {
            put(number, 1)?;
        }
        let flag = format!("--clusters-dir={}", folder.display());
        let mk_site = |name: &str| -> Result<Site> {
            Ok(Site::new(name)?
                .with_variable("CUBEGATE_KEYS_DIR", &file("keys"))
                .with_variable("CUBEGATE_DATABASE_URL_FILE", &file("url")))
        };
        let one = Serve::start(mk_site("sources-one")?, &[&flag]).await?;
        let two = Serve::start_at(mk_site("sources-two")?, one.listen(), &[&flag]).await?;
        let site = two.site();
        let until_there = async |number: usize| {
            until("all are registered", PATIENCE, async || {
                Ok((listed(site).await?.len() == number).then_some(()))
            })
            .await
        };
        until_there(CLUSTERS).await?;
        // Some change, some go, some come.
        for number in 0..20 {
            put(number, 2)?;
            fs::remove_file(folder.join(format!("m-{:03}.yaml", number + 100)))?;
            put(number + 400, 1)?;
        }
        until("what has changed is registered", PATIENCE, async || {
            let listed = site.ok(&["cluster", "list", "-o", "json"]).await?;
            let listed: Value = serde_json::from_str(&listed)?;
            let items = listed["items"].as_array().cloned().unwrap_or_default();
            let changed = items
                .iter()
                .filter(|item| item["server"] == "http://127.0.0.1:2");
            let settled = changed.count() == 20 && items.len() == CLUSTERS;
            Ok(settled.then_some(()))
        })
        .await?;

        // Each was registered, changed and removed once, whoever of the two has done it.
        let export = ["audit", "export", "--filter", "source=follow"];
        let records = site.ok(&export).await?;
        let mut done: Vec<_> = records
            .lines()
            .map(|line| -> Result<String> {
                let record: Value = serde_json::from_str(line)?;
                Ok(format!("{} {}", record["verb"], record["name"]))
            })
            .collect::<Result<_>>()?;
        done.sort();
        let all = done.len();
        done.dedup();
        // Of the first registration both may have known nothing yet.
        ensure!(done.len() == CLUSTERS + 60, "{} of {all}", done.len());
        ensure!(all <= 2 * CLUSTERS + 120, "{all}");
        Ok(())
    })
}
