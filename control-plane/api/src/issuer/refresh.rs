//! Refresh tokens, one beside each access token of an OAuth session (RFC 6749, 1.5).

use std::time::Duration;

use cubegate_domain::User;
use cubegate_token::{KeyError, RefreshClaims, TokenError, UnverifiedToken};
use time::OffsetDateTime;

use crate::metrics::Kind;

use super::{Generation, IssuedToken, Issuer, unix_seconds};

/// What a refresh token's id has before that of the access token that it came with.
const REFRESH_ID_PREFIX: &str = "r-";

impl Issuer {
    /// Makes the refresh token that goes with an access token of a session.
    ///
    /// # Errors
    /// [`KeyError::Sign`] when the crypto library fails.
    pub fn issue_refresh(
        &self,
        user: &User,
        generation: Generation<'_>,
        access: &IssuedToken,
        lifetime: Duration,
        now: OffsetDateTime,
    ) -> Result<IssuedToken, KeyError> {
        let issued_at = unix_seconds(now);
        let expires_at = issued_at.saturating_add(lifetime.as_secs());
        let id = format!("{REFRESH_ID_PREFIX}{}", access.id);
        let token = self.keys().signer.sign_refresh(&RefreshClaims {
            user: user.name.clone(),
            session: generation.session.to_owned(),
            generation: Some(generation.number),
            id: id.clone(),
            issued_at,
            expires_at,
        })?;
        self.metrics.issued(Kind::Refresh);
        Ok(IssuedToken {
            token,
            id,
            expires_at,
        })
    }

    /// Returns what a refresh token says, if it is one of ours and still valid.
    ///
    /// # Errors
    /// Why it is none.
    pub fn verify_refresh(
        &self,
        token: &UnverifiedToken,
        now: OffsetDateTime,
    ) -> Result<RefreshClaims, TokenError> {
        self.keys().checked.verify_refresh(token, unix_seconds(now))
    }
}
