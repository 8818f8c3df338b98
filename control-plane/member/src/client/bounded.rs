//! Bodies that end: a member cluster is hostile, and may send for as long as somebody
//! reads.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::BoxError;

/// In how large steps the budget is taken.
const STEP: usize = 64 << 10;

/// What of all that is on its way here one member may have: a quarter.
const SHARE: usize = 4;

/// How many bytes of all bodies together may be on their way here at a time, and how many
/// of each member's.
pub(crate) struct Budgets {
    all: Arc<Semaphore>,
    share: usize,
    /// Those of members that are being read.
    members: Mutex<BTreeMap<String, Weak<Semaphore>>>,
}

/// What one member has of it.
#[derive(Clone)]
pub(crate) struct Budget {
    all: Arc<Semaphore>,
    own: Arc<Semaphore>,
}

/// Bytes that are counted, here and there.
struct Held {
    all: OwnedSemaphorePermit,
    own: OwnedSemaphorePermit,
}

/// A body that is not longer than it may be, and counts against a budget while it comes.
pub(crate) struct Bounded<B> {
    inner: B,
    longest: usize,
    read: usize,
    budget: Budget,
    held: Option<Held>,
    paid: usize,
}

/// Why the rest of a body is not read.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// It is too long.
    #[error("its answer is longer than {} MiB", .0 >> 20)]
    TooLong(usize),
    /// Too much comes from members at the same time.
    #[error("too much is being read from clusters at the moment")]
    Budget,
    /// Too much comes from this member at the same time.
    #[error("too much is being read from this cluster at the moment")]
    Share,
}

// === impl Budgets ===

impl Budgets {
    pub(crate) fn new(bytes: usize) -> Self {
        let steps = bytes / STEP;
        Self {
            all: Arc::new(Semaphore::new(steps)),
            share: steps / SHARE,
            members: Mutex::default(),
        }
    }

    /// That of a member, whoever reads it.
    pub(crate) fn of(&self, member: &str) -> Budget {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        let known = members.get(member).and_then(Weak::upgrade);
        let own = known.unwrap_or_else(|| {
            members.retain(|_, own| own.strong_count() > 0);
            let own = Arc::new(Semaphore::new(self.share));
            members.insert(member.to_owned(), Arc::downgrade(&own));
            own
        });
        Budget {
            all: Arc::clone(&self.all),
            own,
        }
    }
}

// === impl Budget ===

impl Budget {
    fn take(&self, steps: usize) -> Result<Held, BodyError> {
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        let own = Arc::clone(&self.own)
            .try_acquire_many_owned(steps)
            .map_err(|_| BodyError::Share)?;
        let all = Arc::clone(&self.all)
            .try_acquire_many_owned(steps)
            .map_err(|_| BodyError::Budget)?;
        Ok(Held { all, own })
    }
}

// === impl Bounded ===

impl<B> Bounded<B> {
    pub(crate) fn new(inner: B, longest: usize, budget: Budget) -> Self {
        Self {
            inner,
            longest,
            read: 0,
            budget,
            held: None,
            paid: 0,
        }
    }

    fn count(&mut self, bytes: usize) -> Result<(), BodyError> {
        self.read = self.read.saturating_add(bytes);
        if self.read > self.longest {
            tracing::warn!(bytes = self.longest, "the answer of a cluster is too long");
            return Err(BodyError::TooLong(self.longest));
        }
        let steps = self.read.div_ceil(STEP).saturating_sub(self.paid);
        if steps == 0 {
            return Ok(());
        }
        let more = self.budget.take(steps).inspect_err(|error| {
            tracing::warn!(%error, "the answer of a cluster is not read on");
        })?;
        self.paid = self.paid.saturating_add(steps);
        match &mut self.held {
            Some(held) => {
                held.all.merge(more.all);
                held.own.merge(more.own);
            }
            None => self.held = Some(more),
        }
        Ok(())
    }
}

impl<B> Body for Bounded<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = match Pin::new(&mut self.inner).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => frame,
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => return Poll::Pending,
        };
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        Poll::Ready(Some(match self.count(bytes) {
            Ok(()) => Ok(frame),
            Err(error) => Err(error.into()),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;

    fn mk_body(
        chunks: usize,
        budget: &Budget,
    ) -> Bounded<impl Body<Data = Bytes, Error = BoxError> + Unpin + use<>> {
        let chunks = (0..chunks).map(|_| Ok(Frame::data(Bytes::from(vec![0; STEP]))));
        Bounded::new(
            StreamBody::new(futures::stream::iter(chunks)),
            4 * STEP,
            budget.clone(),
        )
    }

    async fn read(body: impl Body<Data = Bytes, Error = BoxError>) -> Result<usize, String> {
        match body.collect().await {
            Ok(read) => Ok(read.to_bytes().len()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[tokio::test]
    async fn a_body_that_does_not_end_is_cut() {
        let budgets = Budgets::new(100 * STEP);
        let budget = budgets.of("a");
        assert_eq!(read(mk_body(4, &budget)).await, Ok(4 * STEP));
        let error = read(mk_body(usize::MAX, &budget)).await;
        assert_eq!(error, Err(BodyError::TooLong(4 * STEP).to_string()));
        assert_eq!(budget.all.available_permits(), 100);
        assert_eq!(budget.own.available_permits(), 25);
    }

    #[tokio::test]
    async fn bodies_at_the_same_time_share_a_budget() {
        let budgets = Budgets::new(5 * STEP * SHARE);
        // Of five members one may have a quarter of what there is.
        let mut held = Vec::new();
        for name in ["a", "b", "c", "d"] {
            for _ in 0..2 {
                let mut body = mk_body(4, &budgets.of(name));
                for _ in 0..2 {
                    body.frame().await.unwrap().unwrap();
                }
                held.push(body);
            }
        }
        let last = budgets.of("e");
        assert_eq!(read(mk_body(4, &last)).await, Ok(4 * STEP));
        for body in held.iter_mut().step_by(2) {
            body.frame().await.unwrap().unwrap();
        }
        let full = Err(BodyError::Budget.to_string());
        assert_eq!(read(mk_body(1, &last)).await, full);
        held.pop();
        assert_eq!(read(mk_body(2, &last)).await, Ok(2 * STEP));
    }

    #[tokio::test]
    async fn one_member_that_is_slow_leaves_the_others_theirs() {
        let budgets = Budgets::new(8 * STEP * SHARE);
        let mut slow = Vec::new();
        for _ in 0..2 {
            let mut body = mk_body(4, &budgets.of("slow"));
            for _ in 0..4 {
                body.frame().await.unwrap().unwrap();
            }
            slow.push(body);
        }
        // Also by another reader of the same one.
        let full = Err(BodyError::Share.to_string());
        assert_eq!(read(mk_body(1, &budgets.of("slow"))).await, full);
        assert_eq!(read(mk_body(4, &budgets.of("other"))).await, Ok(4 * STEP));
        slow.pop();
        assert_eq!(read(mk_body(1, &budgets.of("slow"))).await, Ok(STEP));
    }

    #[test]
    fn members_that_nobody_reads_are_forgotten() {
        let budgets = Budgets::new(STEP * SHARE);
        let kept = budgets.of("kept");
        for number in 0..100 {
            budgets.of(&number.to_string());
        }
        let members = budgets.members.lock().unwrap();
        assert_eq!(members.len(), 2);
        assert!(Arc::ptr_eq(&members["kept"].upgrade().unwrap(), &kept.own));
    }
}
