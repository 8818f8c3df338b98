//! Running vectors and counting what becomes of them.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
use cubegate_tests::vector::{NotYet, Observed, Placeholders, Vector};
use cubegate_tests::{Client, Fixture};
use http::Method;

/// What became of a system's vectors.
pub(crate) struct Tally {
    not_yet: BTreeMap<String, String>,
    passed: usize,
    known: BTreeMap<String, String>,
    surprises: Vec<String>,
}

// === impl Tally ===

impl Tally {
    /// Nothing ran yet.
    pub(crate) fn of(system: &str) -> Result<Self> {
        Ok(Self {
            not_yet: NotYet::of(system)?.0,
            passed: 0,
            known: BTreeMap::new(),
            surprises: Vec::new(),
        })
    }

    /// Counts one. One that fails is known to, or a surprise; so is one that is known
    /// to fail and passes.
    pub(crate) fn count(&mut self, vector: &Vector, outcome: Result<()>) {
        let id = &vector.id;
        match (outcome, self.not_yet.get(id)) {
            (Ok(()), None) => self.passed += 1,
            (Ok(()), Some(reason)) => self
                .surprises
                .push(format!("{id} passes; take it off not-yet.json ({reason})")),
            (Err(error), None) => self.surprises.push(format!("{id}: {error:#}")),
            (Err(_), Some(reason)) => {
                self.known.insert(id.clone(), reason.clone());
            }
        }
    }

    /// Tells the counts.
    ///
    /// # Errors
    /// When something is a surprise, or a vector that is known to fail did not run.
    #[expect(
        clippy::print_stdout,
        reason = "the counts are part of what a run of the vectors tells"
    )]
    pub(crate) fn end(self) -> Result<()> {
        let Self {
            not_yet,
            passed,
            known,
            surprises,
        } = self;
        println!(
            "vectors: {passed} pass, {} not yet, {} surprises",
            known.len(),
            surprises.len()
        );
        for (id, reason) in &known {
            println!("  not yet: {id}: {reason}");
        }
        let count = surprises.len();
        ensure!(
            surprises.is_empty(),
            "{count} surprises:\n{}",
            surprises.join("\n")
        );
        let unknown: Vec<_> = not_yet
            .keys()
            .filter(|id| !known.contains_key(*id))
            .collect();
        ensure!(
            unknown.is_empty(),
            "not-yet.json names vectors that do not run: {unknown:?}"
        );
        Ok(())
    }
}

/// Sends one and compares.
pub(crate) async fn run(
    vector: &Vector,
    client: &Client,
    fixture: &Fixture,
    placeholders: &mut Placeholders,
) -> Result<()> {
    let request = &vector.request;
    let path = placeholders.fill(&request.path)?;
    let mut sent = client.request(&Method::from_bytes(request.method.as_bytes())?, &path);
    for (name, value) in &request.headers {
        sent = sent.header(name, placeholders.fill(value)?);
    }
    fixture.take_seen()?;
    let answer = sent.body(placeholders.fill(&request.body)?).send().await?;
    if let Some(name) = &request.save_response_as
        && let Ok(json) = answer.json()
    {
        placeholders.save(name, json);
    }
    let seen = fixture.take_seen()?;
    if vector.target.is_null() {
        bail!("a vector without a target");
    }
    Observed {
        request,
        answer: &answer,
        seen: &seen,
    }
    .check(&vector.target)
}
