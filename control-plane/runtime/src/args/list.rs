//! How much memory lists may take in an Envoy worker.

use clap::{Args, value_parser};
use cubegate_filter_config::Limits;

/// Bounds on what the filter keeps of lists, in MiB.
#[derive(Debug, Clone, Args)]
pub(crate) struct ListArgs {
    /// Most that one list request keeps; what a deeper page needs is refused
    #[arg(
        long, env = "CUBEGATE_LIST_REQUEST_MEMORY", value_name = "MIB", default_value_t = 64,
        value_parser = value_parser!(u16).range(1..=512)
    )]
    pub(crate) list_request_memory: u16,

    /// Most that all list requests of one Envoy worker keep together; its VM has 1 GiB
    #[arg(
        long, env = "CUBEGATE_LIST_WORKER_MEMORY", value_name = "MIB", default_value_t = 256,
        value_parser = value_parser!(u16).range(1..=768)
    )]
    pub(crate) list_worker_memory: u16,

    /// Most that pages of one Envoy worker have on their way to clients that do not take them, half of it those of one user; 0 is no limit
    #[arg(
        long, env = "CUBEGATE_LIST_UNSENT_MEMORY", value_name = "MIB", default_value_t = 512,
        value_parser = value_parser!(u16).range(0..=16_384)
    )]
    pub(crate) list_unsent_memory: u16,

    /// Longest single object of a list
    #[arg(
        long, env = "CUBEGATE_LIST_ITEM_SIZE", value_name = "MIB", default_value_t = 4,
        value_parser = value_parser!(u16).range(1..=64)
    )]
    pub(crate) list_item_size: u16,

    /// From this size on a list is asked for by its metadata first, where that decides; 0 is never
    #[arg(
        long,
        env = "CUBEGATE_LIST_METADATA_FIRST",
        value_name = "MIB",
        default_value_t = 8
    )]
    pub(crate) list_metadata_first: u16,
}

// === impl ListArgs ===

impl ListArgs {
    /// As the filter is told.
    pub(crate) fn limits(&self) -> Limits {
        const MIB: usize = 1 << 20;
        let Self {
            list_request_memory,
            list_worker_memory,
            list_unsent_memory,
            list_item_size,
            list_metadata_first,
        } = self;
        Limits {
            max_page_bytes: usize::from(*list_request_memory).saturating_mul(MIB),
            max_worker_bytes: usize::from(*list_worker_memory).saturating_mul(MIB),
            max_unsent_bytes: usize::from(*list_unsent_memory).saturating_mul(MIB),
            max_item_bytes: usize::from(*list_item_size).saturating_mul(MIB),
            metadata_first_bytes: u64::from(*list_metadata_first) << 20,
            ..Limits::default()
        }
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

    fn limits(line: &[&str]) -> Result<Limits, clap::Error> {
        let line = std::iter::once(&"test").chain(line);
        Line::try_parse_from(line).map(|line| line.list.limits())
    }

    #[test]
    fn nothing_said_is_what_the_filter_does_by_itself() {
        assert_eq!(limits(&[]).unwrap(), Limits::default());
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
        assert_eq!(limits.max_page_bytes, 1 << 20);
        assert_eq!(limits.max_worker_bytes, 2 << 20);
        assert_eq!(limits.max_unsent_bytes, 5 << 20);
        assert_eq!(limits.max_item_bytes, 3 << 20);
        assert_eq!(limits.metadata_first_bytes, 0);
    }

    #[test]
    fn more_than_a_vm_has_is_refused() {
        assert!(limits(&["--list-worker-memory=1024"]).is_err());
        assert!(limits(&["--list-request-memory=0"]).is_err());
    }
}
