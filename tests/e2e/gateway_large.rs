//! A list of forty megabytes, in little memory.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use cubegate_tests::kube::config_map;
use cubegate_tests::{Kube, Stack, block_on};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};

use crate::support::{World, cube};

const OBJECTS: usize = 200;
const OBJECT_BYTES: usize = 200 << 10;
const MEMORY: u64 = 64 << 20;
/// The API server alone takes seconds for it when other tests run.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_page_of_a_forty_megabyte_list_is_byte_identical_and_envoy_stays_small() -> Result<()> {
    block_on(async {
        let stack = Stack::shared().await?;
        let kube = &stack.member.kube;
        let namespace = kube.namespace("large").await?;
        let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
        fill(kube, &maps).await?;
        let own = kube
            .client()
            .get(&maps)
            .header("accept", "application/json");
        let own = own.patience(PATIENCE).send().await?.expect(200)?;
        assert!(own.body.len() > 40_000_000, "{} bytes", own.body.len());

        // Its memory must not be other tests' memory.
        let gateway = World::another_gateway("large", stack).await?;
        let client = gateway.admin().await?;
        client
            .get(&cube("member-1", "/api/v1/namespaces"))
            .send()
            .await?
            .expect(200)?;
        let before = gateway.health().resident_bytes()?;

        let wanted: Vec<String> = (0..OBJECTS).rev().map(name).collect();
        let theirs = by_name(own.raw_items()?)?;
        for (query, wanted) in [
            ("sortOrder=desc&pageSize=10&pageNum=2", &wanted[10..20]),
            ("sortOrder=desc&pageSize=3", &wanted[..3]),
            ("selector=metadata.name=big-007", &[name(7)][..]),
            ("pageSize=0", &[][..]),
        ] {
            let request = client.get(&cube("member-1", &format!("{maps}?{query}")));
            let page = request.patience(PATIENCE).send().await?.expect(200)?;
            assert_eq!(page.names()?, wanted, "{query}");
            let total = if query.starts_with("selector") {
                1
            } else {
                OBJECTS as u64
            };
            assert_eq!(page.total()?, total, "{query}");
            for (name, item) in by_name(page.raw_items()?)? {
                assert!(
                    theirs.get(&name) == Some(&item),
                    "{name} is not byte-identical"
                );
            }
            let grown = gateway.health().resident_bytes()?.saturating_sub(before);
            assert!(
                grown < MEMORY,
                "Envoy grew by {} MiB at {query}",
                grown >> 20
            );
        }
        gateway.health().check().await?;
        gateway.stop().await
    })
}

fn name(number: usize) -> String {
    format!("big-{number:03}")
}

async fn fill(kube: &Kube, maps: &str) -> Result<()> {
    let text = "some \"quoted\" text, \u{e9}\\n and <tags>; ".repeat(OBJECT_BYTES / 37);
    stream::iter(0..OBJECTS)
        .map(|number| {
            let object = config_map(
                &name(number),
                &json!({ "number": number.to_string(), "text": text }),
            );
            async move { kube.create(maps, &object).await }
        })
        .buffer_unordered(8)
        .try_for_each(|_| async { Ok(()) })
        .await
}

fn by_name(items: Vec<&str>) -> Result<HashMap<String, &str>> {
    items
        .into_iter()
        .map(|item| {
            let value: Value = serde_json::from_str(item)?;
            let name = value["metadata"]["name"]
                .as_str()
                .context("an item without a name")?;
            Ok((name.to_owned(), item))
        })
        .collect()
}
