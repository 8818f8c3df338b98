//! What tokens of bounded access keys reach, and that the rest never leaves.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::kube::{config_map, pod};
use cubegate_tests::run::unique;
use cubegate_tests::{Client, Fixture, until};
use serde_json::{Value, json};

use crate::support::{World, cube, in_the_world, kube};

const PATIENCE: Duration = Duration::from_secs(10);

const OTHER_CLUSTER: &str = "The access key of this token is not for this cluster.";
const CLUSTERS_ONLY: &str = "This token is for clusters only: it is of an access key with a scope or an expiry, or of a kubeconfig.";
const OTHER_NAMESPACE: &str = "The access key of this token is not for this namespace.";

/// A new user who may do everything on both clusters, so that nothing but the scope
/// stands in the way.
async fn mighty_user(world: &World) -> Result<String> {
    let user = format!("mighty-{}", unique());
    world
        .gateway
        .site()
        .add_user(&user, "a good Passw0rd")
        .await?;
    for server in [&world.stack.pivot, &world.stack.member] {
        server.kube.make_cluster_admin(&user).await?;
    }
    Ok(user)
}

/// A client with a token of a new key with these flags.
async fn client_of(world: &World, user: &str, flags: &[&str]) -> Result<Client> {
    let key = world.gateway.site().create_key_with(user, flags).await?;
    let token = world.gateway.exchange(&key).await?;
    world.gateway.client().with_bearer(&token)
}

fn no_verb(verb: &str) -> String {
    format!("The access key of this token does not allow the verb {verb}.")
}

#[test]
fn a_scope_lets_through_what_is_in_it_and_refuses_the_rest() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.member.kube;
        let (mine, other) = (
            server.namespace("scoped").await?,
            server.namespace("other").await?,
        );
        for namespace in [&mine, &other] {
            server
                .create(&format!("/api/v1/namespaces/{namespace}/pods"), &pod("p"))
                .await?;
        }
        let user = mighty_user(world).await?;
        let mut flags = vec!["--cluster", "member-1", "--namespace", &mine];
        for verb in ["get", "list", "create"] {
            flags.extend(["--verb", verb]);
        }
        let client = client_of(world, &user, &flags).await?;
        let pods = |namespace: &str| format!("/api/v1/namespaces/{namespace}/pods");
        for path in [
            cube("member-1", &pods(&mine)),
            kube("member-1", &pods(&mine)),
        ] {
            let names = client.get(&path).send().await?.expect(200)?.names()?;
            assert_eq!(names, ["p"], "{path}");
        }
        let one = format!("{}/p", pods(&mine));
        client
            .get(&kube("member-1", &one))
            .send()
            .await?
            .expect(200)?;
        // What kubectl asks first.
        client
            .get(&kube("member-1", "/api/v1"))
            .send()
            .await?
            .expect(200)?;
        let maps = format!("/api/v1/namespaces/{mine}/configmaps");
        client
            .post(&kube("member-1", &maps))
            .json(&config_map("made", &json!({})))
            .send()
            .await?
            .expect(201)?;

        let everywhere = format!(
            "The access key of this token is for the namespaces {mine} only; what is in no namespace or in all of them is out of its reach."
        );
        let made = format!("{maps}/made");
        let refusals = [
            (
                "GET",
                "pivot-cluster",
                pods(&mine),
                OTHER_CLUSTER.to_owned(),
            ),
            ("GET", "nowhere", pods(&mine), OTHER_CLUSTER.to_owned()),
            ("GET", "member-1", pods(&other), OTHER_NAMESPACE.to_owned()),
            (
                "GET",
                "member-1",
                "/api/v1/pods".to_owned(),
                everywhere.clone(),
            ),
            ("GET", "member-1", "/api/v1/nodes".to_owned(), everywhere),
            (
                "GET",
                "member-1",
                format!("{}?watch=true", pods(&mine)),
                no_verb("watch"),
            ),
            ("DELETE", "member-1", made.clone(), no_verb("delete")),
            ("PUT", "member-1", made.clone(), no_verb("update")),
            ("DELETE", "member-1", maps, no_verb("deletecollection")),
        ];
        for (method, cluster, path, message) in refusals {
            let method = http::Method::from_bytes(method.as_bytes())?;
            let answer = client
                .request(&method, &cube(cluster, &path))
                .send()
                .await?;
            assert_eq!(answer.cube_error(403)?, message, "{method} {path}");
            let answer = client
                .request(&method, &kube(cluster, &path))
                .send()
                .await?;
            assert_eq!(answer.kube_error(403)?, message, "{method} {path}");
        }
        server.get(&made).await?;
        // It would be a way to a key without bounds.
        let answer = client.post("/api/v1/cube/key/create").send().await?;
        assert_eq!(answer.cube_error(403)?, CLUSTERS_ONLY);
        Ok(())
    })
}

#[test]
fn what_is_beyond_the_scope_never_leaves() -> Result<()> {
    in_the_world(async |world| {
        let pods = r#"{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[]}"#;
        let mut bodies = BTreeMap::new();
        for namespace in ["mine", "other"] {
            let path = format!("/api/v1/namespaces/{namespace}/pods");
            bodies.insert(path, serde_json::from_str(pods)?);
        }
        let upstream = Fixture::start(bodies).await?;
        let cluster = format!("played-{}", unique());
        let gateway = &world.gateway;
        gateway
            .site()
            .add_plain_cluster(&cluster, upstream.port())
            .await?;
        gateway
            .wait_for_cluster(&gateway.admin().await?, &cluster)
            .await?;
        let user = mighty_user(world).await?;
        let flags = ["--namespace", "mine", "--verb", "list"];
        let client = client_of(world, &user, &flags).await?;
        upstream.take_seen()?;
        for path in [
            "/api/v1/namespaces/other/pods",
            "/api/v1/namespaces/other/pods?pageSize=2",
            "/api/v1/pods",
            "/api/v1/namespaces/mine/pods/p",
            "/api/v1/namespaces/mine/pods?watch=1",
        ] {
            for path in [cube(&cluster, path), kube(&cluster, path)] {
                client.get(&path).send().await?.expect(403)?;
            }
        }
        ensure!(upstream.take_seen()?.is_empty(), "something left");
        let path = kube(&cluster, "/api/v1/namespaces/mine/pods");
        client.get(&path).send().await?.expect(200)?;
        assert_eq!(upstream.take_seen()?.len(), 1);
        Ok(())
    })
}

#[test]
fn a_refusal_is_recorded_with_the_key_and_the_reason() -> Result<()> {
    in_the_world(async |world| {
        let user = mighty_user(world).await?;
        let key = world
            .gateway
            .site()
            .create_key_with(&user, &["--verb", "get"])
            .await?;
        let token = world.gateway.exchange(&key).await?;
        let path = kube("member-1", "/api/v1/namespaces/default/pods");
        let answer = world
            .gateway
            .client()
            .get(&path)
            .bearer(&token)
            .send()
            .await?;
        assert_eq!(answer.kube_error(403)?, no_verb("list"));
        let id = answer.header("x-request-id").context("no x-request-id")?;
        let admin = world.gateway.admin().await?;
        let path = format!("/api/v1/cube/audit?filter=requestId%3D%22{id}%22");
        let record: Value = until("the record", PATIENCE, || async {
            let mut page = admin.get(&path).send().await?.expect(200)?.json()?;
            Ok(page["items"].as_array_mut().and_then(Vec::pop))
        })
        .await?;
        assert_eq!(record["reason"], json!(no_verb("list")));
        assert_eq!(record["key"], json!(key.access_key));
        assert_eq!(record["status"], json!(403));
        Ok(())
    })
}

#[test]
fn another_scope_is_in_force_at_once_for_tokens_that_are_out() -> Result<()> {
    in_the_world(async |world| {
        let gateway = &world.gateway;
        let user = mighty_user(world).await?;
        let key = gateway.site().create_key(&user).await?;
        let wide = gateway.exchange(&key).await?;
        let path = kube("member-1", "/api/v1/nodes");
        let get = async |token: &str| gateway.client().get(&path).bearer(token).send().await;
        get(&wide).await?.expect(200)?;
        // The owner changes it with the key's own token, which ends by that.
        let update = format!("/api/v1/cube/key?accessKey={}", key.access_key);
        gateway
            .client()
            .put(&update)
            .bearer(&wide)
            .json(&json!({ "scope": { "clusters": ["pivot-cluster"] } }))
            .send()
            .await?
            .expect(200)?;
        until("the old token is refused", PATIENCE, || async {
            Ok((get(&wide).await?.status == 401).then_some(()))
        })
        .await?;
        let narrow = gateway.exchange(&key).await?;
        assert_eq!(get(&narrow).await?.kube_error(403)?, OTHER_CLUSTER);
        let path = kube("pivot-cluster", "/api/v1/nodes");
        let answer = gateway.client().get(&path).bearer(&narrow).send().await?;
        answer.expect(200)?;
        Ok(())
    })
}

#[test]
fn both_secrets_of_a_rotated_key_lead_through_and_an_expired_key_does_not() -> Result<()> {
    in_the_world(async |world| {
        let gateway = &world.gateway;
        let user = mighty_user(world).await?;
        let old = gateway.site().create_key(&user).await?;
        let new = gateway
            .site()
            .rotate_key(&old.access_key, &["--overlap", "600"])
            .await?;
        for key in [&old, &new] {
            let token = gateway.exchange(key).await?;
            let path = kube("member-1", "/version");
            let answer = gateway.client().get(&path).bearer(&token).send().await?;
            answer.expect(200)?;
        }
        let newest = gateway
            .site()
            .rotate_key(&old.access_key, &["--overlap", "0"])
            .await?;
        for (key, status) in [(&old, 400), (&new, 400), (&newest, 200)] {
            assert_eq!(gateway.try_exchange(key).await?.status, status);
        }

        let soon = time::OffsetDateTime::now_utc() + time::Duration::seconds(2);
        let soon = soon.format(&time::format_description::well_known::Rfc3339)?;
        let flags = ["--expires-at", &soon];
        let key = gateway.site().create_key_with(&user, &flags).await?;
        gateway.exchange(&key).await?;
        let refused = until("the key has expired", PATIENCE, || async {
            let answer = gateway.try_exchange(&key).await?;
            Ok((answer.status != 200).then_some(answer))
        })
        .await?;
        assert_eq!(refused.cube_error(400)?, "key has expired.");
        Ok(())
    })
}
