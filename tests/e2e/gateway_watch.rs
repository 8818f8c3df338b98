//! Streams: what happens in the cluster is seen at once.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use cubegate_tests::Client;
use cubegate_tests::kube::config_map;
use serde_json::json;

use crate::support::{cube, in_the_world, kube};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_watch_streams_each_event_within_a_second_of_the_change() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.pivot.kube;
        let http1 = Client::tls_http1(
            world.gateway.client().base(),
            world.gateway.ca().context("a CA")?,
        )?;
        let http1 = http1.with_bearer(world.gateway.admin_token().await?)?;
        for (client, family) in [
            (
                world.gateway.admin().await?,
                cube as fn(&str, &str) -> String,
            ),
            (world.gateway.admin().await?, kube),
            (http1, cube),
        ] {
            let namespace = server.namespace("watch").await?;
            let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
            let watch = client
                .get(&family("pivot-cluster", &format!("{maps}?watch=true")))
                .open()
                .await?;
            assert_eq!(watch.status, 200);
            let mut watch = watch;
            for name in ["first", "second"] {
                server.create(&maps, &config_map(name, &json!({}))).await?;
                let changed = Instant::now();
                let event = watch.event(SECOND).await?;
                assert_eq!(event["type"], "ADDED");
                assert_eq!(event["object"]["metadata"]["name"], name);
                assert!(changed.elapsed() < SECOND);
            }
            server.delete(&format!("{maps}/first")).await?;
            assert_eq!(watch.event(SECOND).await?["type"], "DELETED");
        }
        Ok(())
    })
}

#[test]
fn a_watch_by_its_old_path_and_without_a_filter_streams_too() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.pivot.kube;
        let client = world.gateway.admin().await?;
        let namespace = server.namespace("watch").await?;
        let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
        for path in [
            format!("/api/v1/watch/namespaces/{namespace}/configmaps"),
            format!("{maps}?isFilter=false&watch=1&pageSize=1&selector=metadata.name=none"),
            format!("{maps}?isFilter=true&watch=1"),
            // What sorts and pages takes nothing from the events.
            format!("{maps}?watch=1&pageSize=1&pageNum=2&sortName=metadata.name"),
        ] {
            let name = format!("m-{}", cubegate_tests::run::unique());
            let mut watch = client.get(&cube("pivot-cluster", &path)).open().await?;
            assert_eq!(watch.status, 200, "{path}");
            server.create(&maps, &config_map(&name, &json!({}))).await?;
            // The watch first tells what is there.
            loop {
                let event = watch.event(SECOND).await.context(path.clone())?;
                if event["object"]["metadata"]["name"] == name.as_str() {
                    break;
                }
            }
        }
        Ok(())
    })
}

#[test]
fn a_watch_that_asks_for_a_part_of_the_events_is_told_that_there_is_none() -> Result<()> {
    in_the_world(async |world| {
        let client = world.gateway.admin().await?;
        for query in [
            "watch=true&selector=metadata.name=none",
            "watch&filter=metadata.name%3Dnone",
            "watch=1&count=only",
        ] {
            let path = format!("/api/v1/namespaces/default/configmaps?{query}");
            let answer = client.get(&cube("pivot-cluster", &path)).send().await?;
            let message = answer.cube_error(400)?;
            assert!(message.contains("labelSelector"), "{message}");
            let answer = client.get(&kube("pivot-cluster", &path)).send().await?;
            assert_eq!(answer.kube_error(400)?, message);
        }
        Ok(())
    })
}

#[test]
fn a_watch_outlives_a_cluster_that_is_added() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.pivot.kube;
        let client = world.gateway.admin().await?;
        let namespace = server.namespace("watch").await?;
        let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
        let mut watch = client
            .get(&cube("pivot-cluster", &format!("{maps}?watch=true")))
            .open()
            .await?;

        let name = format!("added-{}", cubegate_tests::run::unique());
        let file = &world.stack.member.gateway_kubeconfig;
        world.gateway.site().add_cluster(&name, file, false).await?;
        world.gateway.wait_for_cluster(&client, &name).await?;

        server
            .create(&maps, &config_map("after", &json!({})))
            .await?;
        assert_eq!(
            watch.event(SECOND).await?["object"]["metadata"]["name"],
            "after"
        );
        world
            .gateway
            .site()
            .ok(&["cluster", "remove", &name])
            .await?;
        Ok(())
    })
}
