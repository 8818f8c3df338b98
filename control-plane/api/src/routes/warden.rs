//! `POST /api/v1/warden/authenticate`: the webhook with which a member's API server
//! checks tokens of ours that are shown to itself
//! (`--authentication-token-webhook-config-file`).

use axum::extract::State;
use axum::response::Response;
use cubegate_api_types::kube::token_review::{
    KIND, ReviewedUser, TokenReview, TokenReviewRequest, TokenReviewStatus, VERSIONS,
};
use cubegate_token::UnverifiedToken;

use crate::extract::{RawBody, authenticate};
use crate::{ApiError, AppState, respond};

/// Open, as in KubeCube: whoever asks must have the token already. A token of a key
/// with a limited scope stands for nobody here, since the API server that asks knows
/// no such limits.
#[utoipa::path(
    post,
    path = "/api/v1/warden/authenticate",
    tag = "clusters",
    summary = "A member cluster's question whose a token is",
    request_body(content = TokenReviewRequest, content_type = "application/json"),
    responses((status = 200, description = "It is done", body = TokenReview))
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
    let status = match authenticate(&state, &UnverifiedToken::new(spec.token), None).await {
        Ok((user, claims)) if claims.scope.is_none() => TokenReviewStatus {
            authenticated: true,
            user: Some(ReviewedUser {
                uid: user.name.clone(),
                username: user.name,
                groups: claims.groups,
            }),
        },
        Ok(_) | Err(ApiError::TokenInvalid) => TokenReviewStatus::default(),
        Err(error) => return Err(error),
    };
    Ok(respond::json(&TokenReview {
        api_version,
        kind,
        status,
    }))
}
