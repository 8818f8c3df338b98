//! The process, as the system sees it (`proc(5)`), under the names that all exporters have.

use std::fmt;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Unit;

use super::rows::{Rows, number, one, size};

/// This process.
#[derive(Debug)]
pub(super) struct Process {
    /// When it began to serve, in Unix seconds.
    started: f64,
}

// === impl Process ===

impl Process {
    /// It begins now.
    pub(super) fn now() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            started: now.unwrap_or_default().as_secs_f64(),
        }
    }
}

impl Collector for Process {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut rows = Rows(encoder);
        rows.gauge(
            "process_start_time",
            Some(&Unit::Seconds),
            "When the process began to serve, in Unix time",
            one(self.started),
        )?;
        rows.gauge(
            "process_resident_memory",
            Some(&Unit::Bytes),
            "Memory that the process has in use",
            resident_kib().map(|kib| (Vec::new(), number(kib.saturating_mul(1024)))),
        )?;
        let open = fs::read_dir("/proc/self/fd").map(Iterator::count);
        rows.gauge(
            "process_open_fds",
            None,
            "Files and connections that the process has open",
            open.ok().map(|open| (Vec::new(), size(open))),
        )
    }
}

fn resident_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
