//! `POST /oauth/authenticate`: a TokenReview, for what has a token and no key.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cubegate_token::{KUBECUBE_GROUP, UnverifiedToken};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::form::NoForm;
use crate::error::OauthError;
use crate::extract::{RawBody, identify};
use crate::{ApiError, AppState, respond};

/// What of `authentication.k8s.io/TokenReview` is read.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TokenReview)]
struct Review {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    spec: Option<Spec>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = TokenReviewSpec)]
struct Spec {
    #[serde(default)]
    token: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TokenReviewed)]
struct Reviewed {
    api_version: String,
    kind: &'static str,
    status: Status,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TokenReviewStatus)]
struct Status {
    authenticated: bool,
    user: User,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TokenReviewUser)]
struct User {
    username: String,
    uid: String,
    groups: Vec<String>,
}

/// Says whose a token is; 400 when it is nobody's, in KubeSphere's texts.
#[utoipa::path(
    post,
    path = "/oauth/authenticate",
    tag = "oauth",
    summary = "Whose a token is",
    request_body(content = Review),
    responses((status = 200, description = "A TokenReview with its status", body = Reviewed))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    body: Result<RawBody, ApiError>,
) -> Result<Response, OauthError> {
    let body = match body {
        Ok(RawBody(body)) => body,
        Err(error) => return Ok(NoForm::Unreadable(error).into_response()),
    };
    let Ok(review) = serde_json::from_slice::<Review>(&body) else {
        return Ok(refused("the body is no TokenReview\n"));
    };
    let token = review.spec.and_then(|spec| spec.token).unwrap_or_default();
    if token.is_empty() {
        return Ok(refused("token must not be null\n"));
    }
    let Some((user, _)) = identify(&state, &UnverifiedToken::new(token), None).await? else {
        return Ok(refused("the token is invalid or expired\n"));
    };
    let mut groups = vec![KUBECUBE_GROUP.to_owned()];
    groups.extend(
        user.groups
            .into_iter()
            .filter(|group| group != KUBECUBE_GROUP),
    );
    let reviewed = Reviewed {
        api_version: review.api_version,
        kind: "TokenReview",
        status: Status {
            authenticated: true,
            user: User {
                uid: user.name.clone(),
                username: user.name,
                groups,
            },
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
