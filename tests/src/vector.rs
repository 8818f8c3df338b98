//! The vectors: requests and what must come back, as data (`tests/vectors/`).

mod check;
mod placeholder;

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::Value;

pub use check::Observed;
pub use placeholder::Placeholders;

use crate::artifacts::root;
use crate::fixture::Bodies;

/// The file.
#[derive(Deserialize)]
pub struct VectorFile {
    /// The bodies of the fixture upstream.
    pub fixtures: Bodies,
    /// Users, keys and clusters, by system.
    pub environment: BTreeMap<String, Value>,
    /// The vectors in their order.
    pub vectors: Vec<Vector>,
}

/// One request and the answer that is wanted.
#[derive(Debug, Clone, Deserialize)]
pub struct Vector {
    /// Unique.
    pub id: String,
    /// `kubecube` or `kubesphere`.
    pub system: String,
    /// The topic.
    pub group: String,
    /// What is sent.
    pub request: Request,
    /// What the original's answer is to us; `do-not-test` leaves the vector out.
    pub verdict: String,
    /// What must come back.
    pub target: Value,
}

/// What is sent.
#[derive(Debug, Clone, Deserialize)]
pub struct Request {
    /// The method.
    pub method: String,
    /// Path and query, already encoded.
    pub path: String,
    /// The headers, with placeholders.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
    /// All state is to be made anew before.
    pub fresh_state: bool,
    /// The name under which the JSON answer is kept for placeholders.
    pub save_response_as: Option<String>,
}

/// The vectors of a system that do not pass, and why.
#[derive(Debug, Clone)]
pub struct NotYet(pub BTreeMap<String, String>);

// === impl VectorFile ===

impl VectorFile {
    /// Reads `tests/vectors/vectors.json`.
    ///
    /// # Errors
    /// A file that is not there or has another form.
    pub fn read() -> Result<Self> {
        read("vectors.json")
    }

    /// The vectors of a system that are to be run, in their order.
    pub fn of<'a>(
        &'a self,
        system: &'a str,
        groups: &'a [&str],
    ) -> impl Iterator<Item = &'a Vector> {
        self.vectors.iter().filter(move |vector| {
            vector.system == system
                && groups.contains(&vector.group.as_str())
                && vector.verdict != "do-not-test"
        })
    }
}

// === impl NotYet ===

impl NotYet {
    /// Reads `tests/vectors/not-yet.json`.
    ///
    /// # Errors
    /// A file that is not there or has another form.
    pub fn of(system: &str) -> Result<Self> {
        let mut all: BTreeMap<String, String> = read("not-yet.json")?;
        all.retain(|id, _| id.split('/').next() == Some(system));
        Ok(Self(all))
    }
}

fn read<T: serde::de::DeserializeOwned>(name: &str) -> Result<T> {
    let path = root().join("tests/vectors").join(name);
    let text =
        fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} has another form", path.display()))
}
