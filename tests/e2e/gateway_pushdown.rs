//! Pages of which the API server does a part are byte for byte those that the
//! gateway makes alone. A selector that every object passes is never pushed
//! down, so that each query can be asked both ways.

use std::time::Duration;

use anyhow::{Context as _, Result};
use cubegate_tests::kube::{Rule, Subject, config_map, pod};
use cubegate_tests::run::unique;
use cubegate_tests::{Answer, Client, Kube, until};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::json;

use crate::support::{cube, in_the_world, kube};

/// Matches every object, by a field that metadata alone does not hold.
const NOT_PUSHED: &str = "selector=kind~";

/// The API server alone takes seconds for a large list when other tests run.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks both ways, and wants one answer. The revision in the list's own
/// metadata is left out: other tests write meanwhile.
async fn both_ways(client: &Client, path: &str, query: &str, way: &str) -> Result<Answer> {
    let ask = |query: String| async move {
        let request = client.get(&format!("{path}?{query}")).patience(PATIENCE);
        request.send().await?.expect(200)
    };
    let neutral = if query.contains("selector=") {
        query.replace("selector=", &format!("{NOT_PUSHED},"))
    } else {
        format!("{query}&{NOT_PUSHED}")
    };
    let plain = ask(neutral).await?;
    let pushed = ask(query.to_owned()).await?;
    assert_eq!(header(&plain), "plain", "{path}?{query}");
    assert_eq!(header(&pushed), way, "{path}?{query}");
    assert_eq!(
        without_revision(&pushed)?,
        without_revision(&plain)?,
        "{path}?{query}"
    );
    Ok(pushed)
}

fn header(answer: &Answer) -> String {
    answer.header("x-cubegate-list").unwrap_or_default()
}

fn without_revision(answer: &Answer) -> Result<String> {
    let text = answer.text();
    let (before, items) = text.split_once(r#""items":["#).context("no items")?;
    let (start, rest) = before
        .split_once(r#""resourceVersion":""#)
        .context("no revision")?;
    let end = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    Ok(format!(
        r#"{start}"resourceVersion":"{end}"items":[{items}"#
    ))
}

async fn make(server: &Kube, collection: &str, objects: Vec<serde_json::Value>) -> Result<()> {
    stream::iter(&objects)
        .map(|object| server.create(collection, object))
        .buffer_unordered(8)
        .try_for_each(|_| async { Ok(()) })
        .await
}

#[test]
fn the_head_of_a_namespaces_list_is_its_page() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.pivot.kube;
        let client = world.gateway.admin().await?;
        let namespace = server.namespace("head").await?;
        let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
        // Names whose order by bytes is not that of a dictionary.
        let names = [
            "a", "a-b", "a.b", "a0", "b", "ab", "0", "9", "10", "z.z-z", "a-", "x",
        ];
        let mut objects: Vec<_> = names
            .iter()
            .filter(|name| !name.ends_with('-'))
            .map(|name| config_map(name, &json!({ "n": "1.0", "text": "<&>\u{e9}" })))
            .collect();
        objects.extend((0..30).map(|n| config_map(&format!("many-{n}"), &json!({}))));
        make(server, &maps, objects).await?;
        for query in [
            "pageSize=10",
            "pageSize=10&pageNum=2",
            "pageSize=7&pageNum=3",
            "pageSize=40&pageNum=1",
            "pageSize=41",
            "pageSize=42",
            "pageSize=500",
            "pageSize=20&pageNum=3",
            "pageSize=20&pageNum=25",
            "pageSize=0",
            "pageSize=1&sortName=name&sortOrder=asc",
            "pageNum=2&sortName=metadata.name&sortFunc=string",
        ] {
            let page = both_ways(&client, &cube("pivot-cluster", &maps), query, "head").await?;
            assert_eq!(page.total()?, 41, "{query}");
            both_ways(&client, &kube("pivot-cluster", &maps), query, "head").await?;
        }
        // Nothing asked for is page 1 of 10.
        let page = client.get(&cube("pivot-cluster", &maps)).send().await?;
        assert_eq!((header(&page).as_str(), page.total()?), ("head", 41));
        Ok(())
    })
}

#[test]
fn so_is_that_of_other_kinds_and_of_what_is_in_no_namespace() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.member.kube;
        let client = world.gateway.admin().await?;
        let namespace = server.namespace("kinds").await?;
        let pods = format!("/api/v1/namespaces/{namespace}/pods");
        let objects = (0..12).map(|n| pod(&format!("p-{n}"))).collect();
        make(server, &pods, objects).await?;
        for path in [
            pods.as_str(),
            &format!("/apis/apps/v1/namespaces/{namespace}/deployments"),
            &format!("/api/v1/namespaces/{namespace}/services"),
            "/apis/rbac.authorization.k8s.io/v1/clusterroles",
            "/apis/scheduling.k8s.io/v1/priorityclasses",
            "/apis/storage.k8s.io/v1/storageclasses",
            "/apis/apiregistration.k8s.io/v1/apiservices",
            "/api/v1/nodes",
        ] {
            for query in ["pageSize=3", "pageSize=3&pageNum=2", "pageSize=0"] {
                both_ways(&client, &cube("member-1", path), query, "head").await?;
            }
        }
        Ok(())
    })
}

#[test]
fn what_the_server_cannot_do_is_not_left_to_it() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.pivot.kube;
        let client = world.gateway.admin().await?;
        let namespace = server.namespace("not-pushed").await?;
        let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
        let objects = ["b", "a", "c"].map(|name| {
            let mut object = config_map(name, &json!({}));
            object["metadata"]["labels"] = json!({ "l": if name == "b" { "2" } else { "1" } });
            object
        });
        make(server, &maps, objects.to_vec()).await?;
        for (path, query, total) in [
            (maps.as_str(), "pageSize=1&labelSelector=l%3D1", 2),
            (&maps, "pageSize=1&fieldSelector=metadata.name%3Da", 1),
            (&maps, "pageSize=1&sortOrder=desc", 3),
            (&maps, "pageSize=1&limit=2&labelSelector=l", 3),
            (&maps, "pageSize=1&resourceVersion=0", 3),
            (&maps, "pageSize=501", 3),
        ] {
            let path = cube("pivot-cluster", &format!("{path}?{query}"));
            let page = client.get(&path).send().await?.expect(200)?;
            assert_eq!(
                (header(&page).as_str(), page.total()?),
                ("plain", total),
                "{query}"
            );
        }
        let everywhere = cube("pivot-cluster", "/api/v1/configmaps?pageSize=1");
        assert_eq!(header(&client.get(&everywhere).send().await?), "plain");
        Ok(())
    })
}

#[test]
fn a_large_list_is_read_by_its_keys_and_the_page_is_the_same() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.member.kube;
        let namespace = server.namespace("keys").await?;
        let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
        let text = "some \"quoted\" text, \u{e9}\\n and <tags>; ".repeat(3_000);
        let objects = (0..90)
            .map(|n| {
                let mut object = config_map(&format!("big-{n:02}"), &json!({ "text": text }));
                object["metadata"]["labels"] = json!({ "third": (n % 3).to_string() });
                object
            })
            .collect();
        make(server, &maps, objects).await?;
        // Nobody needs to be allowed more than to list.
        let user = format!("lister-{}", unique());
        let only_list = Rule {
            group: "",
            resources: &["configmaps"],
            verbs: &["list"],
        };
        let may = Subject::User(&user);
        server.grant(&namespace, may, &[only_list]).await?;
        let client = world.gateway.user(&user, &[]).await?;
        let path = cube("member-1", &maps);
        for (query, total) in [
            ("sortOrder=desc", 90),
            ("sortOrder=desc&pageSize=50&pageNum=2", 90),
            ("sortOrder=desc&pageSize=50&pageNum=3", 90),
            (
                "sortName=creationTimestamp&sortFunc=time&sortOrder=desc",
                90,
            ),
            ("sortName=metadata.labels.third&pageSize=40", 90),
            ("selector=metadata.labels.third=1&pageSize=20&pageNum=2", 30),
            ("selector=metadata.name~-1,metadata.labels.third=2", 3),
            ("selector=metadata.name=nobody", 0),
            ("sortOrder=desc&pageSize=0", 90),
            ("pageSize=50&pageNum=11", 90),
            ("sortOrder=desc&labelSelector=third%3D0%2Cthird", 30),
        ] {
            // What a native selector leaves of it is a list by itself, not so large.
            let way = if query.contains("labelSelector") {
                "plain"
            } else {
                "keys"
            };
            // Each worker learns the size by itself.
            let url = format!("{path}?{query}");
            until("the size is known", PATIENCE, || async {
                let request = client.get(&url).patience(PATIENCE);
                Ok((header(&request.send().await?.expect(200)?) == way).then_some(()))
            })
            .await?;
            let page = both_ways(&client, &path, query, way).await?;
            assert_eq!(page.total()?, total, "{query}");
        }
        // A short page in the server's own order is still its head.
        both_ways(&client, &path, "pageSize=5", "head").await?;
        Ok(())
    })
}

#[test]
fn a_page_is_compressed_for_a_client_that_takes_gzip() -> Result<()> {
    in_the_world(async |world| {
        let client = world.gateway.admin().await?;
        let path = cube(
            "pivot-cluster",
            "/apis/rbac.authorization.k8s.io/v1/clusterroles?pageSize=20&sortOrder=desc",
        );
        let plain = client.get(&path).send().await?.expect(200)?;
        assert_eq!(plain.header("content-encoding"), None);
        let request = client
            .get(&path)
            .header("accept-encoding", "br, gzip;q=0.9");
        let packed = request.send().await?.expect(200)?;
        assert_eq!(packed.header("content-encoding").as_deref(), Some("gzip"));
        let vary = packed.header("vary").unwrap_or_default();
        assert!(
            vary.to_ascii_lowercase().contains("accept-encoding"),
            "{vary}"
        );
        assert_eq!(
            packed.header("content-length"),
            Some(packed.body.len().to_string())
        );
        assert!(packed.body.len() < plain.body.len() / 3);
        assert_eq!(
            without_revision(&packed.inflated()?)?,
            without_revision(&plain)?
        );
        let refused = client.get(&path).header("accept-encoding", "gzip;q=0, *");
        assert_eq!(refused.send().await?.header("content-encoding"), None);
        Ok(())
    })
}
