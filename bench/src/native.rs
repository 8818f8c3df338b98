//! The engine on this machine, without Envoy: what criterion found.

use std::fs;

use anyhow::{Context as _, Result};
use cubegate_bench_workload::names::{ENGINE, GROUP, TREE};
use cubegate_bench_workload::{PodList, QUERY, instruction_set};
use cubegate_tests::artifacts;
use serde_json::Value;

use crate::machine;
use crate::report::{Figure, Goal};

/// Speed, and how many times that of a tree.
///
/// # Errors
/// `cargo bench` has not run.
pub fn figures(list: &[u8]) -> Result<Vec<Figure>> {
    let (engine, tree) = (nanoseconds(ENGINE)?, nanoseconds(TREE)?);
    let conditions = format!(
        "{}, {}; {} pods, {:.1} MB, chunks of 16 KiB; {QUERY}; criterion's medians of one run: engine {:.1} ms, tree {:.1} ms",
        machine::describe(),
        instruction_set(),
        PodList::default().pods,
        list.len() as f64 / 1e6,
        engine / 1e6,
        tree / 1e6,
    );
    Ok(vec![
        Figure {
            name: "engine, native",
            value: list.len() as f64 / engine,
            unit: "GB/s",
            goal: Goal::AtLeast(2.0),
            conditions: conditions.clone(),
        },
        Figure {
            name: "engine, native / serde_json::Value",
            value: tree / engine,
            unit: "ratio",
            goal: Goal::AtLeast(20.0),
            conditions,
        },
    ])
}

/// Criterion's median for one pass over the list.
fn nanoseconds(benchmark: &str) -> Result<f64> {
    let path =
        artifacts::target().join(format!("criterion/{GROUP}/{benchmark}/new/estimates.json"));
    let text = fs::read(&path).with_context(|| {
        format!(
            "{} is not there; run: cargo bench --package cubegate-bench-native",
            path.display()
        )
    })?;
    let estimates: Value = serde_json::from_slice(&text)?;
    estimates
        .pointer("/median/point_estimate")
        .and_then(Value::as_f64)
        .with_context(|| format!("{} has no median", path.display()))
}
