//! What a worker remembers of lists: hints, never facts that an answer depends on.

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::rc::Rc;

use lru::LruCache;

/// How many lists are remembered.
const ENTRIES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1023);

/// A list with a longer name is not remembered.
const MAX_NAME: usize = 1 << 10;

/// The lessons of one worker, by list.
#[derive(Debug, Clone)]
pub(crate) struct Learned(Rc<RefCell<LruCache<String, Lesson>>>);

/// What was learned of one list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lesson {
    /// The size of the whole list when it was last read.
    pub(crate) bytes: u64,
    /// The size of its metadata when it was last read.
    pub(crate) metadata_bytes: u64,
    /// The server does not count it, or orders it by something else than names.
    pub(crate) no_head: bool,
    /// Its metadata alone is not to be had, or hardly smaller.
    pub(crate) no_keys: bool,
}

// === impl Learned ===

impl Learned {
    /// Returns what is known of a list; at first nothing.
    pub(crate) fn of(&self, list: &str) -> Lesson {
        let known = self.0.borrow_mut().get(list).copied();
        known.unwrap_or_default()
    }

    /// Changes what is known. What says nothing is forgotten.
    pub(crate) fn learn(&self, list: &str, change: impl FnOnce(&mut Lesson)) {
        let mut lesson = self.of(list);
        change(&mut lesson);
        let mut lessons = self.0.borrow_mut();
        if lesson == Lesson::default() {
            lessons.pop(list);
        } else if list.len() <= MAX_NAME {
            lessons.put(list.to_owned(), lesson);
        }
    }
}

impl Default for Learned {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(LruCache::new(ENTRIES))))
    }
}
