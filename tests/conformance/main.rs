//! `cubegate-conformance`: other people's clients at an API server itself and through the gateway.
//!
//! ```text
//! clients  which there are, and by which programs here a capability is tried (kubectl.sh, client.py …)
//! sides    both ways to one API server, as one user
//! cells    each capability with each client, on both ways
//! copies   a large `kubectl cp`, on both ways in turns
//! suites   Kubernetes' own tests, on both ways
//! ```
//!
//! It writes `tests/conformance/record.json`, and ends well when nothing fails for a reason that
//! `tests/conformance/reasons.json` does not know. Arguments are the names of capabilities, or
//! how they begin; with some, nothing is written (but the copies, with `copies`). `CLIENTS` does the same for clients.
//! With `suites` nothing but those is run, and `tests/conformance/suites.json` written.

mod cells;
mod clients;
mod copies;
mod sides;
mod suites;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use cubegate_tests::block_on;
use cubegate_tests::conformance::{CAPABILITIES, Cell, Record};
use futures::StreamExt as _;

use self::cells::{Bench, Job};
use self::clients::Client;

/// Cells that are tried at once.
const AT_ONCE: usize = 4;

/// The argument with which copies alone are measured anew.
const COPIES: &str = "copies";

/// The argument with which Kubernetes' suites are run instead.
const SUITES: &str = "suites";

/// What waits, and costs nothing meanwhile.
const IDLE: &str = "watch_idle";

async fn run(wanted: &[String]) -> Result<Record> {
    let began = Instant::now();
    let clients = Client::all().await?;
    let bench = Bench::start().await?;
    let is_wanted =
        |name: &str| wanted.is_empty() || wanted.iter().any(|each| name.starts_with(each));
    let mut jobs = Vec::new();
    for client in &clients {
        for (capability, _) in CAPABILITIES {
            if is_wanted(capability) && client.is_asked(capability) {
                jobs.push(Job { client, capability });
            }
        }
    }
    let (idle, busy): (Vec<Job>, Vec<Job>) =
        jobs.into_iter().partition(|job| job.capability == IDLE);
    let each = |job| {
        let bench = &bench;
        async move {
            let cell = bench.cell(&job).await?;
            say(&format!(
                "{:24} {:20} {:?} {}",
                job.capability, job.client.name, cell.outcome, cell.reason
            ))?;
            anyhow::Ok((job, cell))
        }
    };
    let idle = futures::future::join_all(idle.into_iter().map(each));
    let busy = futures::stream::iter(busy.into_iter().map(each)).buffer_unordered(AT_ONCE);
    let (idle, busy) = tokio::join!(idle, busy.collect::<Vec<_>>());
    let mut capabilities: BTreeMap<String, BTreeMap<String, Cell>> = BTreeMap::new();
    for found in idle.into_iter().chain(busy) {
        let (job, cell) = found?;
        let cells = capabilities.entry(job.capability.to_owned()).or_default();
        cells.insert(job.client.name.clone(), cell);
    }
    let whole = wanted.is_empty() && clients::are_all();
    let mut record = Record {
        server: bench.server_version().await?,
        day: time::OffsetDateTime::now_utc().date().to_string(),
        minutes: began.elapsed().as_secs().div_ceil(60),
        clients: clients.iter().map(|client| client.name.clone()).collect(),
        capabilities,
        copies: Vec::new(),
    };
    if wanted == [COPIES] {
        // The cells are those of the former run.
        record = Record::read()?;
    } else if whole {
        record.write()?;
    }
    if whole || wanted == [COPIES] {
        record.copies = copies::measure(&bench, &clients).await?;
        record.write()?;
    }
    Ok(record)
}

fn say(text: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}

fn main() -> Result<ExitCode> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let unknown: Vec<String> = match wanted.split_first() {
        Some((first, suites)) if first == SUITES => {
            let record = block_on(suites::run(suites))?;
            let failures = record.failures()?;
            let unknown = failures.iter().filter(|failure| failure.reason.is_none());
            unknown
                .map(|failure| format!("{} of {}", failure.name, failure.suite))
                .collect()
        }
        _ => {
            let record = block_on(run(&wanted))?;
            for copied in &record.copies {
                say(&format!("{copied:?}"))?;
            }
            let unknown = record
                .failures()
                .filter(|(_, _, cell)| cell.reason.is_empty());
            unknown
                .map(|(capability, client, _)| format!("{capability} of {client}"))
                .collect()
        }
    };
    for what in &unknown {
        say(&format!("{what} fails for no known reason"))?;
    }
    Ok(if unknown.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
