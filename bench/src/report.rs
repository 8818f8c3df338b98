//! The files `target/bench/*.json` and the table, the same for every suite.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::ser::{Serialize, SerializeStruct as _, Serializer};

/// Where a figure has to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// Not below this.
    AtLeast(f64),
    /// Not above this.
    AtMost(f64),
}

/// One measured number and what it is held against.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What was measured; stays the same from run to run.
    pub name: &'static str,
    /// The number.
    pub value: f64,
    /// Its unit; `ratio` for none.
    pub unit: &'static str,
    /// Where it has to be.
    pub goal: Goal,
    /// On what machine, with what data, how often.
    pub conditions: String,
}

/// The figures of one suite.
#[derive(Debug, Clone)]
pub struct Report {
    suite: &'static str,
    figures: Vec<Figure>,
}

// === impl Goal ===

impl Goal {
    /// Whether a number reaches it.
    pub fn is_reached_by(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::AtMost(bound) => value <= bound,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(f, ">= {bound}"),
            Self::AtMost(bound) => write!(f, "<= {bound}"),
        }
    }
}

// === impl Figure ===

impl Figure {
    /// Whether the goal is reached, by the number as it is written.
    pub fn is_ok(&self) -> bool {
        self.goal.is_reached_by(self.rounded())
    }

    /// Four digits behind the point; no measurement is better than that.
    fn rounded(&self) -> f64 {
        (self.value * 1e4).round() / 1e4
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut figure = serializer.serialize_struct("Figure", 6)?;
        figure.serialize_field("name", self.name)?;
        figure.serialize_field("value", &self.rounded())?;
        figure.serialize_field("unit", self.unit)?;
        figure.serialize_field("goal", &self.goal.to_string())?;
        figure.serialize_field("ok", &self.is_ok())?;
        figure.serialize_field("conditions", &self.conditions)?;
        figure.end()
    }
}

// === impl Report ===

impl Report {
    /// An empty one; `suite` names its file.
    pub fn new(suite: &'static str) -> Self {
        Self {
            suite,
            figures: Vec::new(),
        }
    }

    /// Adds figures.
    pub fn extend(&mut self, figures: Vec<Figure>) {
        self.figures.extend(figures);
    }

    /// Writes `{suite}.json` into this folder, and gives its path.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, dir: &Path) -> Result<PathBuf> {
        let path = dir.join(format!("{}.json", self.suite));
        let mut text = serde_json::to_string_pretty(&self.figures)?;
        text.push('\n');
        fs::create_dir_all(dir)
            .and_then(|()| fs::write(&path, text))
            .with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(path)
    }

    /// Under what conditions each was measured, for a reader of what is in no file.
    pub fn conditions(&self) -> String {
        let lines = self.figures.iter();
        let lines = lines.map(|figure| format!("{}: {}\n", figure.name, figure.conditions));
        lines.collect()
    }

    /// The figures for a reader, with a line that says which goals are missed.
    pub fn table(&self) -> String {
        let width = self
            .figures
            .iter()
            .map(|figure| figure.name.chars().count())
            .max()
            .unwrap_or(0);
        let mut table = String::new();
        for figure in &self.figures {
            let Figure {
                name,
                value,
                unit,
                goal,
                ..
            } = figure;
            let verdict = if figure.is_ok() { "ok" } else { "MISSED" };
            table += &format!(
                "{name:<width$}  {value:>9.3} {unit:<5}  {:<8}  {verdict}\n",
                goal.to_string()
            );
        }
        let missed: Vec<&str> = self
            .figures
            .iter()
            .filter(|figure| !figure.is_ok())
            .map(|figure| figure.name)
            .collect();
        match missed.as_slice() {
            [] => table += "every goal is reached\n",
            missed => table += &format!("missed: {}\n", missed.join("; ")),
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let figure = |name, value, unit, goal| Figure {
            name,
            value,
            unit,
            goal,
            conditions: "2 cores".to_owned(),
        };
        let mut report = Report::new("some");
        report.extend(vec![
            figure("speed", 2.000_04, "GB/s", Goal::AtLeast(2.0)),
            figure("page / list", 1.2, "ratio", Goal::AtMost(1.0)),
        ]);
        report
    }

    #[test]
    fn the_file_is_an_array_of_the_agreed_members() {
        let dir = tempfile::tempdir().unwrap();
        let path = report().write(dir.path()).unwrap();
        let text = fs::read_to_string(path).unwrap();
        let figures: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            figures,
            serde_json::json!([
                { "name": "speed", "value": 2.0, "unit": "GB/s", "goal": ">= 2", "ok": true, "conditions": "2 cores" },
                { "name": "page / list", "value": 1.2, "unit": "ratio", "goal": "<= 1", "ok": false, "conditions": "2 cores" },
            ])
        );
    }

    #[test]
    fn the_table_says_which_goals_are_missed() {
        let table = report().table();
        assert!(table.contains("MISSED"));
        assert!(table.ends_with("missed: page / list\n"), "{table}");
    }
}
