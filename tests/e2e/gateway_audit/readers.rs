//! The console asks clusters for its readers: records have their addresses, and nobody else's
//! word counts.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::gateway::{ADMIN_PASSWORD, Options};
use cubegate_tests::run::unique;
use cubegate_tests::{Client, Stack, block_on, until};
use serde_json::{Value, json};

use super::{AUDIT, PATIENCE};
use crate::support::{World, cube};

/// Where the reader is; the control plane is at 127.0.0.1.
const READER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));

#[test]
fn what_the_console_asks_a_cluster_is_recorded_with_its_readers_address() -> Result<()> {
    block_on(async {
        let options = Options {
            plain: true,
            ..Options::default()
        };
        let stack = Stack::shared().await?;
        let gateway = World::gateway_with("console-readers", stack, &options).await?;
        let admin = gateway.admin().await?;
        let reader = Client::plain_from(&gateway.endpoints().gateway, READER)?;
        let login = reader.login("admin", ADMIN_PASSWORD).await?.expect(200)?;
        let token = login.cookie_token()?;

        let agent = format!("reader/{}", unique());
        reader
            .get("/console/resources?cluster=member-1&resource=configmaps.v1")
            .header("cookie", format!("Authorization=Bearer+{token}"))
            .header("user-agent", &agent)
            // It is the console's to say.
            .header("cubegate-reader", "203.0.113.9;1700000000;00")
            .send()
            .await?
            .expect(200)?;
        let shown = recorded(&admin, &agent, "configmaps").await?;
        ensure!(shown["client"] == json!(READER.to_string()), "{shown}");
        ensure!(shown["cluster"] == json!("member-1"), "{shown}");

        // Somebody who says to be the console is where they are.
        let agent = format!("forger/{}", unique());
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let said = format!("203.0.113.9;{};{}", now.as_secs(), "0".repeat(64));
        let client = reader.with_bearer(&token)?;
        client
            .get(&cube("member-1", "/api/v1/configmaps"))
            .header("user-agent", &agent)
            .header("cubegate-reader", said)
            .send()
            .await?
            .expect(200)?;
        let forged = recorded(&admin, &agent, "configmaps").await?;
        ensure!(forged["client"] == json!(READER.to_string()), "{forged}");
        gateway.stop().await
    })
}

/// The record of a request to a cluster by this program.
async fn recorded(admin: &Client, agent: &str, resource: &str) -> Result<Value> {
    let path = format!("{AUDIT}?filter=userAgent%3D%22{agent}%22,resource%3D{resource}");
    until("the record of a request", PATIENCE, || async {
        let mut body = admin.get(&path).send().await?.expect(200)?.json()?;
        let items = body["items"].take();
        let items = items.as_array().context("no items")?;
        ensure!(items.len() <= 1, "{items:?}");
        Ok(items.first().cloned())
    })
    .await
}
