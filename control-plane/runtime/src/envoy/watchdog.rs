//! Judges by what the probe has seen whether Envoy must be replaced.
//!
//! Each worker of Envoy has a virtual machine of its own for the filter, and one of
//! them can be dead while others live: so answers without the filter are counted over
//! a minute and not only in a row. Silence is another thing: whoever is under load is
//! silent, too, and must not be replaced for it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use cubegate_filter_config::SEND_TIMEOUT_SECONDS;
use tokio::time::sleep;

use super::probe::{Probe, Seen};

/// How often is asked.
const INTERVAL: Duration = Duration::from_secs(1);

/// How soon is asked again after an answer without the filter, and before the first one.
const SOON: Duration = Duration::from_millis(200);

/// So many answers without the filter ...
const DEAD: usize = 3;

/// ... within this time are the filter's end.
const WINDOW: Duration = Duration::from_secs(60);

/// An Envoy that has answered nothing for as long, and at least so many times, is
/// taken for one that hangs. One that is full of answers which nobody takes is silent,
/// too, until it may let those go ([`SEND_TIMEOUT_SECONDS`]).
const SILENCE: (Duration, u32) = (Duration::from_secs(SEND_TIMEOUT_SECONDS + 30), 10);

/// How much time there is at least between two replacements; each further one needs
/// twice as much.
const REST: Duration = Duration::from_secs(60);

/// The longest rest. When as long has passed behind a rest without a replacement, the
/// next rest is the shortest again.
const LONGEST_REST: Duration = Duration::from_secs(900);

/// What is known of the Envoy that runs, and when others were replaced.
pub(super) struct Watchdog {
    probe: Probe,
    judge: Judge,
}

struct Judge {
    /// Whether this Envoy has ever answered, or was there before us. One that was
    /// started by us and never did would not be better for another start.
    was_alive: bool,
    /// When it was started, if that was after another one.
    began: Option<Instant>,
    dead: VecDeque<Instant>,
    silent_since: Option<(Instant, u32)>,
    rest: Duration,
    replaced: Option<Instant>,
    told: bool,
}

// === impl Watchdog ===

impl Watchdog {
    pub(super) fn new(probe: Probe) -> Self {
        Self {
            probe,
            judge: Judge::new(),
        }
    }

    /// The Envoy that serves was started by an earlier control plane.
    pub(super) fn adopt(&mut self) {
        self.judge.adopt();
    }

    /// Another Envoy was started.
    pub(super) fn begin(&mut self, now: Instant) {
        self.judge.begin(now);
    }

    /// Asks until Envoy must be replaced, and says why.
    pub(super) async fn bark(&mut self) -> String {
        loop {
            let seen = self.probe.ask().await;
            let wait = if self.judge.was_alive && !matches!(seen, Seen::Dead(_)) {
                INTERVAL
            } else {
                SOON
            };
            if let Some(why) = self.judge.see(seen, Instant::now()) {
                return why;
            }
            sleep(wait).await;
        }
    }
}

// === impl Judge ===

impl Judge {
    fn new() -> Self {
        Self {
            was_alive: false,
            began: None,
            dead: VecDeque::new(),
            silent_since: None,
            rest: REST,
            replaced: None,
            told: false,
        }
    }

    /// An Envoy may have lost its filter while nobody watched it; whoever waited for its
    /// first answer would wait for ever.
    fn adopt(&mut self) {
        self.was_alive = true;
    }

    fn begin(&mut self, now: Instant) {
        self.was_alive = false;
        self.began = Some(now);
        self.dead.clear();
        self.silent_since = None;
        self.told = false;
    }

    fn see(&mut self, seen: Seen, now: Instant) -> Option<String> {
        let why = match seen {
            Seen::Alive => {
                self.was_alive = true;
                if let Some(began) = self.began.take() {
                    let took = now.duration_since(began).as_millis();
                    tracing::info!("another Envoy serves, {took} ms after it was started");
                }
                self.silent_since = None;
                return None;
            }
            Seen::Dead(what) => {
                self.silent_since = None;
                self.dead.push_back(now);
                while self
                    .dead
                    .front()
                    .is_some_and(|first| now.duration_since(*first) > WINDOW)
                {
                    self.dead.pop_front();
                }
                (self.dead.len() >= DEAD).then(|| {
                    format!(
                        "it answers without its filter, {} times within {} s: {what}",
                        self.dead.len(),
                        WINDOW.as_secs()
                    )
                })
            }
            Seen::Silent(what) => {
                let (since, times) = self.silent_since.unwrap_or((now, 0));
                let times = times.saturating_add(1);
                self.silent_since = Some((since, times));
                let (longest, least) = SILENCE;
                let silent = now.duration_since(since);
                (silent >= longest && times >= least)
                    .then(|| format!("it has not answered for {} s: {what}", silent.as_secs()))
            }
        };
        why.filter(|why| self.was_alive && self.may_replace(why, now))
    }

    fn may_replace(&mut self, why: &str, now: Instant) -> bool {
        if let Some(replaced) = self.replaced {
            let since = now.duration_since(replaced);
            if since >= self.rest.saturating_add(LONGEST_REST) {
                self.rest = REST;
            } else if since < self.rest {
                if !self.told {
                    self.told = true;
                    tracing::error!(
                        why,
                        "Envoy was replaced {} s ago and is not replaced again before {} s have passed",
                        since.as_secs(),
                        self.rest.as_secs()
                    );
                }
                return false;
            } else {
                self.rest = (self.rest * 2).min(LONGEST_REST);
            }
        }
        self.replaced = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dead() -> Seen {
        Seen::Dead("it answers 502".to_owned())
    }

    fn silent() -> Seen {
        Seen::Silent("no answer".to_owned())
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn one_dead_worker_of_many_is_found_and_a_single_bad_answer_is_forgiven() {
        let mut judge = Judge::new();
        let start = Instant::now();
        let mut replaced = Vec::new();
        for second in 0..60 {
            // Every eighth connection is the dead worker's.
            let seen = if second % 8 == 7 { dead() } else { Seen::Alive };
            if judge.see(seen, start + seconds(second)).is_some() {
                replaced.push(second);
                break;
            }
        }
        assert_eq!(replaced, [23]);

        let mut judge = Judge::new();
        for minute in 0..60 {
            assert_eq!(judge.see(Seen::Alive, start + seconds(minute * 40)), None);
            assert_eq!(judge.see(dead(), start + seconds(minute * 40 + 1)), None);
        }
    }

    #[test]
    fn an_envoy_under_load_is_left_alone_and_one_that_hangs_is_not() {
        let mut judge = Judge::new();
        let start = Instant::now();
        for round in 0..20 {
            let at = start + seconds(round * 50);
            assert_eq!(judge.see(Seen::Alive, at), None);
            for second in (5..45).step_by(5) {
                assert_eq!(judge.see(silent(), at + seconds(second)), None);
            }
        }
        let mut last = None;
        let at = start + seconds(10_000);
        assert_eq!(judge.see(Seen::Alive, at), None);
        for second in 1..=SILENCE.0.as_secs() + 20 {
            last = judge.see(silent(), at + seconds(second));
            if last.is_some() {
                assert_eq!(second, SILENCE.0.as_secs() + 1);
                break;
            }
        }
        assert!(last.is_some(), "it hangs for ever");
    }

    #[test]
    fn an_envoy_that_never_served_is_not_replaced() {
        let mut judge = Judge::new();
        let start = Instant::now();
        for second in 0..300 {
            assert_eq!(judge.see(dead(), start + seconds(second)), None);
        }
    }

    #[test]
    fn an_adopted_envoy_that_never_answers_is_replaced_once() {
        for (seen, after) in [(dead(), 2), (silent(), SILENCE.0.as_secs())] {
            let mut judge = Judge::new();
            judge.adopt();
            let start = Instant::now();
            let mut replaced = Vec::new();
            for second in 0..300 {
                let now = start + seconds(second);
                if judge.see(seen.clone(), now).is_some() {
                    replaced.push(second);
                    judge.begin(now);
                }
            }
            assert_eq!(replaced, [after], "{seen:?}");
        }
    }

    #[test]
    fn replacements_become_ever_rarer() {
        let mut judge = Judge::new();
        let start = Instant::now();
        let mut replaced = Vec::new();
        for second in 0..2_000 {
            let now = start + seconds(second);
            judge.was_alive = true;
            if judge.see(dead(), now).is_some() {
                replaced.push(second);
                judge.begin(now);
            }
        }
        assert_eq!(replaced, [2, 62, 182, 422, 902, 1_802]);
    }
}
