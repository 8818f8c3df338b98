//! Who a token stands for: the one place where the API learns it.

use cubegate_domain::{AccessKey, User, UserState};
use cubegate_store::{StoreError, TokenMarks};
use cubegate_token::{Claims, TokenError, UnverifiedToken};

use crate::AppState;
use crate::audit::Note;

/// Somebody with a valid token who exists and may log in, as the database knows them
/// now.
#[derive(Debug)]
pub(crate) struct Identity {
    /// The user; rights at the gateway are those of the database.
    pub(crate) user: User,
    /// What the token says.
    pub(crate) claims: Claims,
    /// The access key that it was made from.
    pub(crate) key: Option<AccessKey>,
}

/// Why it is not said whose a token is, although it may be somebody's.
#[derive(Debug)]
pub(crate) enum NotIdentified {
    /// Its key has a scope or an expiry.
    BoundedKey,
    /// It was issued in the future.
    ClockSkew,
    /// The database does not answer.
    Store(StoreError),
}

/// Returns who a token stands for now, as [`identify_within_bounds`] does.
///
/// A token of a key with bounds stands for nobody here: it could make itself a
/// credential without any, and whoever asks whose it is knows no such bounds.
pub(crate) async fn identify(
    state: &AppState,
    token: &UnverifiedToken,
    note: Option<&Note>,
) -> Result<Option<Identity>, NotIdentified> {
    let identity = identify_within_bounds(state, token, note).await?;
    match &identity {
        Some(identity) if identity.is_bounded() => Err(NotIdentified::BoundedKey),
        _ => Ok(identity),
    }
}

/// Returns who a token stands for now; nobody when it is not valid, was taken back, or its
/// user is gone or disabled. `note` is the caller's, when the token is the caller's; it
/// gets who that is also of a token that was taken back.
///
/// A token of a key with bounds counts, and whoever calls this keeps to them.
pub(crate) async fn identify_within_bounds(
    state: &AppState,
    token: &UnverifiedToken,
    note: Option<&Note>,
) -> Result<Option<Identity>, NotIdentified> {
    let claims = match state.issuer.verify(token, state.clock.now()) {
        Ok(claims) => claims,
        Err(reason) => {
            state.metrics.rejected(reason.word());
            if reason == TokenError::ClockSkew {
                return Err(NotIdentified::ClockSkew);
            }
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
        generation: claims.generation,
        id: claims.id.as_deref(),
        key: claims.access_key.as_deref(),
        key_epoch: claims.key_epoch,
        user: &claims.user,
        epoch: claims.epoch,
    };
    if state.store.is_revoked(marks).await? {
        state.metrics.rejected(TokenError::Revoked.word());
        return Ok(None);
    }
    let key = match &claims.access_key {
        None => None,
        // Also once the list has forgotten it, should a token live longer.
        Some(name) => match state.store.get_key(name).await? {
            Some(key) if claims.key_epoch.unwrap_or(1) >= key.token_epoch => Some(key),
            _ => {
                state.metrics.rejected("key");
                return Ok(None);
            }
        },
    };
    let user = state.store.get_user(&claims.user).await?;
    let Some(user) = user
        .filter(|user| user.state == UserState::Normal)
        .filter(|user| claims.epoch.is_none_or(|epoch| epoch >= user.token_epoch))
    else {
        state.metrics.rejected("user");
        return Ok(None);
    };
    Ok(Some(Identity { user, claims, key }))
}

// === impl Identity ===

impl Identity {
    /// Returns whether its key has a scope or an expiry.
    fn is_bounded(&self) -> bool {
        let scope = self.claims.scope.as_ref();
        scope.is_some_and(|scope| !scope.is_unbounded())
            || self.key.as_ref().is_some_and(AccessKey::is_bounded)
    }
}

impl From<StoreError> for NotIdentified {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
