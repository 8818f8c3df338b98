//! `POST /oauth/token` with a token to exchange (RFC 8693): for one that is good for a single
//! cluster. A program gives such a token to what calls this cluster, and keeps the other one.

use std::net::IpAddr;

use cubegate_token::UnverifiedToken;

use crate::audit::Note;
use crate::error::OauthError;
use crate::extract::{Identity, identify_within_bounds};
use crate::routes::oauth::form::Form;
use crate::{AppState, IssuedToken};

/// The grant (RFC 8693 2.1).
pub(super) const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// The only type of token that is taken, and given (RFC 8693 3).
pub(super) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// What would ask for something else than `audience`, or for somebody else.
const NOT_TAKEN: [&str; 4] = ["resource", "scope", "actor_token", "actor_token_type"];

/// Returns a token for the cluster that the form names as `audience`. The token of a bounded key
/// is taken, too: what comes of it has its bounds.
pub(super) async fn narrow(
    state: &AppState,
    note: &Note,
    address: Option<IpAddr>,
    form: &Form,
) -> Result<IssuedToken, OauthError> {
    let token = form.required("subject_token")?;
    if form.required("subject_token_type")? != ACCESS_TOKEN {
        return Err(OauthError::TokenKind("subject_token_type"));
    }
    if let Some(wanted) = form.optional("requested_token_type")?
        && wanted != ACCESS_TOKEN
    {
        return Err(OauthError::TokenKind("requested_token_type"));
    }
    for name in NOT_TAKEN {
        if form.optional(name)?.is_some() {
            return Err(OauthError::TokenKind(name));
        }
    }
    let cluster = form.required("audience")?;
    let token = UnverifiedToken::new(token);
    let Identity { claims, .. } = identify_within_bounds(state, &token, Some(note))
        .await?
        .ok_or(OauthError::SubjectToken)?;
    state.throttle.token(&claims.user, address)?;
    let clusters = claims.scope.iter().map(|scope| &scope.clusters);
    let is_out_of_scope = clusters
        .filter(|clusters| !clusters.is_empty())
        .any(|clusters| !clusters.iter().any(|name| name == cluster));
    if is_out_of_scope || state.store.get_cluster(cluster).await?.is_none() {
        return Err(OauthError::Target);
    }
    Ok(state.issuer.narrow(&claims, cluster, state.clock.now())?)
}
