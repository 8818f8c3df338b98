//! What `make conformance` found: the page is made of the record, and each failure has a reason.

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::artifacts::root;
use cubegate_tests::conformance::{CAPABILITIES, Known, PAGE, Record, page};

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
fn every_known_reason_is_of_something_that_was_found() -> Result<()> {
    let record = Record::read()?;
    for known in Known::read()? {
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
