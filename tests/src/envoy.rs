//! What an Envoy tells of itself, whoever has started it.

use std::fs;

use anyhow::{Context as _, Result};

use crate::client::Client;

/// The counters and gauges whose name matches, from its admin page.
///
/// # Errors
/// An Envoy that does not answer.
pub async fn stats<C: FromIterator<(String, u64)>>(admin: &Client, filter: &str) -> Result<C> {
    let path = format!("/stats?filter={filter}");
    let text = admin.get(&path).send().await?.expect(200)?.text();
    let line = |line: &str| {
        let (name, value) = line.rsplit_once(": ")?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    Ok(text.lines().filter_map(line).collect())
}

/// The memory that a process has in use, in bytes.
///
/// # Errors
/// A process that is gone.
pub fn resident_bytes(pid: u32) -> Result<u64> {
    memory(pid, "VmRSS:")
}

/// What `/proc/PID/status` says of a process' memory in this field, in bytes.
///
/// # Errors
/// A process that is gone.
pub fn memory(pid: u32, field: &str) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("process {pid} is gone"))?;
    let kibibytes: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .and_then(|rest| rest.split_whitespace().next())
        .with_context(|| format!("{path} has no {field}"))?
        .parse()?;
    Ok(kibibytes << 10)
}
