//! Whether memory is flat.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use cubegate_tests::{Gateway, envoy};

/// What a process may have more at the end than at the beginning, of what it had then,
/// and in bytes on top: allocators keep what they once had.
const GROWTH: f64 = 0.10;
const SLACK: u64 = 16 << 20;

/// What the processes of a gateway have in use, over time.
pub(crate) struct Memory {
    processes: Vec<Process>,
}

struct Process {
    name: &'static str,
    pid: u32,
    /// Resident bytes, in order.
    samples: Vec<u64>,
}

// === impl Memory ===

impl Memory {
    /// Of this gateway as it runs now.
    pub(crate) fn of(gateway: &Gateway) -> Result<Self> {
        let site = gateway.site();
        let process = |name, file: PathBuf| -> Result<Process> {
            let text = std::fs::read_to_string(&file)
                .with_context(|| format!("{} cannot be read", file.display()))?;
            Ok(Process {
                name,
                pid: text.trim().parse()?,
                samples: Vec::new(),
            })
        };
        Ok(Self {
            processes: vec![
                process("Envoy", site.data_dir().join("envoy/envoy.pid"))?,
                process("control plane", site.dir().join("up.pid"))?,
            ],
        })
    }

    /// Looks once.
    pub(crate) fn sample(&mut self) -> Result<()> {
        for process in &mut self.processes {
            let bytes = envoy::resident_bytes(process.pid).context(process.name)?;
            process.samples.push(bytes);
        }
        Ok(())
    }

    /// What has grown: the median of the last quarter beside that of the first.
    pub(crate) fn verdict(&self) -> Vec<String> {
        self.processes
            .iter()
            .filter_map(|process| {
                let (first, last) = process.ends();
                let bound = first + (first as f64 * GROWTH) as u64 + SLACK;
                (last > bound).then(|| {
                    format!(
                        "{} grew from {} to {} MB",
                        process.name,
                        first >> 20,
                        last >> 20
                    )
                })
            })
            .collect()
    }

    /// What there was at both ends.
    pub(crate) fn table(&self) -> String {
        let mut table = String::new();
        for process in &self.processes {
            let (first, last) = process.ends();
            let _ = writeln!(
                table,
                "{:<28} {:>6} MB, later {:>6} MB",
                process.name,
                first >> 20,
                last >> 20
            );
        }
        table
    }
}

// === impl Process ===

impl Process {
    fn ends(&self) -> (u64, u64) {
        let quarter = (self.samples.len() / 4).max(1);
        let first = self.samples.get(..quarter).unwrap_or_default();
        let last = self
            .samples
            .get(self.samples.len().saturating_sub(quarter)..)
            .unwrap_or_default();
        (median(first), median(last))
    }
}

fn median(samples: &[u64]) -> u64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}
