//! Who calls, and three degrees of what that lets them do.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use cubegate_domain::{User, UserState};
use cubegate_store::{StoreError, TokenMarks};
use cubegate_token::{Claims, UnverifiedToken};

use crate::audit::Note;
use crate::cookie::Renewal;
use crate::extract::{credential, origin};
use crate::{ApiError, AppState};

/// Somebody with a valid token who exists and may log in, as the database knows
/// them now.
#[derive(Debug)]
pub(crate) struct Caller {
    /// The user; groups and rights are the database's.
    pub(crate) user: User,
    by_cookie: bool,
}

/// A [`Caller`] who may change something: not a browser that was led here by
/// another site.
#[derive(Debug)]
pub(crate) struct Writer(pub(crate) Caller);

/// A [`Caller`] or [`Writer`] who administers the gateway.
#[derive(Debug)]
pub(crate) struct Admin<C>(pub(crate) C);

/// Who a token stands for now, and what it says; nobody when it is not valid, was
/// taken back, or its user is gone or disabled. `note` is the caller's, when the
/// token is the caller's; it gets who that is also of a token that was taken back.
pub(crate) async fn identify(
    state: &AppState,
    token: &UnverifiedToken,
    note: Option<&Note>,
) -> Result<Option<(User, Claims)>, StoreError> {
    let claims = match state.issuer.verify(token, state.clock.now()) {
        Ok(claims) => claims,
        Err(reason) => {
            tracing::debug!(%reason, "a token was refused");
            return Ok(None);
        }
    };
    if let Some(note) = note {
        note.user(&claims.user);
        claims.access_key.iter().for_each(|key| note.key(key));
        claims.id.iter().for_each(|id| note.token(id));
    }
    let marks = TokenMarks {
        session: claims.session.as_deref(),
        id: claims.id.as_deref(),
        key: claims.access_key.as_deref(),
        key_epoch: claims.key_epoch,
        user: &claims.user,
        epoch: claims.epoch,
    };
    if state.store.is_revoked(marks).await? {
        return Ok(None);
    }
    let user = state.store.get_user(&claims.user).await?;
    Ok(user
        .filter(|user| user.state == UserState::Normal)
        // Also once the list has forgotten it, should a token live longer.
        .filter(|user| claims.epoch.is_none_or(|epoch| epoch >= user.token_epoch))
        .map(|user| (user, claims)))
}

// === impl Caller ===

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let credential = credential::find(&parts.headers).ok_or(ApiError::AuthenticateFailed)?;
        let note = parts.extensions.get::<Note>();
        let (user, claims) = authenticate(state, &credential.token, note).await?;
        // It could make itself one without bounds.
        if claims
            .scope
            .as_ref()
            .is_some_and(|scope| !scope.is_unbounded())
        {
            return Err(ApiError::Forbidden);
        }
        if let Some(renewal) = parts.extensions.get::<Renewal>()
            && credential.by_cookie
        {
            renewal.offer(state, &user, &claims);
        }
        Ok(Self {
            user,
            by_cookie: credential.by_cookie,
        })
    }
}

/// Whose token it is, and what it says. What is refused here is
/// [`ApiError::TokenInvalid`], unless the database fails.
pub(crate) async fn authenticate(
    state: &AppState,
    token: &UnverifiedToken,
    note: Option<&Note>,
) -> Result<(User, Claims), ApiError> {
    identify(state, token, note)
        .await?
        .ok_or(ApiError::TokenInvalid)
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

// === impl Writer ===

impl FromRequestParts<AppState> for Writer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        if caller.by_cookie && origin::is_foreign(&parts.headers, &parts.uri) {
            return Err(ApiError::Forbidden);
        }
        Ok(Self(caller))
    }
}

impl AsRef<Caller> for Writer {
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
        Ok(Self(caller))
    }
}
