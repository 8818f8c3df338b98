//! `GET` and `POST /oauth/authorize`: the flows of a browser, which are not part of
//! this product.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::error::{OauthError, OauthRefusal};
use crate::extract::Query;
use crate::{AppState, respond};

/// Refuses: there are no flows of a browser.
///
/// No client has a redirect URI, so the answer goes to whoever asked and to nobody
/// else (RFC 6749 4.1.2.1).
#[utoipa::path(
    method(get, post),
    path = "/oauth/authorize",
    tag = "oauth",
    params(("client_id" = Option<String>, Query, description = "The client")),
    responses((status = "4XX", description = "The client is unknown, or the response_type", content((OauthRefusal = "application/json"), (String = "text/plain"))))
)]
pub(crate) async fn handler(State(state): State<AppState>, query: Query) -> Response {
    let id = query.first("client_id");
    if !state.oauth.clients.iter().any(|client| client.id == id) {
        return respond::text(
            StatusCode::UNAUTHORIZED,
            "Unauthorized: the OAuth client was not found",
        );
    }
    OauthError::ResponseType.into_response()
}
