//! The engine in wasm, inside a real Envoy.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_bench_workload::{PodList, QUERY};
use cubegate_tests::Client;
use serde::Deserialize;

use crate::envoy::{Envoy, WORKERS, config};
use crate::machine;
use crate::report::{Figure, Goal};
use crate::sample::Samples;

/// Requests, each of which measures [`RUNS`] times.
const ROUNDS: usize = 8;
const RUNS: usize = 5;
/// The first request makes the list too.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the plugin answers.
#[derive(Deserialize)]
struct Answer {
    nanoseconds: Vec<u64>,
    list_bytes: u64,
    page_bytes: u64,
    simd128: bool,
}

/// The engine's speed there.
///
/// # Errors
/// An Envoy that does not start, a plugin that finds no page.
pub async fn figures() -> Result<Vec<Figure>> {
    let envoy = Envoy::start("engine", WORKERS, |_| config::engine()).await?;
    let client = Client::plain(&envoy.base("engine")?)?;
    let path = format!("/?runs={RUNS}&pods={}", PodList::default().pods);
    let ask = async || -> Result<Answer> {
        let answer = client.get(&path).patience(PATIENCE).send().await?;
        let answer = answer.expect(200)?;
        serde_json::from_slice(&answer.body).context("the plugin's answer")
    };
    // Each worker has a VM; one connection stays with one of them.
    let Answer {
        simd128,
        list_bytes,
        page_bytes,
        ..
    } = ask().await?;
    ensure!(simd128, "the plugin was built without simd128");
    ensure!(page_bytes > 0, "the plugin found an empty page");
    let mut samples = Samples::default();
    for _ in 0..ROUNDS {
        for nanoseconds in ask().await?.nanoseconds {
            samples.push(list_bytes as f64 / nanoseconds as f64);
        }
    }
    Ok(vec![Figure {
        name: "engine, wasm in Envoy",
        value: samples.median()?,
        unit: "GB/s",
        goal: Goal::AtLeast(1.0),
        conditions: format!(
            "{}; {} pods, {:.1} MB, chunks of 16 KiB; {QUERY}; median of {} runs in one VM: {}",
            machine::describe(),
            PodList::default().pods,
            list_bytes as f64 / 1e6,
            samples.count(),
            samples.shown(3, "GB/s")?,
        ),
    }])
}
