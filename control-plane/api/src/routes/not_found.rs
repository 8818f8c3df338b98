//! Every path and method that is no operation.

use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use cubegate_api_types::kubesphere;
use cubegate_kube::Family;

use crate::extract::Caller;
use crate::{ApiError, AppState, respond};

/// No such path.
pub(crate) async fn handler(State(state): State<AppState>, request: Request) -> Response {
    if Family::of_path(request.uri().path()) == Family::KubeCube {
        return for_callers(&state, request).await;
    }
    respond::page_not_found()
}

/// The path has not this method.
pub(crate) async fn method(State(state): State<AppState>, request: Request) -> Response {
    if Family::of_path(request.uri().path()) == Family::KubeCube {
        return for_callers(&state, request).await;
    }
    respond::text(
        StatusCode::METHOD_NOT_ALLOWED,
        kubesphere::METHOD_NOT_ALLOWED,
    )
}

/// 404 as plain text, but only for somebody with a token: the table of KubeCube's paths
/// is nobody else's business, and KubeCube authenticates before it routes. There is no
/// 405 in it.
async fn for_callers(state: &AppState, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    match Caller::from_request_parts(&mut parts, state).await {
        Ok(_) => ApiError::PageNotFound,
        Err(refusal) => refusal,
    }
    .into_response()
}
