//! KubeSphere's paths before real API servers, whose own discovery says what there is.

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

#[test]
fn rbac_refuses_in_kubespheres_words() -> Result<()> {
    in_the_sphere(async |world| {
        let namespace = namespace(world).await?;
        let name = format!("jeff-{}", unique());
        let jeff = world.gateway.user(&name, &[]).await?;
        let inside = format!("/namespaces/{namespace}/deployments");
        let api = "API group \"resources.kubesphere.io\"";
        for (path, message, details) in [
            (
                "/nodes".to_owned(),
                format!(
                    "nodes.resources.kubesphere.io is forbidden: User \"{name}\" cannot list resource \"nodes\" in {api} at the cluster scope"
                ),
                json!({ "group": "resources.kubesphere.io", "kind": "nodes" }),
            ),
            (
                format!("{inside}/web"),
                format!(
                    "deployments.resources.kubesphere.io \"web\" is forbidden: User \"{name}\" cannot get resource \"deployments\" in {api} in the namespace \"{namespace}\""
                ),
                json!({ "name": "web", "group": "resources.kubesphere.io", "kind": "deployments" }),
            ),
        ] {
            for form in [
                format!("{KAPIS}{path}"),
                format!("/clusters/host{KAPIS}{path}"),
                format!("/kapis/clusters/pivot-cluster/resources.kubesphere.io/v1alpha3{path}"),
            ] {
                let answer = jeff.get(&form).send().await?;
                ensure!(
                    answer.kube_error(403)? == message,
                    "{form}: {}",
                    answer.text()
                );
                ensure!(answer.json()?["details"] == details, "{}", answer.text());
            }
        }
        // RBAC of the cluster lets in whom it lets in.
        let rule = Rule {
            group: "apps",
            resources: &["deployments"],
            verbs: &["list"],
        };
        let kube = &world.stack.pivot.kube;
        kube.grant(&namespace, Subject::User(&name), &[rule])
            .await?;
        let path = format!("{KAPIS}{inside}?limit=1");
        let answer = until_status(&jeff, &path, 200).await?;
        ensure!(answer.json()?["totalItems"] == 3);
        jeff.get(&format!("{KAPIS}{inside}/web"))
            .send()
            .await?
            .kube_error(403)?;
        // Nobody is nobody, whatever the path.
        let answer = world.gateway.client().get(&path).send().await?;
        let message = answer.kube_error(403)?;
        ensure!(message.contains("system:anonymous"), "{message}");
        Ok(())
    })
}

#[test]
fn a_cluster_is_named_before_or_within_the_path_or_is_the_host() -> Result<()> {
    in_the_sphere(async |world| {
        let admin = world.gateway.admin().await?;
        let here = world.stack.pivot.kube.namespace("here").await?;
        let there = world.stack.member.kube.namespace("there").await?;
        let one = |name: &str| (vec![name.to_owned()], 1);
        for (prefix, name) in [
            ("/kapis", &here),
            ("/clusters/pivot-cluster/kapis", &here),
            ("/clusters/host/kapis", &here),
            ("/kapis/clusters/host", &here),
            ("/clusters/member-1/kapis", &there),
            ("/kapis/clusters/member-1", &there),
        ] {
            let path = format!(
                "{prefix}/resources.kubesphere.io/v1alpha3/namespaces?names={here},{there}"
            );
            let found = list(&admin, &path).await?;
            ensure!(found == one(name), "{path}: {found:?}");
        }
        for (path, name) in [
            ("/api/v1/namespaces", &here),
            ("/clusters/host/api/v1/namespaces", &here),
            ("/api/clusters/pivot-cluster/v1/namespaces", &here),
            ("/clusters/member-1/api/v1/namespaces", &there),
            ("/api/clusters/member-1/v1/namespaces", &there),
        ] {
            let answer = admin.get(&format!("{path}/{name}")).send().await?;
            answer.expect(200).with_context(|| path.to_owned())?;
        }
        let roles = "rbac.authorization.k8s.io/v1/clusterroles/view";
        for path in [
            format!("/apis/{roles}"),
            format!("/apis/clusters/member-1/{roles}"),
        ] {
            admin.get(&path).send().await?.expect(200)?;
        }
        for path in [
            format!("/clusters/zzz{KAPIS}/nodes"),
            "/kapis/clusters/zzz/resources.kubesphere.io/v1alpha3/nodes".to_owned(),
            "/apis/clusters/zzz/apps/v1/deployments".to_owned(),
        ] {
            let answer = admin.get(&path).send().await?;
            let message = answer.kube_error(404)?;
            ensure!(message == "cluster zzz not found", "{path}: {message}");
        }
        // What is nobody's is a plain 404, for everybody.
        for client in [&admin, world.gateway.client()] {
            let path = "/kapis/iam.kubesphere.io/v1alpha2/login";
            let answer = client.post(path).json(&json!({})).send().await?;
            ensure!(answer.expect(404)?.text() == "404 page not found\n");
        }
        Ok(())
    })
}

#[test]
fn a_page_of_a_named_origin_may_call_and_no_other() -> Result<()> {
    in_the_sphere(async |world| {
        let admin = world.gateway.admin().await?;
        let path = format!("{KAPIS}/namespaces?limit=1");
        let preflight = async |origin: &str| {
            world
                .gateway
                .client()
                .request(&Method::OPTIONS, &path)
                .header("origin", origin)
                .header("access-control-request-method", "GET")
                .header("access-control-request-headers", "authorization")
                .send()
                .await
        };
        let allowed = |answer: &Answer| answer.header("access-control-allow-origin");
        let answer = preflight(ORIGIN).await?.expect(204)?;
        ensure!(allowed(&answer).as_deref() == Some(ORIGIN));
        let answer = preflight("https://evil.example").await?;
        ensure!(answer.status != 204 && allowed(&answer).is_none());
        for (path, status) in [
            (path.as_str(), 200),
            ("/kapis/version", 200),
            ("/kapis/no", 404),
        ] {
            for (origin, expected) in [(ORIGIN, Some(ORIGIN)), ("https://evil.example", None)] {
                let answer = admin.get(path).header("origin", origin).send().await?;
                let answer = answer.expect(status)?;
                ensure!(
                    allowed(&answer).as_deref() == expected,
                    "{}",
                    answer.describe()
                );
            }
        }
        Ok(())
    })
}

#[test]
fn a_password_lists_as_a_token_does() -> Result<()> {
    in_the_sphere(async |world| {
        let basic = |password: &str| {
            let pair = STANDARD.encode(format!("admin:{password}"));
            format!("Basic {pair}")
        };
        let path = format!("{KAPIS}/namespaces?names=default");
        let client = world.gateway.client();
        let request = client.get(&path);
        let answer = request.header("authorization", basic(ADMIN_PASSWORD));
        let answer = answer.send().await?.expect(200)?;
        ensure!(answer.json()?["totalItems"] == 1, "{}", answer.text());
        let request = client.get(&path).header("authorization", basic("wrong"));
        request.send().await?.kube_error(401)?;
        Ok(())
    })
}

#[test]
fn the_scope_of_a_key_holds_on_kubespheres_paths() -> Result<()> {
    in_the_sphere(async |world| {
        let namespace = namespace(world).await?;
        let minter = Minter::new(HS256_SECRET);
        let mut claims = payload("admin", Some(now() + 600));
        claims["key_scope"] =
            json!({ "clusters": ["pivot-cluster"], "namespaces": [namespace], "verbs": ["list"] });
        let token = minter.hs256(&claims)?;
        let client = world.gateway.client().with_bearer(&token)?;
        let inside = format!("{KAPIS}/namespaces/{namespace}/deployments");
        ensure!(list(&client, &inside).await?.1 == 3);
        for path in [
            // Another verb, another namespace, all of them, no namespace, another cluster.
            format!("{inside}/web"),
            format!("{KAPIS}/namespaces/default/deployments"),
            format!("{KAPIS}/deployments"),
            format!("{KAPIS}/nodes"),
            format!("/clusters/member-1{inside}"),
            format!(
                "/kapis/clusters/member-1/resources.kubesphere.io/v1alpha3/namespaces/{namespace}/deployments"
            ),
        ] {
            let answer = client.get(&path).send().await?;
            answer.kube_error(403).with_context(|| path.clone())?;
        }
        Ok(())
    })
}

/// Through its own gateway, since it moves the host.
#[test]
fn the_host_moves_and_goes_with_its_cluster() -> Result<()> {
    block_on(async {
        let stack = Stack::shared().await?;
        let gateway = World::gateway_with("sphere-host", stack, &options()).await?;
        let admin = gateway.admin().await?;
        let site = gateway.site();
        let here = stack.pivot.kube.namespace("here").await?;
        let there = stack.member.kube.namespace("there").await?;
        let found = |name: &str| format!("{KAPIS}/namespaces/{name}");
        until_status(&admin, &found(&here), 200).await?;
        let shown = site.ok(&["cluster", "list"]).await?;
        ensure!(hosts(&shown) == ["pivot-cluster"], "{shown}");

        let said = site.ok(&["cluster", "host", "member-1"]).await?;
        ensure!(said.contains("member-1 is the host cluster"), "{said}");
        until_status(&admin, &found(&there), 200).await?;
        until_status(&admin, &format!("/api/v1/namespaces/{there}"), 200).await?;
        admin.get(&found(&here)).send().await?.expect(404)?;
        let info = admin
            .get("/api/v1/cube/clusters/info")
            .send()
            .await?
            .json()?;
        let items = info["items"].as_array().cloned().unwrap_or_default();
        for item in items {
            let is_host = item["clusterName"] == "member-1";
            ensure!(item["isMemberCluster"] == json!(!is_host), "{item}");
        }
        let refused = site.run(&["cluster", "host", "nope"]).await?;
        ensure!(refused.one_sentence()?.contains("cluster nope not found"));

        let said = site.ok(&["cluster", "remove", "member-1"]).await?;
        ensure!(said.contains("there is no host cluster now"), "{said}");
        let gone = until_status(&admin, "/api/v1/namespaces", 404).await?;
        gone.kube_error(404)?;
        admin.get(&found(&here)).send().await?.expect(404)?;
        let path = format!("/clusters/member-1{KAPIS}/namespaces");
        let message = admin.get(&path).send().await?.kube_error(404)?;
        ensure!(message == "cluster member-1 not found", "{message}");
        let path = format!("/clusters/pivot-cluster{}", found(&here));
        admin.get(&path).send().await?.expect(200)?;

        // The next one that is added is the host.
        let kubeconfig = &stack.member.gateway_kubeconfig;
        site.add_cluster("member-2", kubeconfig, true).await?;
        until_status(&admin, &found(&there), 200).await?;
        let kubeconfig = stack.pivot.gateway_kubeconfig.display().to_string();
        let add = ["cluster", "add", "third", "--kubeconfig", &kubeconfig];
        site.ok(&[&add[..], &["--host"]].concat()).await?;
        until_status(&admin, &found(&here), 200).await?;
        let shown = site.ok(&["cluster", "list"]).await?;
        ensure!(hosts(&shown) == ["third"], "{shown}");
        gateway.health().check().await?;
        gateway.stop().await
    })
}

/// The names of the rows of `cluster list` that are the host.
fn hosts(shown: &str) -> Vec<&str> {
    let rows = shown.lines().skip(1);
    let hosts = rows.filter(|row| row.split_whitespace().any(|word| word == "yes"));
    hosts
        .filter_map(|row| row.split_whitespace().next())
        .collect()
}

/// `Discovery::resources` says how much; the tests add custom resources to it.
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
        let text = dump
            .pointer("/configs/0/ecds_filter/typed_config/config/configuration/value")
            .and_then(Value::as_str)
            .with_context(|| format!("no configuration in {dump}"))?;
        let config: Value = serde_json::from_str(text)?;
        let resources = &config["clusters"]["pivot-cluster"]["resources"];
        let pods = json!([{ "path": "/api/v1", "kind": "Pod", "namespaced": true }]);
        ensure!(resources["pods"] == pods, "{resources}");
        let bytes = resources.to_string().len();
        ensure!(bytes < 16 << 10, "{bytes} bytes");
        Ok(())
    })
}
