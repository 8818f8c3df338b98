//! `GET /oauth/logout`

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cubegate_api_types::cube::Success;

use crate::error::OauthError;
use crate::extract::{Bearer, ClientIp, Query};
use crate::{AppState, respond};

/// End the session of the token.
///
/// Ends the session of the token that is shown, or takes back a token that is of
/// none. Without a good token there is nothing to end. It leads nowhere but to where an
/// operator lets it.
#[utoipa::path(
    get,
    path = "/oauth/logout",
    tag = "oauth",
    params(("post_logout_redirect_uri" = Option<String>, Query, description = "Where to go then"), ("state" = Option<String>, Query, description = "Goes along")),
    security((), ("bearer" = [])),
    responses((status = 200, description = "The session has ended, or there was none", body = Success), (status = 302, description = "The same, and on to `post_logout_redirect_uri`"))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    ClientIp(address): ClientIp,
    Bearer(caller): Bearer,
    query: Query,
) -> Result<Response, OauthError> {
    let target = query.first("post_logout_redirect_uri");
    let redirect = if target.is_empty() {
        None
    } else if state.oauth.logout_redirects.contains(&target) {
        Some(location(&target, &query.first("state")).ok_or(OauthError::RedirectUri)?)
    } else {
        return Err(OauthError::RedirectUri);
    };

    if let Some(identity) = caller {
        state.throttle.take_back(&identity.claims, address)?;
        state.take_back(&identity.claims).await?;
    }
    Ok(match redirect {
        Some(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        None => respond::plain_json(StatusCode::OK, &Success::default()),
    })
}

fn location(target: &str, state: &str) -> Option<HeaderValue> {
    let mut location = target.to_owned();
    if !state.is_empty() {
        location.push(if target.contains('?') { '&' } else { '?' });
        location.push_str("state=");
        location.extend(form_urlencoded::byte_serialize(state.as_bytes()));
    }
    HeaderValue::from_str(&location).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_goes_along_encoded() {
        let at = |target, state| {
            location(target, state)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(at("https://a/", ""), "https://a/");
        assert_eq!(
            at("https://a/", "s&x=\r\n"),
            "https://a/?state=s%26x%3D%0D%0A"
        );
        assert_eq!(at("https://a/?b=c", "s"), "https://a/?b=c&state=s");
    }
}
