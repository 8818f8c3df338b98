//! A member's API server that checks our tokens itself: it asks the control plane, by
//! `--authentication-token-webhook-config-file`.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::kube::{Rule, Subject};
use cubegate_tests::kubeconfig::{self, Kubeconfig};
use cubegate_tests::run::unique;
use cubegate_tests::stack::ApiServer;
use cubegate_tests::tls::read_pem;
use cubegate_tests::{Client, until};
use serde_json::{Value, json};

use crate::support::{World, in_the_world};

/// The API server believes what it was told for a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// An API server that asks at this address, which proves itself by this CA.
async fn asking_server(world: &World, name: &str, base: &str, ca: &[u8]) -> Result<ApiServer> {
    let webhook = kubeconfig::write(
        world.gateway.site().dir(),
        name,
        &format!("{base}/api/v1/warden/authenticate"),
        Some(std::str::from_utf8(ca)?),
    )?;
    ApiServer::with_token_webhook(name, &webhook).await
}

/// Whose that server says a token is.
async fn review(server: &ApiServer, token: &str) -> Result<Value> {
    let review = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
        "spec": { "token": token },
    });
    let path = "/apis/authentication.k8s.io/v1/tokenreviews";
    Ok(server.kube.create(path, &review).await?["status"].take())
}

#[test]
fn an_api_server_takes_our_tokens_itself_and_refuses_those_taken_back() -> Result<()> {
    in_the_world(async |world| {
        let gateway = &world.gateway;
        let ca = gateway.ca().context("a gateway without TLS")?;
        let base = &gateway.endpoints().gateway;
        let server = asking_server(world, "asking", base, ca).await?;
        let (user, team) = (format!("direct-{}", unique()), format!("team-{}", unique()));
        let logged_in = gateway.user(&user, &[&team]).await?;
        let key = gateway.site().create_key(&user).await?;
        let token = gateway.exchange(&key).await?;
        let namespace = server.kube.namespace("direct").await?;
        let rule = Rule {
            group: "",
            resources: &["configmaps"],
            verbs: &["list"],
        };
        server
            .kube
            .grant(&namespace, Subject::Group(&team), &[rule])
            .await?;

        let config = Kubeconfig::read(&server.kubeconfig)?;
        let direct = Client::tls(&config.server, &config.ca, None)?;
        let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
        let get = async |path: &str, token: &str| direct.get(path).bearer(token).send().await;
        get(&maps, &token).await?.expect(200)?;
        // The right came by the group, the refusal names the user.
        let secrets = format!("/api/v1/namespaces/{namespace}/secrets");
        let refusal = get(&secrets, &token).await?.kube_error(403)?;
        ensure!(refusal.contains(&format!("User \"{user}\"")), "{refusal}");
        let status = review(&server, &token).await?;
        assert_eq!(status["authenticated"], json!(true));
        assert_eq!(status["user"]["username"], json!(user));
        let groups = status["user"]["groups"].as_array().context("no groups")?;
        for group in ["kubecube", &team, "system:authenticated"] {
            ensure!(
                groups.contains(&json!(group)),
                "{group} is not in {groups:?}"
            );
        }

        // It knows nothing of a scope, so it is told of nobody.
        let scoped = gateway
            .site()
            .create_key_with(&user, &["--verb", "list"])
            .await?;
        let scoped = gateway.exchange(&scoped).await?;
        for bad in [scoped.as_str(), "a.b.c"] {
            assert_eq!(get(&maps, bad).await?.status, 401);
        }

        let path = format!("/api/v1/cube/key?accessKey={}", key.access_key);
        logged_in.delete(&path).send().await?.expect(200)?;
        until("the token is refused", PATIENCE, || async {
            Ok((get(&maps, &token).await?.status == 401).then_some(()))
        })
        .await?;
        ensure!(review(&server, &token).await?["authenticated"] != json!(true));
        Ok(())
    })
}

#[test]
fn an_api_server_may_ask_the_control_plane_itself_without_a_certificate() -> Result<()> {
    in_the_world(async |world| {
        let gateway = &world.gateway;
        let endpoints = gateway.endpoints();
        let ca = read_pem(&endpoints.control_plane_ca)?;
        let server = asking_server(world, "direct", &endpoints.control_plane, &ca).await?;
        let user = format!("direct-{}", unique());
        gateway.user(&user, &[]).await?;
        let token = gateway.new_token(&user).await?;
        let status = review(&server, &token).await?;
        assert_eq!(status["authenticated"], json!(true));
        assert_eq!(status["user"]["username"], json!(user));
        Ok(())
    })
}
