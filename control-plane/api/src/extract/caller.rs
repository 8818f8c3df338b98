//! Who calls, and three degrees of what that lets them do.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use cubegate_domain::{AccessKey, User};

use crate::cookie::Renewal;
use crate::extract::credential::Credential;
use crate::extract::{
    Identity, NotIdentified, credential, identify, identify_within_bounds, is_cross_site,
};
use crate::{ApiError, AppState};

/// Somebody with a valid token who exists and may log in, as the database knows
/// them now.
#[derive(Debug)]
pub(crate) struct Caller {
    /// The user; what it may do at the gateway is the database's to say.
    pub(crate) user: User,
    /// The groups that member clusters see, as for proxied requests: the token's.
    pub(crate) groups: Vec<String>,
    /// The access key that the token was made from. What it makes must not outlive it.
    pub(crate) key: Option<AccessKey>,
    by_cookie: bool,
}

/// Whoever calls, and what the token says. A bounded key's is good here: for what tells
/// nothing but who that is.
#[derive(Debug)]
pub(crate) struct Anyone(pub(crate) Identity);

/// A [`Caller`] who may change something: not a browser that was led here by
/// another site.
#[derive(Debug)]
pub(crate) struct WritingCaller(pub(crate) Caller);

/// A [`Caller`] or [`WritingCaller`] who administers the gateway.
#[derive(Debug)]
pub(crate) struct Admin<C>(pub(crate) C);

/// That it was looked at who calls, and what for.
#[derive(Debug, Clone, Copy, Default)]
struct Looked {
    for_admin: bool,
}

/// Looks once more at who calls, where it was looked at before: whoever sends a body
/// slowly may have been disabled, or lost a key or group, since the request began.
pub(super) async fn look_again(parts: &mut Parts, state: &AppState) -> Result<(), ApiError> {
    let Some(Looked { for_admin }) = parts.extensions.get().copied() else {
        return Ok(());
    };
    let caller = Caller::from_request_parts(parts, state).await?;
    if for_admin && !caller.user.is_admin() {
        return Err(ApiError::Forbidden);
    }
    Ok(())
}

/// Returns who was found by a credential, and offers to renew that.
fn known(
    parts: &Parts,
    state: &AppState,
    credential: &Credential,
    found: Result<Option<Identity>, NotIdentified>,
) -> Result<Identity, ApiError> {
    let identity = found?.ok_or(ApiError::TokenInvalid)?;
    if let Some(renewal) = parts.extensions.get::<Renewal>()
        && credential.by_cookie
    {
        renewal.offer(state, &identity.user, &identity.claims);
    }
    Ok(identity)
}

// === impl Caller ===

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let credential = credential::find(&parts.headers).ok_or(ApiError::AuthenticateFailed)?;
        let found = identify(state, &credential.token, parts.extensions.get()).await;
        let Identity { user, claims, key } = known(parts, state, &credential, found)?;
        parts.extensions.get_or_insert_default::<Looked>();
        Ok(Self {
            user,
            groups: claims.groups,
            key,
            by_cookie: credential.by_cookie,
        })
    }
}

impl Caller {
    /// Lets nobody through but that user and administrators.
    pub(crate) fn must_be(&self, name: &str) -> Result<(), ApiError> {
        if self.user.name == name || self.user.is_admin() {
            Ok(())
        } else {
            Err(ApiError::Forbidden)
        }
    }
}

impl AsRef<Caller> for Caller {
    fn as_ref(&self) -> &Caller {
        self
    }
}

// === impl Anyone ===

impl FromRequestParts<AppState> for Anyone {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let credential = credential::find(&parts.headers).ok_or(ApiError::AuthenticateFailed)?;
        let note = parts.extensions.get();
        let found = identify_within_bounds(state, &credential.token, note).await;
        known(parts, state, &credential, found).map(Self)
    }
}

// === impl WritingCaller ===

impl FromRequestParts<AppState> for WritingCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        if caller.by_cookie && is_cross_site(&parts.headers, &parts.uri) {
            return Err(ApiError::Forbidden);
        }
        if !caller.user.is_admin() {
            state.throttle.change(&caller.user.name)?;
        }
        Ok(Self(caller))
    }
}

impl AsRef<Caller> for WritingCaller {
    fn as_ref(&self) -> &Caller {
        &self.0
    }
}

// === impl Admin ===

impl<C> FromRequestParts<AppState> for Admin<C>
where
    C: FromRequestParts<AppState, Rejection = ApiError> + AsRef<Caller> + Send,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let caller = C::from_request_parts(parts, state).await?;
        if !caller.as_ref().user.is_admin() {
            return Err(ApiError::Forbidden);
        }
        parts.extensions.insert(Looked { for_admin: true });
        Ok(Self(caller))
    }
}
