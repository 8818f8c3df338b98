//! HTTP Basic on Kubernetes paths: the filter exchanges the password for a token.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_tests::client::Answer;
use cubegate_tests::gateway::ADMIN_PASSWORD;
use cubegate_tests::{Client, Gateway, block_on};
use serde_json::json;

use crate::support::{World, cube, in_the_world, kube};

/// What the users of these tests log in with.
const PASSWORD: &str = "P#$$w0rd:é &=+";

const FORM: &str = "application/x-www-form-urlencoded";

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

async fn get(client: &Client, path: &str, authorization: &str) -> Result<Answer> {
    client
        .get(path)
        .header("authorization", authorization)
        .send()
        .await
}

async fn add_user(gateway: &Gateway, name: &str) -> Result<()> {
    gateway.site().add_user(name, PASSWORD).await
}

#[test]
fn a_password_acts_as_its_user() -> Result<()> {
    in_the_world(async |world| {
        let client = world.gateway.client();
        add_user(&world.gateway, "basic-one").await?;
        let path = kube("pivot-cluster", "/api/v1/nodes");
        // By an exchange, and from what a worker remembers: RBAC says who it was.
        for _ in 0..6 {
            let answer = get(client, &path, &basic("basic-one", PASSWORD)).await?;
            let message = answer.kube_error(403)?;
            ensure!(message.contains("User \"basic-one\""), "{message}");
        }
        Ok(())
    })
}

#[test]
fn a_body_that_was_held_arrives_whole() -> Result<()> {
    in_the_world(async |world| {
        let client = world.gateway.client();
        let namespace = world.stack.pivot.kube.namespace("basic-body").await?;
        let configmaps = format!("/api/v1/namespaces/{namespace}/configmaps");
        // Up to what Envoy holds of a stream of HTTP/2; see ARCHITECTURE.md.
        for kilobytes in [1, 20, 60] {
            // A new user, whom no worker remembers.
            let name = format!("basic-body-{kilobytes}");
            add_user(&world.gateway, &name).await?;
            world.stack.pivot.kube.make_cluster_admin(&name).await?;
            let value = "x".repeat(kilobytes * 1024);
            let answer = client
                .post(&kube("pivot-cluster", &configmaps))
                .header("authorization", basic(&name, PASSWORD))
                .json(&json!({
                    "apiVersion": "v1", "kind": "ConfigMap",
                    "metadata": { "name": name }, "data": { "a": value }
                }))
                .send()
                .await?
                .expect(201)
                .with_context(|| format!("{kilobytes} KiB"))?;
            ensure!(answer.json()?["data"]["a"] == value, "{kilobytes} KiB");
        }
        Ok(())
    })
}

#[test]
fn a_large_body_is_either_whole_or_refused_and_never_passes_unchecked() -> Result<()> {
    in_the_world(async |world| {
        let client = world.gateway.client();
        let path = kube("pivot-cluster", "/api/v1/namespaces/default/configmaps");
        for kilobytes in [1, 200, 900, 3_000] {
            let object = json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": { "name": "basic-large" },
                "data": { "a": "x".repeat(kilobytes * 1024) }
            });
            let answer = client
                .post(&path)
                .header("authorization", basic("nobody-here", "wrong password"))
                .json(&object)
                .send()
                .await?;
            ensure!(
                matches!(answer.status, 401 | 413),
                "{kilobytes} KiB: {}",
                answer.describe()
            );
            answer.kube_error(answer.status)?;
        }
        Ok(())
    })
}

#[test]
fn a_wrong_password_is_refused_and_kubecube_paths_know_none() -> Result<()> {
    in_the_world(async |world| {
        let client = world.gateway.client();
        add_user(&world.gateway, "basic-two").await?;
        let path = kube("pivot-cluster", "/api/v1/pods");
        for value in [
            basic("basic-two", "wrong"),
            basic("basic-nobody", PASSWORD),
            basic("basic-two", ""),
            "Basic !".to_owned(),
            "Basic".to_owned(),
        ] {
            let answer = get(client, &path, &value).await?;
            ensure!(answer.kube_error(401)? == "Unauthorized", "{value}");
        }
        let path = cube("pivot-cluster", "/api/v1/pods");
        let answer = get(client, &path, &basic("basic-two", PASSWORD)).await?;
        ensure!(answer.cube_error(401)? == "Authenticate failed.");
        Ok(())
    })
}

#[test]
fn guesses_lock_the_user_on_every_way_in() -> Result<()> {
    in_the_world(async |world| {
        let client = world.gateway.client();
        add_user(&world.gateway, "basic-three").await?;
        let path = kube("pivot-cluster", "/api/v1/namespaces");
        for _ in 0..10 {
            get(client, &path, &basic("basic-three", "wrong"))
                .await?
                .kube_error(401)?;
        }
        let answer = get(client, &path, &basic("basic-three", PASSWORD)).await?;
        answer.kube_error(429)?;
        let wait: u64 = answer.header("retry-after").unwrap_or_default().parse()?;
        ensure!((1..=600).contains(&wait), "{wait}");

        // Whatever the password is.
        let body = "grant_type=password&username=basic-three&password=x";
        let answer = client
            .post("/oauth/token")
            .header("content-type", FORM)
            .body(body)
            .send()
            .await?
            .expect(429)?;
        ensure!(answer.json()?["error"] == "invalid_grant");
        let answer = client.login("basic-three", PASSWORD).await?;
        answer.cube_error(429)?;
        ensure!(answer.header("retry-after").is_some());
        Ok(())
    })
}

#[test]
fn the_documented_token_call_works_through_the_gateway() -> Result<()> {
    in_the_world(async |world| {
        let client = world.gateway.client();
        world
            .gateway
            .site()
            .add_user("basic-four", "plainPass1")
            .await?;
        let answer = client
            .post("/oauth/token")
            .header("content-type", FORM)
            // A client cannot ask for what the filter asks for.
            .header("x-cubegate-exchange", "basic")
            .body("grant_type=password&username=basic-four&password=plainPass1")
            .send()
            .await?
            .expect(200)?;
        let tokens = answer.json()?;
        ensure!(tokens["refresh_token"].is_string(), "{tokens}");
        let access = tokens["access_token"].as_str().unwrap_or_default();
        // One token serves both families: who it is, is known; what it may do, RBAC says.
        for path in [
            kube("pivot-cluster", "/api/v1/nodes"),
            cube("pivot-cluster", "/api/v1/nodes?isFilter=false"),
        ] {
            let answer = client.get(&path).bearer(access).send().await?;
            ensure!(answer.status == 403, "{}", answer.describe());
            ensure!(
                answer.text().contains("basic-four"),
                "{}",
                answer.describe()
            );
        }
        Ok(())
    })
}

#[test]
fn without_the_control_plane_a_password_cannot_be_checked() -> Result<()> {
    block_on(async {
        let stack = cubegate_tests::Stack::shared().await?;
        let gateway = World::another_gateway("basic-alone", stack).await?;
        let client = gateway.client();
        let path = kube("pivot-cluster", "/version");
        let admin = gateway.admin_token().await?.to_owned();
        gateway.kill_control_plane().await?;
        let answer = client
            .get(&path)
            .header("authorization", basic("admin", "whatever"))
            .patience(Duration::from_secs(30))
            .send()
            .await?;
        answer.kube_error(503)?;
        // Tokens need nobody.
        client.get(&path).bearer(&admin).send().await?.expect(200)?;
        gateway.restart_control_plane().await?;
        let authorization = basic("admin", ADMIN_PASSWORD);
        get(client, &path, &authorization).await?.expect(200)?;
        gateway.stop().await
    })
}
