//! How soon an Envoy is started again: at once, unless it dies again and again.

use std::time::{Duration, Instant};

/// An Envoy that has run for as long was a good one.
const GOOD: Duration = Duration::from_secs(60);

/// The wait before a second start in a row; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(500);

/// The longest wait.
const LONGEST: Duration = Duration::from_secs(30);

/// Counts starts in a row.
pub(super) struct Backoff {
    started: Instant,
    wait: Duration,
}

// === impl Backoff ===

impl Backoff {
    /// An Envoy was just started, or found.
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            wait: Duration::ZERO,
        }
    }

    /// Returns how long to wait before the next start, which is taken to follow.
    pub(super) fn next(&mut self, now: Instant) -> Duration {
        if now.saturating_duration_since(self.started) >= GOOD {
            self.wait = Duration::ZERO;
        }
        let wait = self.wait;
        self.wait = (wait * 2).clamp(FIRST, LONGEST);
        self.started = now + wait;
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_start_is_at_once_and_those_after_it_ever_later() {
        let mut backoff = Backoff::new();
        let mut now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..9 {
            let wait = backoff.next(now);
            waits.push(wait.as_millis());
            now += wait + Duration::from_secs(1);
        }
        assert_eq!(
            waits,
            [0, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]
        );
        // One that has lived is started at once again.
        assert_eq!(backoff.next(now + Duration::from_secs(90)), Duration::ZERO);
    }
}
