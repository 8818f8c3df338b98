//! `cubegate-bench`: measures, writes `target/bench/*.json`, prints a table.

use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Error, Result};
use clap::{Parser, Subcommand};
use cubegate_bench::fleet::{self, Fleet};
use cubegate_bench::list::{self, Part};
use cubegate_bench::members::Shape;
use cubegate_bench::{Report, console, envoys, requests, tokens, xds};
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
    /// Logins and tokens; writes target/bench/tokens.json.
    Tokens,
    /// What a change costs where there are a thousand members; writes target/bench/xds.json.
    Xds,
    /// What a request costs; writes target/bench/requests.json.
    Requests,
    /// Two hundred Envoys at one control plane; writes target/bench/envoys.json.
    Envoys,
    /// The console; writes target/bench/console.json.
    Console {
        /// Measure these parts alone, and write no file.
        #[arg(long, value_enum, value_delimiter = ',')]
        only: Vec<console::Part>,
    },
    /// What many members cost at rest; writes target/bench/fleet.json.
    Fleet {
        /// How many members.
        #[arg(long, default_value_t = 1_000)]
        members: usize,
        /// Members of Kubernetes 1.26 and later, which tell all in two documents.
        #[arg(long)]
        new: bool,
        /// Of so many members one is dead and one says nothing.
        #[arg(long, default_value_t = 0)]
        away: usize,
    },
}

fn main() -> Result<ExitCode> {
    let (report, failures, whole) = match Arguments::parse().suite {
        Suite::List { only } => {
            let parts = if only.is_empty() { Part::all() } else { &only };
            let (report, failures) = block_on(list::measure(parts))?;
            (report, told(&failures), only.is_empty())
        }
        Suite::Xds => (block_on(xds::measure())?, Vec::new(), true),
        Suite::Requests => (block_on(requests::measure())?, Vec::new(), true),
        Suite::Envoys => (block_on(envoys::measure())?, Vec::new(), true),
        Suite::Tokens => (block_on(tokens::measure())?, Vec::new(), true),
        Suite::Console { only } => {
            let parts = if only.is_empty() {
                console::Part::all()
            } else {
                &only
            };
            let (report, failures) = block_on(console::measure(parts))?;
            (report, told(&failures), only.is_empty())
        }
        Suite::Fleet { members, new, away } => {
            let fleet = Fleet {
                members,
                shape: if new { Shape::Whole } else { Shape::ByVersion },
                away,
                goals: match members {
                    ..=1_000 => (0.03, 120e6),
                    _ => (0.1, 400e6),
                },
            };
            (block_on(fleet::measure(&[fleet]))?, Vec::new(), true)
        }
    };
    show(&report, &failures, whole)?;
    // A missed goal is a finding; a part without figures is a defect.
    Ok(if failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Returns which parts could not be measured, and why.
fn told(failures: &[(impl fmt::Debug, Error)]) -> Vec<String> {
    failures
        .iter()
        .map(|(part, error)| format!("{part:?} could not be measured: {error:#}"))
        .collect()
}

/// Prints the report, and writes it when it is whole.
fn show(report: &Report, failures: &[String], whole: bool) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if whole {
        let file = report.write(&artifacts::target().join("bench"))?;
        writeln!(out, "\n{}", file.display())?;
    }
    writeln!(out, "\n{}", report.table())?;
    if !whole {
        writeln!(out, "{}", report.conditions())?;
    }
    for failure in failures {
        writeln!(out, "{failure}")?;
    }
    Ok(())
}
