//! Every refusal under `/kapis`: what stands before KubeSphere's handlers answers with a
//! `Status`, and they answer in plain text.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cubegate_api_types::cube::message;
use cubegate_kube::Status;
use cubegate_list::QueryError;
use cubegate_store::StoreError;
use thiserror::Error;

use crate::ApiError;
use crate::extract::NotIdentified;
use crate::respond;

/// A refusal; what it displays is what the client reads.
#[derive(Debug, Error)]
pub(crate) enum KubeSphereError {
    /// No token, or one that stands for nobody.
    #[error("Unauthorized")]
    Unauthorized,
    /// A token from the future.
    #[error("Unauthorized: {}", message::CLOCK_SKEW)]
    ClockSkew,
    /// A parameter of the list cannot be read.
    #[error("{0}")]
    Query(#[from] QueryError),
    /// No such object.
    #[error("{kind} {name:?} not found")]
    NotFound {
        /// Its kind.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// What other families refuse, too; mostly a fault of ours.
    #[error("{0}")]
    Other(ApiError),
}

// === impl KubeSphereError ===

impl IntoResponse for KubeSphereError {
    fn into_response(self) -> Response {
        let sentence = self.to_string();
        match self {
            Self::Unauthorized | Self::ClockSkew => {
                let status = Status::failure(401, sentence);
                let mut response = respond::plain_json(StatusCode::UNAUTHORIZED, &status);
                let challenge = HeaderValue::from_static("Bearer");
                response
                    .headers_mut()
                    .insert(header::WWW_AUTHENTICATE, challenge);
                response
            }
            Self::Query(_) => of_handler(StatusCode::BAD_REQUEST, &sentence),
            Self::NotFound { .. } => of_handler(StatusCode::NOT_FOUND, &sentence),
            Self::Other(error) => {
                let status = error.status();
                // It tells the log what the client does not learn.
                drop(error.into_response());
                of_handler(status, &sentence)
            }
        }
    }
}

/// As Go's `http.Error` writes it.
fn of_handler(status: StatusCode, sentence: &str) -> Response {
    let mut response = respond::text(status, format!("{sentence}\n"));
    response.headers_mut().insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

impl From<NotIdentified> for KubeSphereError {
    fn from(error: NotIdentified) -> Self {
        match error {
            NotIdentified::ClockSkew => Self::ClockSkew,
            error => Self::Other(error.into()),
        }
    }
}

impl From<StoreError> for KubeSphereError {
    fn from(error: StoreError) -> Self {
        Self::Other(error.into())
    }
}

impl From<ApiError> for KubeSphereError {
    fn from(error: ApiError) -> Self {
        Self::Other(error)
    }
}
