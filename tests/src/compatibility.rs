//! What is served of the two documented APIs: the rows of `tests/compatibility/`,
//! and the page that is made of them, `docs/compatibility.md`.
//!
//! A row's state is not believed: the end-to-end test sends each row's probe.

mod kinds;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::Value;

pub use self::kinds::{Ask, Asks, Kind, Kinds};
use crate::artifacts::root;
use crate::vector::{NotYet, VectorFile};

/// Where the page stands, from the project's root.
pub const PAGE: &str = "docs/compatibility.md";

/// One documented API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct System {
    /// As the vectors name it.
    pub name: &'static str,
    title: &'static str,
    /// What all its rows have in common.
    preface: &'static str,
}

/// Both of them.
pub const SYSTEMS: [System; 2] = [
    System {
        name: "kubecube",
        title: "KubeCube",
        preface: "Paths are under `/api/v1/cube` unless they begin otherwise. Everything but the open routes answers 401 first when nobody is logged in, and 404 `404 page not found` as plain text for what is not there, as KubeCube does.",
    },
    System {
        name: "kubesphere",
        title: "KubeSphere",
        preface: "Somebody without a credential is `system:anonymous` and gets 403 on the paths of clusters. List semantics are those of v3.0 with the filters of later versions, errors those of v4; `docs/query-language.md` has the list parameters.",
    },
];

/// One documented route.
#[derive(Debug, Clone, Deserialize)]
pub struct Row {
    /// Methods and path.
    pub route: String,
    /// How far it is served.
    pub state: State,
    /// In what it differs, or what it answers instead.
    #[serde(default)]
    pub note: String,
    /// A request that shows the state.
    pub probe: Probe,
}

/// How far a route is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As documented.
    Served,
    /// With a difference, which the row names.
    Differs,
    /// Not at all.
    #[serde(rename = "not served")]
    NotServed,
    /// The original has no such thing.
    Ours,
}

/// A request as an administrator, and the status that it must get.
#[derive(Debug, Clone, Deserialize)]
pub struct Probe {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The status.
    pub status: u16,
    /// A JSON body.
    #[serde(default)]
    pub body: Option<Value>,
}

// === impl System ===

impl System {
    /// Reads its rows.
    ///
    /// # Errors
    /// A file that is not there or has another form.
    pub fn rows(&self) -> Result<Vec<Row>> {
        let path = root()
            .join("tests/compatibility")
            .join(format!("{}.json", self.name));
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} has another form", path.display()))
    }
}

// === impl State ===

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Differs => "differs",
            Self::NotServed => "not served",
            Self::Ours => "ours",
        }
    }
}

/// Writes the page.
///
/// # Errors
/// A file of rows or vectors that is not there or has another form.
pub fn page() -> Result<String> {
    let mut page = String::from(
        "# What is served of the two documented APIs\n\n\
         Written by `make generate` from `tests/compatibility/` and `tests/vectors/`; the end-to-end tests send a request for each row\n\
         and run each vector. **served** is as documented, **differs** says in what, **not served** what is answered instead,\n\
         and **ours** is not documented there.\n",
    );
    for system in SYSTEMS {
        let rows = system.rows()?;
        write!(
            page,
            "\n## {}\n\n{}\n\n{}\n\n| route | state |\n|---|---|\n",
            system.title,
            system.preface,
            counts(&rows)
        )?;
        for row in &rows {
            let note = match row.note.as_str() {
                "" => String::new(),
                note => format!(": {note}").replace('|', "\\|"),
            };
            writeln!(page, "| {} | {}{note} |", row.route, row.state.name())?;
        }
        if system.name == "kubesphere" {
            page.push_str(&Kinds::read()?.section()?);
        }
        page.push_str(&vectors(system.name)?);
    }
    Ok(page)
}

/// `41 routes: 12 served, …`
fn counts(rows: &[Row]) -> String {
    let mut by_state: BTreeMap<State, usize> = BTreeMap::new();
    for row in rows {
        *by_state.entry(row.state).or_default() += 1;
    }
    let each: Vec<String> = by_state
        .into_iter()
        .map(|(state, count)| format!("{count} {}", state.name()))
        .collect();
    format!("{} routes: {}.", rows.len(), each.join(", "))
}

/// How many vectors of the system there are, and what becomes of them.
fn vectors(system: &str) -> Result<String> {
    let file = VectorFile::read()?;
    let not_yet = NotYet::of(system)?.0;
    let mut groups: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for vector in file.vectors.iter().filter(|vector| vector.system == system) {
        let [pass, fail, out] = groups.entry(&vector.group).or_default();
        let place = match vector.verdict.as_str() {
            "do-not-test" => out,
            _ if not_yet.contains_key(&vector.id) => fail,
            _ => pass,
        };
        *place += 1;
    }
    let mut text = String::from(
        "\n| vectors of | pass | not yet | depend on the place |\n|---|---|---|---|\n",
    );
    let mut all = [0; 3];
    for (group, counts) in groups {
        let [pass, fail, out] = counts;
        writeln!(text, "| {group} | {pass} | {fail} | {out} |")?;
        for (sum, count) in all.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    let [pass, fail, out] = all;
    writeln!(text, "| all | {pass} | {fail} | {out} |")?;
    for (id, why) in &not_yet {
        writeln!(text, "\n`{id}`: {why}.")?;
    }
    Ok(text)
}
