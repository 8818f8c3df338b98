//! A real Prometheus that scrapes what a test runs, with the rules of `deploy/observability`.
//!
//! What the rules wait for takes minutes, as it should; here windows, waits and ages are seconds
//! ([`hasty`]). Nothing else of them is changed.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::artifacts::root;
use crate::client::Client;
use crate::gateway::free_port;
use crate::metrics::program;
use crate::until::until;

/// Longest time until it answers.
const START: Duration = Duration::from_secs(30);

/// A running Prometheus. It ends with the value.
pub struct Prometheus {
    client: Client,
    _process: Child,
}

/// What it scrapes: a job, and the URL of metrics of its one target.
pub type Target<'a> = (&'a str, &'a str);

/// The rules as they are shipped.
///
/// # Errors
/// A file that cannot be read.
pub fn rules() -> Result<String> {
    Ok(fs::read_to_string(
        root().join("deploy/observability/rules.yaml"),
    )?)
}

/// The same rules for somebody who has no minutes: windows of 10 s, no waits, and young ages.
pub fn hasty(rules: &str) -> String {
    let lines = rules
        .lines()
        .filter(|line| !line.trim_start().starts_with("for: "));
    let rules: String = lines.map(|line| format!("{line}\n")).collect();
    rules
        .replace("[5m]", "[10s]")
        .replace("[10m]", "[10s]")
        .replace(
            "revocation_pending_seconds > 10",
            "revocation_pending_seconds > 2",
        )
        .replace("change_pending_seconds > 60", "change_pending_seconds > 2")
        .replace("outbox_lag_seconds > 300", "outbox_lag_seconds > 2")
}

// === impl Prometheus ===

impl Prometheus {
    /// Starts one in this folder, which asks once a second.
    ///
    /// # Errors
    /// One that does not come up, with what it said.
    pub async fn start(dir: &Path, targets: &[Target<'_>]) -> Result<Self> {
        fs::create_dir_all(dir)?;
        fs::write(dir.join("rules.yaml"), hasty(&rules()?))?;
        let jobs: Result<Vec<Value>> = targets.iter().map(|target| job(*target)).collect();
        let config = json!({
            "global": { "scrape_interval": "1s", "evaluation_interval": "1s" },
            "rule_files": ["rules.yaml"],
            "scrape_configs": jobs?,
        });
        // JSON is YAML.
        fs::write(dir.join("prometheus.yml"), config.to_string())?;
        let address = format!("127.0.0.1:{}", free_port()?);
        let log = File::create(dir.join("prometheus.log"))?;
        let process = Command::new(program("prometheus")?)
            .arg(format!(
                "--config.file={}",
                dir.join("prometheus.yml").display()
            ))
            .arg(format!(
                "--storage.tsdb.path={}",
                dir.join("data").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let this = Self {
            client: Client::plain(&format!("http://{address}"))?,
            _process: process,
        };
        until("Prometheus answers", START, || async {
            let answer = this.client.get("/-/ready").send().await;
            Ok(answer
                .is_ok_and(|answer| answer.status == 200)
                .then_some(()))
        })
        .await?;
        Ok(this)
    }

    /// The values of a query now.
    ///
    /// # Errors
    /// A query that is none.
    pub async fn query(&self, query: &str) -> Result<Vec<f64>> {
        let encoded: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("query", query)
            .finish();
        let path = format!("/api/v1/query?{encoded}");
        let answer = self.client.get(&path).send().await?;
        ensure!(answer.status == 200, "{query}: {}", answer.text());
        let answer = answer.json()?;
        let result = answer.pointer("/data/result").and_then(Value::as_array);
        let values = result.context("no result")?.iter().filter_map(|series| {
            let value = series.pointer("/value/1")?.as_str()?;
            value.parse().ok()
        });
        Ok(values.collect())
    }

    /// The alerts that fire now.
    ///
    /// # Errors
    /// A Prometheus that does not answer.
    pub async fn firing(&self) -> Result<BTreeSet<String>> {
        let answer = self.client.get("/api/v1/alerts").send().await?;
        let answer = answer.expect(200)?.json()?;
        let alerts = answer.pointer("/data/alerts").and_then(Value::as_array);
        let alerts = alerts.context("no alerts")?.iter();
        let firing = alerts.filter(|alert| alert.get("state").is_some_and(|at| at == "firing"));
        let names = firing.filter_map(|alert| alert.pointer("/labels/alertname")?.as_str());
        Ok(names.map(str::to_owned).collect())
    }
}

fn job((name, url): Target<'_>) -> Result<Value> {
    let target = url
        .strip_prefix("http://")
        .and_then(|rest| rest.strip_suffix("/metrics"))
        .context("no URL of metrics")?;
    Ok(json!({ "job_name": name, "static_configs": [{ "targets": [target] }] }))
}
