//! What `make conformance` found: the page is made of the record, and each failure has a reason.

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::artifacts::root;
use cubegate_tests::conformance::{CAPABILITIES, Known, PAGE, Record, Suites, page};

#[test]
fn the_page_is_the_record() -> Result<()> {
    let path = root().join(PAGE);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    ensure!(text == page()?, "{PAGE} is stale; run make generate");
    Ok(())
}

#[test]
fn no_cell_fails_without_a_reason_and_no_client_is_left_out() -> Result<()> {
    let record = Record::read()?;
    for (capability, client, cell) in record.failures() {
        ensure!(!cell.reason.is_empty(), "{capability} of {client}");
    }
    for (name, _) in CAPABILITIES {
        let cells = record.capabilities.get(name).with_context(|| name)?;
        let asked = |client: &&String| client.starts_with("helm") == name.starts_with("helm_");
        for client in record.clients.iter().filter(asked) {
            ensure!(
                cells.contains_key(client),
                "{name} was not tried with {client}"
            );
        }
    }
    Ok(())
}

#[test]
fn no_case_of_kubernetes_own_suites_fails_without_a_reason() -> Result<()> {
    let record = Suites::read()?;
    for failure in record.failures()? {
        ensure!(
            failure.reason.is_some(),
            "{} of {}",
            failure.name,
            failure.suite
        );
    }
    // A record of a part, or of a suite that found nothing to do, says nothing.
    let name = Suites::KUBECTL;
    let suite = record.suites.get(name).with_context(|| name)?;
    let passing = suite.count(|case| case.direct);
    ensure!(passing >= 60, "{passing} of {name} pass directly");
    Ok(())
}

#[test]
fn every_known_reason_is_of_something_that_was_found() -> Result<()> {
    let record = Record::read()?;
    let suites = Suites::read()?;
    for known in Known::read()? {
        let of_suites: Vec<_> = known
            .clients
            .iter()
            .filter_map(|name| suites.suites.get(name))
            .collect();
        if !of_suites.is_empty() {
            for suite in of_suites {
                let case = suite.cases.get(&known.capability);
                ensure!(
                    case.is_some_and(|case| !case.is_well()),
                    "{} needs no reason any more",
                    known.capability
                );
            }
            continue;
        }
        let cells = record
            .capabilities
            .get(&known.capability)
            .with_context(|| known.capability.clone())?;
        for begin in &known.clients {
            let is_found = cells
                .iter()
                .any(|(client, cell)| client.starts_with(begin) && cell.reason == known.reason);
            ensure!(
                is_found,
                "{} of {begin} needs no reason any more",
                known.capability
            );
        }
    }
    Ok(())
}
