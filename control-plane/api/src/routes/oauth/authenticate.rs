//! `POST /oauth/authenticate`: a TokenReview, for what has a token and no key.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cubegate_kube::token_review::{KIND, TokenReview, TokenReviewStatus};
use serde::Deserialize;
use utoipa::ToSchema;

use super::form::NoForm;
use crate::error::OauthError;
use crate::extract::RawBody;
use crate::review::review;
use crate::{ApiError, AppState, respond};

/// What of `authentication.k8s.io/TokenReview` is read.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OauthTokenReview)]
struct Review {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    spec: Option<Spec>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = OauthTokenReviewSpec)]
struct Spec {
    #[serde(default)]
    token: Option<String>,
}

/// Whose a token is.
///
/// Says whose a token is; 400 when it is nobody's, in KubeSphere's texts. A token
/// of a key with a scope or an expiry is nobody's, as at the warden's path.
#[utoipa::path(
    post,
    path = "/oauth/authenticate",
    tag = "oauth",
    request_body(content = Review),
    responses((status = 200, description = "For whom the token stands", body = TokenReview))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    body: Result<RawBody, ApiError>,
) -> Result<Response, OauthError> {
    let body = match body {
        Ok(RawBody(body)) => body,
        Err(error) => return Ok(NoForm::Unreadable(error).into_response()),
    };
    let Ok(Review { api_version, spec }) = serde_json::from_slice::<Review>(&body) else {
        return Ok(refused("the body is no TokenReview\n"));
    };
    let token = spec.and_then(|spec| spec.token).unwrap_or_default();
    if token.is_empty() {
        return Ok(refused("token must not be null\n"));
    }
    let Some(user) = review(&state, token).await? else {
        return Ok(refused("the token is invalid or expired\n"));
    };
    let reviewed = TokenReview {
        api_version,
        kind: KIND.to_owned(),
        status: TokenReviewStatus {
            authenticated: true,
            user: Some(user),
        },
    };
    Ok(respond::plain_json(StatusCode::OK, &reviewed))
}

fn refused(text: &'static str) -> Response {
    let mut response = respond::text(StatusCode::BAD_REQUEST, text);
    response.headers_mut().insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response.into_response()
}
