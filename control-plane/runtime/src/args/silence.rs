//! What an Envoy does that hears nothing of a control plane.

use std::time::Duration;

use clap::Args;
use cubegate_filter_config::FilterLimits;

/// Several words may be late or lost before an Envoy has heard nothing for too long.
const WORDS: u64 = 6;

/// From one word to the next, in seconds. The filter looks once a second.
const LEAST: u64 = 1;
const MOST: u64 = 60;

/// From when on an Envoy without a control plane says so.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Envoys")]
pub(crate) struct SilenceArgs {
    /// How long an Envoy may hear nothing of a control plane, in seconds, until its answers say so (header cubegate-stale); 0 is for ever
    #[arg(
        long, env = "CUBEGATE_STALE_AFTER", value_name = "SECONDS", default_value_t = 300,
        value_parser = stale_after
    )]
    stale_after: u64,

    /// Refuse requests for clusters from then on, since what was taken back meanwhile is not known there
    #[arg(long, env = "CUBEGATE_REFUSE_WHEN_STALE")]
    refuse_when_stale: bool,
}

fn stale_after(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(seconds) if seconds == 0 || (5..=86_400).contains(&seconds) => Ok(seconds),
        _ => Err("it must be 5 to 86400 seconds, or 0 for ever".to_owned()),
    }
}

// === impl SilenceArgs ===

impl SilenceArgs {
    /// Returns these limits with what the filter is told of it.
    pub(crate) fn bound(self, mut limits: FilterLimits) -> FilterLimits {
        limits.stale_after_seconds = self.stale_after;
        limits.refuse_when_stale = self.refuse_when_stale;
        limits
    }

    /// Returns how often Envoys are told the time, so that none is stale that has a control plane;
    /// `None` is never.
    pub(crate) fn clock(self) -> Option<Duration> {
        let seconds = (self.stale_after / WORDS).clamp(LEAST, MOST);
        (self.stale_after > 0).then(|| Duration::from_secs(seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_time_for_it_is_refused() {
        assert_eq!(
            ["0", "5", "86400"].map(stale_after),
            [Ok(0), Ok(5), Ok(86_400)]
        );
        for text in ["1", "4", "86401", "-5", "5m", ""] {
            assert!(stale_after(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_time_is_told_some_times_before_an_envoy_is_stale_and_not_oftener_than_it_looks() {
        let clock = |stale_after| {
            let arguments = SilenceArgs {
                stale_after,
                refuse_when_stale: false,
            };
            arguments.clock().map(|clock| clock.as_secs())
        };
        let told = [0, 1, 5, 60, 300, 86_400].map(clock);
        assert_eq!(told, [None, Some(1), Some(1), Some(10), Some(50), Some(60)]);
    }
}
