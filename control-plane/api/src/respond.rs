//! Answers that went well.

mod page;

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cubegate_api_types::cube::{CONTENT_TYPE, Success};
use cubegate_api_types::kubesphere;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub(crate) use page::{page, page_of};

/// 200 with a JSON body.
pub(crate) fn json<T: Serialize>(body: &T) -> Response {
    json_with_status(StatusCode::OK, body)
}

/// 200 with a body that is JSON already.
pub(crate) fn json_bytes(bytes: Vec<u8>) -> Response {
    let content_type = HeaderValue::from_static(CONTENT_TYPE);
    ([(header::CONTENT_TYPE, content_type)], Body::from(bytes)).into_response()
}

/// `{"message":"success"}`.
pub(crate) fn success() -> Response {
    json(&Success::default())
}

/// Any status with a JSON body, in the content type that KubeCube gives.
pub(crate) fn json_with_status<T: Serialize>(status: StatusCode, body: &T) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => {
            let content_type = HeaderValue::from_static(CONTENT_TYPE);
            (
                status,
                [(header::CONTENT_TYPE, content_type)],
                Body::from(bytes),
            )
                .into_response()
        }
        // Our own types always serialize.
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// RFC 3339 in UTC, to the second.
pub(crate) fn timestamp(time: OffsetDateTime) -> String {
    time.to_offset(time::UtcOffset::UTC)
        .replace_nanosecond(0)
        .unwrap_or(time)
        .format(&Rfc3339)
        .unwrap_or_default()
}

/// Any status with a JSON body, in the content type that KubeSphere gives.
pub(crate) fn plain_json<T: Serialize>(status: StatusCode, body: &T) -> Response {
    let mut response = json_with_status(status, body);
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

/// 404 as Go's net/http writes it, which is what KubeSphere answers outside of its
/// services.
pub(crate) fn page_not_found() -> Response {
    let mut response = text(StatusCode::NOT_FOUND, kubesphere::PAGE_NOT_FOUND);
    response.headers_mut().insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// Any status with a text.
pub(crate) fn text(status: StatusCode, text: impl Into<Cow<'static, str>>) -> Response {
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    (status, [(header::CONTENT_TYPE, content_type)], text.into()).into_response()
}
