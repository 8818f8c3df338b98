//! Tables, the form in which `kubectl get` asks for lists, with parameters of ours.

use anyhow::{Context as _, Result};
use cubegate_tests::kube::config_map;
use cubegate_tests::{Answer, Client};
use serde_json::{Map, Value, json};

use crate::support::{World, cube, in_the_world, kube};

/// What kubectl sends.
const ACCEPT: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";

/// ConfigMaps with 1, 10 and 9 entries, which their Table counts in `Data`.
async fn make(world: &World) -> Result<String> {
    let server = &world.stack.pivot.kube;
    let namespace = server.namespace("tables").await?;
    let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
    for (name, entries) in [("one", 1), ("ten", 10), ("nine", 9)] {
        let data: Map<_, _> = (0..entries)
            .map(|n| (format!("k{n}"), json!("v")))
            .collect();
        let mut map = config_map(name, &Value::Object(data));
        map["metadata"]["labels"] = json!({ "odd": (entries % 2 == 1).to_string() });
        server.create(&maps, &map).await?;
    }
    Ok(maps)
}

async fn table(client: &Client, path: &str, query: &str) -> Result<Answer> {
    let request = client.get(&format!("{path}?{query}"));
    request.header("accept", ACCEPT).send().await
}

/// The first cell of each row, and the total.
fn rows(answer: &Answer) -> Result<(Vec<String>, Option<u64>)> {
    let body = answer.json()?;
    assert_eq!(body["kind"], "Table", "{body}");
    let rows = body["rows"].as_array().context("no rows")?.iter();
    let names = rows.filter_map(|row| row["cells"][0].as_str());
    Ok((names.map(str::to_owned).collect(), body["total"].as_u64()))
}

#[test]
fn a_table_is_selected_sorted_and_paged_when_asked() -> Result<()> {
    in_the_world(async |world| {
        let client = world.gateway.admin().await?;
        let maps = make(world).await?;
        for path in [cube("pivot-cluster", &maps), kube("pivot-cluster", &maps)] {
            for (query, names, total) in [
                ("pageSize=2", &["nine", "one"][..], 3),
                ("pageSize=2&pageNum=2", &["ten"], 3),
                ("sort=-Data:number", &["ten", "nine", "one"], 3),
                ("sortName=data&sortFunc=number", &["one", "nine", "ten"], 3),
                ("selector=metadata.labels.odd=true", &["nine", "one"], 2),
                ("filter=Data%3E%3D9,metadata.name!~nine", &["ten"], 1),
                ("count=only&filter=Data%3E1", &[], 2),
            ] {
                let answer = table(&client, &path, query).await?.expect(200)?;
                let names: Vec<_> = names.iter().map(ToString::to_string).collect();
                assert_eq!(rows(&answer)?, (names, Some(total)), "{path}?{query}");
            }
        }
        Ok(())
    })
}

#[test]
fn a_table_without_parameters_of_ours_is_the_servers_own() -> Result<()> {
    in_the_world(async |world| {
        let client = world.gateway.admin().await?;
        let maps = make(world).await?;
        let path = format!("{maps}?limit=2");
        let own = world.stack.pivot.kube.client().get(&path);
        let own = own.header("accept", ACCEPT).send().await?.expect(200)?;
        let passed = table(&client, &cube("pivot-cluster", &maps), "limit=2").await?;
        let (names, total) = rows(&passed.expect(200)?)?;
        assert_eq!((names, total), rows(&own)?);
        assert_eq!(rows(&own)?.1, None);
        Ok(())
    })
}

#[test]
fn what_no_row_holds_is_a_bad_request_that_names_the_columns() -> Result<()> {
    in_the_world(async |world| {
        let client = world.gateway.admin().await?;
        let maps = make(world).await?;
        let path = cube("pivot-cluster", &maps);
        let message = table(&client, &path, "selector=spec.x=1")
            .await?
            .cube_error(400)?;
        assert!(message.contains("Name, Data, Age"), "{message}");
        let path = kube("pivot-cluster", &maps);
        let message = table(&client, &path, "sort=spec.x")
            .await?
            .kube_error(400)?;
        assert!(message.contains("spec.x"), "{message}");
        Ok(())
    })
}
