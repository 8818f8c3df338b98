//! KubeSphere's paths before real API servers, whose own discovery says what there is.

mod callers;
mod hosts;
mod own_clusters;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_tests::gateway::{ADMIN_PASSWORD, Options};
use cubegate_tests::jwt::{Minter, now, payload};
use cubegate_tests::kube::{Rule, Subject, deployment};
use cubegate_tests::run::unique;
use cubegate_tests::{Answer, Client, Shared, Stack, block_on, until};
use http::Method;
use serde_json::{Value, json};

use crate::support::{HS256_SECRET, World};

const KAPIS: &str = "/kapis/resources.kubesphere.io/v1alpha3";
const ORIGIN: &str = "https://console.example";
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the head of a document is that the carrier brings, in bytes.
const HEAD: usize = 24;

fn options() -> Options {
    Options {
        hs256_secret: Some(HS256_SECRET.to_owned()),
        flags: vec![
            "--discovery-interval=1".to_owned(),
            format!("--cors-origin={ORIGIN}"),
        ],
        ..Options::default()
    }
}

/// A test before a gateway that all of this file share.
fn in_the_sphere(test: impl AsyncFnOnce(&'static World) -> Result<()>) -> Result<()> {
    static SPHERE: Shared<World> = Shared::new();
    block_on(async {
        let start = async {
            let stack = Stack::shared().await?;
            let gateway = World::gateway_with("kubesphere", stack, &options()).await?;
            Ok(World { stack, gateway })
        };
        let world = SPHERE.get(start).await?;
        test(world).await?;
        world.gateway.health().check().await
    })
}

/// Waits until a path gives this status.
async fn until_status(client: &Client, path: &str, status: u16) -> Result<Answer> {
    until(&format!("{status} of {path}"), PATIENCE, async || {
        let answer = client.get(path).send().await?;
        Ok((answer.status == status).then_some(answer))
    })
    .await
}

async fn list(client: &Client, path: &str) -> Result<(Vec<String>, u64)> {
    let answer = client.get(path).send().await?.expect(200)?;
    let total = answer.json()?["totalItems"].as_u64();
    let total = total.with_context(|| format!("no totalItems in {}", answer.describe()))?;
    Ok((answer.names()?, total))
}

/// A namespace with three deployments.
async fn namespace(world: &World) -> Result<String> {
    let kube = &world.stack.pivot.kube;
    let namespace = kube.namespace("sphere").await?;
    let deployments = format!("/apis/apps/v1/namespaces/{namespace}/deployments");
    for name in ["api", "db", "web"] {
        kube.create(&deployments, &deployment(name)).await?;
    }
    Ok(namespace)
}

#[test]
fn lists_are_those_of_the_api_server_filtered_sorted_and_paged() -> Result<()> {
    in_the_sphere(async |world| {
        let namespace = namespace(world).await?;
        let admin = world.gateway.admin().await?;
        let deployments = format!("{KAPIS}/namespaces/{namespace}/deployments");
        for (query, names, total) in [
            ("sortBy=name&ascending=true", &["api", "db", "web"][..], 3),
            ("sortBy=name&limit=2&page=2", &["api"], 3),
            ("name=b&sortBy=name", &["web", "db"], 2),
            ("names=db,nope", &["db"], 1),
            ("limit=0", &[], 3),
        ] {
            let (found, count) = list(&admin, &format!("{deployments}?{query}")).await?;
            ensure!(
                found == names && count == total,
                "{query}: {found:?} {count}"
            );
        }
        // Each object is as the API server gives it.
        let direct = format!("/apis/apps/v1/namespaces/{namespace}/deployments/web");
        let direct = world.stack.pivot.kube.get(&direct).await?.json()?;
        let page = admin
            .get(&format!("{deployments}?names=web"))
            .send()
            .await?
            .json()?;
        ensure!(page["items"][0]["metadata"] == direct["metadata"], "{page}");
        ensure!(page["items"][0]["spec"] == direct["spec"], "{page}");
        let single = admin.get(&format!("{deployments}/web")).send().await?;
        ensure!(single.expect(200)?.json()? == direct);
        let missing = admin.get(&format!("{deployments}/nope")).send().await?;
        let missing = missing.expect(404)?;
        ensure!(missing.text() == "Deployment \"nope\" not found\n");
        Ok(())
    })
}

#[test]
fn every_built_in_resource_that_can_be_listed_has_a_list() -> Result<()> {
    in_the_sphere(async |world| {
        let admin = world.gateway.admin().await?;
        let namespace = namespace(world).await?;
        for resource in [
            "namespaces",
            "nodes",
            "clusterroles",
            "storageclasses",
            "customresourcedefinitions",
            "persistentvolumes",
        ] {
            list(&admin, &format!("{KAPIS}/{resource}?limit=1")).await?;
            let inside = format!("{KAPIS}/namespaces/{namespace}/{resource}");
            let answer = admin.get(&inside).send().await?;
            ensure!(answer.status == 404, "{}", answer.describe());
        }
        for resource in [
            "pods",
            "services",
            "secrets",
            "configmaps",
            "daemonsets",
            "statefulsets",
            "jobs",
            // Of this Kubernetes it is not in the version that the group prefers.
            "cronjobs",
            "ingresses",
            "roles",
            "events",
            "horizontalpodautoscalers",
        ] {
            for path in ["".to_owned(), format!("/namespaces/{namespace}")] {
                list(&admin, &format!("{KAPIS}{path}/{resource}?limit=1")).await?;
            }
        }
        for resource in ["bindings", "tokenreviews", "foos"] {
            let answer = admin.get(&format!("{KAPIS}/{resource}")).send().await?;
            let text = answer.expect(404)?.text();
            ensure!(text == "resource is not supported\n", "{resource}: {text}");
        }
        Ok(())
    })
}

#[test]
fn a_custom_resource_is_found_when_it_is_made_and_lost_when_it_goes() -> Result<()> {
    in_the_sphere(async |world| {
        let kube = &world.stack.pivot.kube;
        let admin = world.gateway.admin().await?;
        let plural = format!("gadgets{}", unique());
        let group = "sphere.test";
        let path = format!("{KAPIS}/{plural}");
        admin.get(&path).send().await?.expect(404)?;

        let schema = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
        let version = |name: &str, storage: bool| json!({ "name": name, "served": true, "storage": storage, "schema": { "openAPIV3Schema": schema } });
        let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        let name = format!("{plural}.{group}");
        let definition = json!({
            "metadata": { "name": name },
            "spec": {
                "group": group, "scope": "Namespaced",
                "names": { "plural": plural, "kind": "Gadget" },
                "versions": [version("v1", true), version("v1beta1", false)],
            },
        });
        kube.create(definitions, &definition).await?;
        until_status(&admin, &path, 200).await?;

        let namespace = kube.namespace("gadgets").await?;
        let collection = format!("/apis/{group}/v1/namespaces/{namespace}/{plural}");
        for number in 0..5 {
            let gadget = json!({
                "apiVersion": format!("{group}/v1"), "kind": "Gadget",
                "metadata": { "name": format!("g{number}"), "labels": { "even": (number % 2 == 0).to_string() } },
                "spec": { "large": 9_007_199_254_740_993_u64 },
            });
            kube.create(&collection, &gadget).await?;
        }
        let inside = format!("{KAPIS}/namespaces/{namespace}/{plural}");
        let page = list(&admin, &format!("{inside}?sortBy=name&limit=2&page=2")).await?;
        ensure!(
            page == (vec!["g2".to_owned(), "g1".to_owned()], 5),
            "{page:?}"
        );
        let even = list(
            &admin,
            &format!("{inside}?labelSelector=even%3Dtrue&limit=1"),
        )
        .await?;
        ensure!(even.1 == 3, "{even:?}");
        let single = admin
            .get(&format!("{inside}/g3"))
            .send()
            .await?
            .expect(200)?;
        let direct = kube.get(&format!("{collection}/g3")).await?;
        ensure!(single.json()? == direct.json()?);

        // It is none of the other cluster's.
        let member = admin
            .get(&format!("/clusters/member-1{path}"))
            .send()
            .await?;
        member.expect(404)?;
        kube.delete(&format!("{definitions}/{name}")).await?;
        until_status(&admin, &path, 404).await?;
        Ok(())
    })
}

/// `Discovery::resources` says how much; the tests add custom resources to it.
/// The discovery table with pods in it that a plugin of the dump brings behind the head of its
/// document.
fn table_of_pods(plugin: &Value) -> Option<Value> {
    let name = plugin.pointer("/ecds_filter/name")?.as_str()?;
    if !name.starts_with("cubegate-discovery-") {
        return None;
    }
    let value = plugin.pointer("/ecds_filter/typed_config/config/configuration/value")?;
    let frame = STANDARD.decode(value.as_str()?).ok()?;
    let part: Value = serde_json::from_slice(frame.get(HEAD..)?).ok()?;
    let mut tables = part["tables"].as_object()?.values();
    tables.find(|table| !table["pods"].is_null()).cloned()
}

#[test]
fn what_envoys_are_told_of_a_clusters_resources_is_little() -> Result<()> {
    in_the_sphere(async |world| {
        let admin = world.gateway.admin().await?;
        list(&admin, &format!("{KAPIS}/namespaces?limit=1")).await?;
        let envoy = Client::plain(&world.gateway.endpoints().envoy_admin)?;
        let dump = envoy
            .get("/config_dump?resource=ecds_filters")
            .send()
            .await?;
        let dump: Value = dump.expect(200)?.json()?;
        let plugins = dump["configs"].as_array().context("no plugins")?;
        let table = plugins.iter().find_map(table_of_pods);
        let resources = table.with_context(|| format!("no table in {dump}"))?;
        let pods = json!([{ "path": "/api/v1", "kind": "Pod", "namespaced": true }]);
        ensure!(resources["pods"] == pods, "{resources}");
        let bytes = resources.to_string().len();
        ensure!(bytes < 16 << 10, "{bytes} bytes");
        Ok(())
    })
}
