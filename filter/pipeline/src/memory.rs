//! What the requests of one worker hold together.

use std::cell::Cell;
use std::rc::Rc;

/// The bytes that all list requests of one worker hold together.
#[derive(Debug, Clone, Default)]
pub(crate) struct WorkerMemory(Rc<Cell<usize>>);

/// What one request holds of them. It is given back with the value.
#[derive(Debug)]
pub(crate) struct Share {
    memory: WorkerMemory,
    held: usize,
    max_worker_bytes: usize,
}

/// The other lists of this worker leave no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WorkerMemoryFull;

// === impl WorkerMemory ===

impl WorkerMemory {
    /// A share of nothing yet.
    pub(crate) fn share(&self, max_worker_bytes: usize) -> Share {
        Share {
            memory: self.clone(),
            held: 0,
            max_worker_bytes,
        }
    }

    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.0.get()
    }
}

// === impl Share ===

impl Share {
    /// What is held now, in all.
    pub(crate) fn set(&mut self, held: usize) -> Result<(), WorkerMemoryFull> {
        let others = self.memory.0.get().saturating_sub(self.held);
        let total = others.saturating_add(held);
        self.memory.0.set(total);
        self.held = held;
        if held > 0 && total > self.max_worker_bytes {
            return Err(WorkerMemoryFull);
        }
        Ok(())
    }

    /// So much more is held.
    pub(crate) fn add(&mut self, bytes: usize) -> Result<(), WorkerMemoryFull> {
        self.set(self.held.saturating_add(bytes))
    }

    /// What is held.
    pub(crate) fn held(&self) -> usize {
        self.held
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let others = self.memory.0.get().saturating_sub(self.held);
        self.memory.0.set(others);
    }
}
