//! The request's half: verify → route → upstream.

use cubegate_api_types::kube::Status;
use cubegate_filter_config::{AuditNote, FILTER_LIVENESS_PATH};
use cubegate_token::UnverifiedToken;

use crate::accept;
use crate::attributes::Attributes;
use crate::basic::Basic;
use crate::cors::{self, WebOrigin};
use crate::credential::{self, Credential, Source};
use crate::exchange::admission::{Admission, Known, Next};
use crate::exchange::sending::Sending;
use crate::exchange::{Exchange, Flow, Sent, State, internal};
use crate::forbidden;
use crate::kapis::{self, Missing};
use crate::reply::Family;
use crate::route::{MemberTarget, Target, route};
use crate::scope::{Asked, Bounds, OutOfScope};
use crate::upstream::Rewrite;
use crate::upstream_path::UpstreamPath;
use crate::verify::Caller;
use crate::{Gateway, Headers, Host, Reply, RequestHead, sandbox};

/// Who asks, as far as it is known.
enum Who {
    Caller(Caller),
    /// Its password must be exchanged first.
    Password(Basic),
}

/// A request as it came.
struct RequestLine<'a> {
    gateway: &'a Gateway,
    head: &'a RequestHead,
    headers: &'a Headers,
    upgrade: bool,
}

// === impl Exchange ===

impl Exchange {
    /// The request's headers are there.
    pub fn on_request_headers(&mut self, host: &impl Host) -> Flow {
        match self.decide(host, Known::default()) {
            Ok(Next::Exchange(family, basic)) => self.exchange(host, family, &basic),
            Ok(Next::Look(look)) => self.look(host, look, None),
            Ok(Next::GoOn) => Flow::Continue,
            Err(reply) => self.refuse(host, &reply),
        }
    }

    /// More of the request is there. While its headers are held they must stay
    /// so: to let a body go on lets them go on, too.
    pub fn on_request_body(&mut self) -> Flow {
        match self.state {
            State::New | State::Exchanging(_) | State::Looking(_) | State::Refused => Flow::Pause,
            _ => Flow::Continue,
        }
    }

    /// Makes the request ready to go on, or says what is to be done before that;
    /// `known` is what came of it.
    pub(super) fn decide(&mut self, host: &impl Host, known: Known) -> Result<Next, Reply> {
        let failed = |error| internal(host, Family::Kube, &error);
        let headers = host.request_headers().map_err(failed)?;
        let Some(gateway) = self.gateway.clone() else {
            let path = headers.get_str(":path").unwrap_or_default();
            return Err(Reply::not_configured(Family::of_path(path)));
        };
        self.web_origin = WebOrigin::of(&headers, |origin| gateway.allows_origin(origin));
        self.is_browser = sandbox::is_browser(&headers);
        let mut note = AuditNote::default();
        let admission = self.admit(&gateway, host, headers, known, &mut note);
        // The control plane makes the records of what it is asked itself. While a
        // password is exchanged, the note is for the case that it is refused.
        if !matches!(
            admission,
            Ok(Admission::Ready(_, State::SentToControlPlane { .. }))
        ) {
            host.note(&note);
        }
        match admission? {
            Admission::Ready(rewrite, state) => {
                host.set_request_headers(rewrite.headers())
                    .map_err(failed)?;
                if let State::Sent(Sent {
                    long: Some(caller), ..
                }) = &state
                {
                    let place = gateway.streams.enter(host.stream(), caller, host.now());
                    self.place = Some(place);
                }
                self.state = state;
                // What the answer needs is at hand without it.
                self.gateway = None;
                Ok(Next::GoOn)
            }
            Admission::Password(family, basic) => Ok(Next::Exchange(family, basic)),
            Admission::Look(look) => Ok(Next::Look(look)),
        }
    }

    /// Answers instead of letting the request go on.
    pub(super) fn refuse(&mut self, host: &impl Host, reply: &Reply) -> Flow {
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
        known: Known,
        note: &mut AuditNote,
    ) -> Result<Admission, Reply> {
        let Known { token, services } = known;
        let head = RequestHead::parse(&headers)?;
        if head.path == FILTER_LIVENESS_PATH {
            return Err(Reply::alive());
        }
        if self.web_origin.is_some() && cors::is_preflight(&headers) {
            return Err(cors::preflight(&headers));
        }
        let target = match route(&head) {
            Target::Member(target) if !(target.is_public() && has_none(&headers)) => target,
            _ => {
                let family = Family::of_path(&head.path);
                let rewrite = Rewrite::to_control_plane(headers, &head.path, gateway.pass());
                let state = State::SentToControlPlane { family };
                return Ok(Admission::Ready(rewrite, state));
            }
        };
        let family = target.family;
        let name = gateway.name_of(&target).unwrap_or_default();
        let cluster = gateway.cluster(name);
        let kapis = match cluster {
            Some(cluster) if target.is_kapis() => {
                Some(kapis::resolve(&target.path, &cluster.resources))
            }
            _ => None,
        };
        note.cluster = Some(name.to_owned()).filter(|name| !name.is_empty());
        note.path = Some(match &kapis {
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
        let caller = match self.caller(host, &target, &by, token, note)? {
            Who::Caller(caller) => caller,
            Who::Password(basic) => return Ok(Admission::Password(family, basic)),
        };
        // A request that was held comes here again.
        if self.ticket.get().is_none() {
            let limits = &self.answers.limits.callers;
            let admitted = gateway
                .throttle
                .admit(limits, caller.claims(), host.now_micros());
            let ticket = admitted.map_err(|why| {
                note.reason = Some(why.to_string());
                Reply::too_many_requests(family, why)
            })?;
            self.ticket.get_or_init(|| ticket);
        }
        let mut out_of_scope = |why: OutOfScope| {
            note.reason = Some(why.to_string());
            Reply::out_of_scope(family, &why)
        };
        let bounds = Bounds::at(&caller, name).map_err(&mut out_of_scope)?;
        let cluster = match cluster {
            Some(cluster) => cluster,
            None if name.is_empty() => return Err(Reply::no_host_cluster()),
            None => return Err(Reply::cluster_not_found(family, name)),
        };
        let kapis = match kapis {
            None => None,
            Some(_) if head.method != "GET" => return Err(Reply::method_not_allowed()),
            Some(_) if !accept::takes_json(&headers) => return Err(Reply::not_acceptable()),
            Some(request) => Some(request.map_err(Missing::reply)?),
        };
        let path = kapis
            .as_ref()
            .map_or(&*target.path, |request| request.path.as_str());
        let is_passed = |path: UpstreamPath<'_>| {
            let is_stand_in = family == Family::Cube && cluster.any_path;
            path.is_of_api_server() || (is_stand_in && !path.is_of_other_server())
        };
        if !is_passed(UpstreamPath(path)) {
            return Err(Reply::no_api_path(family));
        }
        let query = match &kapis {
            // An object is an object, whatever stands in the query.
            Some(request) if request.name.is_some() => None,
            _ => head.query.as_deref(),
        };
        bounds
            .check(&Asked {
                method: &head.method,
                path,
                query: match kapis {
                    // Nothing of it that a scope looks at goes upstream.
                    Some(_) => None,
                    None => query,
                },
                upgrade,
            })
            .map_err(out_of_scope)?;
        let sending = Sending {
            gateway,
            family,
            head: &head,
            cluster,
            path: UpstreamPath(path),
            query,
            upgrade,
            caller: &caller,
            bounds,
        };
        match kapis.clone() {
            Some(request) => self.send_kapis(sending, headers, request, services),
            None => self.send(sending, headers),
        }
    }

    /// Who asks.
    fn caller(
        &self,
        host: &impl Host,
        target: &MemberTarget<'_>,
        by: &RequestLine<'_>,
        exchanged: Option<UnverifiedToken>,
        note: &mut AuditNote,
    ) -> Result<Who, Reply> {
        let family = target.family;
        let basic = Basic::find(family, by.headers);
        let found = match &basic {
            Some(basic) => exchanged
                .or_else(|| remembered(by.gateway, host, basic))
                .map(|token| Credential {
                    token,
                    source: Source::Password,
                }),
            None => credential::find(family, by.headers)?,
        };
        // A browser sends passwords that it knows by itself, too.
        let by_itself = found
            .as_ref()
            .is_none_or(|found| matches!(found.source, Source::Cookie | Source::Password));
        if by_itself && (by.upgrade || !by.head.is_read()) && credential::is_cross_site(by.headers)
        {
            return Err(Reply::cross_site(family));
        }
        let found = match (found, basic) {
            (Some(found), _) => found,
            (None, Some(basic)) => return Ok(Who::Password(basic)),
            (None, None) if family == Family::Cube => {
                return Err(Reply::unauthenticated(family));
            }
            (None, None) => {
                note.user = Some(forbidden::ANONYMOUS.to_owned());
                return Err(Reply::forbidden(&refused_to_anonymous(target, by.head)));
            }
        };
        let token = &found.token;
        let now = host.now();
        if !by.gateway.revocations().are_known() {
            note.reason = Some("it is not known yet what was taken back".to_owned());
            return Err(Reply::revocations_unknown(family));
        }
        let caller = by.gateway.caller(token, now).map_err(|error| {
            host.log_debug(&format!("a token was refused: {error}"));
            note.reason = Some(error.to_string());
            // Read again only now: most tokens are good.
            let expired = token.claimed_expiry().map(|at| now.saturating_sub(at));
            Reply::token_invalid(family, &error, expired)
        })?;
        let claims = caller.claims();
        note.user = Some(claims.user.clone());
        note.key.clone_from(&claims.access_key);
        note.token.clone_from(&claims.id);
        Ok(Who::Caller(caller))
    }
}

/// The token that a password was exchanged for, while it is still good.
fn remembered(gateway: &Gateway, host: &impl Host, basic: &Basic) -> Option<UnverifiedToken> {
    let now = host.now();
    let token = gateway.remembered.token(basic, now)?;
    if gateway.caller(&token, now).is_err() {
        gateway.remembered.forget(basic);
        return None;
    }
    Some(token)
}

/// Whether the request brings nothing that says who asks.
fn has_none(headers: &Headers) -> bool {
    matches!(credential::find(Family::Kube, headers), Ok(None))
}

/// What an anonymous user may not do, in Kubernetes' words.
fn refused_to_anonymous(target: &MemberTarget<'_>, head: &RequestHead) -> Status {
    const USER: &str = forbidden::ANONYMOUS;
    let resource = match target.is_kapis() {
        true => kapis::attributes(&head.method, &target.path).map(Attributes::Resource),
        false => Attributes::of(&head.method, &target.path, head.query.as_deref()).ok(),
    };
    match resource {
        Some(attributes) => forbidden::status(USER, &attributes),
        None => forbidden::of_path(USER, &head.method, &target.path),
    }
}
