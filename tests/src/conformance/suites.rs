//! What Kubernetes' own test suites found: the second record of `make conformance`.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::{Known, read, write};

/// Where the record stands.
const RECORD: &str = "tests/conformance/suites.json";

/// What was found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Suites {
    /// The version of the API servers and of the suites.
    pub server: String,
    /// What was found, by the suite's name.
    pub suites: BTreeMap<String, Suite>,
}

/// What one suite found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Suite {
    /// The day, as `2026-12-01`.
    pub day: String,
    /// How long both ways took, at the same time.
    pub minutes: u64,
    /// Its cases, by their names.
    pub cases: BTreeMap<String, Case>,
}

/// One case: a group of the suite of kubectl.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Whether it passes at an API server itself.
    pub direct: bool,
    /// Whether it passes through the gateway.
    pub through: bool,
    /// How often it was tried; again where the ways differed.
    pub tries: u32,
}

/// A case that does not pass on both ways.
pub struct Failure<'a> {
    /// The suite.
    pub suite: &'a str,
    /// The case.
    pub name: &'a str,
    /// What was found.
    pub case: Case,
    /// Why, if that is known.
    pub reason: Option<String>,
}

// === impl Suites ===

impl Suites {
    /// The suite of kubectl, by the folder in the source of Kubernetes.
    pub const KUBECTL: &'static str = "test/cmd";

    /// Reads the record of the last run.
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

    /// The cases that do not pass on both ways, with what is known of each.
    ///
    /// # Errors
    /// Reasons that cannot be read.
    pub fn failures(&self) -> Result<Vec<Failure<'_>>> {
        let known = Known::read()?;
        let cases = self
            .suites
            .iter()
            .flat_map(|(suite, found)| found.cases.iter().map(move |case| (suite, case)));
        let failing = cases.filter(|(_, (_, case))| !case.is_well());
        let failures = failing.map(|(suite, (name, &case))| Failure {
            suite,
            name,
            case,
            reason: known
                .iter()
                .find(|known| known.is_of(name, suite))
                .map(|known| known.reason.clone()),
        });
        Ok(failures.collect())
    }
}

// === impl Suite ===

impl Suite {
    /// How many cases are so.
    pub fn count(&self, is_so: impl Fn(&Case) -> bool) -> usize {
        self.cases.values().filter(|case| is_so(case)).count()
    }
}

// === impl Case ===

impl Case {
    /// Whether it passes on both ways.
    pub fn is_well(&self) -> bool {
        self.direct && self.through
    }
}
