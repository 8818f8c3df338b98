//! `POST /oauth/authenticate`: a TokenReview, for what has a token and no key.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cubegate_token::{KUBECUBE_GROUP, UnverifiedToken};
use serde::{Deserialize, Serialize};

use crate::error::OauthError;
use crate::extract::{RawBody, identify};
use crate::{AppState, respond};

/// What of `authentication.k8s.io/TokenReview` is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    spec: Option<Spec>,
}

#[derive(Deserialize)]
struct Spec {
    #[serde(default)]
    token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reviewed {
    api_version: String,
    kind: &'static str,
    status: Status,
}

#[derive(Serialize)]
struct Status {
    authenticated: bool,
    user: User,
}

#[derive(Serialize)]
struct User {
    username: String,
    uid: String,
    groups: Vec<String>,
}

/// Says whose a token is; 400 when it is nobody's, in KubeSphere's texts.
pub(crate) async fn handler(
    State(state): State<AppState>,
    RawBody(body): RawBody,
) -> Result<Response, OauthError> {
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
