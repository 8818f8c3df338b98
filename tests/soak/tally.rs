//! What was tried, what was lost, and what was killed meanwhile.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::{Error, Result};

/// What a request needs, and what may be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Envoy, which everything needs.
    Envoy,
    /// The control plane, which gives and takes back tokens.
    ControlPlane,
}

/// How many losses are told in words.
const TOLD: usize = 20;

/// Counts by kind of request, and the times in which a part was away.
#[derive(Default)]
pub(crate) struct Tally {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    counts: BTreeMap<&'static str, Count>,
    away: Vec<Away>,
    lost: Vec<Loss>,
}

#[derive(Default)]
struct Count {
    done: u64,
    failed: u64,
}

struct Away {
    part: Part,
    from: Instant,
    /// `None` while it is away.
    until: Option<Instant>,
}

struct Loss {
    what: &'static str,
    needs: Vec<Part>,
    from: Instant,
    until: Instant,
    why: String,
}

// === impl Tally ===

impl Tally {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how something ended that began then and needs these parts.
    pub(crate) fn note<T>(
        &self,
        what: &'static str,
        needs: &[Part],
        from: Instant,
        outcome: Result<T>,
    ) -> Option<T> {
        let mut inner = self.inner();
        let count = inner.counts.entry(what).or_default();
        match outcome {
            Ok(value) => {
                count.done += 1;
                Some(value)
            }
            Err(error) => {
                count.failed += 1;
                inner.lost.push(Loss {
                    what,
                    needs: needs.to_vec(),
                    from,
                    until: Instant::now(),
                    why: one_line(&error),
                });
                None
            }
        }
    }

    /// A part is being killed now.
    pub(crate) fn gone(&self, part: Part) {
        self.inner().away.push(Away {
            part,
            from: Instant::now(),
            until: None,
        });
    }

    /// It serves again.
    pub(crate) fn back(&self, part: Part) {
        let now = Instant::now();
        let mut inner = self.inner();
        for away in inner.away.iter_mut().filter(|away| away.part == part) {
            away.until.get_or_insert(now);
        }
    }

    /// What was lost while everything that it needs was there.
    pub(crate) fn verdict(&self) -> Vec<String> {
        let inner = self.inner();
        let mut wrong: Vec<String> = inner
            .lost
            .iter()
            .filter(|loss| !inner.away.iter().any(|away| away.excuses(loss)))
            .map(|loss| format!("lost: {}: {}", loss.what, loss.why))
            .collect();
        if wrong.len() > TOLD {
            let more = wrong.len() - TOLD;
            wrong.truncate(TOLD);
            wrong.push(format!("and {more} more"));
        }
        wrong.extend(
            inner
                .counts
                .iter()
                .filter(|(_, count)| count.done == 0)
                .map(|(what, _)| format!("{what} never succeeded")),
        );
        wrong
    }

    /// The counts, and for how long which part was away.
    pub(crate) fn table(&self) -> String {
        let inner = self.inner();
        let mut table = String::new();
        for (what, Count { done, failed }) in &inner.counts {
            let _ = writeln!(table, "{what:<28} {done:>9} done {failed:>7} failed");
        }
        for Away { part, from, until } in &inner.away {
            let time = until.map_or_else(|| from.elapsed(), |until| until - *from);
            let _ = writeln!(
                table,
                "{:<28} {:>9.2} s away",
                format!("{part:?}"),
                time.as_secs_f64()
            );
        }
        table
    }
}

// === impl Away ===

impl Away {
    fn excuses(&self, loss: &Loss) -> bool {
        loss.needs.contains(&self.part)
            && self.from <= loss.until
            && self.until.is_none_or(|until| loss.from <= until)
    }
}

fn one_line(error: &Error) -> String {
    let text = format!("{error:#}").replace('\n', " ");
    text.chars().take(300).collect()
}
