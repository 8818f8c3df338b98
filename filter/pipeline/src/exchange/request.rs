//! The request's half: verify → route → upstream.

use cubegate_filter_config::{
    AUDIT_PROPERTY, AuditNote, CHECK_USER, FILTER_LIVENESS_PATH, READER_HEADER,
};
use cubegate_kube::{ApiPath, Family};

use crate::accept;
use crate::access_line;
use crate::cors::{self, WebOrigin};
use crate::exchange::admission::{Admission, Findings, Next};
use crate::exchange::asking::{RequestLine, Who, has_none};
use crate::exchange::impersonating;
use crate::exchange::refusing;
use crate::exchange::reviewing::Reviewed;
use crate::exchange::sending::Sending;
use crate::exchange::{Exchange, Flow, Sent, State, internal};
use crate::impersonation;
use crate::kubesphere::{self, Missing};
use crate::meters::Counter;
use crate::route::{Target, route};
use crate::scope::{Asked, At, Bounds, ClusterScoped, OutOfScope};
use crate::upstream::Rewrite;
use crate::upstream_path::is_of_other_server;
use crate::{Gateway, Headers, Host, Reply, RequestHead, sandbox};

/// Longest text that is left with Envoy about the reader of a page; the console's has some 100.
const MAX_READER_BYTES: usize = 256;

// === impl Exchange ===

impl Exchange {
    /// The request's headers are there. `last` says that no body follows.
    pub fn on_request_headers(&mut self, host: &impl Host, last: bool) -> Flow {
        self.has_ended = last;
        if !last && let Some(reply) = refusing::chunks_of_http_1_0(host) {
            // Before the body has ended, so that Envoy closes the connection.
            return self.refuse_now(host, &reply);
        }
        match self.decide(host) {
            Ok(Next::GoOn) => Flow::Continue,
            Ok(next) => self.find_out(host, next),
            Err(reply) => self.refuse(host, &reply),
        }
    }

    /// The request ends with trailers.
    pub fn on_request_trailers(&mut self, host: &impl Host) -> Flow {
        self.has_ended = true;
        match self.state {
            // What came before them can no longer be read.
            State::Reading(family) => self.refuse(host, &Reply::review_malformed(family)),
            _ => self.on_request_body(host, 0, true),
        }
    }

    /// More is known about the request that is held: it goes on, or is held for what is
    /// to be found out next.
    pub(super) fn advance(&mut self, host: &impl Host, family: Family) -> Result<(), Reply> {
        match self.decide(host)? {
            Next::GoOn => {
                let resumed = host.resume_request();
                return resumed.map_err(|error| internal(host, family, &error));
            }
            // With a token there is nothing left to redeem.
            Next::Redeem(..) if self.known.token.is_some() => {
                return Err(Reply::unauthenticated(family));
            }
            // What is known already is not found out again.
            Next::Ask(_) if self.known.may_impersonate => return Err(Reply::internal(family)),
            Next::Look(_) if self.known.services.is_some() => return Err(Reply::internal(family)),
            next => self.find_out(host, next),
        };
        Ok(())
    }

    /// Holds the request until this is known.
    fn find_out(&mut self, host: &impl Host, next: Next) -> Flow {
        match next {
            Next::GoOn => Flow::Continue,
            Next::Redeem(family, basic) => self.redeem(host, family, &basic),
            Next::Ask(questions) => self.ask_whether(host, *questions),
            Next::Look(look) => self.look(host, look),
            Next::Read(family) => self.read_body(family),
        }
    }

    /// More of the request is there. While its headers are held they must stay
    /// so: to let a body go on lets them go on, too.
    /// `size` is how much there is in all, `last` says that there is no more.
    pub fn on_request_body(&mut self, host: &impl Host, size: usize, last: bool) -> Flow {
        self.has_ended |= last;
        match self.state {
            State::Reading(family) => self.on_read_body(host, family, size, last),
            State::Refusing(_) => self.on_refused_chunk(host, size, last),
            State::New
            | State::Redeeming(_)
            | State::Asking(_)
            | State::Looking(_)
            | State::Refused => Flow::Pause,
            _ => Flow::Continue,
        }
    }

    /// Makes the request ready to go on, or says what is to be found out before that.
    pub(super) fn decide(&mut self, host: &impl Host) -> Result<Next, Reply> {
        let failed = |error| internal(host, Family::Kubernetes, &error);
        let headers = host.request_headers().map_err(failed)?;
        let Some(gateway) = self.gateway.clone() else {
            let path = headers.get_str(":path").unwrap_or_default();
            return Err(Reply::not_configured(Family::of_path(path)));
        };
        self.web_origin = WebOrigin::of(&headers, |origin| gateway.allows_origin(origin));
        self.is_browser = sandbox::is_browser(&headers);
        let reader = headers.get_str(READER_HEADER);
        let mut note = AuditNote {
            reader: reader
                .filter(|reader| reader.len() <= MAX_READER_BYTES)
                .map(str::to_owned),
            ..AuditNote::default()
        };
        let method = headers.get_str(":method").unwrap_or_default().to_owned();
        let admission = self.admit(&gateway, host, headers, &mut note);
        // The control plane makes the records of what it is asked itself. While a
        // password is redeemed, the note is for the case that it is refused.
        if !matches!(
            admission,
            Ok(Admission::Ready(_, State::SentToControlPlane { .. }))
        ) {
            if gateway.audit {
                host.leave(AUDIT_PROPERTY, &note.to_json());
            }
            access_line::leave(host, gateway.line, &note, &method);
        }
        match admission? {
            Admission::Ready(rewrite, state) => {
                host.set_request_headers(rewrite.headers())
                    .map_err(failed)?;
                if let State::Sent(Sent {
                    long: Some(caller), ..
                }) = &state
                {
                    let place = gateway.streams.enter(host.stream(), caller, host.steady());
                    self.place = Some(place);
                }
                self.state = state;
                // What the answer needs is at hand without it.
                self.gateway = None;
                self.known = Findings::default();
                Ok(Next::GoOn)
            }
            Admission::Password(family, basic) => Ok(Next::Redeem(family, basic)),
            Admission::Ask(questions) => Ok(Next::Ask(questions)),
            Admission::Look(look) => Ok(Next::Look(look)),
            Admission::Read(family) => Ok(Next::Read(family)),
        }
    }

    /// Answers instead of letting the request go on, though more of it may be to come.
    pub(super) fn refuse_now(&mut self, host: &impl Host, reply: &Reply) -> Flow {
        // A reply in the request phase comes back through the response callbacks
        // as if it were an answer, and must pass there.
        let flow = self.reply(host, reply);
        self.state = State::Refused;
        flow
    }

    /// verify → route → upstream. The order of the answers is that of both systems:
    /// who somebody is comes before whether a cluster exists, and that before what
    /// is asked of it.
    /// `note` gets what is known so far, whatever the outcome.
    fn admit(
        &self,
        gateway: &Gateway,
        host: &impl Host,
        headers: Headers,
        note: &mut AuditNote,
    ) -> Result<Admission, Reply> {
        let head = RequestHead::parse(&headers, self.answers.limits.max_request_head_bytes)?;
        if !gateway.are_clusters_known() {
            return Err(Reply::not_configured(Family::of_path(&head.path)));
        }
        if head.path == FILTER_LIVENESS_PATH {
            return Err(Reply::alive());
        }
        if self.web_origin.is_some() && cors::is_preflight(&headers) {
            return Err(cors::preflight(&headers));
        }
        let target = match route(&head) {
            Target::Member(target)
                if !(target.is_public() && (gateway.no_host_paths || has_none(&headers))) =>
            {
                target
            }
            _ => {
                let family = Family::of_path(&head.path);
                if impersonation::is_asked(&headers) {
                    return Err(Reply::nobody_to_impersonate(family));
                }
                let rewrite = Rewrite::to_control_plane(headers, &head, gateway.pass());
                let state = State::SentToControlPlane { family };
                return Ok(Admission::Ready(rewrite, state));
            }
        };
        let family = target.family;
        let name = gateway.name_of(&target).unwrap_or_default();
        let member = gateway.cluster(name);
        let resources = member.as_ref().map(|member| &*member.resources);
        let kubesphere = match resources {
            Some(resources) if target.is_kubesphere() => {
                Some(kubesphere::resolve(&target.path, resources))
            }
            _ => None,
        };
        let own_clusters =
            target.cluster.is_none() && kubesphere::is_for_own_clusters(&target.path, resources);
        note.cluster = Some(name.to_owned()).filter(|name| !name.is_empty());
        note.path = Some(match &kubesphere {
            Some(Ok(request)) => request.path.clone(),
            _ => target.path.to_string(),
        });
        let upgrade = headers
            .get("upgrade")
            .is_some_and(|value| !value.is_empty());

        let by = RequestLine {
            gateway,
            head: &head,
            headers: &headers,
            upgrade,
        };
        let caller = match self.caller(host, &target, &by, note)? {
            Who::Caller(caller) => caller,
            Who::Password(basic) => return Ok(Admission::Password(family, basic)),
        };
        let steady = host.steady_micros();
        // A request that was held comes here again.
        if self.ticket.get().is_none() {
            self.answers.meters.count(Counter::Verified);
            let limits = &self.answers.limits.callers;
            let admitted = gateway.throttle.admit(limits, caller.claims(), steady);
            let ticket = admitted.map_err(|why| {
                note.reason = Some(why.to_string());
                Reply::too_many_requests(family, why)
            })?;
            self.ticket.get_or_init(|| ticket);
        }
        let limits = &self.answers.limits;
        if limits.refuse_when_stale
            && let Some(seconds) = self.answers.last_word.stale_for(limits)
        {
            return Err(Reply::stale(family, seconds));
        }
        if own_clusters {
            return self.send_for_own_clusters(host, gateway, &head, headers);
        }
        if target.cluster.is_none() && gateway.no_host_paths {
            return Err(Reply::host_paths_off());
        }
        let place = At {
            cluster: name,
            is_named: target.cluster.is_some(),
        };
        let bounds = Bounds::at(&caller, place).map_err(|why| out_of_scope(family, note, &why))?;
        let member = match &member {
            Some(member) => member,
            None if name.is_empty() => return Err(Reply::no_host_cluster()),
            None => return Err(Reply::cluster_not_found(family, name)),
        };
        let kubesphere = match kubesphere {
            None => None,
            Some(_) if head.method != "GET" => return Err(Reply::method_not_allowed()),
            Some(_) if !accept::takes_json(&headers) => return Err(Reply::not_acceptable()),
            Some(request) => Some(request.map_err(Missing::reply)?),
        };
        let path = kubesphere
            .as_ref()
            .map_or(&*target.path, |request| request.path.as_str());
        let is_passed = {
            let is_stand_in = family == Family::KubeCube && member.cluster.any_path;
            ApiPath(path).is_of_api_server() || (is_stand_in && !is_of_other_server(path))
        };
        if !is_passed {
            return Err(Reply::no_api_path(family));
        }
        // What stands for an API server knows nobody to be there, but on an API's paths.
        let acting = match ApiPath(path).is_of_api_server() {
            true => impersonating::wanted(gateway, &headers, &caller, note)?,
            false => None,
        };
        let query = match &kubesphere {
            // An object is an object, whatever stands in the query.
            Some(request) if request.name.is_some() => None,
            _ => head.query.as_deref(),
        };
        let asked = Asked {
            method: &head.method,
            path,
            query: match kubesphere {
                // Nothing of it that a scope looks at goes upstream.
                Some(_) => None,
                None => query,
            },
            upgrade,
        };
        bounds
            .check(&asked)
            .map_err(|why| out_of_scope(family, note, &why))?;
        let rules = match bounds.self_review(&asked) {
            None => None,
            Some(review) => {
                let scoped = || ClusterScoped::of(&member.resources);
                match self.review(family, (review, &headers), &bounds, scoped, note)? {
                    Reviewed::Unread => return Ok(Admission::Read(family)),
                    Reviewed::GoesOn(rules) => rules.map(Box::new),
                }
            }
        };
        // The control plane's own question is what finds out whether it answers.
        let seconds = steady / 1_000_000;
        if self.answers.outages.is_down(name, seconds) && caller.claims().user != CHECK_USER {
            return Err(Reply::member_down(family, name));
        }
        let sending = Sending {
            gateway,
            family,
            head: &head,
            name,
            cluster: &member.cluster,
            path: ApiPath(path),
            query,
            upgrade,
            caller: &caller,
            acting: acting.as_ref(),
            bounds,
            rules,
        };
        let open = impersonating::questions(&sending, name, &headers, seconds);
        if let Some(questions) = open.filter(|_| !self.known.may_impersonate) {
            return Ok(Admission::Ask(Box::new(questions)));
        }
        match kubesphere.clone() {
            Some(request) => self.send_kubesphere(sending, headers, request),
            None => self.send(sending, headers),
        }
    }
}

/// Returns the refusal of what a bounded key is not for.
fn out_of_scope(family: Family, note: &mut AuditNote, why: &OutOfScope) -> Reply {
    note.reason = Some(why.to_string());
    Reply::out_of_scope(family, why)
}
