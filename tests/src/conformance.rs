//! What was found with other people's clients: the record that `make conformance` writes, and the
//! page that is made of it, `docs/conformance.md`.

mod page;
mod suites;

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

pub use self::page::{CAPABILITIES, page};
pub use self::suites::{Case, Failure, Suite, Suites};
use crate::artifacts::root;

/// Where the page stands, from the project's root.
pub const PAGE: &str = "docs/conformance.md";

/// Where the record stands.
pub const RECORD: &str = "tests/conformance/record.json";

/// Where the reasons of known differences stand.
const REASONS: &str = "tests/conformance/reasons.json";

/// One run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Record {
    /// The API server's version.
    pub server: String,
    /// The day, as `2026-12-01`.
    pub day: String,
    /// How long it took.
    pub minutes: u64,
    /// The clients' names, in their order.
    pub clients: Vec<String>,
    /// What was found of each capability, by the client's name.
    pub capabilities: BTreeMap<String, BTreeMap<String, Cell>>,
    /// How long large copies took.
    pub copies: Vec<Copied>,
}

/// What was found of one capability with one client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// How it came out.
    pub outcome: Outcome,
    /// Why, where it is not the same.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// How a capability came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Outcome {
    /// Both ways have ended well, with the same words.
    #[serde(rename = "same")]
    Same,
    /// The client has no such thing, or not with this API server.
    #[serde(rename = "not by this client")]
    NotByThisClient,
    /// What works directly does not work through the gateway, or differs.
    #[serde(rename = "fails")]
    Fails,
}

/// A large copy into a pod or out of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Copied {
    /// `into a pod`.
    pub what: String,
    /// By which client.
    pub client: String,
    /// How much.
    pub bytes: u64,
    /// Seconds directly, the median.
    pub direct: f64,
    /// Seconds through the gateway, the median.
    pub through: f64,
}

/// A difference that is known.
#[derive(Debug, Clone, Deserialize)]
pub struct Known {
    /// The capability, or the case of a suite.
    pub capability: String,
    /// How the names of the clients begin; or the suite's name.
    pub clients: Vec<String>,
    /// Why it is so.
    pub reason: String,
}

// === impl Record ===

impl Record {
    /// Reads the one of the last run.
    ///
    /// # Errors
    /// A file that is not there or has another form.
    pub fn read() -> Result<Self> {
        read(RECORD)
    }

    /// Writes it.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self) -> Result<()> {
        write(RECORD, self)
    }

    /// The cells that fail, with their capability and client.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &str, &Cell)> {
        self.capabilities.iter().flat_map(|(capability, cells)| {
            let failing = cells
                .iter()
                .filter(|(_, cell)| cell.outcome == Outcome::Fails);
            failing.map(|(client, cell)| (capability.as_str(), client.as_str(), cell))
        })
    }
}

// === impl Known ===

impl Known {
    /// All of them.
    ///
    /// # Errors
    /// A file that is not there or has another form.
    pub fn read() -> Result<Vec<Self>> {
        read(REASONS)
    }

    /// Whether it is about this.
    pub fn is_of(&self, capability: &str, client: &str) -> bool {
        self.capability == capability && self.clients.iter().any(|begin| client.starts_with(begin))
    }
}

fn read<T: for<'de> Deserialize<'de>>(path: &str) -> Result<T> {
    let text = fs::read_to_string(root().join(path))
        .with_context(|| format!("{path} cannot be read; run: make conformance"))?;
    serde_json::from_str(&text).with_context(|| format!("{path} has another form"))
}

fn write(path: &'static str, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)? + "\n";
    fs::write(root().join(path), text).context(path)
}
