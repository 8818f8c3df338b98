//! A cluster by its kubeconfig in a browser: tried, added, browsed and taken out again.

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::browser::{By, Page, Visitor};
use cubegate_tests::gateway::ADMIN_PASSWORD;
use cubegate_tests::kube::config_map;
use cubegate_tests::run::unique;
use serde_json::{Value, json};

use crate::support::console::{Console, judge};
use crate::support::in_the_world;

/// Puts a text into the field for a kubeconfig, as who pastes it.
async fn paste(page: &Page, kubeconfig: &str) -> Result<()> {
    page.find(By::Css("#kubeconfig")).await?;
    page.script(
        "document.getElementById('kubeconfig').value = arguments[0]",
        &[Value::from(kubeconfig)],
    )
    .await
}

#[test]
fn a_cluster_is_tried_added_browsed_and_removed() -> Result<()> {
    in_the_world(async |world| {
        let kubeconfig = std::fs::read_to_string(&world.stack.member.gateway_kubeconfig)?;
        let kube = &world.stack.member.kube;
        let namespace = kube.namespace("added-by-console").await?;
        let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
        kube.create(&maps, &config_map("found", &json!({}))).await?;
        let name = format!("by-console-{}", unique());
        let console = Console {
            origin: &world.gateway.endpoints().gateway,
            account: Some(("admin", ADMIN_PASSWORD)),
        };
        console
            .visit("clusters", Visitor::default(), async |page| {
                page.goto("/console/clusters/new").await?;
                page.fill(By::Css("#name"), &name).await?;
                paste(page, "no kubeconfig").await?;
                page.click(By::Role("button", "Add the cluster")).await?;
                page.find(By::Css(".notice.failed")).await?;
                // Nothing that was typed is lost.
                ensure!(page.value(By::Css("#name")).await? == name);
                ensure!(page.value(By::Css("#kubeconfig")).await? == "no kubeconfig");

                paste(page, &kubeconfig).await?;
                page.click(By::Role("button", "Test")).await?;
                page.reads("Nothing is saved yet.").await?;
                page.reads("v1.").await?;
                let admin = world.gateway.admin().await?;
                let clusters = async || {
                    let list = admin
                        .get("/api/v1/cube/clusters")
                        .send()
                        .await?
                        .expect(200)?;
                    let list = list.json()?;
                    let items = list["items"].as_array().context("items")?.clone();
                    anyhow::Ok(items.iter().any(|item| item["name"] == name.as_str()))
                };
                ensure!(!clusters().await?);
                page.click(By::Role("button", "Add the cluster")).await?;
                page.until("the cluster is registered", async |_| {
                    Ok(clusters().await?.then_some(()))
                })
                .await?;

                let list = format!(
                    "/console/resources?cluster={name}&resource=configmaps.v1&namespace={namespace}"
                );
                page.until("the cluster's kinds are known", async |page| {
                    page.goto(&list).await?;
                    Ok(page.text().await?.contains("found").then_some(()))
                })
                .await?;
                // What was refused above, and not known yet, stands in the browser's console.
                page.complaints().await?;
                page.goto("/console/clusters").await?;
                page.reads(&name).await?;
                let faults = judge(page, "clusters-added-en").await?;
                ensure!(faults.is_empty(), "{}", faults.join("\n"));

                page.goto(&format!("/console/clusters/{name}/remove"))
                    .await?;
                page.click(By::Role("button", "Remove the cluster")).await?;
                page.until("the cluster is gone", async |_| {
                    Ok((!clusters().await?).then_some(()))
                })
                .await
            })
            .await
    })
}
