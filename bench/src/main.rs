//! `cubegate-bench`: measures, writes `target/bench/*.json`, prints a table.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use cubegate_bench::list::{self, Part};
use cubegate_tests::{artifacts, block_on};

/// Measures the figures that the project promises.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    suite: Suite,
}

#[derive(Subcommand)]
enum Suite {
    /// The list engine; writes target/bench/list.json.
    List {
        /// Measure these parts alone, and write no file.
        #[arg(long, value_enum, value_delimiter = ',')]
        only: Vec<Part>,
    },
}

fn main() -> Result<ExitCode> {
    let Suite::List { only } = Arguments::parse().suite;
    let parts = if only.is_empty() { Part::all() } else { &only };
    let (report, failures) = block_on(list::measure(parts))?;
    let mut out = std::io::stdout().lock();
    if only.is_empty() {
        let file = report.write(&artifacts::target().join("bench"))?;
        writeln!(out, "\n{}", file.display())?;
    }
    writeln!(out, "\n{}", report.table())?;
    for (part, error) in &failures {
        writeln!(out, "{part:?} could not be measured: {error:#}")?;
    }
    // A missed goal is a finding; a part without figures is a defect.
    Ok(if failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
