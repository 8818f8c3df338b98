//! What of a request's body no handler has read.

use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody as _};
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use futures::{StreamExt as _, stream};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::MAX_BODY_BYTES;

/// A rest that takes longer is not waited for.
const LONGEST: Duration = Duration::from_secs(3);

/// A body while it is read by somebody, and to whom it goes back.
struct Lent {
    body: Option<BodyDataStream>,
    back: Option<oneshot::Sender<BodyDataStream>>,
}

/// Drops the rest before the answer goes out: Envoy resets a stream that is answered before
/// its request has ended, and some clients lose the answer then.
pub(super) async fn drop_first(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    if body.is_end_stream() || !ends_soon(&parts.headers) {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let (back, mut rest) = oneshot::channel();
    let lent = Lent {
        body: Some(body.into_data_stream()),
        back: Some(back),
    };
    let chunks = stream::unfold(lent, async |mut lent| {
        let chunk = lent.body.as_mut()?.next().await?;
        Some((chunk, lent))
    });
    let request = Request::from_parts(parts, Body::from_stream(chunks));
    let response = next.run(request).await;
    if let Ok(rest) = rest.try_recv() {
        // In vain: then the client has to live with it.
        let _ = timeout(LONGEST, drop_all(rest)).await;
    }
    response
}

/// Returns whether a request with these headers sends its body at once, and no more of it
/// than is taken.
fn ends_soon(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    !headers.contains_key(header::EXPECT) && length.is_none_or(|length| length <= MAX_BODY_BYTES)
}

async fn drop_all(mut rest: BodyDataStream) {
    let mut dropped = 0_usize;
    while let Some(Ok(chunk)) = rest.next().await {
        dropped = dropped.saturating_add(chunk.len());
        if dropped > MAX_BODY_BYTES {
            return;
        }
    }
}

// === impl Lent ===

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(body), Some(back)) = (self.body.take(), self.back.take()) {
            // The request may be gone by then.
            let _ = back.send(body);
        }
    }
}
