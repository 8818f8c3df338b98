//! Pages that have been given to the proxy and may not have left it.
//!
//! A page goes out as one reply, outside of flow control: what a client does not take
//! lies in the proxy's memory. How much of it still does nobody tells us. The end of
//! the stream says it only to a client that opens its HTTP/2 windows bit by bit; over
//! HTTP/1.1, and into a window of gigabytes, the stream ends at once and the bytes wait
//! in the connection. So a page counts until its stream has ended and for at least
//! [`FilterLimits::send_timeout_seconds`], after which a connection whose client takes nothing is
//! cut. Only of a stream that ends with its connection it is known that nothing lies there
//! any more. A stream that its client resets says nothing: what its windows had room for
//! before is in the connection already.

use std::cell::RefCell;
use std::rc::Rc;

use cubegate_filter_config::FilterLimits;

/// A page of this size is not counted: an answer that is under flow control may have
/// as much in the proxy's memory.
const UNCOUNTED: usize = 1 << 20;

/// How many users share what a worker may have unsent, at least: one alone never has
/// it all.
const SHARES: usize = 2;

/// The unsent pages of one worker; clones are the same ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unsent(Rc<RefCell<Vec<PageOnItsWay>>>);

/// One of them. When its stream ends it counts on for the rest of its time.
#[derive(Debug)]
struct PageOnItsWay {
    user: Rc<str>,
    bytes: usize,
    /// Unix µs.
    counts_until: u64,
    stream: StreamState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StreamState {
    /// Its number.
    Open(u64),
    Ended,
}

/// A page on its way. Its stream ends with the value.
#[derive(Debug)]
pub(crate) struct UnsentPage {
    unsent: Unsent,
    number: Option<u64>,
}

/// There is no room for a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoRoom {
    /// The user's other pages leave none. When one of them stops to count, in seconds,
    /// if that is known.
    User(Option<u64>),
    /// Those of all users.
    Worker(Option<u64>),
}

// === impl Unsent ===

impl Unsent {
    /// Counts a page of this user that goes out now (Unix µs), if there is room for it
    /// within [`FilterLimits::max_unsent_bytes`]. The first one always finds room.
    pub(crate) fn send(
        &self,
        limits: &FilterLimits,
        user: &Rc<str>,
        bytes: usize,
        now: u64,
    ) -> Result<UnsentPage, NoRoom> {
        let limit = limits.max_unsent_bytes;
        let mut sending = UnsentPage {
            unsent: self.clone(),
            number: None,
        };
        if limit == 0 || bytes <= UNCOUNTED {
            return Ok(sending);
        }
        let mut pages = self.0.borrow_mut();
        pages.retain(|page| page.stream != StreamState::Ended || now < page.counts_until);
        let room =
            |all: &[PageOnItsWay], is_meant: &dyn Fn(&PageOnItsWay) -> bool, limit: usize| {
                let meant = || all.iter().filter(|page| is_meant(page));
                let held: usize = meant().map(|page| page.bytes).sum();
                if held == 0 || held.saturating_add(bytes) <= limit {
                    return Ok(());
                }
                let first = meant().map(|page| page.counts_until).min();
                let wait = first.and_then(|at| at.checked_sub(now));
                Err(wait.map(|wait| wait.div_ceil(1_000_000).max(1)))
            };
        let of_user = |page: &PageOnItsWay| page.user == *user;
        room(pages.as_slice(), &of_user, limit / SHARES).map_err(NoRoom::User)?;
        room(pages.as_slice(), &|_| true, limit).map_err(NoRoom::Worker)?;
        let number = pages
            .iter()
            .filter_map(|page| match page.stream {
                StreamState::Open(number) => Some(number),
                StreamState::Ended => None,
            })
            .max()
            .map_or(0, |last| last.saturating_add(1));
        let stall = limits.send_timeout_seconds.saturating_mul(1_000_000);
        pages.push(PageOnItsWay {
            user: Rc::clone(user),
            bytes,
            counts_until: now.saturating_add(stall),
            stream: StreamState::Open(number),
        });
        sending.number = Some(number);
        Ok(sending)
    }
}

// === impl UnsentPage ===

impl UnsentPage {
    /// Its stream ends together with the connection, and what lay there is gone.
    pub(crate) fn drop_with_connection(mut self) {
        let Some(number) = self.number.take() else {
            return;
        };
        let mut pages = self.unsent.0.borrow_mut();
        pages.retain(|page| page.stream != StreamState::Open(number));
    }
}

impl Drop for UnsentPage {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let mut pages = self.unsent.0.borrow_mut();
        let mut mine = pages
            .iter_mut()
            .filter(|page| page.stream == StreamState::Open(number));
        if let Some(page) = mine.next() {
            page.stream = StreamState::Ended;
        }
    }
}

// === impl NoRoom ===

impl NoRoom {
    /// Returns when to try again, in seconds.
    pub(crate) fn retry_after(self) -> u64 {
        let (Self::User(wait) | Self::Worker(wait)) = self;
        wait.unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000_000_000;
    const MIB: usize = 1 << 20;
    const LIMIT: usize = 100 * MIB;
    const STALL: u64 = 60;

    fn limits(max_unsent_bytes: usize) -> FilterLimits {
        FilterLimits {
            max_unsent_bytes,
            send_timeout_seconds: STALL,
            ..FilterLimits::default()
        }
    }

    fn after(seconds: u64) -> u64 {
        NOW + seconds * 1_000_000
    }

    #[test]
    fn a_page_counts_as_long_as_a_client_may_leave_it_lying() {
        let unsent = Unsent::default();
        let jeff: Rc<str> = "jeff".into();
        let send = |bytes, now| unsent.send(&limits(LIMIT), &jeff, bytes, now);
        // Over HTTP/1.1 the stream ends at once.
        drop(send(40 * MIB, NOW).unwrap());
        assert_eq!(
            send(11 * MIB, after(1)).unwrap_err(),
            NoRoom::User(Some(STALL - 1))
        );
        drop(send(10 * MIB, after(1)).unwrap());
        let slow = send(40 * MIB, after(STALL)).unwrap();
        // A client that is slow over HTTP/2 keeps it counted.
        let later = after(STALL * 5);
        assert_eq!(send(11 * MIB, later).unwrap_err(), NoRoom::User(None));
        drop(slow);
        assert!(send(50 * MIB, later).is_ok());
    }

    #[test]
    fn a_page_counts_no_more_when_its_connection_has_ended_before_it() {
        let unsent = Unsent::default();
        let jeff: Rc<str> = "jeff".into();
        let send = |bytes| unsent.send(&limits(LIMIT), &jeff, bytes, NOW);
        let first = send(20 * MIB).unwrap();
        let second = send(20 * MIB).unwrap();
        assert!(send(20 * MIB).is_err());
        first.drop_with_connection();
        let third = send(20 * MIB).unwrap();
        assert!(send(20 * MIB).is_err(), "the other one still counts");
        // A small one is not counted, and takes nothing along.
        send(MIB).unwrap().drop_with_connection();
        assert!(send(20 * MIB).is_err());
        drop((second, third));
    }

    #[test]
    fn one_user_leaves_room_for_others_and_all_together_have_an_end() {
        let unsent = Unsent::default();
        let users: Vec<Rc<str>> = ["a", "b", "c"].map(Rc::from).to_vec();
        let send = |user: usize, bytes| unsent.send(&limits(LIMIT), &users[user], bytes, NOW);
        let _a = send(0, 50 * MIB).unwrap();
        assert!(matches!(send(0, 2 * MIB), Err(NoRoom::User(_))));
        let _b = send(1, 49 * MIB).unwrap();
        assert!(matches!(send(2, 2 * MIB).unwrap_err(), NoRoom::Worker(_)));
    }

    #[test]
    fn small_pages_and_the_first_one_always_go_out() {
        let unsent = Unsent::default();
        let jeff: Rc<str> = "jeff".into();
        let _first = unsent.send(&limits(LIMIT), &jeff, 3 * LIMIT, NOW).unwrap();
        for _ in 0..1000 {
            drop(unsent.send(&limits(LIMIT), &jeff, MIB, NOW).unwrap());
        }
        assert_eq!(unsent.0.borrow().len(), 1);
        assert!(
            unsent.send(&limits(0), &jeff, 3 * LIMIT, NOW).is_ok(),
            "no limit"
        );
        let ann: Rc<str> = "ann".into();
        assert!(unsent.send(&limits(LIMIT), &ann, 2 * MIB, NOW).is_err());
    }

    #[test]
    fn what_is_kept_of_pages_is_bounded_by_their_size() {
        let unsent = Unsent::default();
        let jeff: Rc<str> = "jeff".into();
        for number in 0..10_000 {
            drop(unsent.send(&limits(LIMIT), &jeff, 2 * MIB, after(number)));
        }
        assert!(unsent.0.borrow().len() <= LIMIT / (2 * MIB));
    }
}
