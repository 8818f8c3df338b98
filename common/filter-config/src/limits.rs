//! Bounds on what a worker keeps, and on what one caller may ask.

use serde::{Deserialize, Serialize};

use crate::{MAX_REQUEST_HEAD_KIB, SEND_TIMEOUT_SECONDS};

/// Bounds on what the filter keeps, in bytes unless said otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FilterLimits {
    /// Of one list request.
    pub list: cubegate_list::Limits,
    /// Most that all list requests of one Envoy worker keep together. One user's
    /// keep at most half of it, or what one request may, whichever is more.
    pub max_worker_bytes: usize,
    /// How many verified tokens a worker remembers.
    pub token_cache_entries: usize,
    /// From this size on a list whose page is decided by metadata alone is asked
    /// for without the rest, and then the page's objects; 0 is never. A worker
    /// knows the size from the last time that it read the whole list.
    pub metadata_first_bytes: u64,
    /// Most that pages of one Envoy worker may have on their way to clients that have
    /// not taken them, half of it those of one user; 0 is no limit. It is Envoy's
    /// memory and not the VM's.
    pub max_unsent_bytes: usize,
    /// Most that the request line and the headers of a request may have together. What is
    /// far beyond it Envoy ends by itself.
    pub max_request_head_bytes: usize,
    /// How long a client may take nothing of what is on its way to it, in seconds, until
    /// its connection is cut. A page counts for as long.
    pub send_timeout_seconds: u64,
    /// How much one caller may ask.
    pub callers: CallerLimits,
    /// How long a watch, an exec or the like may last, in seconds; 0 is as long as
    /// its token is good.
    pub max_stream_seconds: u64,
    /// How long nothing may be heard of the control plane, in seconds, until answers say so
    /// ([`STALE_HEADER`](crate::STALE_HEADER)); 0 is for ever.
    pub stale_after_seconds: u64,
    /// Whether requests for clusters are refused then.
    pub refuse_when_stale: bool,
}

/// How much one caller may ask of the clusters. Each Envoy worker counts for itself. 0 is
/// no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CallerLimits {
    /// Requests of one user in a second.
    pub requests_per_user: u32,
    /// Requests with tokens of one access key in a second.
    pub requests_per_key: u32,
    /// How many seconds' worth of requests may come at once; less than 1 is 1.
    pub burst_seconds: u32,
    /// Requests of one user at the same time, watches and other streams among them.
    pub concurrent_per_user: u32,
    /// Requests with tokens of one access key at the same time.
    pub concurrent_per_key: u32,
}

// === impl FilterLimits ===

impl Default for FilterLimits {
    fn default() -> Self {
        Self {
            list: cubegate_list::Limits::default(),
            max_worker_bytes: 256 << 20,
            token_cache_entries: 2048,
            metadata_first_bytes: 8 << 20,
            max_unsent_bytes: 512 << 20,
            max_request_head_bytes: MAX_REQUEST_HEAD_KIB << 10,
            send_timeout_seconds: SEND_TIMEOUT_SECONDS,
            callers: CallerLimits::default(),
            max_stream_seconds: 0,
            stale_after_seconds: 0,
            refuse_when_stale: false,
        }
    }
}
