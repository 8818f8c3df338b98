//! The query language before a real API server; its corners are tested with the engine.

use anyhow::Result;
use cubegate_tests::Client;
use serde_json::{Value, json};

use crate::support::{World, cube, in_the_world, kube};

/// Pods that differ in what they ask for.
async fn make(world: &World) -> Result<String> {
    let server = &world.stack.pivot.kube;
    let namespace = server.namespace("query").await?;
    let pods = format!("/api/v1/namespaces/{namespace}/pods");
    for (name, cpu, images) in [
        ("small", "100m", &["nginx:1.9"][..]),
        ("large", "2", &["nginx:1.14", "envoy:1.40"]),
        ("medium", "1500m", &["redis:7"]),
    ] {
        let containers = images.iter().zip(0..).map(|(image, n)| {
            let resources = json!({ "requests": { "cpu": cpu } });
            json!({ "name": format!("c{n}"), "image": image, "resources": resources })
        });
        let containers: Vec<Value> = containers.collect();
        let labels = json!({ "app.kubernetes.io/name": name });
        let pod = json!({ "metadata": { "name": name, "labels": labels }, "spec": { "containers": containers } });
        server.create(&pods, &pod).await?;
    }
    Ok(pods)
}

fn encoded(query: &str) -> String {
    let pairs = query.split('&').map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = value.bytes().map(|byte| format!("%{byte:02X}"));
        format!("{name}={}", value.collect::<String>())
    });
    pairs.collect::<Vec<_>>().join("&")
}

async fn names(client: &Client, path: &str, query: &str) -> Result<Vec<String>> {
    let request = client.get(&format!("{path}?{}", encoded(query)));
    request.send().await?.expect(200)?.names()
}

#[test]
fn pods_are_found_and_sorted_by_what_their_fields_mean() -> Result<()> {
    in_the_world(async |world| {
        let client = world.gateway.admin().await?;
        let pods = make(world).await?;
        let cpu = "spec.containers[].resources.requests.cpu";
        for path in [cube("pivot-cluster", &pods), kube("pivot-cluster", &pods)] {
            for (query, expected) in [
                (format!("filter={cpu}>=1500m"), &["large", "medium"][..]),
                (format!("filter={cpu}<1"), &["small"]),
                (
                    format!("sort=-{cpu}:quantity"),
                    &["large", "medium", "small"],
                ),
                ("filter=spec.containers[].image~envoy".into(), &["large"]),
                (
                    "filter=metadata.labels[app.kubernetes.io/name] in (small,large)".into(),
                    &["large", "small"],
                ),
                (
                    "filter=metadata.name!=small&sort=-metadata.name".into(),
                    &["medium", "large"],
                ),
                (
                    "filter=status.phase=Pending,!status.startTime&pageSize=1&pageNum=2".into(),
                    &["medium"],
                ),
            ] {
                assert_eq!(
                    names(&client, &path, &query).await?,
                    expected,
                    "{path}?{query}"
                );
            }
        }
        Ok(())
    })
}

#[test]
fn a_path_of_kubectls_jsonpath_means_the_same_or_is_told() -> Result<()> {
    in_the_world(async |world| {
        let client = world.gateway.admin().await?;
        let pods = make(world).await?;
        for (name, restarts) in [("small", 1), ("large", 10), ("medium", 9)] {
            let status = json!({ "status": { "containerStatuses": [{
                "name": "c0", "image": "a", "imageID": "b", "ready": true, "restartCount": restarts,
            }] } });
            let path = kube("pivot-cluster", &format!("{pods}/{name}/status"));
            let patch = client.patch(&path);
            let patch = patch.header("content-type", "application/merge-patch+json");
            let sent = patch.body(status.to_string()).send().await?;
            sent.expect(200)?;
        }
        for path in [cube("pivot-cluster", &pods), kube("pivot-cluster", &pods)] {
            let restarts = "status.containerStatuses[0].restartCount:number";
            let sorted = names(&client, &path, &format!("sort=-{restarts}")).await?;
            assert_eq!(sorted, ["large", "medium", "small"]);
            for (filter, total) in [
                ("spec.containers[*].image~nginx", 2),
                ("spec.containers[*].image!~nginx", 1),
                ("{.spec.containers[1].image}~envoy", 1),
                ("$.spec.containers[0].image~envoy", 0),
                (r"metadata.labels.app\.kubernetes\.io/name=large", 1),
                (
                    "metadata.labels['app.kubernetes.io/name'] in (small,medium)",
                    2,
                ),
            ] {
                let query = encoded(&format!("filter={filter}&count=only"));
                let answer = client.get(&format!("{path}?{query}")).send().await?;
                assert_eq!(answer.expect(200)?.total()?, total, "{filter}");
            }
        }
        for (query, character) in [
            ("filter=spec.containers[-1:].image~nginx", 17),
            (r#"sort=spec.containers[?(@.name=="c0")].image"#, 17),
            ("fields=metadata.name,spec.containers[0:1].image", 31),
            ("strip=..managedFields", 2),
        ] {
            let path = format!("{}?{}", kube("pivot-cluster", &pods), encoded(query));
            let message = client.get(&path).send().await?.kube_error(400)?;
            let place = format!("at character {character}: ");
            assert!(message.contains(&place), "{query}: {message}");
        }
        Ok(())
    })
}

#[test]
fn items_hold_what_was_asked_for_and_no_more() -> Result<()> {
    in_the_world(async |world| {
        let client = world.gateway.admin().await?;
        let path = cube("pivot-cluster", &make(world).await?);
        let get = async |query: &str| client.get(&format!("{path}?{query}")).send().await?.json();
        let cut = get("fields=spec.containers[].image&pageSize=1").await?;
        let image = |image: &str| json!({ "image": image });
        let item = &cut["items"][0];
        let containers = json!([image("nginx:1.14"), image("envoy:1.40")]);
        assert_eq!(item["spec"], json!({ "containers": containers }));
        assert_eq!(item["metadata"]["name"], "large");
        assert_eq!(item.get("status"), None);
        let stripped = get("strip=managedFields").await?;
        assert_eq!(stripped["total"], 3);
        for item in stripped["items"].as_array().into_iter().flatten() {
            assert_eq!(item["metadata"].get("managedFields"), None);
            assert_eq!(item["status"]["phase"], "Pending");
        }
        let counted = get("count=only").await?;
        assert_eq!(
            (&counted["items"], &counted["total"]),
            (&json!([]), &json!(3))
        );
        Ok(())
    })
}

#[test]
fn a_parameter_that_cannot_be_read_is_a_bad_request_that_names_it() -> Result<()> {
    in_the_world(async |world| {
        let client = world.gateway.admin().await?;
        let pods = "/api/v1/pods";
        for (query, parameter) in [
            ("filter=spec.x>", "filter"),
            ("filter=a in (b", "filter"),
            ("sort=metadata.name:colour", "sort"),
            ("fields=a..b", "fields"),
            ("strip=managedfields", "strip"),
            ("count=yes", "count"),
        ] {
            let query = encoded(query);
            let path = format!("{}?{query}", cube("pivot-cluster", pods));
            let message = client.get(&path).send().await?.cube_error(400)?;
            assert!(message.contains(parameter), "{message}");
            let path = format!("{}?{query}", kube("pivot-cluster", pods));
            let message = client.get(&path).send().await?.kube_error(400)?;
            assert!(message.contains(parameter), "{message}");
        }
        Ok(())
    })
}
