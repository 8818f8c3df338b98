//! The KubeCube OpenAPI guide, step by step, on real clusters.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::gateway::ADMIN_PASSWORD;
use cubegate_tests::kube::{deployment, pod};
use cubegate_tests::run::unique;
use cubegate_tests::{Kube, jwt, until};
use serde_json::{Value, json};

use crate::support::{cube, in_the_world};

#[test]
fn a_login_gives_a_key_pair_the_pair_a_token_and_the_token_the_pods() -> Result<()> {
    in_the_world(async |world| {
        let kube = &world.stack.pivot.kube;
        let namespace = kube.namespace("guide").await?;
        for name in ["b", "c", "a"] {
            kube.create(&format!("/api/v1/namespaces/{namespace}/pods"), &pod(name))
                .await?;
        }

        let client = world.gateway.client();
        let login = client.login("admin", ADMIN_PASSWORD).await?;
        let session = login.expect(200)?.cookie_token()?;

        let pair = client
            .get("/api/v1/cube/key/create")
            .bearer(&session)
            .send()
            .await?
            .expect(200)?;
        let pair = pair.json()?;
        let half = |name: &str| pair[name].as_str().unwrap_or_default().to_owned();
        let (access_key, secret_key) = (half("accessKey"), half("secretKey"));
        let path = format!("/api/v1/cube/key/token?accessKey={access_key}&secretKey={secret_key}");
        let token = client.get(&path).send().await?.expect(200)?.json()?;
        let token = token["token"].as_str().context("a token")?;

        let path = cube(
            "pivot-cluster",
            &format!("/api/v1/namespaces/{namespace}/pods"),
        );
        let pods = client.get(&path).bearer(token).send().await?.expect(200)?;
        assert_eq!(pods.names()?, ["a", "b", "c"]);
        assert_eq!(pods.total()?, 3);
        assert_eq!(pods.json()?["kind"], "PodList");

        let path = format!("/api/v1/cube/key?accessKey={access_key}");
        client
            .delete(&path)
            .bearer(&session)
            .send()
            .await?
            .expect(200)?;
        Ok(())
    })
}

#[test]
fn deployments_come_newest_first_and_page_two_of_twenty_is_the_right_one() -> Result<()> {
    in_the_world(async |world| {
        let kube = &world.stack.pivot.kube;
        let namespace = kube.namespace("guide").await?;
        let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments");
        // Three batches, each in a second of its own: a server's timestamps are
        // whole seconds, and within one the name decides.
        for _ in 0..3 {
            for _ in 0..15 {
                kube.create(&path, &deployment(&format!("d-{}", unique())))
                    .await?;
            }
            next_second().await?;
        }

        let all = newest_first(kube, &path).await?;
        assert_eq!(all.len(), 45);
        let client = world.gateway.admin().await?;
        for (page, wanted) in [(1, &all[..20]), (2, &all[20..40]), (3, &all[40..])] {
            for sort_name in ["CreationTimestamp", "metadata.creationTimestamp"] {
                let query =
                    format!("?sortName={sort_name}&sortOrder=desc&pageSize=20&pageNum={page}");
                let answer = client
                    .get(&cube("pivot-cluster", &format!("{path}{query}")))
                    .send()
                    .await?;
                let answer = answer.expect(200)?;
                assert_eq!(answer.names()?, wanted, "{query}");
                assert_eq!(answer.total()?, 45);
            }
        }
        Ok(())
    })
}

#[test]
fn tenants_a_custom_resource_are_selected_by_label_and_by_part_of_a_name() -> Result<()> {
    in_the_world(async |world| {
        let kube = &world.stack.pivot.kube;
        let tenants = "/apis/tenant.kubecube.io/v1/tenants";
        make_tenant_kind(kube).await?;
        // Cluster-scoped: the test's own ones carry its mark.
        let mark = unique();
        for name in ["acme", "bluebird", "cobalt"] {
            let tenant = json!({
                "apiVersion": "tenant.kubecube.io/v1", "kind": "Tenant",
                "metadata": { "name": format!("{name}-{mark}"), "labels": { "example.com/mark": mark, "kubecube.io/tenant": name } },
                "spec": { "displayName": name.to_uppercase() },
            });
            kube.create(tenants, &tenant).await?;
        }

        let client = world.gateway.admin().await?;
        let named = |name: &str| format!("{name}-{mark}");
        let ours = format!("metadata.labels.example.com/mark={mark}");
        for (selector, wanted) in [
            (
                ours.clone(),
                vec![named("acme"), named("bluebird"), named("cobalt")],
            ),
            (
                format!("{ours},metadata.labels.kubecube.io/tenant=cobalt"),
                vec![named("cobalt")],
            ),
            (
                format!("{ours},metadata.name~blue"),
                vec![named("bluebird")],
            ),
            (format!("{ours},spec.displayName=acme"), vec![named("acme")]),
            (format!("{ours},spec.displayName~acme"), vec![]),
        ] {
            let path = cube("pivot-cluster", &format!("{tenants}?selector={selector}"));
            let answer = client.get(&path).send().await?.expect(200)?;
            assert_eq!(answer.names()?, wanted, "{selector}");
            assert_eq!(answer.total()?, wanted.len() as u64, "{selector}");
        }
        Ok(())
    })
}

#[test]
fn a_list_without_parameters_is_the_first_ten_by_name() -> Result<()> {
    in_the_world(async |world| {
        let kube = &world.stack.member.kube;
        let namespace = kube.namespace("guide").await?;
        let path = format!("/api/v1/namespaces/{namespace}/pods");
        for number in (0..12).rev() {
            kube.create(&path, &pod(&format!("p-{number:02}"))).await?;
        }
        let answer = world
            .gateway
            .admin()
            .await?
            .get(&cube("member-1", &path))
            .send()
            .await?;
        let answer = answer.expect(200)?;
        let wanted: Vec<_> = (0..10).map(|number| format!("p-{number:02}")).collect();
        assert_eq!(answer.names()?, wanted);
        assert_eq!(answer.total()?, 12);
        Ok(())
    })
}

/// The API server's own list, sorted as the guide wants it.
async fn newest_first(kube: &Kube, path: &str) -> Result<Vec<String>> {
    let list = kube.get(path).await?.json()?;
    let text = |item: &Value, name: &str| {
        item["metadata"][name]
            .as_str()
            .map(str::to_owned)
            .context("an item without metadata")
    };
    let mut items: Vec<(String, String)> = list["items"]
        .as_array()
        .context("no items")?
        .iter()
        .map(|item| Ok((text(item, "creationTimestamp")?, text(item, "name")?)))
        .collect::<Result<_>>()?;
    let seconds: std::collections::BTreeSet<_> = items.iter().map(|(at, _)| at.clone()).collect();
    ensure!(seconds.len() >= 3, "the batches are not apart: {seconds:?}");
    items.sort_by(|(a_at, a_name), (b_at, b_name)| b_at.cmp(a_at).then(a_name.cmp(b_name)));
    Ok(items.into_iter().map(|(_, name)| name).collect())
}

async fn next_second() -> Result<()> {
    let second = jwt::now();
    until("the next second", Duration::from_secs(3), || async move {
        Ok((jwt::now() > second).then_some(()))
    })
    .await
}

async fn make_tenant_kind(kube: &Kube) -> Result<()> {
    let definition = json!({
        "metadata": { "name": "tenants.tenant.kubecube.io" },
        "spec": {
            "group": "tenant.kubecube.io", "scope": "Cluster",
            "names": { "kind": "Tenant", "listKind": "TenantList", "plural": "tenants", "singular": "tenant" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": true,
            } } }],
        },
    });
    let kinds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    kube.ensure(kinds, &definition).await?;
    until("tenants are served", Duration::from_secs(30), || async {
        let answer = kube
            .client()
            .get("/apis/tenant.kubecube.io/v1/tenants?limit=1")
            .send()
            .await?;
        Ok((answer.status == 200).then_some(()))
    })
    .await
}
