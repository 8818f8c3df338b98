//! A request is refused, and its body is still to come: over HTTP/2 a client may lose an
//! answer that is there before, and over HTTP/1.1 its connection.

use crate::exchange::{Exchange, Flow, State};
use crate::refusals::Refusal;
use crate::{Headers, Host, HostError, Reply};

/// How much of a body is dropped, in bytes. An API server reads three times as much at most.
const MAX_DROPPED_BYTES: usize = 1 << 20;

/// How long the head of a request is at most whose refusal waits, in bytes: Envoy keeps the
/// head as long as the stream.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// A refusal that waits for the end of its request.
pub(super) struct Refusing {
    refusal: Refusal,
    /// How much of the body has come, in bytes.
    dropped: usize,
}

// === impl Exchange ===

impl Exchange {
    /// Answers instead of letting the request go on: now, or when it has ended.
    pub(super) fn refuse(&mut self, host: &impl Host, reply: &Reply) -> Flow {
        if self.has_ended || !host.request_headers().is_ok_and(|head| ends_soon(&head)) {
            return self.refuse_now(host, reply);
        }
        let reply = Reply {
            headers: self.reply_headers(reply),
            ..reply.clone()
        };
        self.forget();
        self.count_refusal(&reply);
        // It is open no longer for its caller, whatever the client does.
        self.ticket.take();
        let refusal = self
            .answers
            .refusals
            .enter(host.stream(), reply, host.steady());
        self.state = State::Refusing(Refusing {
            refusal,
            dropped: 0,
        });
        Flow::Pause
    }

    /// `size` bytes more of the body of a refused request are there; `last` says that there
    /// are no more.
    pub(super) fn on_refused_chunk(&mut self, host: &impl Host, size: usize, last: bool) -> Flow {
        let State::Refusing(refusing) = &mut self.state else {
            return Flow::Pause;
        };
        refusing.dropped = refusing.dropped.saturating_add(size);
        let emptied = match size {
            0 => Ok(()),
            _ => host.drop_request_body(),
        };
        if last || refusing.dropped > MAX_DROPPED_BYTES || emptied.is_err() {
            self.give_refusal(host);
        }
        Flow::Pause
    }

    /// The refusal waits no longer.
    pub(super) fn give_refusal(&mut self, host: &impl Host) {
        if let State::Refusing(refusing) = std::mem::replace(&mut self.state, State::Refused)
            && let Some(reply) = refusing.refusal.take()
        {
            Self::give(host, reply.status, &reply.headers, &reply.body);
        }
    }

    /// Envoy answers by itself: the body is too slow, say, or breaks the protocol. It is the
    /// refusal that the client gets, unless this answer is the refusal.
    pub(super) fn on_headers_of_refused(
        &mut self,
        host: &impl Host,
        refusing: &Refusing,
        last: bool,
    ) -> Flow {
        self.state = State::Refused;
        let Some(reply) = refusing.refusal.take() else {
            return Flow::Continue;
        };
        let put = || {
            host.set_response_header(":status", Some(&reply.status.to_string()))?;
            for (name, value) in &reply.headers {
                host.set_response_header(name, Some(value))?;
            }
            if !last {
                host.set_response_header("content-length", Some(&reply.body.len().to_string()))?;
            }
            Ok::<_, HostError>(())
        };
        match put() {
            Ok(()) if !last => self.state = State::Replacing(reply.body),
            Ok(()) => {}
            Err(error) => host.log_debug(&error.to_string()),
        }
        Flow::Continue
    }
}

/// Returns the refusal of a body whose end HTTP/1.0 does not know: without a length it comes
/// in chunks, which a server before this one may have taken for something else (RFC 9112, 6.1).
pub(super) fn chunks_of_http_1_0(host: &impl Host) -> Option<Reply> {
    if !host.is_http_1_0() {
        return None;
    }
    let head = host.request_headers().unwrap_or_default();
    let path = head.get_str(":path").unwrap_or_default();
    let is_known = head.get("content-length").is_some();
    (!is_known).then(|| Reply::length_required(path))
}

/// Returns whether a request with this head has a body that ends, and soon. After an upgrade
/// there is none, and its client waits for the answer.
fn ends_soon(head: &Headers) -> bool {
    let length = head.get_str("content-length");
    let length = length.and_then(|length| length.parse::<usize>().ok());
    head.get("upgrade").is_none()
        && head.get("expect").is_none()
        && head.get(":method") != Some(b"CONNECT")
        && head.size() <= MAX_HEAD_BYTES
        && length.is_none_or(|length| length <= MAX_DROPPED_BYTES)
}
