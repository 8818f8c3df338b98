//! The body of a request to the token and revocation endpoints.

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::error::OauthError;
use crate::extract::RawBody;
use crate::{ApiError, AppState, respond};

/// The parameters of an `application/x-www-form-urlencoded` body, the only one that
/// is taken (RFC 6749 3.2). Those of the URL do not count.
pub(crate) struct Form {
    pairs: Vec<(String, String)>,
}

/// A body that is no form.
pub(crate) enum NoForm {
    /// Another content type, or none.
    MediaType,
    /// It cannot be read.
    Unreadable(ApiError),
}

// === impl Form ===

impl Form {
    /// A parameter that may be left out; an empty one is (RFC 6749 3.1).
    pub(super) fn optional(&self, name: &'static str) -> Result<Option<&str>, OauthError> {
        Ok(self.once(name)?.filter(|value| !value.is_empty()))
    }

    /// A parameter that must be there.
    pub(super) fn required(&self, name: &'static str) -> Result<&str, OauthError> {
        self.optional(name)?.ok_or(OauthError::Missing(name))
    }

    /// A parameter that must be there, and may be empty: of somebody who left a field of a
    /// login empty KubeSphere says that the login is wrong, and not the request.
    pub(super) fn given(&self, name: &'static str) -> Result<&str, OauthError> {
        self.once(name)?.ok_or(OauthError::Missing(name))
    }

    /// A parameter as it stands in the body (RFC 6749 3.2).
    fn once(&self, name: &'static str) -> Result<Option<&str>, OauthError> {
        let mut values = self.pairs.iter().filter(|(have, _)| have == name);
        let value = values.next();
        if values.next().is_some() {
            return Err(OauthError::Repeated(name));
        }
        Ok(value.map(|(_, value)| value.as_str()))
    }
}

impl FromRequest<AppState> for Form {
    type Rejection = NoForm;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, NoForm> {
        if !is_form(request.headers()) {
            return Err(NoForm::MediaType);
        }
        let RawBody(body) = RawBody::from_request(request, state)
            .await
            .map_err(NoForm::Unreadable)?;
        Ok(Self {
            pairs: form_urlencoded::parse(&body).into_owned().collect(),
        })
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|media_type| {
            media_type
                .trim()
                .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        })
}

// === impl NoForm ===

impl IntoResponse for NoForm {
    fn into_response(self) -> Response {
        match self {
            Self::MediaType => respond::text(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "415: Unsupported Media Type",
            ),
            Self::Unreadable(ApiError::BodyTooLarge) => respond::text(
                StatusCode::PAYLOAD_TOO_LARGE,
                "413: Request Entity Too Large",
            ),
            Self::Unreadable(ApiError::Nul) => OauthError::Nul.into_response(),
            Self::Unreadable(_) => OauthError::Body.into_response(),
        }
    }
}
