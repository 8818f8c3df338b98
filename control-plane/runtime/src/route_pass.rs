//! The pass by which Envoy's route table knows the filter's requests, and its change.
//!
//! Time is cut into periods, and each has its own pass, which all control planes on one
//! database derive alike. The filter sends that of the present period. The routes take
//! those of its neighbours, too: whatever reaches an Envoy first, from whichever control
//! plane, no request is lost when the period changes.

use std::time::Duration;

use cubegate_snapshot::RoutePasses;
use cubegate_store::Store;
use time::OffsetDateTime;

/// How many periods that are still to come have a pass already. An Envoy that had no
/// control plane for as long gets new passes without losing a request.
const AHEAD: u64 = 7;

/// Where a time lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    number: u64,
    /// How long it will last.
    pub(crate) left: Duration,
}

// === impl Period ===

impl Period {
    /// The period at this time when each has this length, which is some whole seconds.
    pub(crate) fn at(now: OffsetDateTime, length: Duration) -> Self {
        let now = u64::try_from(now.unix_timestamp()).unwrap_or(0);
        let length = length.as_secs().max(1);
        Self {
            number: now / length,
            left: Duration::from_secs(length - now % length),
        }
    }

    /// Returns what the filter sends in it, and what the routes take.
    pub(crate) fn passes(self, store: &Store) -> RoutePasses {
        // The present one first, for routes are tried in order.
        let accepted = (self.number..=self.number.saturating_add(AHEAD))
            .chain([self.number.saturating_sub(1)]);
        RoutePasses {
            current: store.route_pass(self.number),
            accepted: accepted.map(|number| store.route_pass(number)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use cubegate_testing::store_under;

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn at(seconds: i64) -> Period {
        Period::at(OffsetDateTime::from_unix_timestamp(seconds).unwrap(), DAY)
    }

    #[test]
    fn a_period_ends_when_the_next_begins() {
        assert_eq!(at(86_399).number, 0);
        assert_eq!(at(86_399).left, Duration::from_secs(1));
        assert_eq!(at(86_400).number, 1);
        assert_eq!(at(86_400).left, DAY);
    }

    #[tokio::test]
    async fn routes_take_what_the_filter_sends_in_the_periods_around() {
        let (store, _folder) = store_under(7).await;
        let passes = |day: i64| at(day * 86_400).passes(&store);
        let routes = passes(20).accepted;
        for day in 19..=27 {
            assert!(routes.contains(&passes(day).current), "{day}");
        }
        for day in [18, 28] {
            assert!(!routes.contains(&passes(day).current), "{day}");
        }
        // Another control plane with the same key says the same.
        let (other, _folder) = store_under(7).await;
        assert_eq!(at(20 * 86_400).passes(&other), passes(20));
        let (foreign, _folder) = store_under(8).await;
        let foreign = at(20 * 86_400).passes(&foreign);
        assert!(!routes.contains(&foreign.current));
    }
}
