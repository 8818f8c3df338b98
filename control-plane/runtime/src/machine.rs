//! What this machine allows a process: memory and open files.

use std::fs;
use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Where control groups (version 2, version 1) say what the processes in them may use.
/// In a container these are its own.
const MEMORY_LIMITS: [&str; 2] = [
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
];

/// Files beside connections that an Envoy has open, with room to spare.
const OTHER_FILES: u64 = 256;

/// The memory that there is for processes of this machine, in MiB: the machine's, or what
/// its control group leaves of it. `None` when it does not say.
pub(crate) fn memory_mib() -> Option<u64> {
    let group = MEMORY_LIMITS
        .iter()
        .filter_map(|path| fs::read_to_string(Path::new(path)).ok())
        // `max` is no number: no limit.
        .filter_map(|text| text.trim().parse::<u64>().ok())
        .map(|bytes| bytes >> 20)
        .min();
    let machine = fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| total_mib(&text));
    group.into_iter().chain(machine).min()
}

fn total_mib(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes >> 10)
}

/// Lets this process and those that it starts open as many files as the machine allows
/// them, and says how many of `wanted` connections of clients an Envoy can serve then.
/// Each needs two files: one to the client, one to a server.
pub(crate) fn connections_for(wanted: u32) -> u32 {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(u64::MAX);
    let raised = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            ..limit
        },
    );
    let files = match raised {
        Ok(()) => most,
        Err(_) => limit.current.unwrap_or(u64::MAX),
    };
    served(wanted, files)
}

fn served(wanted: u32, files: u64) -> u32 {
    let possible = files.saturating_sub(OTHER_FILES) / 2;
    wanted
        .min(u32::try_from(possible).unwrap_or(u32::MAX))
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_takes_two_files() {
        assert_eq!(served(10_000, u64::MAX), 10_000);
        assert_eq!(served(10_000, 20_256), 10_000);
        assert_eq!(served(10_000, 1_024), 384);
        assert_eq!(served(10_000, 10), 1);
    }

    #[test]
    fn the_machine_says_its_memory_in_kilobytes() {
        let text = "MemTotal:       24576000 kB\nMemFree:          123 kB\n";
        assert_eq!(total_mib(text), Some(24_000));
        assert_eq!(total_mib("nothing"), None);
        assert!(memory_mib().is_some_and(|mib| mib > 0));
    }
}
