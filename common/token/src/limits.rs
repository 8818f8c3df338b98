//! How much may be asked with a key.

use serde::{Deserialize, Serialize};

/// Limits of one key in the place of those that the gateway has for all. It travels in
/// the key's tokens, as its scope does: what is pushed to every Envoy does not grow with
/// the number of keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyLimits {
    /// Requests in a second, for each worker of Envoy; 0 is no limit, absent the
    /// gateway's.
    #[serde(rename = "rps", default, skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<u32>,
    /// Requests at the same time, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrent: Option<u32>,
}

// === impl KeyLimits ===

impl KeyLimits {
    /// The gateway's own in all.
    pub const NONE: Self = Self {
        requests_per_second: None,
        concurrent: None,
    };

    /// Returns whether it says nothing.
    pub fn is_none(&self) -> bool {
        self == &Self::NONE
    }
}
