//! How much memory something takes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, and a count of what is taken from it. A target
/// runs on one thread, so the order of the counts does not matter.
pub struct Meter {
    taken: AtomicUsize,
    most: AtomicUsize,
}

// === impl Meter ===

impl Meter {
    /// A meter that has counted nothing.
    pub const fn new() -> Self {
        Self {
            taken: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        }
    }

    /// Begins to look for the most; the bytes that are taken now.
    pub fn start(&self) -> usize {
        let taken = self.taken.load(Ordering::Relaxed);
        self.most.store(taken, Ordering::Relaxed);
        taken
    }

    /// The most bytes that were taken at once since the start.
    pub fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }

    fn took(&self, bytes: usize) {
        let taken = self.taken.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.most.fetch_max(taken, Ordering::Relaxed);
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: the system's allocator does it all, and counting allocates nothing.
// `alloc_zeroed` and `realloc` are left to their definitions by these two.
unsafe impl GlobalAlloc for Meter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.took(layout.size());
        // SAFETY: as our caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        self.taken.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as our caller promises.
        unsafe { System.dealloc(memory, layout) }
    }
}
