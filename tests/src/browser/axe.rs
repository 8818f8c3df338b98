//! axe-core: what keeps people from using a page.

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use super::command::devtools;
use super::page::Page;
use super::session::run_scripts;

/// Runs every rule that axe-core has on by default. It ends, whatever the page does.
const RUN: &str = "Promise.race([
    axe.run(document, { resultTypes: ['violations'] }).then(found => found.violations),
    new Promise((_, fail) => setTimeout(() => fail(new Error('axe does not end')), 25000)),
])";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Evaluated {
    result: Outcome,
    exception_details: Option<Value>,
}

#[derive(Deserialize)]
struct Outcome {
    #[serde(default)]
    value: Value,
}

#[derive(Deserialize)]
struct Violation {
    id: String,
    impact: Option<String>,
    help: String,
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    target: Value,
    html: String,
    failure_summary: Option<String>,
}

// === impl Page ===

impl Page {
    /// What is wrong, of any impact, a line for each place. Also when the page may run no
    /// scripts: axe runs in a world of its own, to which the page's policy does not apply.
    ///
    /// # Errors
    /// axe-core itself fails.
    pub async fn violations(&self) -> Result<Vec<String>> {
        let scripts = self.visitor().scripts;
        if !scripts {
            // The page's own have been passed over already.
            run_scripts(self.client(), true).await?;
        }
        let found = self.judge().await;
        if !scripts {
            run_scripts(self.client(), false).await?;
        }
        let found: Vec<Violation> = serde_json::from_value(found?)?;
        Ok(found.iter().flat_map(Violation::lines).collect())
    }

    async fn judge(&self) -> Result<Value> {
        let tree: Value = devtools(self.client(), "Page.getFrameTree", json!({})).await?;
        let frame = tree.pointer("/frameTree/frame/id").context("no frame")?;
        let world = json!({ "frameId": frame, "worldName": "axe" });
        let world: Value = devtools(self.client(), "Page.createIsolatedWorld", world).await?;
        let world = world.get("executionContextId").context("no world")?;
        self.evaluate(world, &format!("{};0", self.axe)).await?;
        self.evaluate(world, RUN).await
    }

    async fn evaluate(&self, world: &Value, expression: &str) -> Result<Value> {
        let parameters = json!({
            "contextId": world,
            "expression": expression,
            "awaitPromise": true,
            "returnByValue": true,
        });
        let done: Evaluated = devtools(self.client(), "Runtime.evaluate", parameters).await?;
        if let Some(thrown) = done.exception_details {
            bail!("axe-core fails: {thrown}");
        }
        Ok(done.result.value)
    }
}

// === impl Violation ===

impl Violation {
    fn lines(&self) -> Vec<String> {
        let impact = self.impact.as_deref().unwrap_or("unknown");
        let Self { id, help, .. } = self;
        self.nodes
            .iter()
            .map(|node| {
                let Node { target, html, .. } = node;
                let why = node.failure_summary.as_deref().unwrap_or_default();
                let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
                format!("{impact}: {id}: {help}: {target} {html} ({why})")
            })
            .collect()
    }
}
