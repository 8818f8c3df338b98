//! The allocator, when it gives back what is free, and in what pages it takes it.

use libmimalloc_sys::{mi_option_set, mi_option_t};
use mimalloc::MiMalloc;
use rustix::thread::disable_transparent_huge_pages;

/// Gives back what a password's hash took, 19 MiB at a time. glibc's allocator keeps it,
/// for each thread that ever made one: hundreds of megabytes after some hundred logins.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// `mi_option_purge_delay`: for how long memory that is free is kept, in milliseconds. The bindings
/// have no name for it.
const PURGE_DELAY: mi_option_t = 15;

/// Has what is free go back at once. Left to itself it stays for a second, and from then on until
/// somebody happens to allocate: 70 MB with two hundred Envoys.
#[expect(unsafe_code, reason = "an option of the allocator's, which is in C")]
pub(crate) fn give_back_at_once() {
    // SAFETY: it sets a number that may change at any time.
    unsafe { mi_option_set(PURGE_DELAY, 0) }
}

/// Has the kernel give this process small pages alone. The allocator asks for huge ones, of 2 MiB
/// (`madvise(2)`, `MADV_HUGEPAGE`), of which some kilobytes are in use: 30 MB with a thousand clusters.
pub(crate) fn take_small_pages() {
    set_small_pages(true);
}

/// Starts another program, which would inherit that (`prctl(2)`, `PR_SET_THP_DISABLE`), as if
/// nothing had been said.
pub(crate) fn with_huge_pages<T>(start: impl FnOnce() -> T) -> T {
    set_small_pages(false);
    let started = start();
    set_small_pages(true);
    started
}

fn set_small_pages(are_small: bool) {
    if let Err(error) = disable_transparent_huge_pages(are_small) {
        // A kernel or a sandbox without it; it costs memory and nothing else.
        tracing::debug!(%error, "the size of pages cannot be chosen");
    }
}

#[cfg(test)]
mod tests {
    use rustix::thread::transparent_huge_pages_are_disabled;

    use super::*;

    #[test]
    fn pages_are_small_but_in_programs_that_are_started() {
        take_small_pages();
        assert!(transparent_huge_pages_are_disabled().unwrap());
        let inherited = with_huge_pages(transparent_huge_pages_are_disabled);
        assert!(!inherited.unwrap());
        assert!(transparent_huge_pages_are_disabled().unwrap());
    }

    #[test]
    #[expect(unsafe_code, reason = "an option of the allocator's, which is in C")]
    fn the_option_is_the_one_that_is_meant() {
        // SAFETY: it reads a number.
        let value = || unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        // No other option of it has this value.
        assert_eq!(value(), 1000);
        give_back_at_once();
        assert_eq!(value(), 0);
    }
}
