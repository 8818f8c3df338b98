//! What a key's owner sees of its use, and whom a token says it is.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::cli::KeyPair;
use cubegate_tests::run::unique;
use cubegate_tests::{Client, until};
use serde_json::{Value, json};

use crate::support::{World, cube, in_the_world, kube};

const PASSWORD: &str = "goodPassw0rd1";

const WHOAMI: &str = "/api/v1/cube/whoami";

async fn spec(owner: &Client, key: &KeyPair) -> Result<Value> {
    let keys = owner.get("/api/v1/cube/key").send().await?;
    let keys = keys.expect(200)?.json()?;
    let mut items = keys["items"].as_array().context("no items")?.iter();
    let item = items.find(|item| item["metadata"]["name"] == json!(key.access_key));
    Ok(item.context("the key is not listed")?["spec"].clone())
}

/// A new user with a key, and a client with the token of a login.
async fn user_with_key(world: &World, flags: &[&str]) -> Result<(Client, KeyPair)> {
    let gateway = &world.gateway;
    let user = format!("user-{}", unique());
    gateway.site().add_user(&user, PASSWORD).await?;
    let key = gateway.site().create_key_with(&user, flags).await?;
    let token = gateway.log_in(&user, PASSWORD).await?;
    Ok((gateway.client().with_bearer(&token)?, key))
}

#[test]
fn the_last_use_of_a_key_tells_from_where_and_which_cluster() -> Result<()> {
    in_the_world(async |world| {
        let (owner, key) = user_with_key(world, &[]).await?;
        ensure!(spec(&owner, &key).await?["lastUsedTime"].is_null());
        let token = world.gateway.exchange(&key).await?;
        let exchanged = spec(&owner, &key).await?;
        ensure!(
            exchanged["lastUsedAddress"] == json!("127.0.0.1"),
            "{exchanged}"
        );
        ensure!(exchanged.get("lastUsedCluster").is_none(), "{exchanged}");

        let client = world.gateway.client().with_bearer(&token)?;
        let used_at = async |cluster: &str, path: String| {
            // RBAC gives this user nothing; it was asked all the same.
            client.get(&path).send().await?;
            until("the use is told", Duration::from_secs(10), || async {
                let spec = spec(&owner, &key).await?;
                Ok((spec["lastUsedCluster"] == json!(cluster)).then_some(spec))
            })
            .await
        };
        let used = used_at("member-1", cube("member-1", "/api/v1/pods")).await?;
        ensure!(used["lastUsedTime"].as_str() >= exchanged["lastUsedTime"].as_str());
        ensure!(used["lastUsedAddress"] == json!("127.0.0.1"), "{used}");
        used_at("pivot-cluster", kube("pivot-cluster", "/version")).await?;
        // One that there is not is not told, and neither is a use of the login.
        client.get(&kube("nowhere", "/version")).send().await?;
        owner.get(&kube("member-1", "/version")).send().await?;
        tokio::time::sleep(Duration::from_secs(3)).await;
        let last = spec(&owner, &key).await?;
        ensure!(last["lastUsedCluster"] == json!("pivot-cluster"), "{last}");
        Ok(())
    })
}

#[test]
fn every_token_says_whose_it_is_through_the_gateway() -> Result<()> {
    in_the_world(async |world| {
        let (owner, key) = user_with_key(world, &["--cluster", "member-1"]).await?;
        let token = world.gateway.exchange(&key).await?;
        let bounded = world.gateway.client().with_bearer(&token)?;
        let login = owner.get(WHOAMI).send().await?.expect(200)?.json()?;
        let of_key = bounded.get(WHOAMI).send().await?.expect(200)?.json()?;
        ensure!(login["name"] == of_key["name"] && login["name"].is_string());
        ensure!(login["session"]["id"].is_string(), "{login}");
        ensure!(of_key.get("session").is_none(), "{of_key}");
        bounded
            .get("/api/v1/cube/key")
            .send()
            .await?
            .cube_error(403)?;
        Ok(())
    })
}
