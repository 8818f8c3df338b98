//! How a cluster's discovery goes, and what is to be done next.

use std::time::Duration;

use cubegate_member::Discovery;

/// A reading of all is done again after at most so many intervals although a check says each time
/// that nothing has changed: for what no check tells of.
const CHECKED_INTERVALS: u32 = 64;

/// After at most so many where no check tells, twice as many each time that nothing has changed.
const UNCHECKED_INTERVALS: u32 = 32;

/// After so many checks in turn that told of a change where there was none, they are not believed
/// any more.
const FALSE_ALARMS: u32 = 3;

/// So many looks in turn without an answer are no restart of a server any more.
const SILENCES: u32 = 2;

/// The most from one look at a cluster that cannot be reached to the next.
const UNREACHABLE: Duration = Duration::from_secs(4);

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// To read all.
    Read,
    /// To ask whether something has changed; this is which check it is since the last reading.
    Check(u32),
}

/// Why a cluster could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// In one sentence.
    pub(super) reason: String,
    /// Whether it has answered: then it is there, and asking it often makes it no better.
    pub(super) answered: bool,
}

/// How a cluster's discovery went so far.
#[derive(Default)]
pub(super) struct Course {
    /// Looks that failed since one that went well.
    failures: u32,
    /// Those of them in turn that had no answer.
    silences: u32,
    /// Checks since the last reading.
    checks: u32,
    /// How many intervals the next reading is after the last one.
    reading_after: u32,
    /// Checks in turn that told of a change where there was none.
    false_alarms: u32,
    /// The next thing to do is to read.
    is_due: bool,
    /// Groups that could not be read at the last reading that went well.
    unreachable: Vec<String>,
    /// Whether it has left something out.
    leaves_out: bool,
}

// === impl Course ===

impl Course {
    /// That of a cluster which was not read yet.
    pub(super) fn new() -> Self {
        Self {
            is_due: true,
            ..Self::default()
        }
    }

    pub(super) fn next(&self) -> Step {
        if self.is_due || self.checks >= self.reading_after {
            Step::Read
        } else {
            Step::Check(self.checks)
        }
    }

    /// Whether the last look failed.
    pub(super) fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// Whether it gives no answer, and not for the first time: servers are restarted.
    pub(super) fn is_unreachable(&self) -> bool {
        self.silences >= SILENCES
    }

    /// Whether what checks say is believed.
    pub(super) fn believes(&self) -> bool {
        self.false_alarms < FALSE_ALARMS
    }

    /// Has it read all next.
    pub(super) fn read_next(&mut self) {
        self.is_due = true;
    }

    /// A check found nothing new.
    pub(super) fn checked(&mut self, name: &str) {
        self.checks = self.checks.saturating_add(1);
        self.is_well(name);
    }

    /// A check found that something has changed.
    pub(super) fn alarmed(&mut self) {
        self.is_due = true;
        self.false_alarms = self.false_alarms.saturating_add(1);
    }

    /// All was read; `changed` says whether it is something else than before, and `told` whether
    /// checks would tell of the next change.
    pub(super) fn read(&mut self, name: &str, discovery: &Discovery, changed: bool, told: bool) {
        let was_first = self.reading_after == 0;
        self.is_due = false;
        self.checks = 0;
        if changed {
            self.false_alarms = 0;
        }
        let all_read = discovery.unreachable().is_empty();
        self.reading_after = if changed && !was_first {
            // What tells of a change may be ahead of what is to be read.
            1
        } else if told && all_read && self.believes() {
            CHECKED_INTERVALS
        } else {
            let twice = self.reading_after.saturating_mul(2);
            twice.clamp(1, UNCHECKED_INTERVALS)
        };
        self.is_well(name);
        self.log(name, discovery);
    }

    /// It could not be looked at or read.
    pub(super) fn failed(&mut self, name: &str, failure: &Failure) {
        if self.failures == 0 {
            tracing::warn!(
                cluster.name = name,
                error = failure.reason,
                "a cluster's resources cannot be read; what is known of them stays"
            );
        }
        self.failures = self.failures.saturating_add(1);
        self.silences = match failure.answered {
            true => 0,
            false => self.silences.saturating_add(1),
        };
        self.false_alarms = 0;
        // The first check afterwards is the one that tells of most.
        self.checks = 0;
    }

    fn is_well(&mut self, name: &str) {
        if self.failures > 0 {
            tracing::info!(cluster.name = name, "a cluster's resources are read again");
            self.failures = 0;
            self.silences = 0;
        }
    }

    fn log(&mut self, name: &str, discovery: &Discovery) {
        if discovery.leaves_out() && !self.leaves_out {
            tracing::warn!(
                cluster.name = name,
                "a cluster has more resources than are kept; the last ones have no lists on KubeSphere's paths"
            );
        }
        self.leaves_out = discovery.leaves_out();
        let unreachable = discovery.unreachable();
        if unreachable != self.unreachable {
            let groups = unreachable.join(", ");
            if groups.is_empty() {
                tracing::info!(
                    cluster.name = name,
                    "all groups of a cluster are read again"
                );
            } else {
                tracing::warn!(
                    cluster.name = name,
                    groups,
                    "groups of a cluster cannot be read; what is known of them stays"
                );
            }
            self.unreachable = unreachable;
        }
    }

    /// Returns the time to the next step: the interval, or after a failure an eighth of it, or
    /// [`UNREACHABLE`] if that is less. Where the server answers and refuses, this is doubled
    /// with each time, up to four intervals. `jitter` is about 1.
    pub(super) fn pause(
        &self,
        interval: Duration,
        failure: Option<&Failure>,
        jitter: f64,
    ) -> Duration {
        let pause = match failure {
            None => interval,
            Some(failure) => {
                let soon = (interval / 8).min(UNREACHABLE);
                let doubled = match failure.answered {
                    true => 2_u32.saturating_pow(self.failures.saturating_sub(1)),
                    false => 1,
                };
                soon.saturating_mul(doubled).min(interval.saturating_mul(4))
            }
        };
        pause.mul_f64(jitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mk_failure(answered: bool) -> Failure {
        Failure {
            reason: "it fails".to_owned(),
            answered,
        }
    }

    /// The steps from one reading to the next, in intervals.
    fn until_read(course: &mut Course) -> u32 {
        let mut intervals = 0;
        loop {
            intervals += 1;
            match course.next() {
                Step::Read => return intervals,
                Step::Check(turn) => assert_eq!(turn + 1, intervals),
            }
            course.checked("a");
        }
    }

    #[test]
    fn what_stays_as_it_is_is_read_ever_less() {
        let same = Discovery::default();
        let mut course = Course::new();
        assert_eq!(course.next(), Step::Read);
        let mut after = Vec::new();
        for _ in 0..7 {
            course.read("a", &same, false, false);
            after.push(until_read(&mut course) - 1);
        }
        assert_eq!(after, [1, 2, 4, 8, 16, 32, 32]);
        course.read("a", &same, true, false);
        assert_eq!(until_read(&mut course) - 1, 1, "soon again after a change");
    }

    #[test]
    fn where_a_check_tells_of_changes_all_is_read_seldom() {
        let same = Discovery::default();
        let mut course = Course::new();
        course.read("a", &same, true, true);
        assert_eq!(until_read(&mut course) - 1, 64);
        course.alarmed();
        assert_eq!(course.next(), Step::Read);
        course.read("a", &same, true, true);
        assert_eq!(
            until_read(&mut course) - 1,
            1,
            "the check may have been ahead"
        );
        course.read("a", &same, false, true);
        assert_eq!(until_read(&mut course) - 1, 64);
        // One that cries wolf is not heard.
        for _ in 0..3 {
            assert!(course.believes());
            course.alarmed();
            course.read("a", &same, false, true);
        }
        assert!(!course.believes());
        assert_eq!(until_read(&mut course) - 1, 32);
        course.read("a", &same, true, true);
        assert!(course.believes());
    }

    #[test]
    fn a_cluster_is_unreachable_when_it_gives_no_answer_for_the_second_time() {
        let mut course = Course::new();
        let mut failed = |answered| {
            course.failed("a", &mk_failure(answered));
            course.is_unreachable()
        };
        let told = [false, true, false, false, false, true].map(&mut failed);
        assert_eq!(told, [false, false, false, true, true, false]);
        let failure = mk_failure(false);
        course.failed("a", &failure);
        course.checked("a");
        course.failed("a", &failure);
        assert!(!course.is_unreachable());
    }

    #[test]
    fn a_cluster_that_is_away_is_looked_at_soon_and_one_that_refuses_less_and_less() {
        let interval = Duration::from_secs(32);
        let mut course = Course::new();
        assert_eq!(course.pause(interval, None, 0.5).as_secs(), 16);
        let mut pauses = |answered| {
            let failure = mk_failure(answered);
            course.failures = 0;
            let pauses = (0..8).map(|_| {
                course.failed("a", &failure);
                course.pause(interval, Some(&failure), 1.0).as_secs()
            });
            pauses.collect::<Vec<_>>()
        };
        assert_eq!(pauses(false), [4; 8]);
        assert_eq!(pauses(true), [4, 8, 16, 32, 64, 128, 128, 128]);
        course.failures = u32::MAX;
        let longest = course.pause(interval, Some(&mk_failure(true)), 1.0);
        assert_eq!(longest.as_secs(), 128);
        assert!(course.is_failing());
        course.checked("a");
        assert!(!course.is_failing());
    }
}
