//! Step 1, verify: who asks, by what the request brings.

use cubegate_filter_config::AuditNote;
use cubegate_kube::{Family, RequestInfo, Status, forbidden};
use cubegate_token::UnverifiedToken;

use crate::basic::Basic;
use crate::credential::{self, Credential, Source};
use crate::exchange::Exchange;
use crate::route::MemberTarget;
use crate::verify::Caller;
use crate::{Gateway, Headers, Host, Reply, RequestHead};

/// Who asks, as far as it is known.
pub(super) enum Who {
    Caller(Caller),
    /// Its password must be redeemed first.
    Password(Basic),
}

/// A request as it came.
pub(super) struct RequestLine<'a> {
    pub(super) gateway: &'a Gateway,
    pub(super) head: &'a RequestHead,
    pub(super) headers: &'a Headers,
    pub(super) upgrade: bool,
}

// === impl Exchange ===

impl Exchange {
    /// Returns who asks.
    pub(super) fn caller(
        &self,
        host: &impl Host,
        target: &MemberTarget<'_>,
        by: &RequestLine<'_>,
        note: &mut AuditNote,
    ) -> Result<Who, Reply> {
        let family = target.family;
        let basic = Basic::find(family, by.headers);
        let found = match &basic {
            Some(basic) => self
                .known
                .token
                .clone()
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
            (None, None) if family == Family::KubeCube => {
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

/// The token that a password was redeemed for, while it is still good.
pub(super) fn remembered(
    gateway: &Gateway,
    host: &impl Host,
    basic: &Basic,
) -> Option<UnverifiedToken> {
    let token = gateway.remembered.token(basic, host.steady())?;
    if gateway.caller(&token, host.now()).is_err() {
        gateway.remembered.forget(basic);
        return None;
    }
    Some(token)
}

/// Returns whether the request brings nothing that says who asks.
pub(super) fn has_none(headers: &Headers) -> bool {
    matches!(credential::find(Family::Kubernetes, headers), Ok(None))
}

/// Returns what an anonymous user may not do, in Kubernetes' words.
fn refused_to_anonymous(target: &MemberTarget<'_>, head: &RequestHead) -> Status {
    const USER: &str = forbidden::ANONYMOUS;
    let query = head.query.as_deref().filter(|_| !target.is_kubesphere());
    match RequestInfo::of_kubesphere(&head.method, &target.path, query) {
        Ok(asked) => forbidden::status(USER, &asked),
        Err(_) => forbidden::of_path(USER, &head.method, &target.path),
    }
}
