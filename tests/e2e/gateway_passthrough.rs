//! What is no list goes through as it is, in both directions.

use anyhow::Result;
use cubegate_tests::kube::{config_map, pod};
use serde_json::json;

use crate::support::{cube, in_the_world, kube};

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

#[test]
fn objects_are_created_read_updated_patched_and_deleted() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.pivot.kube;
        let client = world.gateway.admin().await?;
        for family in [cube, kube] {
            let namespace = server.namespace("write").await?;
            let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
            let path = format!("{maps}/m");
            let through = family("pivot-cluster", &path);

            let create = client.post(&family("pivot-cluster", &maps));
            let created = create
                .json(&config_map("m", &json!({ "a": "1", "b": "2" })))
                .send()
                .await?;
            let mut object = created.expect(201)?.json()?;
            assert_eq!(server.get(&path).await?.json()?, object);

            object["data"]["a"] = json!("two");
            let updated = client
                .put(&through)
                .json(&object)
                .send()
                .await?
                .expect(200)?;
            assert_eq!(updated.json()?["data"], json!({ "a": "two", "b": "2" }));

            let patch = client
                .patch(&through)
                .header("content-type", "application/strategic-merge-patch+json")
                .body(json!({ "data": { "b": null, "c": "3" } }).to_string());
            let patched = patch.send().await?.expect(200)?;
            assert_eq!(patched.json()?["data"], json!({ "a": "two", "c": "3" }));
            assert_eq!(
                server.get(&path).await?.json()?["data"],
                json!({ "a": "two", "c": "3" })
            );

            // A stale update is the API server's to refuse.
            client
                .put(&through)
                .json(&object)
                .send()
                .await?
                .kube_error(409)?;

            let deleted = client.delete(&through).send().await?.expect(200)?;
            assert_eq!(deleted.json()?["status"], "Success");
            client.get(&through).send().await?.kube_error(404)?;
        }
        Ok(())
    })
}

#[test]
fn an_object_and_an_unfiltered_list_are_the_api_servers_own_bytes() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.pivot.kube;
        let namespace = server.namespace("bytes").await?;
        let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
        for name in ["b", "a"] {
            let data = json!({ "text": "<a>&\"\\ \u{2028} \u{1f600} 9007199254740993" });
            server.create(&maps, &config_map(name, &data)).await?;
        }
        let client = world.gateway.admin().await?;
        for (ours, theirs) in [
            (
                cube("pivot-cluster", &format!("{maps}/a")),
                format!("{maps}/a"),
            ),
            (
                cube("pivot-cluster", &format!("{maps}?isFilter=false")),
                maps.clone(),
            ),
            (kube("pivot-cluster", &maps), maps.clone()),
            (kube("pivot-cluster", "/version"), "/version".to_owned()),
            (cube("pivot-cluster", "/api/v1"), "/api/v1".to_owned()),
        ] {
            // A list names the revision of the whole cluster, which other tests move on.
            let (mut before, mut tries) = (server.get(&theirs).await?, 0);
            let answer = loop {
                let answer = client
                    .get(&ours)
                    .header("accept", "application/json")
                    .send()
                    .await?;
                let after = server.get(&theirs).await?;
                tries += 1;
                if before.body == after.body || tries == 50 {
                    break answer;
                }
                before = after;
            };
            assert_eq!(answer.expect(200)?.body, before.body, "{ours}");
        }
        Ok(())
    })
}

#[test]
fn a_pages_items_are_the_api_servers_own_bytes() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.pivot.kube;
        let namespace = server.namespace("bytes").await?;
        let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
        for name in ["b", "c", "a"] {
            let data = json!({ "text": "<a>&\"\\ \u{2028} \u{1f600} 1.0", "empty": "" });
            server.create(&maps, &config_map(name, &data)).await?;
        }
        let own = server.get(&maps).await?;
        let path = cube(
            "pivot-cluster",
            &format!("{maps}?sortOrder=desc&pageSize=2"),
        );
        let page = world
            .gateway
            .admin()
            .await?
            .get(&path)
            .send()
            .await?
            .expect(200)?;
        assert_eq!(page.names()?, ["c", "b"]);
        let own = own.raw_items()?;
        for item in page.raw_items()? {
            assert!(own.contains(&item), "{item} is not the API server's own");
        }
        Ok(())
    })
}

#[test]
fn a_client_that_asks_for_a_table_gets_the_whole_table() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.pivot.kube;
        let namespace = server.namespace("table").await?;
        let pods = format!("/api/v1/namespaces/{namespace}/pods");
        for number in 0..12 {
            server.create(&pods, &pod(&format!("p-{number}"))).await?;
        }
        let client = world.gateway.admin().await?;
        for path in [cube("pivot-cluster", &pods), kube("pivot-cluster", &pods)] {
            let answer = client
                .get(&path)
                .header("accept", TABLE)
                .send()
                .await?
                .expect(200)?;
            let table = answer.json()?;
            assert_eq!(table["kind"], "Table", "{path}");
            assert_eq!(table["rows"].as_array().map(Vec::len), Some(12), "{path}");
            assert!(table.get("total").is_none(), "{path}");
        }
        Ok(())
    })
}

#[test]
fn kubernetes_own_paging_works_on_both_paths() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.pivot.kube;
        let namespace = server.namespace("chunks").await?;
        let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
        for name in ["a", "b", "c"] {
            server.create(&maps, &config_map(name, &json!({}))).await?;
        }
        let client = world.gateway.admin().await?;
        for family in [cube, kube] {
            let first = client
                .get(&family("pivot-cluster", &format!("{maps}?limit=2")))
                .send()
                .await?;
            let first = first.expect(200)?;
            assert_eq!(first.names()?, ["a", "b"]);
            let first = first.json()?;
            assert!(
                first.get("total").is_none(),
                "a list of Kubernetes' own has no total"
            );
            let next = first["metadata"]["continue"].as_str().unwrap_or_default();
            let next = format!("{maps}?limit=2&continue={next}");
            let rest = client
                .get(&family("pivot-cluster", &next))
                .send()
                .await?
                .expect(200)?;
            assert_eq!(rest.names()?, ["c"]);
        }
        Ok(())
    })
}

#[test]
fn native_selectors_reach_the_api_server_and_ours_work_on_what_is_left() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.pivot.kube;
        let namespace = server.namespace("select").await?;
        let pods = format!("/api/v1/namespaces/{namespace}/pods");
        for name in ["aa", "ab", "bb"] {
            server.create(&pods, &pod(name)).await?;
        }
        let client = world.gateway.admin().await?;
        for (query, wanted) in [
            ("?labelSelector=app%20in%20(aa,bb)", vec!["aa", "bb"]),
            (
                "?labelSelector=app%20in%20(aa,bb)&selector=metadata.name~b",
                vec!["bb"],
            ),
            ("?fieldSelector=metadata.name%3Dab&pageSize=5", vec!["ab"]),
        ] {
            let path = cube("pivot-cluster", &format!("{pods}{query}"));
            let answer = client.get(&path).send().await?.expect(200)?;
            assert_eq!(answer.names()?, wanted, "{query}");
            assert_eq!(answer.total()?, wanted.len() as u64, "{query}");
        }
        // What the API server refuses stays its own refusal.
        let path = cube(
            "pivot-cluster",
            &format!("{pods}?labelSelector=a%3D%3D%3D&pageSize=2"),
        );
        client.get(&path).send().await?.kube_error(400)?;
        Ok(())
    })
}

#[test]
fn a_kubernetes_style_path_is_paged_only_when_one_of_our_parameters_asks() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.pivot.kube;
        let namespace = server.namespace("style").await?;
        let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
        for number in 0..12 {
            server
                .create(&maps, &config_map(&format!("m-{number:02}"), &json!({})))
                .await?;
        }
        let client = world.gateway.admin().await?;
        let plain = client
            .get(&kube("pivot-cluster", &maps))
            .send()
            .await?
            .expect(200)?;
        assert_eq!(plain.names()?.len(), 12);
        assert!(plain.json()?.get("total").is_none());
        let path = kube("pivot-cluster", &format!("{maps}?pageSize=5&pageNum=3"));
        let page = client.get(&path).send().await?.expect(200)?;
        assert_eq!(page.names()?, ["m-10", "m-11"]);
        assert_eq!(page.total()?, 12);
        Ok(())
    })
}
