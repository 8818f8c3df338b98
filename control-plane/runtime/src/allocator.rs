//! The allocator, and when it gives back what is free.

use libmimalloc_sys::{mi_option_set, mi_option_t};
use mimalloc::MiMalloc;

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

#[cfg(test)]
mod tests {
    use super::*;

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
