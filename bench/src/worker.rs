//! What Envoy's threads have used.

use std::fs;

use anyhow::{Context as _, Result};

/// The kernel counts a thread's time in nanoseconds (`schedstat`); `stat` has ticks of ten milliseconds,
/// which is longer than most of what is measured.
const MILLISECOND: f64 = 1e6;

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
            let task = task?;
            let path = task.path();
            let name = fs::read_to_string(path.join("comm"))?;
            let used = fs::read_to_string(path.join("schedstat"))?;
            let used = used.split(' ').next().context("no such form")?;
            let used = used.parse::<f64>()? / MILLISECOND;
            if name.starts_with("wrk:worker_") {
                times.workers += used;
                times.count += 1.0;
            } else if task.file_name().to_str() == Some(&pid.to_string()) {
                times.main += used;
            }
        }
        Ok(times)
    }

    /// What was used since then.
    pub(crate) fn since(self, then: Self) -> Self {
        Self {
            main: self.main - then.main,
            workers: self.workers - then.workers,
            count: self.count,
        }
    }
}
