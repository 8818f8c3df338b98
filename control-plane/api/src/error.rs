//! Every refusal of this API, and how it looks on the wire.

mod kubesphere;
mod oauth;

use std::error::Error as StdError;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cubegate_api_types::cube::{ErrorBody, message};
use cubegate_member::ReadError;
use cubegate_store::StoreError;
use cubegate_token::KeyError;
use thiserror::Error;

pub(crate) use self::kubesphere::KubeSphereError;
pub(crate) use self::oauth::{OauthError, OauthRefusal};
use crate::Document;
use crate::extract::NotIdentified;
use crate::password::Refused;
use crate::respond;
use crate::throttle::TooMany;

/// Every refusal of this API. What it displays is what the client reads.
#[derive(Debug, Error)]
pub enum ApiError {
    /// No credential, one in a form that cannot be read, or a failed login.
    #[error("{}", message::AUTHENTICATE_FAILED)]
    AuthenticateFailed,
    /// A token that stands for nobody.
    #[error("{}", message::TOKEN_INVALID)]
    TokenInvalid,
    /// A token from the future.
    #[error("{}", message::CLOCK_SKEW)]
    ClockSkew,
    /// The caller may not do this, or not in this way.
    #[error("{}", message::FORBIDDEN)]
    Forbidden,
    /// The token of a key with bounds, which is for clusters only.
    #[error("{}", message::BOUNDED_KEY)]
    BoundedKey,
    /// The token of a key, for another key than it and those made with it.
    #[error("{}", message::OTHER_KEY)]
    OtherKey,
    /// No such path or method; the answer is plain text.
    #[error("{}", message::PAGE_NOT_FOUND)]
    PageNotFound,
    /// The body is not the JSON or form that this call takes.
    #[error("{}", message::BODY_FORMAT_INVALID)]
    BodyFormatInvalid,
    /// The body is too long.
    #[error("{}", message::BODY_TOO_LARGE)]
    BodyTooLarge,
    /// The body did not arrive within the time for one.
    #[error("{}", message::BODY_TOO_SLOW)]
    BodyTooSlow,
    /// A login without name, password or type.
    #[error("{}", message::LOGIN_PARAM_MISSING)]
    LoginParamMissing,
    /// A parameter breaks its rule.
    #[error("{}", message::param_invalid(.0))]
    ParamInvalid(&'static str),
    /// A user of that name is there already.
    #[error("{}", message::name_exists(.0))]
    NameExists(String),
    /// No such user, where users are managed.
    #[error("{}", message::NO_SUCH_USER)]
    NoSuchUser,
    /// The old password of a change is not the user's.
    #[error("{}", message::WRONG_PASSWORD)]
    WrongPassword,
    /// An extend route of a type that there is not.
    #[error("{}", message::RESOURCE_TYPE)]
    ResourceType,
    /// An extend route with a method that its type does not have.
    #[error("{}", message::HTTP_METHOD)]
    HttpMethod,
    /// Another parameter is absent or empty.
    #[error("{}", message::param_missing(.0))]
    ParamMissing(&'static str),
    /// The user may not log in.
    #[error("{}", message::USER_DISABLED)]
    UserDisabled,
    /// The user of a key is gone.
    #[error("{}", message::USER_NOT_EXIST)]
    UserNotExist,
    /// No such key.
    #[error("{}", message::KEY_NOT_EXIST)]
    KeyNotExist,
    /// The key is somebody else's.
    #[error("{}", message::KEY_AND_USER_NOT_MATCH)]
    KeyAndUserNotMatch,
    /// The secret is not the key's.
    #[error("{}", message::SECRET_NOT_MATCH)]
    SecretNotMatch,
    /// The key gives no token any more.
    #[error("{}", message::KEY_EXPIRED)]
    KeyExpired,
    /// The user owns as many keys as one may.
    #[error("{}", message::TOO_MANY_KEYS)]
    TooManyKeys,
    /// The same request, by its `Idempotency-Key`, was done before.
    #[error("{}", message::DONE_ALREADY)]
    DoneAlready,
    /// No such cluster.
    #[error("{}", message::cluster_not_found(.0))]
    ClusterNotFound(String),
    /// The cluster is there already.
    #[error("{}", message::cluster_exists(.0))]
    ClusterExists(String),
    /// Too many tries of this user or from this address, or the user is locked.
    #[error("{}", message::RATE_LIMIT_EXCEEDED)]
    TooManyRequests {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// So many passwords are being checked that one more would wait too long.
    #[error("{}", message::BUSY)]
    Busy {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// The API server of a member cluster said no, in its own words.
    #[error("{message}")]
    Member {
        /// Its HTTP status.
        status: StatusCode,
        /// What it said.
        message: String,
    },
    /// A member cluster does not answer.
    #[error("{}", message::SERVER_ERROR)]
    MemberFailed(#[source] ReadError),
    /// No cluster is the host.
    #[error("there is no host cluster; add a cluster, or make one the host.")]
    NoHostCluster,
    /// Something in the request is wrong; the sentence says what.
    #[error("{0}")]
    BadRequest(String),
    /// A text with a NUL character.
    #[error("{}", message::NUL)]
    Nul,
    /// The database does not answer.
    #[error("{}", message::SERVER_ERROR)]
    NotReady(#[source] StoreError),
    /// The database is away for the moment.
    #[error("{}", message::UNAVAILABLE)]
    Unavailable(#[source] StoreError),
    /// What Envoys are told is near the longest that they can be sent.
    #[error(
        "{} has {} of {} bytes, and {} entries found no room; look in the log for who has so many sessions or clusters",
        .0.name, .0.bytes, .0.limit, .0.left_out
    )]
    NearLimit(Document),
    /// A fault of ours. The client learns nothing of it, the log does.
    #[error("{}", message::SERVER_ERROR)]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
}

// === impl ApiError ===

impl ApiError {
    /// Returns the HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::AuthenticateFailed
            | Self::TokenInvalid
            | Self::ClockSkew
            | Self::WrongPassword => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::BoundedKey | Self::OtherKey => StatusCode::FORBIDDEN,
            Self::PageNotFound => StatusCode::NOT_FOUND,
            Self::DoneAlready => StatusCode::CONFLICT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BodyFormatInvalid
            | Self::LoginParamMissing
            | Self::ParamMissing(_)
            | Self::ParamInvalid(_)
            | Self::NameExists(_)
            | Self::NoSuchUser
            | Self::ResourceType
            | Self::HttpMethod
            | Self::UserDisabled
            | Self::UserNotExist
            | Self::KeyNotExist
            | Self::KeyAndUserNotMatch
            | Self::SecretNotMatch
            | Self::KeyExpired
            | Self::TooManyKeys
            | Self::ClusterNotFound(_)
            | Self::ClusterExists(_)
            | Self::NoHostCluster
            | Self::Nul
            | Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Member { status, .. } => *status,
            Self::MemberFailed(_) => StatusCode::BAD_GATEWAY,
            Self::NotReady(_) | Self::Unavailable(_) | Self::NearLimit(_) | Self::Busy { .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        if let Some(cause) = self.source() {
            tracing::error!(error = %cause, "a request failed");
        }
        if matches!(self, Self::PageNotFound) {
            let text_plain = HeaderValue::from_static("text/plain");
            return (
                status,
                [(header::CONTENT_TYPE, text_plain)],
                message::PAGE_NOT_FOUND,
            )
                .into_response();
        }
        let body = ErrorBody::new(status.as_u16(), self.to_string());
        let mut response = respond::json_with_status(status, &body);
        if let Self::TooManyRequests { retry_after } | Self::Busy { retry_after } = self {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            error if error.is_unavailable() => Self::Unavailable(error),
            StoreError::UserNotFound(_) => Self::UserNotExist,
            StoreError::KeyNotFound(_) => Self::KeyNotExist,
            StoreError::KeyNotOwned(_) => Self::KeyAndUserNotMatch,
            StoreError::TooManyKeys { .. } => Self::TooManyKeys,
            StoreError::DoneAlready => Self::DoneAlready,
            StoreError::KeyAttributes(error) => Self::BadRequest(error.to_string()),
            StoreError::ClusterExists(name) => Self::ClusterExists(name),
            StoreError::ClusterOwned { .. } => Self::BadRequest(format!("{error}.")),
            StoreError::UserExists(name) => Self::NameExists(name),
            StoreError::Subject(_) => Self::ParamInvalid("name"),
            StoreError::Busy { retry_after } => Self::Busy { retry_after },
            StoreError::LastAdmin(_) | StoreError::TooManyGroups => {
                Self::BadRequest(message::bad_request(&format!("{error}.")))
            }
            StoreError::EmailTaken => Self::BadRequest(message::bad_request(
                "another user has this e-mail address; give another one.",
            )),
            StoreError::Maker => Self::TokenInvalid,
            StoreError::OutlivesMaker { .. } => Self::BadRequest(error.to_string()),
            StoreError::Nul => Self::Nul,
            StoreError::File { .. }
            | StoreError::Open { .. }
            | StoreError::Migrate { .. }
            | StoreError::Encoding { .. }
            | StoreError::WrongMasterKey { .. }
            | StoreError::Database(_)
            | StoreError::Inconsistent { .. }
            | StoreError::Hash(_)
            | StoreError::Random(_)
            // Passwords are checked before, and nothing here imports keys.
            | StoreError::PasswordTooShort
            | StoreError::InUse { .. }
            | StoreError::NotEmpty { .. }
            | StoreError::Differs { .. }
            | StoreError::KeyFormat { .. } => Self::Internal(Box::new(error)),
        }
    }
}

impl From<TooMany> for ApiError {
    fn from(TooMany { retry_after }: TooMany) -> Self {
        Self::TooManyRequests { retry_after }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::TooMany(too_many) => too_many.into(),
            Refused::Wrong => Self::AuthenticateFailed,
            Refused::Busy { retry_after } => Self::Busy { retry_after },
            Refused::Disabled => Self::UserDisabled,
            Refused::NotChecked(error) => error.into(),
        }
    }
}

impl From<NotIdentified> for ApiError {
    fn from(error: NotIdentified) -> Self {
        match error {
            NotIdentified::BoundedKey => Self::BoundedKey,
            NotIdentified::ClockSkew => Self::ClockSkew,
            NotIdentified::Store(error) => error.into(),
        }
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Refused { code, message } => match StatusCode::from_u16(code) {
                // The gateway's credential is not good there; not the client's fault.
                Ok(StatusCode::UNAUTHORIZED) | Err(_) => {
                    Self::MemberFailed(ReadError::Refused { code, message })
                }
                Ok(status) => Self::Member { status, message },
            },
            ReadError::Failed(_) => Self::MemberFailed(error),
        }
    }
}

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        Self::Internal(Box::new(error))
    }
}
