//! Every refusal under `/oauth`: RFC 6749 5.2, in the words of KubeSphere.

use std::error::Error as StdError;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cubegate_api_types::cube::message;
use cubegate_store::StoreError;
use cubegate_token::KeyError;
use serde::Serialize;
use thiserror::Error;
use utoipa::ToSchema;

use crate::extract::NotIdentified;
use crate::password::Refused;
use crate::respond;
use crate::throttle::TooMany;

/// A refusal; what it displays is the `error_description`.
#[derive(Debug, Error)]
pub(crate) enum OauthError {
    /// No such client, named in the body.
    #[error("The provided client_id is invalid or does not exist.")]
    UnknownClient,
    /// The client's secret is wrong, or it came by HTTP Basic and is nobody.
    #[error("Invalid client credential.")]
    ClientCredential,
    /// A grant that is not given here.
    #[error("The provided grant_type is not supported.")]
    GrantType,
    /// No such user, or not this password.
    #[error("Invalid username or password.")]
    Password,
    /// The user may not log in.
    #[error("Account suspended.")]
    Suspended,
    /// The user of a refresh token is gone.
    #[error("Authenticated user does not exist.")]
    UserGone,
    /// Not a refresh token, or not any more.
    #[error("The refresh token is invalid or expired.")]
    RefreshToken,
    /// Too many tries, or the user is locked.
    #[error("Rate limit exceeded.")]
    TooMany {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// So many passwords are being checked that one more would wait too long.
    #[error("{}", message::BUSY)]
    Busy {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// The database is away for the moment.
    #[error("{}", message::UNAVAILABLE)]
    Unavailable(#[source] StoreError),
    /// A parameter that must be there is not.
    #[error("{0} is missing.")]
    Missing(&'static str),
    /// A parameter must be there once (RFC 6749 3.2).
    #[error("{0} is given more than once.")]
    Repeated(&'static str),
    /// The client authenticates in two ways (RFC 6749 2.3).
    #[error("The client is named in the Authorization header and in the body; use one of them.")]
    TwoClients,
    /// An authorization code without a code.
    #[error("The authorization code is empty or missing.")]
    CodeMissing,
    /// A token is asked for of another kind than there is to get (RFC 8693 2.1).
    #[error(
        "{0} is not what this gateway exchanges; a token of the type urn:ietf:params:oauth:token-type:access_token is."
    )]
    TokenKind(&'static str),
    /// What is shown to be exchanged stands for nobody (RFC 8693 2.2.2).
    #[error("The subject_token is expired, revoked or invalid.")]
    SubjectToken,
    /// The cluster is not there, or the token is not for it (RFC 8693 2.2.2).
    #[error("The audience is no cluster that the subject_token is good for.")]
    Target,
    /// No client has a redirect URI here.
    #[error("Redirect URI is not allowed.")]
    RedirectUri,
    /// Users of other identity providers are not known here.
    #[error("The identity provider is not known here; leave the parameter provider out.")]
    Provider,
    /// The authorization-code and implicit flows are not part of this product.
    #[error("No response_type is supported; get a token with POST /oauth/token.")]
    ResponseType,
    /// No token, or one that stands for nobody (RFC 6750 3.1).
    #[error("The access token is missing, expired, revoked or invalid.")]
    Token,
    /// A token from the future.
    #[error("{}", message::CLOCK_SKEW)]
    ClockSkew,
    /// The token of a key with bounds, which is for clusters only (RFC 6750 3.1).
    #[error("{}", message::BOUNDED_KEY)]
    BoundedKey,
    /// The body is not what this call takes.
    #[error("The body cannot be read.")]
    Body,
    /// A text with a NUL character.
    #[error("{}", message::NUL)]
    Nul,
    /// A fault of ours. The client learns nothing of it, the log does.
    #[error("An internal server error occurred while processing the request.")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
}

/// RFC 6749 5.2.
#[derive(Serialize, ToSchema)]
pub(crate) struct OauthRefusal {
    /// One of the words of RFC 6749 and RFC 6750.
    error: &'static str,
    /// One sentence.
    error_description: String,
}

// === impl OauthError ===

impl OauthError {
    fn code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::UnknownClient => (StatusCode::BAD_REQUEST, "invalid_client"),
            Self::ClientCredential => (StatusCode::UNAUTHORIZED, "invalid_client"),
            Self::GrantType => (StatusCode::BAD_REQUEST, "unsupported_grant_type"),
            Self::Password | Self::Suspended | Self::UserGone | Self::RefreshToken => {
                (StatusCode::BAD_REQUEST, "invalid_grant")
            }
            Self::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, "invalid_grant"),
            Self::Missing(_)
            | Self::Repeated(_)
            | Self::TwoClients
            | Self::CodeMissing
            | Self::TokenKind(_)
            | Self::SubjectToken
            | Self::RedirectUri
            | Self::Provider
            | Self::Body
            | Self::Nul => (StatusCode::BAD_REQUEST, "invalid_request"),
            Self::Target => (StatusCode::BAD_REQUEST, "invalid_target"),
            Self::ResponseType => (StatusCode::BAD_REQUEST, "unsupported_response_type"),
            Self::Token | Self::ClockSkew => (StatusCode::UNAUTHORIZED, "invalid_token"),
            Self::BoundedKey => (StatusCode::FORBIDDEN, "insufficient_scope"),
            Self::Busy { .. } | Self::Unavailable(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")
            }
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        }
    }
}

impl IntoResponse for OauthError {
    fn into_response(self) -> Response {
        if let Some(cause) = self.source() {
            tracing::error!(error = %cause, "a request failed");
        }
        let (status, error) = self.code();
        let body = OauthRefusal {
            error,
            error_description: self.to_string(),
        };
        let mut response = respond::plain_json(status, &body);
        let headers = response.headers_mut();
        match self {
            Self::TooMany { retry_after } | Self::Busy { retry_after } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
            }
            // RFC 9110 11.6.1: a 401 says how to do better.
            Self::ClientCredential => {
                let challenge = HeaderValue::from_static("Basic realm=\"cubegate\"");
                headers.insert(header::WWW_AUTHENTICATE, challenge);
            }
            Self::Token | Self::ClockSkew => {
                let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
                headers.insert(header::WWW_AUTHENTICATE, challenge);
            }
            _ => {}
        }
        response
    }
}

impl From<TooMany> for OauthError {
    fn from(TooMany { retry_after }: TooMany) -> Self {
        Self::TooMany { retry_after }
    }
}

impl From<Refused> for OauthError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::TooMany(too_many) => too_many.into(),
            Refused::Wrong => Self::Password,
            Refused::Busy { retry_after } => Self::Busy { retry_after },
            Refused::Disabled => Self::Suspended,
            Refused::NotChecked(error) => error.into(),
        }
    }
}

impl From<NotIdentified> for OauthError {
    fn from(error: NotIdentified) -> Self {
        match error {
            NotIdentified::BoundedKey => Self::BoundedKey,
            NotIdentified::ClockSkew => Self::ClockSkew,
            NotIdentified::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for OauthError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Nul => Self::Nul,
            error if error.is_unavailable() => Self::Unavailable(error),
            error => Self::Internal(Box::new(error)),
        }
    }
}

impl From<KeyError> for OauthError {
    fn from(error: KeyError) -> Self {
        Self::Internal(Box::new(error))
    }
}
