//! The request's half: verify → route → upstream.

use cubegate_filter_config::AuditNote;
use cubegate_list::{ListQuery, ListRequest};
use cubegate_token::UnverifiedToken;

use crate::accept::{self, Form};
use crate::basic::Basic;
use crate::call::{self, Origin};
use crate::credential::{self, Credential, Source};
use crate::exchange::{Exchange, Flow, PageRequest, Sent, State, internal};
use crate::list;
use crate::pushdown::{self, Question, Way};
use crate::reply::Family;
use crate::route::{MemberTarget, Target, route};
use crate::scope::{Asked, Bounds, OutOfScope};
use crate::upstream::{Rewrite, Upstream};
use crate::{Headers, Host, Reply, RequestHead};

/// What becomes of a request that is not refused.
enum Admission {
    /// It can go on like this.
    Ready(Rewrite, State),
    /// Its password must be exchanged first.
    Password(Family, Basic),
}

// === impl Exchange ===

impl Exchange {
    /// The request's headers are there.
    pub fn on_request_headers(&mut self, host: &impl Host) -> Flow {
        match self.decide(host, None) {
            Ok(Some((family, basic))) => self.exchange(host, family, &basic),
            Ok(None) => Flow::Continue,
            Err(reply) => self.refuse(host, &reply),
        }
    }

    /// More of the request is there. While its headers are held they must stay
    /// so: to let a body go on lets them go on, too.
    pub fn on_request_body(&mut self) -> Flow {
        match self.state {
            State::New | State::Exchanging(_) | State::Refused => Flow::Pause,
            _ => Flow::Continue,
        }
    }

    /// Makes the request ready to go on, or says which password is to be exchanged
    /// before that. `exchanged` is the token that came of it.
    pub(super) fn decide(
        &mut self,
        host: &impl Host,
        exchanged: Option<UnverifiedToken>,
    ) -> Result<Option<(Family, Basic)>, Reply> {
        let failed = |error| internal(host, Family::Kube, &error);
        let headers = host.request_headers().map_err(failed)?;
        let mut note = AuditNote::default();
        let admission = self.admit(host, headers, exchanged, &mut note);
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
                self.state = state;
                Ok(None)
            }
            Admission::Password(family, basic) => Ok(Some((family, basic))),
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

    /// verify → route → upstream. The order of the answers is KubeCube's: who
    /// somebody is comes before whether a cluster exists.
    /// `note` gets what is known so far, whatever the outcome.
    fn admit(
        &self,
        host: &impl Host,
        headers: Headers,
        exchanged: Option<UnverifiedToken>,
        note: &mut AuditNote,
    ) -> Result<Admission, Reply> {
        let head = RequestHead::parse(&headers)?;
        let target = match route(&head) {
            Target::ControlPlane => {
                let family = Family::of_path(&head.path);
                let rewrite = Rewrite::to_control_plane(headers, &head.path);
                let state = State::SentToControlPlane { family };
                return Ok(Admission::Ready(rewrite, state));
            }
            Target::Member(target) => target,
        };
        let family = target.family;
        note.cluster = Some(target.cluster.to_string());
        note.path = Some(target.path.to_owned());
        let upgrade = headers
            .get("upgrade")
            .is_some_and(|value| !value.is_empty());

        let basic = Basic::find(family, &headers);
        let found = match &basic {
            Some(basic) => exchanged
                .or_else(|| self.remembered(host, basic))
                .map(|token| Credential {
                    token,
                    source: Source::Password,
                }),
            None => Some(credential::find(family, &headers)?),
        };
        // A browser sends passwords that it knows by itself, too.
        let by_itself = found
            .as_ref()
            .is_none_or(|found| matches!(found.source, Source::Cookie | Source::Password));
        if by_itself && (upgrade || !head.is_read()) && credential::is_cross_site(&headers) {
            return Err(Reply::cross_site(family));
        }
        let found = match (found, basic) {
            (Some(found), _) => found,
            (None, Some(basic)) => return Ok(Admission::Password(family, basic)),
            (None, None) => return Err(Reply::unauthenticated(family)),
        };
        let caller = self
            .gateway
            .caller(found.token, host.now())
            .map_err(|error| {
                host.log_debug(&format!("a token was refused: {error}"));
                note.reason = Some(error.to_string());
                Reply::token_invalid(family)
            })?;
        let claims = caller.claims();
        note.user = Some(claims.user.clone());
        note.key.clone_from(&claims.access_key);
        note.token.clone_from(&claims.id);

        let mut out_of_scope = |why: OutOfScope| {
            note.reason = Some(why.to_string());
            Reply::out_of_scope(family, &why)
        };
        let bounds = Bounds::at(&caller, &target.cluster).map_err(&mut out_of_scope)?;
        let cluster = self
            .gateway
            .cluster(bounds.cluster())
            .ok_or_else(|| Reply::cluster_not_found(family, bounds.cluster()))?;
        bounds
            .check(&Asked {
                method: &head.method,
                path: target.path,
                query: head.query.as_deref(),
                upgrade,
            })
            .map_err(out_of_scope)?;

        let request = ListRequest::parse(head.query.as_deref().unwrap_or_default());
        let form = Form::of(&headers);
        let list = !upgrade && list::wants_page(&head, form, &target, &request);
        let class = target.class(request.streaming, upgrade);
        let ListRequest {
            query: asked,
            upstream_query,
            ..
        } = request;
        let asked = match asked {
            Ok(asked) if list => Some(asked),
            Err(error) if list => return Err(Reply::query_invalid(family, &error)),
            _ => None,
        };
        let MemberTarget { path, .. } = target;
        let takes_gzip = accept::takes_gzip(&headers);
        let origin = Origin::of(cluster);
        let table = match form {
            Form::Table(version) if list => Some(version),
            _ => None,
        };
        let way = match &asked {
            Some(asked) if table.is_none() => self.way(&origin, path, &upstream_query, asked),
            _ => Way::Plain,
        };
        let page_query;
        let query = if list {
            page_query = way.upstream_query(&upstream_query);
            Some(page_query.as_str())
        } else {
            head.query.as_deref()
        };
        let accept = match (table, way) {
            (Some(version), _) => version.accept(),
            (None, Way::Keys) => call::METADATA_LIST,
            (None, Way::Plain | Way::Head { .. }) => call::JSON,
        };
        let upstream = Upstream {
            cluster,
            original_path: &head.path,
            path,
            query,
            class,
            upgrade,
            list: list.then_some(accept),
        };
        let rewrite = Rewrite::to_member(headers, &caller, &upstream);
        let accept_encoding = rewrite
            .headers()
            .get_str("accept-encoding")
            .map(str::to_owned);
        let page = asked.map(|query| {
            Box::new(PageRequest {
                family,
                query,
                way,
                table,
                takes_gzip,
                path: path.to_owned(),
                upstream_query,
                origin: origin.asking_as(rewrite.headers()),
                bounds,
            })
        });
        let state = State::Sent(Sent {
            family,
            accept_encoding,
            page,
        });
        Ok(Admission::Ready(rewrite, state))
    }

    /// The token that a password was exchanged for, while it is still good.
    fn remembered(&self, host: &impl Host, basic: &Basic) -> Option<UnverifiedToken> {
        let now = host.now();
        let token = self.gateway.remembered.token(basic, now)?;
        if self.gateway.caller(token.clone(), now).is_err() {
            self.gateway.remembered.forget(basic);
            return None;
        }
        Some(token)
    }

    fn way(&self, origin: &Origin, path: &str, upstream_query: &str, query: &ListQuery) -> Way {
        let list = origin.list_name(path, upstream_query);
        pushdown::way(&Question {
            path,
            upstream_query,
            query,
            lesson: self.gateway.learned.of(&list),
            metadata_first_bytes: self.gateway.limits.metadata_first_bytes,
        })
    }
}
