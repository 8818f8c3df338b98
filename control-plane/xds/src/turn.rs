//! Whose turn it is to be brought up to date. An Envoy that has nothing is sent megabytes, and what is
//! made of them for it alone (what it has, TLS) waits in memory until they are read: with hundreds that
//! connect at once, so many times that. So only some are sent anything until they have had everything
//! once. From then on nobody waits.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

/// How many are sent something at the same time.
const AT_A_TIME: usize = 24;

/// How long a turn goes on after all is written. Envoy answers most within this time, and may then
/// be sent more; what takes longer, as to compile the filter, holds up nobody.
const ANSWER: Duration = Duration::from_millis(250);

/// How long a turn is while something is still to be written: one that reads slowly holds up others
/// for no longer.
const LONGEST: Duration = Duration::from_secs(2);

/// The turns of one server.
#[derive(Debug, Clone)]
pub(crate) struct Turns(Arc<Semaphore>);

/// How one stream stands to them.
pub(crate) struct Turn {
    turns: Turns,
    /// While it has its turn.
    permit: Option<OwnedSemaphorePermit>,
    ends: Option<Instant>,
    /// Something may be to be said.
    is_wanted: bool,
    /// It has had everything once.
    is_over: bool,
}

// === impl Turns ===

impl Turns {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(AT_A_TIME)))
    }
}

// === impl Turn ===

impl Turn {
    pub(crate) fn new(turns: Turns) -> Self {
        Self {
            turns,
            permit: None,
            ends: None,
            is_wanted: false,
            is_over: false,
        }
    }

    /// Whether something may be sent now.
    pub(crate) fn has_come(&self) -> bool {
        self.is_over || self.permit.is_some()
    }

    /// Whether it is waited for.
    pub(crate) fn is_awaited(&self) -> bool {
        self.is_wanted && !self.has_come()
    }

    /// Something has happened, after which something may be to be said.
    pub(crate) fn want(&mut self) {
        self.is_wanted = true;
    }

    /// There is something to be written, or nothing any more.
    pub(crate) fn writes(&mut self, something: bool) {
        if self.permit.is_some() {
            let pause = if something { LONGEST } else { ANSWER };
            let ends = Instant::now() + pause;
            let is_earlier = self.ends.is_none_or(|known| ends < known);
            if something || is_earlier {
                self.ends = Some(ends);
            }
        }
    }

    /// Envoy has everything: it waits for no turn any more.
    pub(crate) fn end(&mut self) {
        self.is_over = true;
        self.permit = None;
    }

    /// Waits until the turn begins or ends, whichever is next. It may be dropped before.
    pub(crate) async fn changed(&mut self) {
        match self.ends.filter(|_| self.permit.is_some()) {
            Some(ends) => {
                sleep_until(ends).await;
                self.permit = None;
                self.ends = None;
            }
            None if self.is_awaited() => {
                let turns = Arc::clone(&self.turns.0);
                // It is never closed.
                self.permit = turns.acquire_owned().await.ok();
                self.ends = Some(Instant::now() + LONGEST);
                self.is_wanted = false;
            }
            None => pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_secs(1);
    const NOT_YET: Duration = Duration::from_millis(20);

    async fn comes(turn: &mut Turn, within: Duration) -> bool {
        timeout(within, turn.changed()).await.is_ok() && turn.has_come()
    }

    #[tokio::test]
    async fn so_many_have_their_turn_and_the_next_when_one_has_ended() {
        let turns = Turns::new();
        let mut busy = Vec::new();
        for _ in 0..AT_A_TIME {
            let mut turn = Turn::new(turns.clone());
            assert!(!turn.has_come() && !comes(&mut turn, NOT_YET).await);
            turn.want();
            assert!(comes(&mut turn, SOON).await);
            turn.writes(true);
            busy.push(turn);
        }
        let mut next = Turn::new(turns.clone());
        next.want();
        assert!(next.is_awaited() && !comes(&mut next, NOT_YET).await);
        // One has everything, and is sent what it likes from then on.
        busy[0].end();
        assert!(busy[0].has_come() && comes(&mut next, SOON).await);
        // One says nothing for long enough, one is still being written to.
        let mut other = Turn::new(turns);
        other.want();
        assert!(!comes(&mut other, NOT_YET).await);
        busy[1].writes(false);
        busy[1].changed().await;
        assert!(!busy[1].has_come() && comes(&mut other, SOON).await);
        // It may want another one.
        busy[1].want();
        busy[2].changed().await;
        assert!(comes(&mut busy[1], SOON).await);
    }
}
