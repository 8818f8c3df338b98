//! What access keys make: nothing when they are bounded, and nothing that outlives them.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_tests::cli::KeyPair;
use cubegate_tests::run::unique;
use cubegate_tests::{Client, until};
use serde_json::{Value, json};

use crate::support::{World, in_the_world, kube};

const PATIENCE: Duration = Duration::from_secs(10);

const CLUSTERS_ONLY: &str = "This token is for clusters only: it is of an access key with a scope or an expiry, or of a kubeconfig.";

async fn mk_user(world: &World) -> Result<String> {
    let user = format!("maker-{}", unique());
    let site = world.gateway.site();
    site.add_user(&user, "a good Passw0rd").await?;
    world.stack.member.kube.make_cluster_admin(&user).await?;
    Ok(user)
}

async fn client_of(world: &World, key: &KeyPair) -> Result<Client> {
    let token = world.gateway.exchange(key).await?;
    world.gateway.client().with_bearer(&token)
}

/// What the cluster answers through the filter.
async fn at_the_cluster(client: &Client) -> Result<u16> {
    let path = kube("member-1", "/api/v1/namespaces");
    Ok(client.get(&path).send().await?.status)
}

#[test]
fn a_key_with_an_end_reaches_clusters_and_makes_no_credential() -> Result<()> {
    in_the_world(async |world| {
        let user = mk_user(world).await?;
        let site = world.gateway.site();
        let flags = ["--expires-at", "2090-01-31T12:00:00Z"];
        let key = site.create_key_with(&user, &flags).await?;
        let token = world.gateway.exchange(&key).await?;
        let client = world.gateway.client().with_bearer(&token)?;
        assert_eq!(at_the_cluster(&client).await?, 200);
        for path in [
            "/api/v1/cube/key/create",
            "/api/v1/cube/user/kubeconfigs",
            "/api/v1/cube/key",
            "/api/v1/cube/clusters/info",
        ] {
            let answer = client.get(path).send().await?;
            assert_eq!(answer.cube_error(403)?, CLUSTERS_ONLY, "{path}");
        }
        // Nobody else is told whose it is, either.
        let review = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
            "spec": { "token": token },
        });
        let open = world.gateway.client();
        let asked = open
            .post("/oauth/authenticate")
            .json(&review)
            .send()
            .await?;
        assert_eq!(asked.status, 400, "{}", asked.text());
        let asked = open
            .post("/api/v1/warden/authenticate")
            .json(&review)
            .send()
            .await?;
        assert_eq!(asked.json()?["status"], json!({ "authenticated": false }));
        Ok(())
    })
}

#[test]
fn what_a_key_has_made_ends_with_it_in_the_filter_too() -> Result<()> {
    in_the_world(async |world| {
        let user = mk_user(world).await?;
        let site = world.gateway.site();
        let key = site.create_key(&user).await?;
        let maker = client_of(world, &key).await?;

        let made = maker.post("/api/v1/cube/key/create").send().await?;
        let made = made.expect(200)?.json()?;
        let half = |name: &str| made[name].as_str().map(str::to_owned).context("no key");
        let made = KeyPair {
            access_key: half("accessKey")?,
            secret_key: half("secretKey")?,
        };
        let of_made = client_of(world, &made).await?;
        let config = maker.get("/api/v1/cube/user/kubeconfigs").send().await?;
        let text = config.expect(200)?.json()?;
        let config = STANDARD.decode(text.as_str().context("no kubeconfig")?)?;
        let config: Value = serde_json::from_slice(&config)?;
        let name = format!("{user}@member-1");
        let users = config["users"].as_array().context("no users")?;
        let of_cluster = users.iter().find(|user| user["name"] == name.as_str());
        let token = of_cluster.context("no user of member-1")?["user"]["token"].as_str();
        let of_kubeconfig = world
            .gateway
            .client()
            .with_bearer(token.context("no token")?)?;
        for client in [&maker, &of_made, &of_kubeconfig] {
            assert_eq!(at_the_cluster(client).await?, 200);
        }

        let said = site.ok(&["key", "delete", &key.access_key]).await?;
        ensure!(said.contains(&made.access_key), "{said}");
        for client in [&maker, &of_made, &of_kubeconfig] {
            until("the token is refused", PATIENCE, || async {
                Ok((at_the_cluster(client).await? == 401).then_some(()))
            })
            .await?;
        }
        let answer = world.gateway.try_exchange(&made).await?;
        assert_eq!(answer.cube_error(400)?, "key not exist.");
        Ok(())
    })
}
