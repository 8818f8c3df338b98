//! The suite of the list engine.

use std::io::Write as _;

use anyhow::{Error, Result};
use bytes::Bytes;
use clap::ValueEnum;
use cubegate_bench_workload::PodList;

use crate::report::Report;
use crate::{in_envoy, memory, native, push_down, through};

/// What can be measured alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The engine natively; needs `cargo bench` before.
    Native,
    /// The engine in Envoy's VM.
    InEnvoy,
    /// The page and the whole list through Envoy.
    Through,
    /// What pages add to Envoy's memory.
    Memory,
    /// Page 1 on a real API server.
    PushDown,
}

// === impl Part ===

impl Part {
    /// Every part, in the order of the report.
    pub fn all() -> &'static [Self] {
        Self::value_variants()
    }
}

/// Measures these parts one after the other. A part that fails does not keep
/// the others from being measured; it is given with its reason.
///
/// # Errors
/// A terminal that cannot be written.
pub async fn measure(parts: &[Part]) -> Result<(Report, Vec<(Part, Error)>)> {
    let list = Bytes::from(PodList::default().to_json());
    let mut report = Report::new("list");
    let mut failures = Vec::new();
    for part in parts {
        writeln!(std::io::stderr(), "measuring: {part:?}")?;
        let measured = match part {
            Part::Native => native::figures(&list),
            Part::InEnvoy => in_envoy::figures().await,
            Part::Through => through::figures(&list).await,
            Part::Memory => memory::figures(&list).await,
            Part::PushDown => push_down::figures().await,
        };
        match measured {
            Ok(figures) => report.extend(figures),
            Err(error) => failures.push((*part, error)),
        }
    }
    Ok((report, failures))
}
