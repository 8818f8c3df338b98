//! Clusters that come from sources which the control plane follows.

mod folder;
mod objects;
mod replicas;
mod token_file;

use std::time::Duration;

use anyhow::{Context as _, Result};
use cubegate_tests::{Client, Gateway, Site, until};
use serde_json::Value;

/// How long a change of a source may take to be served: a member that goes is removed after 2 s.
const PATIENCE: Duration = Duration::from_secs(15);

/// Name and source of all clusters, as the command line has them.
async fn listed(site: &Site) -> Result<Vec<(String, String)>> {
    let listed = site.ok(&["cluster", "list", "-o", "json"]).await?;
    let listed: Value = serde_json::from_str(&listed)?;
    let text = |item: &Value, field: &str| item[field].as_str().unwrap_or_default().to_owned();
    let items = listed["items"].as_array().context("no items")?;
    Ok(items
        .iter()
        .map(|item| (text(item, "name"), text(item, "source")))
        .collect())
}

/// Waits until exactly these clusters are registered, each from its source.
async fn until_listed(site: &Site, what: &str, expected: &[(&str, &str)]) -> Result<()> {
    until(what, PATIENCE, async || {
        let listed = listed(site).await?;
        let listed: Vec<_> = listed
            .iter()
            .map(|(n, s)| (n.as_str(), s.as_str()))
            .collect();
        Ok((listed == expected).then_some(()))
    })
    .await
    .with_context(|| format!("expected {expected:?}"))
}

/// Waits until a path of a cluster gets this answer.
async fn until_status(client: &Client, path: &str, status: u16) -> Result<()> {
    until(&format!("{path} gives {status}"), PATIENCE, async || {
        let answer = client.get(path).send().await?;
        Ok((answer.status == status).then_some(()))
    })
    .await
}

/// What the gateway has logged, and how often this is in it.
fn times_logged(gateway: &Gateway, words: &str) -> Result<usize> {
    let log = std::fs::read_to_string(gateway.site().dir().join("up.log"))?;
    Ok(log.lines().filter(|line| line.contains(words)).count())
}
