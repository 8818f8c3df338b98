//! Parameters of lists on requests that cannot honour them.

use anyhow::{Result, ensure};
use cubegate_tests::Client;
use cubegate_tests::kube::config_map;
use http::Method;
use serde_json::json;

use crate::support::{World, cube, in_the_world, kube};

/// Three config maps with the label `l`, in a namespace of their own.
async fn three(world: &World, prefix: &str) -> Result<String> {
    let server = &world.stack.pivot.kube;
    let namespace = server.namespace(prefix).await?;
    let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
    for name in ["a", "b", "c"] {
        let mut object = config_map(name, &json!({}));
        object["metadata"]["labels"] = json!({ "l": name });
        server.create(&maps, &object).await?;
    }
    Ok(maps)
}

async fn left(client: &Client, maps: &str) -> Result<Vec<String>> {
    let path = kube("pivot-cluster", maps);
    client.get(&path).send().await?.expect(200)?.names()
}

#[test]
fn a_deletion_with_a_parameter_of_lists_deletes_nothing_at_all() -> Result<()> {
    in_the_world(async |world| {
        let client = world.gateway.admin().await?;
        let maps = three(world, "kept").await?;
        for query in [
            "selector=metadata.name=a",
            "filter=metadata.name%3Da",
            "pageSize=1",
            "pageNum=2&labelSelector=l%3Da",
            "sort=metadata.name",
            "count=only",
            "fields=metadata.name",
            "strip=data",
            "isFilter=false&selector=metadata.name=a",
            "sel%65ctor=%zz",
            "x;filter=metadata.name%3Da",
        ] {
            let path = format!("{maps}?{query}");
            let answer = client.delete(&cube("pivot-cluster", &path)).send().await?;
            let message = answer.cube_error(400)?;
            ensure!(message.contains("labelSelector"), "{message}");
            let answer = client.delete(&kube("pivot-cluster", &path)).send().await?;
            assert_eq!(answer.kube_error(400)?, message);
        }
        let kapis = format!(
            "/kapis/resources.kubesphere.io/v1alpha3{}?name=a",
            maps.trim_start_matches("/api/v1")
        );
        let answer = client.delete(&kube("pivot-cluster", &kapis)).send().await?;
        assert_eq!(answer.status, 405);
        assert_eq!(left(&client, &maps).await?, ["a", "b", "c"]);

        let chosen = format!("{maps}?labelSelector=l%3Da");
        let answer = client
            .delete(&cube("pivot-cluster", &chosen))
            .send()
            .await?;
        answer.expect(200)?;
        assert_eq!(left(&client, &maps).await?, ["b", "c"]);
        Ok(())
    })
}

#[test]
fn no_write_and_no_object_takes_what_is_for_lists() -> Result<()> {
    in_the_world(async |world| {
        let client = world.gateway.admin().await?;
        let maps = three(world, "written").await?;
        let object = format!("{maps}/a");
        for (method, path) in [
            (Method::POST, format!("{maps}?pageSize=1")),
            (Method::PUT, format!("{object}?selector=a=b")),
            (Method::PATCH, format!("{object}?filter=a%3Db")),
            (Method::DELETE, format!("{object}?sortName=metadata.name")),
            (Method::GET, format!("{object}?filter=metadata.name%3Db")),
            (Method::GET, format!("{object}?fields=metadata.name")),
            (Method::GET, "/version?count=only".to_owned()),
        ] {
            let sent = config_map("d", &json!({}));
            let request = client.request(&method, &kube("pivot-cluster", &path));
            let message = request.json(&sent).send().await?.kube_error(400)?;
            ensure!(message.starts_with("The parameter "), "{message}");
        }
        assert_eq!(left(&client, &maps).await?, ["a", "b", "c"]);
        // A client of KubeCube sends its parameters with whatever it reads.
        let path = cube(
            "pivot-cluster",
            &format!("{object}?pageSize=1&selector=x=y"),
        );
        let answer = client.get(&path).send().await?.expect(200)?;
        assert_eq!(answer.json()?["metadata"]["name"], "a");
        Ok(())
    })
}

#[test]
fn beside_a_limit_the_whole_list_is_selected_counted_and_sorted() -> Result<()> {
    in_the_world(async |world| {
        let client = world.gateway.admin().await?;
        let server = &world.stack.pivot.kube;
        let namespace = server.namespace("limited").await?;
        let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
        let names: Vec<String> = (0..25).map(|n| format!("m-{n:02}")).collect();
        for name in &names {
            server.create(&maps, &config_map(name, &json!({}))).await?;
        }
        for family in [cube, kube] {
            for (query, total, items) in [
                ("count=only&limit=1", 25, &[][..]),
                ("filter=metadata.name~m-0&limit=3", 10, &names[..10]),
                // As client-go asks, which takes what has no `continue` for everything.
                ("filter=metadata.name~m-&limit=500", 25, &names),
                (
                    "selector=metadata.name~m-1&limit=2&pageSize=2",
                    10,
                    &names[10..12],
                ),
                ("pageSize=3&pageNum=2&limit=1", 25, &names[3..6]),
            ] {
                let path = family("pivot-cluster", &format!("{maps}?{query}"));
                let answer = client.get(&path).send().await?.expect(200)?;
                assert_eq!(answer.total()?, total, "{query}");
                assert_eq!(answer.names()?, items, "{query}");
                let metadata = &answer.json()?["metadata"];
                for chunk in ["continue", "remainingItemCount"] {
                    ensure!(metadata.get(chunk).is_none(), "{query}: {metadata}");
                }
            }
        }
        let first = client
            .get(&kube("pivot-cluster", &format!("{maps}?limit=2")))
            .send()
            .await?
            .json()?;
        let token = first["metadata"]["continue"].as_str().unwrap_or_default();
        ensure!(!token.is_empty(), "{first}");
        let path = format!("{maps}?limit=2&continue={token}&filter=metadata.name~m");
        let answer = client.get(&cube("pivot-cluster", &path)).send().await?;
        let message = answer.cube_error(400)?;
        ensure!(message.contains("pageNum"), "{message}");
        Ok(())
    })
}
