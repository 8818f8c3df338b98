//! How much memory lists may take in an Envoy worker.

use anyhow::ensure;
use clap::{Args, value_parser};
use cubegate_filter_config::FilterLimits;

/// Bounds on what the filter keeps of lists, in MiB.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Lists")]
pub(crate) struct ListArgs {
    /// Most that one list request keeps; what a deeper page needs is refused
    #[arg(
        long, env = "CUBEGATE_LIST_REQUEST_MEMORY", value_name = "MIB",
        default_value_t = mib(FilterLimits::default().list.max_page_bytes),
        value_parser = value_parser!(u16).range(1..=512)
    )]
    pub(crate) list_request_memory: u16,

    /// Most that all list requests of one Envoy worker keep together; its VM has 1 GiB
    #[arg(
        long, env = "CUBEGATE_LIST_WORKER_MEMORY", value_name = "MIB",
        default_value_t = mib(FilterLimits::default().max_worker_bytes),
        value_parser = value_parser!(u16).range(1..=768)
    )]
    pub(crate) list_worker_memory: u16,

    /// Most that pages of one Envoy worker have on their way to clients that do not take them, half of it those of one user; 0 is no limit
    #[arg(
        long, env = "CUBEGATE_LIST_UNSENT_MEMORY", value_name = "MIB",
        default_value_t = mib(FilterLimits::default().max_unsent_bytes),
        value_parser = value_parser!(u16).range(0..=16_384)
    )]
    pub(crate) list_unsent_memory: u16,

    /// Longest single object of a list
    #[arg(
        long, env = "CUBEGATE_LIST_ITEM_SIZE", value_name = "MIB",
        default_value_t = mib(FilterLimits::default().list.max_item_bytes),
        value_parser = value_parser!(u16).range(1..=64)
    )]
    pub(crate) list_item_size: u16,

    /// From this size on a list is asked for by its metadata first, where that decides; 0 is never
    #[arg(
        long,
        env = "CUBEGATE_LIST_METADATA_FIRST",
        value_name = "MIB",
        default_value_t = mib(FilterLimits::default().metadata_first_bytes)
    )]
    pub(crate) list_metadata_first: u16,
}

/// What the VM of an Envoy worker may take, in MiB.
const VM_MIB: u32 = 1024;

/// What is kept free in it for the module, its configuration, its caches and what is
/// beside lists, in MiB.
const RESERVE_MIB: u32 = 128;

/// How often a page stands in memory beside its objects when it goes out: as it is
/// written, and once more as it is changed, compressed or given headers.
const PAGE_COPIES: u32 = 2;

/// A bound in bytes as its flag says it.
fn mib(bytes: impl TryInto<u64>) -> u16 {
    let mib = bytes.try_into().unwrap_or(u64::MAX) >> 20;
    u16::try_from(mib).unwrap_or(u16::MAX)
}

// === impl ListArgs ===

impl ListArgs {
    /// As the filter is told.
    ///
    /// # Errors
    /// They do not fit the VM: a worker would end all its requests when it is full.
    pub(crate) fn limits(&self) -> anyhow::Result<FilterLimits> {
        const MIB: usize = 1 << 20;
        self.check_memory()?;
        let Self {
            list_request_memory,
            list_worker_memory,
            list_unsent_memory,
            list_item_size,
            list_metadata_first,
        } = self;
        Ok(FilterLimits {
            list: cubegate_list::Limits {
                max_page_bytes: usize::from(*list_request_memory).saturating_mul(MIB),
                max_item_bytes: usize::from(*list_item_size).saturating_mul(MIB),
                ..cubegate_list::Limits::default()
            },
            max_worker_bytes: usize::from(*list_worker_memory).saturating_mul(MIB),
            max_unsent_bytes: usize::from(*list_unsent_memory).saturating_mul(MIB),
            metadata_first_bytes: u64::from(*list_metadata_first) << 20,
            ..FilterLimits::default()
        })
    }

    fn check_memory(&self) -> anyhow::Result<()> {
        let worker = u32::from(self.list_worker_memory);
        let request = u32::from(self.list_request_memory);
        let pages = request.saturating_mul(PAGE_COPIES);
        let needed = worker.saturating_add(pages).saturating_add(RESERVE_MIB);
        ensure!(
            needed <= VM_MIB,
            "--list-worker-memory {worker} and --list-request-memory {request} do not fit an Envoy worker, whose VM has {VM_MIB} MiB: {worker} for all lists, {PAGE_COPIES} x {request} for a page on its way out and {RESERVE_MIB} for everything else are {needed}; lower one of them",
        );
        ensure!(
            request <= worker,
            "--list-request-memory {request} is more than --list-worker-memory {worker}, which all requests of a worker have together; lower the first or raise the second",
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        list: ListArgs,
    }

    fn limits(line: &[&str]) -> anyhow::Result<FilterLimits> {
        let line = std::iter::once(&"test").chain(line);
        Line::try_parse_from(line)?.list.limits()
    }

    #[test]
    fn nothing_said_is_what_the_filter_does_by_itself() {
        assert_eq!(limits(&[]).unwrap(), FilterLimits::default());
    }

    #[test]
    fn each_flag_sets_its_bound() {
        let line = [
            "--list-request-memory=1",
            "--list-worker-memory=2",
            "--list-unsent-memory=5",
            "--list-item-size=3",
            "--list-metadata-first=0",
        ];
        let limits = limits(&line).unwrap();
        assert_eq!(limits.list.max_page_bytes, 1 << 20);
        assert_eq!(limits.max_worker_bytes, 2 << 20);
        assert_eq!(limits.max_unsent_bytes, 5 << 20);
        assert_eq!(limits.list.max_item_bytes, 3 << 20);
        assert_eq!(limits.metadata_first_bytes, 0);
    }

    #[test]
    fn what_does_not_fit_a_vm_together_is_refused_in_words() {
        let refused = |worker: u16, request: u16| {
            let worker = format!("--list-worker-memory={worker}");
            let request = format!("--list-request-memory={request}");
            limits(&[&worker, &request])
                .err()
                .map(|error| error.to_string())
        };
        assert_eq!(refused(768, 64), None);
        assert_eq!(refused(512, 192), None);
        let words = refused(768, 65).unwrap();
        assert!(words.contains("are 1026; lower one of them"), "{words}");
        assert!(refused(768, 512).is_some() && refused(640, 256).is_some());
        let words = refused(64, 65).unwrap();
        assert!(words.contains("raise the second"), "{words}");
    }

    #[test]
    fn more_than_a_vm_has_is_refused() {
        assert!(limits(&["--list-worker-memory=1024"]).is_err());
        assert!(limits(&["--list-request-memory=0"]).is_err());
    }
}
