//! What Prometheus reads, read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::artifacts::root;
use crate::client::Client;

/// A text of metrics.
#[derive(Debug, Clone, Default)]
pub struct Exposition {
    /// The type of each metric by its name.
    pub types: BTreeMap<String, String>,
    /// The samples.
    pub samples: Vec<Sample>,
}

/// One line of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The name, with `_bucket`, `_sum` or `_count` where it is a histogram's.
    pub name: String,
    /// The labels, `le` among them.
    pub labels: BTreeMap<String, String>,
    /// The value.
    pub value: f64,
}

/// What linters say of a text: the exit code and the lines.
#[derive(Debug, Clone)]
pub struct Linted {
    /// 0: nothing; 3: that something could be better; others: that it cannot be read.
    pub code: i32,
    /// What it says.
    pub said: String,
}

/// Reads metrics at a URL that ends in a path.
///
/// # Errors
/// Another answer than metrics.
pub async fn scrape(url: &str) -> Result<(Exposition, String)> {
    let answer = get(url, "/metrics").await?;
    Ok((Exposition::parse(&answer)?, answer))
}

/// Gets a path where metrics are read.
///
/// # Errors
/// Another status than 200.
pub async fn get(url: &str, path: &str) -> Result<String> {
    let base = url.strip_suffix("/metrics").context("no URL of metrics")?;
    let answer = Client::plain(base)?.get(path).send().await?.expect(200)?;
    Ok(answer.text())
}

/// A program of Prometheus.
///
/// # Errors
/// That it is not there, with the command that gets it.
pub fn program(name: &str) -> Result<PathBuf> {
    let path = root().join(".tools").join(name);
    ensure!(
        path.exists(),
        "{name} is not at {}; run: deploy/local/tools.sh prometheus",
        path.display()
    );
    Ok(path)
}

/// Has `promtool check metrics` read a text.
///
/// # Errors
/// A `promtool` that does not start.
pub async fn lint(text: &str) -> Result<Linted> {
    let mut promtool = Command::new(program("promtool")?)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut input = promtool.stdin.take().context("no standard input")?;
    input.write_all(text.as_bytes()).await?;
    drop(input);
    let output = promtool.wait_with_output().await?;
    let said = [output.stdout, output.stderr].concat();
    Ok(Linted {
        code: output.status.code().unwrap_or(-1),
        said: String::from_utf8_lossy(&said).into_owned(),
    })
}

// === impl Exposition ===

impl Exposition {
    /// Reads the text format.
    ///
    /// # Errors
    /// A line that is none.
    pub fn parse(text: &str) -> Result<Self> {
        let mut this = Self::default();
        for line in text.lines() {
            if let Some(of_type) = line.strip_prefix("# TYPE ") {
                let (name, kind) = of_type.split_once(' ').context("no type")?;
                this.types.insert(name.to_owned(), kind.to_owned());
            } else if !line.starts_with('#') && !line.is_empty() {
                let sample = Sample::parse(line).with_context(|| format!("in {line:?}"))?;
                this.samples.push(sample);
            }
        }
        Ok(this)
    }

    /// Returns the samples that have this label with this value.
    pub fn with(&self, label: &str, value: &str) -> Vec<&Sample> {
        let has = |sample: &&Sample| sample.labels.get(label).is_some_and(|have| have == value);
        self.samples.iter().filter(has).collect()
    }

    /// Returns the sum of a metric's samples that have all of these labels.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |sample: &&Sample| {
            let of = |(label, value): &(&str, &str)| {
                sample.labels.get(*label).is_some_and(|have| have == value)
            };
            sample.name == name && labels.iter().all(of)
        };
        self.samples
            .iter()
            .filter(has)
            .map(|sample| sample.value)
            .sum()
    }

    /// Returns the metrics with their labels, `le` left out.
    pub fn metrics(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut metrics: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for sample in &self.samples {
            let base = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|suffix| sample.name.strip_suffix(suffix))
                .filter(|base| {
                    self.types
                        .get(*base)
                        .is_some_and(|kind| kind == "histogram")
                });
            let labels = metrics
                .entry(base.unwrap_or(&sample.name).to_owned())
                .or_default();
            labels.extend(sample.labels.keys().filter(|label| *label != "le").cloned());
        }
        metrics
    }
}

// === impl Sample ===

impl Sample {
    fn parse(line: &str) -> Result<Self> {
        let (head, value) = line.rsplit_once(' ').context("no value")?;
        let value = match value {
            "+Inf" => f64::INFINITY,
            value => value.parse()?,
        };
        let (name, labels) = match head.split_once('{') {
            None => (head, ""),
            Some((name, rest)) => (name, rest.strip_suffix('}').context("no end of labels")?),
        };
        let mut sample = Self {
            name: name.to_owned(),
            labels: BTreeMap::new(),
            value,
        };
        // No value of ours has a quote or a comma in it.
        for pair in labels.split(',').filter(|pair| !pair.is_empty()) {
            let (label, value) = pair.split_once('=').context("no label")?;
            let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
            let Some(value) = value else {
                bail!("a label's value is not quoted")
            };
            sample.labels.insert(label.to_owned(), value.to_owned());
        }
        Ok(sample)
    }
}
