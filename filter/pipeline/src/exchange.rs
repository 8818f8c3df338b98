//! One request and its answer, step by step.
//!
//! ```text
//! New ──> Exchanging ──> Sent                           a password is exchanged for a token
//! New ──> Looking ──> Sent                              the pods of a service: which ones those are
//! New ──> Sent ──> Holding ──> Replied                  the page in one answer
//!           ├──> Editing ──> Replied                    an answer of KubeSphere's shape, or without secrets
//!           │         └──> Calling ──┴──> (Calling …)   the page takes further calls
//!           └──> Passing                                the answer is no list
//! ```

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use cubegate_list::ListQuery;

use crate::accept::TableVersion;
use crate::answers::Answers;
use crate::call::Origin;
use crate::cors::WebOrigin;
use crate::exchange::calls::Calling;
use crate::exchange::editing::{Editing, Kapis};
use crate::exchange::exchanging::Exchanging;
use crate::exchange::looking::Looking;
use crate::list::ListStream;
use crate::memory::Share;
use crate::pushdown::Way;
use crate::reply::{self, Family};
use crate::scope::Bounds;
use crate::streams::Place;
use crate::throttle::Ticket;
use crate::unsent::UnsentPage;
use crate::verify::Caller;
use crate::{Gateway, Headers, Host, HostError, Reply, cors, sandbox};

mod admission;
mod calls;
mod editing;
mod exchanging;
mod looking;
mod request;
mod response;
mod sending;

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
    /// The configuration, until the request has gone on or was refused.
    gateway: Option<Rc<Gateway>>,
    /// What the answer needs of it.
    answers: Rc<Answers>,
    /// Its place among those that go on for long.
    place: Option<Place>,
    /// The page of another origin that asks, if it may.
    web_origin: Option<WebOrigin>,
    /// A browser may show the answer.
    is_browser: bool,
    /// What is counted of it as one of its caller's, from when it is admitted.
    ticket: OnceCell<Ticket>,
    /// The page that it was answered with, while it may be on its way.
    unsent: Option<UnsentPage>,
    state: State,
}

/// Where an exchange stands. The response callbacks act on this alone, for the
/// request's headers can no longer be read then.
enum State {
    /// The request's headers have not come yet.
    New,
    /// The request came with a password; it is held until there is a token.
    Exchanging(Exchanging),
    /// The request is held until it is known which pods its service has.
    Looking(Looking),
    /// The request was refused. Nothing of it goes on.
    Refused,
    /// The request went to the control plane, whose answers are its own.
    SentToControlPlane { family: Family },
    /// The request went to a member cluster.
    Sent(Sent),
    /// The answer is being read for a page; its headers are held.
    Holding(Box<Holding>),
    /// The answer is read whole, to be changed.
    Editing(Box<Editing>),
    /// The answer has been read, and calls are made until there is a page; its
    /// headers are still held.
    Calling(Box<Calling>),
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
    page: Option<Asked>,
    /// It was asked on one of KubeSphere's paths.
    kapis: Option<Box<Kapis>>,
    /// The answer is an application's behind the API server.
    is_proxied: bool,
    /// It goes on for long, and this is whose it is.
    long: Option<Caller>,
}

/// A page that is to be made of the answer, and what its request takes of the worker's
/// memory until then: a query may be long, and an API server slow.
struct Asked {
    request: Box<PageRequest>,
    share: Share,
}

struct Holding {
    page: Box<PageRequest>,
    upstream: Headers,
    list: ListStream,
}

/// What is kept of a request whose answer becomes a page.
struct PageRequest {
    family: Family,
    query: Arc<ListQuery>,
    way: Way,
    table: Option<TableVersion>,
    takes_gzip: bool,
    /// The path at the API server, and the query that goes there in any case.
    path: String,
    upstream_query: String,
    origin: Origin,
    /// How far its calls may go.
    bounds: Bounds,
}

// === impl Exchange ===

impl Exchange {
    /// A new exchange under this configuration, which it keeps while it decides on
    /// the request. Without one it refuses.
    pub fn new(gateway: Option<Rc<Gateway>>) -> Self {
        let answers = gateway
            .as_ref()
            .map(|gateway| Rc::clone(&gateway.answers))
            .unwrap_or_default();
        Self {
            gateway,
            answers,
            place: None,
            web_origin: None,
            is_browser: false,
            ticket: OnceCell::new(),
            unsent: None,
            state: State::New,
        }
    }

    /// The stream ends, whether its client has the answer or not.
    pub fn on_done(&mut self, host: &impl Host) {
        if let Some(page) = self.unsent.take()
            && host.is_connection_gone()
        {
            page.drop_with_connection();
        }
    }

    /// Answers once. What was held is dropped first, so that its memory is free
    /// whatever the proxy does next.
    fn reply(&mut self, host: &impl Host, reply: &Reply) -> Flow {
        self.gateway = None;
        self.state = State::Replied;
        let headers = self.reply_headers(reply);
        if let Err(error) = host.reply(reply.status, &headers, &reply.body) {
            host.log_debug(&error.to_string());
        }
        Flow::Pause
    }

    /// Answers with what was read of a cluster's answer, if there is room for it on the
    /// way to the client.
    fn reply_with(&mut self, host: &impl Host, family: Family, reply: &Reply) -> Flow {
        let limits = &self.answers.limits;
        let sending = self.ticket.get().map(|ticket| {
            let bytes = reply.body.len();
            let unsent = &self.answers.unsent;
            unsent.send(limits, ticket.user(), bytes, host.now_micros())
        });
        match sending.transpose() {
            Ok(sending) => {
                self.unsent = sending;
                self.reply(host, reply)
            }
            Err(why) => self.reply(host, &Reply::no_room_on_the_way(family, why)),
        }
    }

    /// The reply's headers, as the page of another origin may read it and a browser
    /// may show it.
    fn reply_headers(&self, reply: &Reply) -> Vec<(String, String)> {
        let mut head = Reply {
            status: reply.status,
            headers: reply.headers.clone(),
            body: Vec::new(),
        };
        if self.answers.know_origins {
            head = head.varying(ORIGIN);
        }
        if let Some(origin) = &self.web_origin {
            let with = |head: Reply, (name, value)| head.with_header(name, value);
            head = origin.headers().into_iter().fold(head, with);
        }
        if self.is_browser {
            sandbox::put(&mut head.headers);
        }
        head.headers
    }

    /// So much of a list was read for its caller.
    fn bill_list(&self, host: &impl Host, bytes: usize) {
        if let Some(ticket) = self.ticket.get() {
            ticket.bill_list(bytes, || host.now_micros());
        }
    }

    /// Takes out of a member's answer what it may not do to this origin. `headers`
    /// are the ones it came with.
    fn confine(&self, host: &impl Host, headers: &Headers) -> Result<(), HostError> {
        let names = headers.iter().map(|(name, _)| name);
        for name in names.filter(|name| sandbox::drops(name)) {
            host.set_response_header(name, None)?;
        }
        if self.is_browser {
            for (name, value) in sandbox::headers(sandbox::policies(headers)) {
                host.set_response_header(name, Some(&value))?;
            }
        }
        Ok(())
    }

    /// The same for an answer that goes through. `headers` are the ones it came with.
    fn show_to_web_origin(&self, host: &impl Host, headers: &Headers) -> Result<(), HostError> {
        let foreign = headers.iter().map(|(name, _)| name);
        for name in foreign.filter(|name| name.starts_with(cors::PREFIX)) {
            host.set_response_header(name, None)?;
        }
        if self.answers.know_origins {
            let have: Vec<&str> = headers.all_str("vary").collect();
            let vary = reply::varying(&have.join(", "), ORIGIN);
            host.set_response_header("vary", Some(&vary))?;
        }
        for (name, value) in self.web_origin.iter().flat_map(WebOrigin::headers) {
            host.set_response_header(name, Some(value))?;
        }
        Ok(())
    }
}

// === impl PageRequest ===

impl PageRequest {
    /// What it takes of the worker's memory, in bytes.
    fn held_bytes(&self) -> usize {
        size_of::<Self>()
            .saturating_add(self.query.held_bytes())
            .saturating_add(self.path.len())
            .saturating_add(self.upstream_query.len())
    }

    /// The list's name in the worker's memory.
    fn list(&self) -> String {
        self.origin.list_name(&self.path, &self.upstream_query)
    }

    /// The page as an answer, with the way by which it came.
    fn reply(&self, upstream: &Headers, body: Vec<u8>, way: Way) -> Reply {
        Reply::page(upstream, body)
            .with_header(LIST_HEADER, way.name())
            .compressed(self.takes_gzip)
    }
}

/// The request header on which answers depend once origins are told apart.
const ORIGIN: &str = "Origin";

/// The response header that says how a page came about: `plain`, `head` or `keys`.
const LIST_HEADER: &str = "x-cubegate-list";

fn internal(host: &impl Host, family: Family, error: &HostError) -> Reply {
    host.log_debug(&error.to_string());
    Reply::internal(family)
}
