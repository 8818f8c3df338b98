//! One request and its answer, step by step.

use std::rc::Rc;

use cubegate_list::ListQuery;

use crate::list::ListStream;
use crate::reply::Family;
use crate::{Gateway, Headers, Host, HostError, Reply};

mod request;
mod response;

/// What Envoy is told after a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Hold headers, or wait: a reply has been given or will be.
    Pause,
}

/// One request and its answer.
pub struct Exchange {
    gateway: Rc<Gateway>,
    state: State,
}

/// Where an exchange stands. The response callbacks act on this alone, for the
/// request's headers can no longer be read then.
enum State {
    /// The request's headers have not come yet.
    New,
    /// The request went to the control plane, whose answers are its own.
    SentToControlPlane { family: Family },
    /// The request went to a member cluster.
    Sent(Sent),
    /// The answer is being read for a page; its headers are held.
    Holding {
        family: Family,
        upstream: Headers,
        list: Box<ListStream>,
    },
    /// A local answer of Envoy gets this body in the place of its own.
    Replacing(Vec<u8>),
    /// The upstream's answer was replaced by a reply; what still comes of it is
    /// dropped.
    Replied,
    /// The answer goes through as it is.
    Passing,
}

struct Sent {
    family: Family,
    /// The `Accept-Encoding` that went upstream.
    accept_encoding: Option<String>,
    list: Option<ListQuery>,
}

// === impl Exchange ===

impl Exchange {
    /// A new exchange under this configuration; it keeps it to its end.
    pub fn new(gateway: Rc<Gateway>) -> Self {
        Self {
            gateway,
            state: State::New,
        }
    }

    /// Answers once. What was held is dropped first, so that its memory is free
    /// whatever the proxy does next.
    fn reply(&mut self, host: &impl Host, reply: &Reply) -> Flow {
        self.state = State::Replied;
        if let Err(error) = host.reply(reply) {
            host.log_debug(&error.to_string());
        }
        Flow::Pause
    }
}

fn internal(host: &impl Host, family: Family, error: &HostError) -> Reply {
    host.log_debug(&error.to_string());
    Reply::internal(family)
}
