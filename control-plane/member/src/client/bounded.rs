//! Bodies that end: a member cluster is hostile, and may send for as long as somebody
//! reads.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::BoxError;

/// In how large steps the budget is taken.
const STEP: usize = 64 << 10;

/// How many bytes of all bodies together may be on their way here at a time.
#[derive(Clone)]
pub(crate) struct Budget(Arc<Semaphore>);

/// A body that is not longer than it may be, and counts against a budget while it comes.
pub(crate) struct Bounded<B> {
    inner: B,
    longest: usize,
    read: usize,
    budget: Budget,
    held: Option<OwnedSemaphorePermit>,
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
}

// === impl Budget ===

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes / STEP)))
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
        let more = u32::try_from(steps).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.budget.0)
            .try_acquire_many_owned(more)
            .map_err(|_| {
                tracing::warn!("too much is being read from clusters at the same time");
                BodyError::Budget
            })?;
        self.paid = self.paid.saturating_add(steps);
        match &mut self.held {
            Some(held) => held.merge(permit),
            None => self.held = Some(permit),
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
    ) -> Bounded<impl Body<Data = Bytes, Error = BoxError> + Unpin> {
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
        let budget = Budget::new(100 * STEP);
        assert_eq!(read(mk_body(4, &budget)).await, Ok(4 * STEP));
        let error = read(mk_body(usize::MAX, &budget)).await;
        assert_eq!(error, Err(BodyError::TooLong(4 * STEP).to_string()));
        assert_eq!(budget.0.available_permits(), 100);
    }

    #[tokio::test]
    async fn bodies_at_the_same_time_share_a_budget() {
        let budget = Budget::new(5 * STEP);
        let mut slow = mk_body(4, &budget);
        for _ in 0..3 {
            slow.frame().await.unwrap().unwrap();
        }
        assert_eq!(
            read(mk_body(3, &budget)).await,
            Err(BodyError::Budget.to_string())
        );
        assert_eq!(read(mk_body(2, &budget)).await, Ok(2 * STEP));
        drop(slow);
        assert_eq!(read(mk_body(3, &budget)).await, Ok(3 * STEP));
    }
}
