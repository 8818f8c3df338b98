//! `null`, which a server written in Go gives for an empty list, and refusals of what
//! KubeSphere's lists ask first, before an upstream with a discovery of its own.

use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};
use cubegate_tests::fixture::{Fixture, Response};
use cubegate_tests::{Answer, Client, until};
use http_body_util::Full;
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::support::{cube, in_the_playground, kube};

const KAPIS: &str = "/kapis/resources.kubesphere.io/v1alpha3";
const WIDGETS: &str = "/apis/demo.example/v1/widgets";

/// How long discovery may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

fn answer(status: u16, body: &Value) -> Result<(Response, Bytes)> {
    let body = Bytes::from(body.to_string());
    let answer = http::Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("retry-after", "1");
    Ok((answer.body(Full::new(body.clone()))?, body))
}

fn resource(plural: &str, kind: &str, verbs: &Value) -> Value {
    json!({ "resource": plural, "responseKind": { "kind": kind }, "scope": "Namespaced", "verbs": verbs })
}

fn group(name: Option<&str>, resources: &Value) -> Value {
    let metadata = name.map_or(Value::Null, |name| json!({ "name": name }));
    json!({ "metadata": metadata, "versions": [{ "version": "v1", "resources": resources }] })
}

/// All in one document, as of Kubernetes 1.26 on, with what KubeVirt makes of it.
fn new_discovery(path: &str) -> Option<Value> {
    let list = json!(["list"]);
    let items = match path {
        "/api" => json!([group(
            None,
            &json!([
                resource("pods", "Pod", &list),
                resource("services", "Service", &list)
            ])
        )]),
        "/apis" => json!([
            group(
                Some("apps"),
                &json!([resource("deployments", "Deployment", &list)])
            ),
            group(
                Some("subresources.kubevirt.io"),
                &json!([resource("expand-vm-spec", "", &Value::Null)])
            ),
            group(Some("empty.example"), &Value::Null),
            group(
                Some("demo.example"),
                &json!([resource("widgets", "Widget", &list)])
            ),
        ]),
        _ => return None,
    };
    Some(json!({ "kind": "APIGroupDiscoveryList", "items": items }))
}

/// One by one, with a group version that has nothing.
fn old_discovery(path: &str) -> Option<Value> {
    let group = |name: &str| json!({ "name": name, "versions": [{ "version": "v1" }] });
    Some(match path {
        "/api" => json!({ "kind": "APIVersions", "versions": null }),
        "/apis" => {
            json!({ "kind": "APIGroupList", "groups": [group("apps"), group("empty.example")] })
        }
        "/apis/apps/v1" => json!({ "kind": "APIResourceList", "resources": [
            { "name": "deployments", "kind": "Deployment", "namespaced": true, "verbs": ["list"] },
            { "name": "oddities", "kind": null, "namespaced": null, "verbs": null },
        ] }),
        "/apis/empty.example/v1" => json!({ "kind": "APIResourceList", "resources": null }),
        _ => return None,
    })
}

fn list(kind: &str, items: &Value) -> Value {
    json!({ "kind": kind, "apiVersion": "v1", "metadata": { "resourceVersion": "1" }, "items": items })
}

/// An answer of KubeSphere's list, once the gateway knows what the cluster has.
async fn listed(client: &Client, path: &str) -> Result<Answer> {
    until("the cluster's resources", PATIENCE, async || {
        let answer = client.get(path).send().await?;
        let unknown = answer.text().contains("does not know yet");
        Ok((!unknown).then_some(answer))
    })
    .await
}

#[test]
fn an_odd_entry_of_discovery_takes_nothing_but_itself() -> Result<()> {
    in_the_playground(async |playground| {
        for discovery in [new_discovery, old_discovery] {
            let upstream = Fixture::answering(move |seen| match discovery(&seen.path) {
                Some(document) => answer(200, &document),
                None if seen.path == "/apis/apps/v1/deployments" => answer(
                    200,
                    &list(
                        "DeploymentList",
                        &json!([{ "metadata": { "name": "web" } }]),
                    ),
                ),
                None => answer(404, &json!({})),
            })
            .await?;
            let name = playground.cluster(upstream.port()).await?;
            let client = playground.client()?;
            let path = kube(&name, &format!("{KAPIS}/deployments"));
            assert_eq!(listed(&client, &path).await?.expect(200)?.names()?, ["web"]);
            for left_out in ["expand-vm-spec", "oddities"] {
                let path = kube(&name, &format!("{KAPIS}/{left_out}"));
                client.get(&path).send().await?.expect(404)?;
            }
            let log = fs::read_to_string(playground.gateway.site().dir().join("up.log"))?;
            let unread = log
                .lines()
                .filter(|line| line.contains(&name) && line.contains("empty.example"));
            assert_eq!(unread.count(), 0, "{log}");
        }
        Ok(())
    })
}

#[test]
fn items_that_are_null_are_an_empty_list() -> Result<()> {
    in_the_playground(async |playground| {
        let upstream = Fixture::answering(|seen| match new_discovery(&seen.path) {
            Some(document) => answer(200, &document),
            None if seen.headers("accept").any(|accept| accept.contains("as=Table")) => answer(
                200,
                &json!({ "kind": "Table", "columnDefinitions": [{ "name": "Name" }], "rows": null }),
            ),
            None if seen.path == WIDGETS => answer(200, &list("WidgetList", &Value::Null)),
            None => answer(200, &list("Odd", &json!(17))),
        })
        .await?;
        let name = playground.cluster(upstream.port()).await?;
        let client = playground.client()?;
        for family in [cube, kube] {
            for query in ["pageSize=10", "count=only", "filter=a=b"] {
                let path = family(&name, &format!("{WIDGETS}?{query}"));
                let page = client.get(&path).send().await?.expect(200)?;
                assert_eq!((page.total()?, page.names()?.len()), (0, 0), "{query}");
                assert_eq!(page.json()?["kind"], "WidgetList");
                let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
                let page = client.get(&path.replace("filter=a=b", "sort=name"));
                let page = page.header("accept", table).send().await?.expect(200)?;
                assert_eq!(page.json()?["rows"], json!([]), "{query}");
                assert_eq!(page.total()?, 0);
                // What is neither passes.
                let path = family(&name, &format!("/apis/demo.example/v1/odd?{query}"));
                let odd = client.get(&path).send().await?.expect(200)?.json()?;
                assert_eq!((odd["items"].clone(), odd.get("total")), (json!(17), None));
            }
        }
        // Nobody has asked for the default page.
        let path = cube(&name, WIDGETS);
        let passed = client.get(&path).send().await?.expect(200)?.json()?;
        assert_eq!(
            (passed["items"].clone(), passed.get("total")),
            (Value::Null, None)
        );
        let path = kube(&name, &format!("{KAPIS}/widgets"));
        let page = listed(&client, &path).await?.expect(200)?;
        assert_eq!(page.text(), r#"{"items":[],"totalItems":0}"#);
        Ok(())
    })
}

#[test]
fn a_refusal_of_the_services_that_a_list_of_pods_asks_first_is_the_clients() -> Result<()> {
    in_the_playground(async |playground| {
        for code in [403, 429, 500, 503] {
            let status = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "no", "code": code });
            let refusal = status.clone();
            let upstream = Fixture::answering(move |seen| match new_discovery(&seen.path) {
                Some(document) => answer(200, &document),
                None if seen.path.ends_with("/services") => answer(code, &refusal),
                None => answer(200, &list("PodList", &Value::Null)),
            })
            .await?;
            let name = playground.cluster(upstream.port()).await?;
            let client = playground.client()?;
            listed(&client, &kube(&name, &format!("{KAPIS}/pods")))
                .await?
                .expect(200)?;
            let path = kube(&name, &format!("{KAPIS}/pods?serviceName=web"));
            let answer = client.get(&path).send().await?;
            ensure!(answer.status == code, "{}", answer.describe());
            assert_eq!(answer.json()?, status);
            assert_eq!(answer.header("retry-after").as_deref(), Some("1"));
        }
        Ok(())
    })
}
