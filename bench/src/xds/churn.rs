//! What is lost while much changes: nothing may be.

use std::fs;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::load::Load;
use super::{Bench, MEMBERS, ROUNDS, SETTLE};
use crate::fleet::register;
use crate::report::{Figure, Goal};

// === impl Bench ===

impl Bench {
    /// Removes, adds and changes members, and the filter's own configuration, while others ask.
    pub(super) async fn churn(&self) -> Result<Vec<Figure>> {
        let began = Instant::now();
        let used: Vec<usize> = (0..2 * ROUNDS).collect();
        let load = Load::begin(&self.admin, &used);
        self.remove(MEMBERS..MEMBERS + ROUNDS).await?;
        register(&self.admin, &self.members, MEMBERS..MEMBERS + ROUNDS).await?;
        for number in 0..ROUNDS {
            self.give_another_credential(number).await?;
        }
        for number in 0..ROUNDS {
            let site = self.gateway.site();
            let host = format!("member-{}", number % 2);
            site.ok(&["cluster", "host", &host]).await?;
        }
        let outcome = load.end().await?;
        let first = outcome.failures.first().map(String::as_str);
        Ok(vec![self.figure(
            "requests that failed while members and the filter's configuration changed",
            outcome.failures.len() as f64,
            "",
            Goal::AtMost(0.0),
            &format!(
                "of {} in {:.0} s, to {} members that are there all the time; meanwhile {ROUNDS} members removed, {ROUNDS} added, {ROUNDS} of those in use given another credential, the host cluster changed {ROUNDS} times; the first failure: {}",
                outcome.times.count(),
                began.elapsed().as_secs_f64(),
                used.len(),
                first.unwrap_or("none"),
            ),
        )])
    }

    /// Starts the control plane anew.
    pub(super) async fn restart(&self) -> Result<Vec<Figure>> {
        self.gateway.kill_control_plane().await?;
        self.gateway.restart_control_plane().await?;
        sleep(SETTLE).await;
        // It counts from its start.
        Ok(vec![self.figure(
            "bytes to an Envoy that has all, after a restart of the control plane",
            self.received().await?,
            "B",
            Goal::AtMost(10e3),
            &format!("in the {} s after it", SETTLE.as_secs()),
        )])
    }

    async fn give_another_credential(&self, number: usize) -> Result<()> {
        let site = self.gateway.site();
        let mut document: Value = serde_json::from_str(&self.members.kubeconfig(number)?)?;
        let user = document
            .pointer_mut("/users/0/user")
            .context("a kubeconfig without a user")?;
        *user = json!({ "token": format!("another-{number}") });
        let name = format!("member-{number}");
        let file = site.dir().join(format!("{name}.kubeconfig"));
        fs::write(&file, document.to_string())?;
        let file = file.to_str().context("a path that is no text")?;
        site.ok(&[
            "cluster",
            "add",
            &name,
            "--kubeconfig",
            file,
            "--replace",
            "--no-check",
        ])
        .await
        .map(drop)
    }
}
