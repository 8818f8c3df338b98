//! `POST /api/v1/warden/authenticate`: the webhook with which a member's API server
//! checks tokens of ours that are shown to itself
//! (`--authentication-token-webhook-config-file`).

use axum::extract::State;
use axum::response::Response;
use cubegate_kube::token_review::{
    KIND, TokenReview, TokenReviewRequest, TokenReviewStatus, VERSIONS,
};

use crate::extract::RawBody;
use crate::review::review;
use crate::{ApiError, AppState, respond};

/// A member cluster's question whose a token is.
///
/// Open, as in KubeCube: whoever asks must have the token already. A token of a key
/// with a scope or an expiry stands for nobody here, since the API server that asks
/// knows no such bounds.
#[utoipa::path(
    post,
    path = "/api/v1/warden/authenticate",
    tag = "clusters",
    request_body(content = TokenReviewRequest, content_type = "application/json"),
    responses((status = 200, description = "Whether the token stands for somebody, and for whom", body = TokenReview))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    RawBody(body): RawBody,
) -> Result<Response, ApiError> {
    let TokenReviewRequest {
        api_version,
        kind,
        spec,
    } = serde_json::from_slice(&body).map_err(|_| ApiError::BodyFormatInvalid)?;
    if kind != KIND || !VERSIONS.contains(&api_version.as_str()) {
        return Err(ApiError::BodyFormatInvalid);
    }
    let user = review(&state, spec.token).await?;
    let status = TokenReviewStatus {
        authenticated: user.is_some(),
        user,
    };
    Ok(respond::json(&TokenReview {
        api_version,
        kind,
        status,
    }))
}
