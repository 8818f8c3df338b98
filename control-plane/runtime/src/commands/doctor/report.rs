//! What the checks have found.

use serde::Serialize;

use crate::args::Format;
use crate::output;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Ok,
    Warn,
    Fail,
}

/// One check.
#[derive(Debug, Serialize)]
struct Check {
    state: State,
    /// What it is about.
    check: &'static str,
    /// What was found, and what to do if it is not as it should be.
    message: String,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Report {
    checks: Vec<Check>,
}

#[derive(Serialize)]
struct Document<'a> {
    items: &'a [Check],
    total: usize,
    warnings: usize,
    failures: usize,
}

// === impl Report ===

impl Report {
    pub(super) fn ok(&mut self, check: &'static str, message: impl Into<String>) {
        self.add(State::Ok, check, &message.into());
    }

    pub(super) fn warn(&mut self, check: &'static str, message: impl Into<String>) {
        self.add(State::Warn, check, &message.into());
    }

    pub(super) fn fail(&mut self, check: &'static str, message: impl Into<String>) {
        self.add(State::Fail, check, &message.into());
    }

    fn add(&mut self, state: State, check: &'static str, message: &str) {
        // A line a check: messages may quote what others say.
        let message = message.replace('\n', " ");
        self.checks.push(Check {
            state,
            check,
            message,
        });
    }

    /// What was found last, as state and message.
    #[cfg(test)]
    pub(super) fn last(&self) -> (State, &'static str, &str) {
        let check = self.checks.last().unwrap();
        (check.state, check.check, &check.message)
    }

    /// Shows everything, and says how much has failed.
    pub(super) fn print(&self, format: Format) -> anyhow::Result<usize> {
        let count = |state| {
            let of_state = |check: &&Check| check.state == state;
            self.checks.iter().filter(of_state).count()
        };
        let document = Document {
            items: &self.checks,
            total: self.checks.len(),
            warnings: count(State::Warn),
            failures: count(State::Fail),
        };
        if !format.print(&document)? {
            for check in &self.checks {
                output::line(&format!(
                    "{:<4}  {:<12}  {}",
                    check.state.as_str(),
                    check.check,
                    check.message
                ));
            }
        }
        Ok(document.failures)
    }
}

// === impl State ===

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}
