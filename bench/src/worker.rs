//! What Envoy's threads have used.

use std::fs;

use anyhow::{Context as _, Result};

/// The kernel counts in ticks of this many milliseconds.
const TICK: f64 = 10.0;

/// Processor time in milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Times {
    /// Of the main thread.
    pub(crate) main: f64,
    /// Of all workers.
    pub(crate) workers: f64,
    /// How many workers there are.
    pub(crate) count: f64,
}

impl Times {
    /// Reads those of the process.
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let mut times = Self::default();
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            let stat = fs::read_to_string(task?.path().join("stat"))?;
            let (head, fields) = stat.rsplit_once(") ").context("no such form")?;
            let used: f64 = fields
                .split(' ')
                .skip(11)
                .take(2)
                .filter_map(|ticks| ticks.parse::<f64>().ok())
                .sum();
            if head.contains("(wrk:worker_") {
                times.workers += used * TICK;
                times.count += 1.0;
            } else if head.starts_with(&format!("{pid} ")) {
                times.main += used * TICK;
            }
        }
        Ok(times)
    }
}
