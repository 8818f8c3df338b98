//! What every figure depends on: the machine.

use std::fs;
use std::num::NonZero;

/// The machine in a few words, for the conditions of a figure.
pub fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(0, NonZero::get);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or(std::env::consts::ARCH, |(_, model)| model.trim());
    format!("{cores} cores ({model})")
}
