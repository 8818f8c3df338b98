//! What pages of a large list add to Envoy's memory.
//!
//! Envoy is warmed up before: whole lists through the listeners without the
//! filter, as many at once as later pages, so that its own buffers are there,
//! and a refusal by the filter on every connection, so that its VMs run. From
//! then on the kernel's peak of the resident memory counts. Memory of a wasm VM
//! never shrinks, so a peak is also what stays.

use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use cubegate_bench_workload::{PodList, QUERY};
use cubegate_tests::Client;
use futures::future::try_join_all;

use crate::envoy::WORKERS;
use crate::envoy::config::{BARE, FILTERED};
use crate::machine;
use crate::report::{Figure, Goal};
use crate::sample::Samples;
use crate::through::{Passage, page_path};

const AT_ONCE: usize = 8;
/// Growth is counted from here, when every buffer has been used.
const SETTLED: usize = 100;
const REQUESTS: usize = 1000;
const REQUESTS_AT_ONCE: usize = 2;
/// Envoy's allocator gives memory back in the background, a little more or
/// less; this much is no growth. In MB.
const TOLERANCE: f64 = 4.0;

/// One request, eight at once, and what a thousand leave.
///
/// # Errors
/// An Envoy that does not start, an answer that is not the one wanted.
pub async fn figures(list: &Bytes) -> Result<Vec<Figure>> {
    let passage = Passage::start("memory", list).await?;
    let clients = (0..AT_ONCE)
        .map(|_| passage.client(FILTERED))
        .collect::<Result<Vec<_>>>()?;
    warm_up(&passage, &clients).await?;
    let base = resident(&passage).await?;

    let one = peak_over(base, &passage, clients.get(..1).unwrap_or_default()).await?;
    let eight = peak_over(base, &passage, &clients).await?;
    let pairs = clients.get(..REQUESTS_AT_ONCE).unwrap_or_default();
    pages(&passage, pairs, SETTLED).await?;
    let settled = resident(&passage).await?;
    pages(&passage, pairs, REQUESTS - SETTLED).await?;
    let growth = resident(&passage).await? - settled;

    let conditions = format!(
        "{}; {} pods, {:.1} MB, HTTP/2 and TLS on both sides, {WORKERS} workers; {QUERY}; \
         resident memory over {base:.1} MB, which Envoy has after whole lists without the filter",
        machine::describe(),
        PodList::default().pods,
        list.len() as f64 / 1e6,
    );
    let figure = |name, value, most, how: &str| Figure {
        name,
        value,
        unit: "MB",
        goal: Goal::AtMost(most),
        conditions: format!("{conditions}; {how}"),
    };
    Ok(vec![
        figure("memory of one page", one, 8.0, "peak during the first one"),
        figure(
            "memory of eight pages at once",
            eight,
            40.0,
            "peak while eight connections ask for one each",
        ),
        figure(
            "memory growth over 1,000 pages",
            growth,
            TOLERANCE,
            &format!(
                "after {REQUESTS} less after {SETTLED}, two at once; the goal is none, which is measured to {TOLERANCE} MB"
            ),
        ),
    ])
}

/// Gives Envoy all that it would need without the filter's work.
async fn warm_up(passage: &Passage, clients: &[Client]) -> Result<()> {
    let bare = (0..AT_ONCE)
        .map(|_| passage.client(BARE))
        .collect::<Result<Vec<_>>>()?;
    for _ in 0..3 {
        try_join_all(bare.iter().map(|client| passage.whole(client))).await?;
    }
    for client in clients {
        let refusal = client.get(&page_path()).anonymous().send().await?;
        refusal.expect(401)?;
    }
    Ok(())
}

/// The most that one page on each of these connections adds, in MB.
async fn peak_over(base: f64, passage: &Passage, clients: &[Client]) -> Result<f64> {
    passage.envoy.reset_peak()?;
    try_join_all(clients.iter().map(|client| passage.page(client))).await?;
    Ok(megabytes(passage.envoy.peak_bytes()?) - base)
}

/// So many pages, as many at once as there are clients.
async fn pages(passage: &Passage, clients: &[Client], count: usize) -> Result<()> {
    let each = count / clients.len().max(1);
    let run = async |client| -> Result<()> {
        for _ in 0..each {
            passage.page(client).await?;
        }
        Ok(())
    };
    try_join_all(clients.iter().map(run)).await.map(drop)
}

/// The resident memory when nothing happens, in MB.
async fn resident(passage: &Passage) -> Result<f64> {
    let mut samples = Samples::default();
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        samples.push(megabytes(passage.envoy.resident_bytes()?));
    }
    samples.median()
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
