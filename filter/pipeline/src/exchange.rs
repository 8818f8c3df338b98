//! One request and its answer, step by step.
//!
//! ```text
//! New ──> Redeeming ───> Sent                           a password is redeemed for a token
//! New ──> Asking ──> Sent                               for somebody else (`kubectl --as`): whether it may
//! New ──> Reading ──> Sent                              a review of a bounded key: what it asks
//! New ──> Looking ──> Sent                              the pods of a service: which ones those are
//! New ──> Refusing ──> Refused                          the rest of its request is dropped
//! New ──> Sent ──> Holding ──> Replied                  the page in one answer
//!           ├──> Editing ──> Replied                    an answer of KubeSphere's shape, or without secrets
//!           │         └──> Calling ──┴──> (Calling …)   the page takes further calls
//!           └──> Passing                                the answer is no list
//! ```

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use cubegate_filter_config::STALE_HEADER;
use cubegate_kube::Family;
use cubegate_list::{ItemCounts, ListQuery};

use crate::accept::TableVersion;
use crate::answers::Answers;
use crate::call::Origin;
use crate::cors::WebOrigin;
use crate::exchange::admission::Findings;
use crate::exchange::calls::Calling;
use crate::exchange::editing::{Editing, KubeSphereRequest};
use crate::exchange::impersonating::Asking;
use crate::exchange::looking::Looking;
use crate::exchange::redeeming::Redeeming;
use crate::exchange::refusing::Refusing;
use crate::exchange::reviewing::RulesEdit;
use crate::list::ListStream;
use crate::location::{Place, REFERENCES};
use crate::memory::Share;
use crate::meters::{Counter, Meters};
use crate::pushdown::Way;
use crate::reply;
use crate::scope::Bounds;
use crate::streams;
use crate::throttle::Ticket;
use crate::unsent::UnsentPage;
use crate::verify::Caller;
use crate::{Gateway, Headers, Host, HostError, Reply, cors, sandbox};

mod admission;
mod asking;
mod calls;
mod editing;
mod impersonating;
mod looking;
mod own_clusters;
mod page_request;
mod redeeming;
mod refusing;
mod request;
mod response;
mod reviewing;
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
    place: Option<streams::Place>,
    /// The page of another origin that asks, if it may.
    web_origin: Option<WebOrigin>,
    /// A browser may show the answer.
    is_browser: bool,
    /// What is counted of it as one of its caller's, from when it is admitted.
    ticket: OnceCell<Ticket>,
    /// What was learned about the request while it was held.
    known: Findings,
    /// The page that it was answered with, while it may be on its way.
    unsent: Option<UnsentPage>,
    /// All of the request is there.
    has_ended: bool,
    state: State,
}

/// Where an exchange stands. The response callbacks act on this alone, for the
/// request's headers can no longer be read then.
enum State {
    /// The request's headers have not come yet.
    New,
    /// The request came with a password; it is held until there is a token.
    Redeeming(Redeeming),
    /// The request is held until it is known whether its caller may make it for somebody else.
    Asking(Box<Asking>),
    /// The request is held until it is known which pods its service has.
    Looking(Looking),
    /// The request is held until its body is there.
    Reading(Family),
    /// The request was refused, and what is still to come of it is dropped first.
    Refusing(Refusing),
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
    /// The name of that cluster.
    member: String,
    /// The `Accept-Encoding` that went upstream.
    accept_encoding: Option<String>,
    page: Option<Asked>,
    /// It was asked on one of KubeSphere's paths.
    kubesphere: Option<Box<KubeSphereRequest>>,
    /// It asks for the rules of its caller, which are cut.
    rules: Option<Box<RulesEdit>>,
    /// The answer is an application's behind the API server.
    is_proxied: bool,
    /// Where the client finds what the API server refers to.
    place: Option<Place>,
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
    /// Nothing in the request says that a page is wanted, and how long it is.
    is_by_default: bool,
}

// === impl Exchange ===

impl Exchange {
    /// A new exchange under this configuration, which it keeps while it decides on
    /// the request. Without one it refuses, and counts that here.
    pub fn new(gateway: Option<Rc<Gateway>>, meters: &Meters) -> Self {
        let answers = match &gateway {
            Some(gateway) => Rc::clone(&gateway.answers),
            None => Rc::new(Answers {
                meters: meters.clone(),
                ..Answers::default()
            }),
        };
        Self {
            gateway,
            answers,
            place: None,
            web_origin: None,
            is_browser: false,
            ticket: OnceCell::new(),
            known: Findings::default(),
            unsent: None,
            has_ended: false,
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
        self.forget();
        self.count_refusal(reply);
        self.state = State::Replied;
        let headers = self.reply_headers(reply);
        Self::give(host, reply.status, &headers, &reply.body);
        Flow::Pause
    }

    /// Counts a reply, if it is a refusal.
    fn count_refusal(&self, reply: &Reply) {
        if let Some(counter) = reply.counted {
            self.answers.meters.count(counter);
        }
    }

    /// Counts what was read of a list.
    fn count_items(&self, items: ItemCounts) {
        let meters = &self.answers.meters;
        meters.add(Counter::ItemsScanned, items.scanned);
        meters.add(Counter::ItemsKept, items.kept);
    }

    /// Counts a page that came about in this way.
    fn count_page(&self, way: Way, bytes: usize) {
        let meters = &self.answers.meters;
        meters.count(match way {
            Way::Plain => Counter::PagedPlain,
            Way::Head { .. } => Counter::PagedHead,
            Way::Keys => Counter::PagedKeys,
        });
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        meters.add(Counter::ListBytesSent, bytes);
    }

    /// Drops what was needed to decide on the request.
    fn forget(&mut self) {
        self.gateway = None;
        self.known = Findings::default();
    }

    fn give(host: &impl Host, status: u16, headers: &[(String, String)], body: &[u8]) {
        if let Err(error) = host.reply(status, headers, body) {
            host.log_debug(&error.to_string());
        }
    }

    /// Answers with what was read of a cluster's answer, if there is room for it on the
    /// way to the client.
    fn reply_with(&mut self, host: &impl Host, family: Family, reply: &Reply) -> Flow {
        let limits = &self.answers.limits;
        let sending = self.ticket.get().map(|ticket| {
            let bytes = reply.body.len();
            let unsent = &self.answers.unsent;
            unsent.send(limits, ticket.user(), bytes, host.steady_micros())
        });
        match sending.transpose() {
            Ok(sending) => {
                self.unsent = sending;
                self.reply(host, reply)
            }
            Err(why) => self.reply(host, &Reply::no_room_on_the_way(family, why)),
        }
    }

    /// Returns the reply's headers, as the page of another origin may read it and a browser
    /// may show it.
    fn reply_headers(&self, reply: &Reply) -> Vec<(String, String)> {
        let mut head = Reply {
            status: reply.status,
            headers: reply.headers.clone(),
            body: Vec::new(),
            counted: None,
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
        if let Some(age) = self.stale_for() {
            head = head.with_header(STALE_HEADER, &age.to_string());
        }
        head.headers
    }

    /// Returns for how many seconds nothing was heard of the control plane, if that is too long.
    fn stale_for(&self) -> Option<u64> {
        let Answers {
            last_word, limits, ..
        } = &*self.answers;
        last_word.stale_for(limits)
    }

    /// So much of a list was read for its caller.
    fn bill_list(&self, host: &impl Host, bytes: usize) {
        let read = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.answers.meters.add(Counter::ListBytesRead, read);
        if let Some(ticket) = self.ticket.get() {
            ticket.bill_list(bytes, || host.steady_micros());
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

    /// Has what a member's answer refers to be found at the gateway.
    fn refer(host: &impl Host, headers: &Headers, place: &Place) -> Result<(), HostError> {
        for name in REFERENCES {
            let Some(theirs) = headers.get(name) else {
                continue;
            };
            let theirs = std::str::from_utf8(theirs).ok();
            let ours = theirs.and_then(|theirs| place.reference(theirs));
            if ours.as_deref() != theirs || theirs.is_none() {
                host.set_response_header(name, ours.as_deref())?;
            }
        }
        Ok(())
    }

    /// Has an answer that goes through say that the gateway's own knowledge is old.
    fn date(&self, host: &impl Host) -> Result<(), HostError> {
        match self.stale_for() {
            Some(age) => host.set_response_header(STALE_HEADER, Some(&age.to_string())),
            None => Ok(()),
        }
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

/// The request header on which answers depend once origins are told apart.
const ORIGIN: &str = "Origin";

fn internal(host: &impl Host, family: Family, error: &HostError) -> Reply {
    host.log_debug(&error.to_string());
    Reply::internal(family)
}
