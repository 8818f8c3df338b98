//! Requests without a credential are counted, and displace nothing.

use super::*;

fn sum(records: &[Value]) -> u64 {
    let counts = records.iter().map(|record| record["count"].as_u64());
    counts.map(Option::unwrap_or_default).sum()
}

#[test]
fn a_flood_without_a_credential_is_a_record_a_minute_and_changes_stay() -> Result<()> {
    block_on(async {
        const FLOOD: u64 = 3_000;
        let options = Options {
            plain: true,
            ..Options::default()
        };
        let gateway = Gateway::start(Site::new("audit-flood")?, &options).await?;
        let admin = gateway.admin().await?;
        let site = gateway.site();
        site.add_user("jane", "a good Passw0rd").await?;
        let client = gateway.client();
        let bad = client.with_bearer("eyJhbGciOiJIUzI1NiJ9.e30.AAAA")?;
        for _ in 0..FLOOD / 100 {
            let asked = (0..100).map(|number| {
                let client = if number % 2 == 0 { client } else { &bad };
                async move {
                    let path = cube("nope", &format!("/api/v1/secrets/s{number}"));
                    client.get(&path).send().await?.expect(401)?;
                    Ok::<_, anyhow::Error>(())
                }
            });
            futures::future::try_join_all(asked).await?;
        }
        // The control plane's own refusals are counted alike.
        for _ in 0..50 {
            client.get("/api/v1/cube/key").send().await?.expect(401)?;
        }
        let find = async |filter: &str| -> Result<Vec<Value>> {
            let path = format!("{AUDIT}?pageSize=1000&filter={filter}");
            let body = admin.get(&path).send().await?.expect(200)?.json()?;
            ensure!(body["dropped"] == json!(0), "{body}");
            body["items"].as_array().cloned().context("no items")
        };
        let flood = until("all of them are counted", PATIENCE, || async {
            let records = find("source%3Dgateway,status%3D401").await?;
            Ok((sum(&records) >= FLOOD).then_some(records))
        })
        .await?;
        ensure!(sum(&flood) == FLOOD, "{flood:?}");
        // One address, and few minutes.
        ensure!(flood.len() <= 5, "{} records", flood.len());
        for record in &flood {
            ensure!(record["client"] == json!("127.0.0.1"), "{record}");
            ensure!(record.get("user").is_none(), "{record}");
            ensure!(record["resource"] == json!("secrets"), "{record}");
        }
        until("the control plane's are counted", PATIENCE, || async {
            let records = find("source%3Dapi,status%3D401").await?;
            ensure!(records.len() <= 5, "{records:?}");
            Ok((sum(&records) >= 50).then_some(()))
        })
        .await?;
        // What was changed is told one by one, and in the exports counts stand, too.
        let added = find("resource%3Dusers,name%3Djane").await?;
        ensure!(
            added.len() == 1 && added[0].get("count").is_none(),
            "{added:?}"
        );
        gateway.stop().await?;
        let lines = site
            .ok(&["audit", "export", "--filter", "count:number>0"])
            .await?;
        let lines: Vec<Value> = lines
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()?;
        ensure!(sum(&lines) >= FLOOD + 50, "{lines:?}");
        Ok(())
    })
}
