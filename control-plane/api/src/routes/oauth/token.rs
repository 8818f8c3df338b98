//! `POST /oauth/token`

use std::net::IpAddr;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use cubegate_domain::{User, UserState};
use cubegate_filter_config::{EXCHANGE_BASIC, EXCHANGE_HEADER};
use cubegate_store::{Login, LoginKind, Rotation, SessionTokens, ShownRefreshToken};
use cubegate_token::UnverifiedToken;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::audit::Note;
use crate::error::OauthError;
use crate::extract::{ClientIp, user_agent};
use crate::issuer::{Generation, unix_seconds};
use crate::routes::oauth::form::Form;
use crate::routes::oauth::{client, exchange};
use crate::state::taken_until;
use crate::{AppState, IssuedToken, password, respond};

/// Longest life of a token that the filter got for a password. It keeps it for half a
/// minute and asks again.
const EXCHANGED_LIFETIME: Duration = Duration::from_mins(2);

/// RFC 6749 5.1, in KubeSphere's order.
#[derive(Serialize, ToSchema)]
#[schema(as = OauthTokens, example = json!({
    "access_token": "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJqZWZmIn0.c2lnbmF0dXJl", "token_type": "Bearer",
    "refresh_token": "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJqZWZmIn0.c2lnbmF0dXJl", "expires_in": 7200,
}))]
struct Tokens {
    access_token: String,
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    expires_in: u64,
    /// Of an exchange alone (RFC 8693 2.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_token_type: Option<&'static str>,
}

/// What the form may hold (RFC 6749 4.3.2 and 6).
#[derive(ToSchema)]
#[schema(as = OauthTokenForm)]
#[expect(dead_code, reason = "it only describes the form")]
struct TokenForm {
    /// `password`, `refresh_token` or `urn:ietf:params:oauth:grant-type:token-exchange`.
    grant_type: String,
    username: Option<String>,
    password: Option<String>,
    refresh_token: Option<String>,
    /// Of an exchange: an access token.
    subject_token: Option<String>,
    /// Of an exchange: `urn:ietf:params:oauth:token-type:access_token`.
    subject_token_type: Option<String>,
    /// Of an exchange: the cluster that the new token is for.
    audience: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

/// An access token and the refresh token that goes with it.
struct Pair {
    access: IssuedToken,
    refresh: IssuedToken,
    refresh_expires_at: OffsetDateTime,
}

/// Tokens for a password or a refresh token, or one for a single cluster.
///
/// Checks the client first, then what it asks for. An access token is exchanged for one that
/// is good for one cluster alone, and no longer (RFC 8693).
#[utoipa::path(
    post,
    path = "/oauth/token",
    tag = "oauth",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "An access token, and a refresh token that is good once (RFC 6749, 5.1)", body = Tokens))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    ClientIp(address): ClientIp,
    note: Note,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, OauthError> {
    let outcome = grant(&state, &note, address, &headers, &form).await;
    state.metrics.oauth_token(&outcome);
    Ok(respond::plain_json(StatusCode::OK, &outcome?))
}

async fn grant(
    state: &AppState,
    note: &Note,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Tokens, OauthError> {
    client::check(&state.oauth, headers, form)?;
    match form.required("grant_type")? {
        "password" => by_password(state, note, address, headers, form).await,
        "refresh_token" => by_refresh_token(state, note, address, form).await,
        exchange::GRANT => {
            let narrow = exchange::narrow(state, note, address, form).await?;
            Ok(Tokens {
                access_token: narrow.token,
                token_type: "Bearer",
                refresh_token: None,
                expires_in: narrow
                    .expires_at
                    .saturating_sub(unix_seconds(state.clock.now())),
                issued_token_type: Some(exchange::ACCESS_TOKEN),
            })
        }
        // The flow of codes is not part of this product, and so no client has an
        // address that a code could have gone to.
        "authorization_code" | "code" => match form.optional("code")? {
            None => Err(OauthError::CodeMissing),
            Some(_) => Err(OauthError::RedirectUri),
        },
        _ => Err(OauthError::GrantType),
    }
}

async fn by_password(
    state: &AppState,
    note: &Note,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Tokens, OauthError> {
    let exchanged = headers
        .get(EXCHANGE_HEADER)
        .is_some_and(|value| value == EXCHANGE_BASIC);
    if form.optional("provider")?.is_some() {
        return Err(OauthError::Provider);
    }
    let (name, password) = (form.given("username")?, form.given("password")?);
    if name.is_empty() || password.is_empty() {
        return Err(OauthError::Password);
    }
    // Failures count for the user, whichever name was given.
    let of_email = match name.contains('@') {
        true => state.store.user_of_email(name).await?,
        false => None,
    };
    let name = of_email.as_deref().unwrap_or(name);
    let user = password::log_in(state, note, name, password, address).await?;
    let now = state.clock.now();
    if exchanged {
        let access = state
            .issuer
            .issue_access(&user, None, EXCHANGED_LIFETIME, now)?;
        return Ok(Tokens {
            access_token: access.token,
            token_type: "Bearer",
            refresh_token: None,
            expires_in: EXCHANGED_LIFETIME.as_secs(),
            issued_token_type: None,
        });
    }
    let session = Uuid::new_v4().simple().to_string();
    let first = Generation {
        session: &session,
        number: 1,
    };
    let pair = make_pair(state, &user, first, now)?;
    let tokens = pair.session_tokens(&user, first, now);
    let began = state
        .store
        .begin_session(
            tokens,
            !state.oauth.multiple_login,
            state.session_until(now),
        )
        .await?;
    // The password was right, and is another by now.
    if !began {
        return Err(OauthError::Password);
    }
    let ip = address.map(|address| address.to_string());
    let login = Login {
        kind: LoginKind::Oauth,
        began_at: now,
        ends_at: now + state.oauth.refresh_lifetime,
        address: ip.clone(),
        user_agent: user_agent(headers),
        session,
    };
    state.store.note_login(&user.name, &login).await?;
    if let Err(error) = state
        .store
        .record_login(&user.name, ip.as_deref(), now)
        .await
    {
        // The tokens are good all the same.
        tracing::warn!(%error, "a login could not be noted");
    }
    Ok(pair.into_tokens(state))
}

async fn by_refresh_token(
    state: &AppState,
    note: &Note,
    address: Option<IpAddr>,
    form: &Form,
) -> Result<Tokens, OauthError> {
    let shown = form.required("refresh_token")?;
    let now = state.clock.now();
    let claims = state
        .issuer
        .verify_refresh(&UnverifiedToken::new(shown), now)
        .map_err(|reason| {
            tracing::debug!(%reason, "a refresh token was refused");
            OauthError::RefreshToken
        })?;
    note.user(&claims.user);
    state.throttle.token(&claims.user, address)?;
    let user = state.store.get_user(&claims.user).await?;
    let user = user.ok_or(OauthError::UserGone)?;
    if user.state != UserState::Normal {
        return Err(OauthError::Suspended);
    }
    let next = Generation {
        session: &claims.session,
        number: claims.generation.map_or(1, |shown| shown.saturating_add(1)),
    };
    let pair = make_pair(state, &user, next, now)?;
    let shown = ShownRefreshToken {
        token: shown,
        generation: claims.generation,
    };
    let rotation = state
        .store
        .refresh_session(
            shown,
            pair.session_tokens(&user, next, now),
            !state.oauth.multiple_login,
            state.session_until(now),
        )
        .await?;
    match rotation {
        Rotation::Rotated => Ok(pair.into_tokens(state)),
        Rotation::Refused => Err(OauthError::RefreshToken),
        Rotation::Reused => {
            tracing::warn!(
                user.name = user.name,
                "a refresh token was used twice; its session has ended"
            );
            Err(OauthError::RefreshToken)
        }
    }
}

fn make_pair(
    state: &AppState,
    user: &User,
    generation: Generation<'_>,
    now: OffsetDateTime,
) -> Result<Pair, OauthError> {
    let issuer = &state.issuer;
    let settings = &state.oauth;
    let lifetime = settings.access_lifetime;
    let access = issuer.issue_access(user, Some(generation), lifetime, now)?;
    let lifetime = settings.refresh_lifetime;
    let refresh = issuer.issue_refresh(user, generation, &access, lifetime, now)?;
    Ok(Pair {
        access,
        refresh,
        refresh_expires_at: now + settings.refresh_lifetime,
    })
}

// === impl Pair ===

impl Pair {
    fn session_tokens<'a>(
        &'a self,
        user: &'a User,
        generation: Generation<'a>,
        now: OffsetDateTime,
    ) -> SessionTokens<'a> {
        SessionTokens {
            session: generation.session,
            user: &user.name,
            user_epoch: user.token_epoch,
            generation: generation.number,
            refresh_token: &self.refresh.token,
            issued_at: now,
            access_until: taken_until(self.access.expires_at),
            expires_at: self.refresh_expires_at,
        }
    }

    fn into_tokens(self, state: &AppState) -> Tokens {
        Tokens {
            access_token: self.access.token,
            token_type: "Bearer",
            refresh_token: Some(self.refresh.token),
            expires_in: state.oauth.access_lifetime.as_secs(),
            issued_token_type: None,
        }
    }
}
