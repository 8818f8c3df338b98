//! What the requests of one worker hold together, and what each user's do.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use cubegate_filter_config::FilterLimits;

/// The bytes that all list requests of one worker hold together.
#[derive(Debug, Clone, Default)]
pub(crate) struct WorkerMemory(Rc<RefCell<Held>>);

#[derive(Debug, Default)]
struct Held {
    all: usize,
    /// Of those who hold anything at all.
    by_user: HashMap<Rc<str>, usize>,
}

/// What one request holds of them. It is given back with the value.
#[derive(Debug)]
pub(crate) struct Share {
    memory: WorkerMemory,
    user: Rc<str>,
    held: usize,
    max_worker_bytes: usize,
    max_user_bytes: usize,
}

/// Why a request may hold no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemoryFull {
    /// All lists of this worker leave no room.
    Worker,
    /// This user's other lists leave none.
    User,
}

// === impl WorkerMemory ===

impl WorkerMemory {
    /// A share of nothing yet, for a request of this user.
    ///
    /// Nobody gets more than half of the worker's memory, so that one user's large
    /// pages never are the reason why another gets none; but one page of the longest
    /// length is always possible.
    pub(crate) fn share(&self, limits: &FilterLimits, user: &str) -> Share {
        let held = self.0.borrow();
        // One name for all of a user's requests.
        let known = held.by_user.get_key_value(user);
        Share {
            memory: self.clone(),
            user: known.map_or_else(|| Rc::from(user), |(user, _)| Rc::clone(user)),
            held: 0,
            max_worker_bytes: limits.max_worker_bytes,
            max_user_bytes: (limits.max_worker_bytes / 2).max(limits.list.max_page_bytes),
        }
    }

    /// Returns how much they hold now.
    pub(crate) fn held(&self) -> usize {
        self.0.borrow().all
    }
}

// === impl Held ===

impl Held {
    /// Puts `after` in the place of `before`, and gives what there is then: of all,
    /// and of this user.
    fn replace(&mut self, user: &Rc<str>, before: usize, after: usize) -> (usize, usize) {
        let instead = |held: usize| held.saturating_sub(before).saturating_add(after);
        self.all = instead(self.all);
        let of_user = instead(self.by_user.get(user).copied().unwrap_or(0));
        if of_user == 0 {
            self.by_user.remove(user);
        } else if let Some(held) = self.by_user.get_mut(user) {
            *held = of_user;
        } else {
            self.by_user.insert(Rc::clone(user), of_user);
        }
        (self.all, of_user)
    }
}

// === impl Share ===

impl Share {
    /// What is held now, in all.
    pub(crate) fn set(&mut self, held: usize) -> Result<(), MemoryFull> {
        let mut memory = self.memory.0.borrow_mut();
        let (all, of_user) = memory.replace(&self.user, self.held, held);
        self.held = held;
        if held == 0 {
            Ok(())
        } else if of_user > self.max_user_bytes {
            Err(MemoryFull::User)
        } else if all > self.max_worker_bytes {
            Err(MemoryFull::Worker)
        } else {
            Ok(())
        }
    }

    /// So much more is held.
    pub(crate) fn add(&mut self, bytes: usize) -> Result<(), MemoryFull> {
        self.set(self.held.saturating_add(bytes))
    }

    /// Returns what is held.
    pub(crate) fn held(&self) -> usize {
        self.held
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut memory = self.memory.0.borrow_mut();
        memory.replace(&self.user, self.held, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_one_list(max_page_bytes: usize) -> cubegate_list::Limits {
        cubegate_list::Limits {
            max_page_bytes,
            ..cubegate_list::Limits::default()
        }
    }

    fn limits() -> FilterLimits {
        FilterLimits {
            list: of_one_list(30),
            max_worker_bytes: 100,
            ..FilterLimits::default()
        }
    }

    #[test]
    fn one_user_is_refused_what_another_gets() {
        let memory = WorkerMemory::default();
        let mut first = memory.share(&limits(), "ann");
        let mut second = memory.share(&limits(), "ann");
        first.set(30).unwrap();
        assert_eq!(second.set(21), Err(MemoryFull::User));
        second.set(20).unwrap();
        let mut other = memory.share(&limits(), "bob");
        other.set(50).unwrap();
        assert_eq!(
            memory.share(&limits(), "cid").add(1),
            Err(MemoryFull::Worker)
        );
        drop(second);
        first.add(20).unwrap();
    }

    #[test]
    fn what_is_given_back_is_forgotten() {
        let memory = WorkerMemory::default();
        let mut share = memory.share(&limits(), "ann");
        assert_eq!(share.set(60), Err(MemoryFull::User));
        assert_eq!(memory.held(), 60, "it is held until it is given back");
        drop(share);
        assert_eq!(memory.held(), 0);
        assert!(memory.0.borrow().by_user.is_empty());
    }

    #[test]
    fn one_page_of_the_longest_length_is_always_possible() {
        let limits = FilterLimits {
            list: of_one_list(90),
            ..limits()
        };
        let memory = WorkerMemory::default();
        memory.share(&limits, "ann").set(90).unwrap();
    }
}
