//! The kinds that KubeSphere lists, with what may be asked of each: the rows of
//! `tests/compatibility/kubesphere-kinds.json`.
//!
//! A row is not believed: the end-to-end test asks each question of two objects.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::artifacts::root;

/// All of it.
#[derive(Debug, Clone, Deserialize)]
pub struct Kinds {
    /// What may be asked of every kind.
    pub every_kind: Asks,
    /// The kinds, those first of which more may be asked.
    pub kinds: Vec<Kind>,
}

/// A kind.
#[derive(Debug, Clone, Deserialize)]
pub struct Kind {
    /// Its plural name.
    pub kind: String,
    /// Its API group; empty for the core.
    pub group: String,
    /// What may be asked of it.
    #[serde(flatten)]
    pub asks: Asks,
    /// What KubeSphere does with it and the gateway does not.
    pub left_out: String,
}

/// What may be asked of a kind.
#[derive(Debug, Clone, Deserialize)]
pub struct Asks {
    /// Filters: `yes` passes and `no` does not.
    pub filters: Vec<Ask>,
    /// Values of `sortBy`: `yes` comes before `no`.
    pub orders: Vec<Ask>,
}

/// One parameter, with a query that shows what it does.
#[derive(Debug, Clone, Deserialize)]
pub struct Ask {
    /// The parameter, or the value of `sortBy`.
    pub name: String,
    /// What it means, where that is not plain.
    pub note: String,
    /// The query, encoded.
    pub query: String,
    /// An object of the kind, without name and labels if they do not matter.
    pub yes: Value,
    /// Another one.
    pub no: Value,
    /// The services that the cluster has.
    #[serde(default)]
    pub services: Vec<Value>,
}

// === impl Kinds ===

impl Kinds {
    /// Reads them.
    ///
    /// # Errors
    /// A file that is not there or has another form.
    pub fn read() -> Result<Self> {
        let path = root().join("tests/compatibility/kubesphere-kinds.json");
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} has another form", path.display()))
    }

    /// Writes what of the page is about them.
    pub(super) fn section(&self) -> Result<String> {
        let mut text = String::from(
            "\n### Kinds\n\n\
             What may be asked of the lists of each kind, as of the newest KubeSphere that lists it (3.0 to 4.1), under\n\
             `/kapis/resources.kubesphere.io/v1alpha3`. Every other kind of a cluster's discovery has what every kind has.\n\n\
             | kind | filters | `sortBy` | left out |\n|---|---|---|---|\n",
        );
        let mut row = |name: &str, asks: &Asks, left_out: &str| {
            let [filters, orders] = [listed(&asks.filters), listed(&asks.orders)];
            let left_out = left_out.replace('|', "\\|");
            writeln!(text, "| {name} | {filters} | {orders} | {left_out} |")
        };
        row("every kind", &self.every_kind, "")?;
        let (plain, own): (Vec<&Kind>, Vec<&Kind>) = self
            .kinds
            .iter()
            .partition(|kind| kind.asks.is_empty() && kind.left_out.is_empty());
        for kind in own {
            row(&format!("`{}`", kind.kind), &kind.asks, &kind.left_out)?;
        }
        let plain: Vec<String> = plain
            .iter()
            .map(|kind| format!("`{}`", kind.kind))
            .collect();
        writeln!(text, "\nNothing more of {}.", plain.join(", "))?;
        Ok(text)
    }
}

// === impl Asks ===

impl Asks {
    fn is_empty(&self) -> bool {
        self.filters.is_empty() && self.orders.is_empty()
    }
}

/// Each parameter once, with its meaning.
fn listed(asks: &[Ask]) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut all = Vec::new();
    for ask in asks {
        if names.contains(&ask.name.as_str()) {
            continue;
        }
        names.push(&ask.name);
        all.push(match ask.note.as_str() {
            "" => format!("`{}`", ask.name),
            note => format!("`{}`: {note}", ask.name).replace('|', "\\|"),
        });
    }
    all.join("; ")
}
