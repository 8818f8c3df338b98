//! The cookie of a login: how it is set, renewed while it is used, and taken away.
//!
//! KubeCube renews its cookie with every request and for ever. Here its token carries
//! when the login was, and no renewal goes beyond the session's longest time. The filter
//! signs nothing, so what goes to a cluster renews nothing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use cubegate_domain::User;
use cubegate_token::Claims;
use cubegate_token::carrier::{COOKIE_NAME, HOST_COOKIE_NAME};
use time::OffsetDateTime;

use crate::issuer::{CookieSession, IssuedToken, unix_seconds};
use crate::{ApiError, AppState};

/// A token that is younger is not renewed: a console asks many things at a time.
const YOUNG: Duration = Duration::from_secs(60);

/// Whose cookie a request came with, if that can be renewed; clones share it. Whoever
/// authenticates the request fills it.
#[derive(Clone, Default)]
pub(crate) struct Renewal(Arc<Mutex<Option<(User, CookieSession)>>>);

// === impl Renewal ===

impl Renewal {
    /// The cookie's token says this and stands for this user.
    pub(crate) fn offer(&self, state: &AppState, user: &User, claims: &Claims) {
        let (Some(id), Some(began_at)) = (&claims.session, claims.authenticated_at) else {
            return;
        };
        let now = unix_seconds(state.clock.now());
        if now < claims.issued_at.saturating_add(YOUNG.as_secs()) {
            return;
        }
        let session = CookieSession {
            id: id.clone(),
            began_at,
            longest: state.session_lifetime,
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((user.clone(), session));
    }

    fn take(&self) -> Option<(User, CookieSession)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Gives whoever came with a cookie a younger one. What is refused for who asks renews
/// nothing, and where the answer sets a cookie by itself, that one counts.
pub(crate) async fn renew(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let renewal = Renewal::default();
    request.extensions_mut().insert(renewal.clone());
    let mut response = next.run(request).await;
    let refused = matches!(
        response.status(),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
    );
    if refused || response.headers().contains_key(header::SET_COOKIE) {
        return response;
    }
    if let Some((user, session)) = renewal.take() {
        let now = state.clock.now();
        let cookie = state
            .issuer
            .issue_for_cookie(&user, &session, now)
            .map_err(ApiError::from)
            .and_then(|issued| set(&state, &mut response, &issued, now));
        // The old one is good for a while yet.
        if let Err(error) = cookie {
            tracing::warn!(%error, "a cookie could not be renewed");
        }
    }
    response
}

/// Sets the cookie with this token, for as long as the token is good.
pub(crate) fn set(
    state: &AppState,
    response: &mut Response,
    issued: &IssuedToken,
    now: OffsetDateTime,
) -> Result<(), ApiError> {
    let max_age = issued.expires_at.saturating_sub(unix_seconds(now));
    let content = format!("Bearer+{}", issued.token);
    put(state, response, &content, max_age)
}

/// Takes the cookie away.
pub(crate) fn clear(state: &AppState, response: &mut Response) -> Result<(), ApiError> {
    put(state, response, "", 0)
}

/// Under the name that KubeCube's clients know, and under the one that no neighbouring
/// domain can set, which counts alone where both are sent. Without TLS
/// browsers take no such name.
fn put(
    state: &AppState,
    response: &mut Response,
    content: &str,
    max_age: u64,
) -> Result<(), ApiError> {
    let (secure, names): (&str, &[&str]) = if state.plain_http {
        ("", &[COOKIE_NAME])
    } else {
        (" Secure;", &[COOKIE_NAME, HOST_COOKIE_NAME])
    };
    for name in names {
        let cookie =
            format!("{name}={content}; Path=/; Max-Age={max_age}; HttpOnly;{secure} SameSite=Lax");
        let cookie =
            HeaderValue::from_str(&cookie).map_err(|error| ApiError::Internal(error.into()))?;
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(())
}
