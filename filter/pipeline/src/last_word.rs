//! How long ago the control plane was heard of.
//!
//! An Envoy without a control plane serves on with what it was told last, and what is taken back
//! meanwhile it does not know. So the control plane says the time again and again, by the same way as what is
//! refused, and from some silence on the filter says so with each answer, or refuses.

use std::cell::Cell;
use std::rc::Rc;

use cubegate_filter_config::FilterLimits;

/// The age of the last word, for the whole worker: clones share it.
#[derive(Clone, Default)]
pub(crate) struct LastWord(Rc<Cell<Option<u64>>>);

// === impl LastWord ===

impl LastWord {
    /// It is so many seconds old; `None`: there was none, and none is to be expected.
    pub(crate) fn is_of(&self, age: Option<u64>) {
        self.0.set(age);
    }

    /// Returns its age in seconds, if that is more than it may be.
    pub(crate) fn stale_for(&self, limits: &FilterLimits) -> Option<u64> {
        let limit = limits.stale_after_seconds;
        self.0.get().filter(|age| limit > 0 && *age > limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_stale_when_it_is_older_than_it_may_be() {
        let limits = |stale_after_seconds| FilterLimits {
            stale_after_seconds,
            ..FilterLimits::default()
        };
        let word = LastWord::default();
        assert_eq!(word.stale_for(&limits(1)), None);
        word.clone().is_of(Some(31));
        assert_eq!(word.stale_for(&limits(30)), Some(31));
        assert_eq!(word.stale_for(&limits(31)), None);
        assert_eq!(word.stale_for(&limits(0)), None, "never");
        word.is_of(None);
        assert_eq!(word.stale_for(&limits(30)), None);
    }
}
