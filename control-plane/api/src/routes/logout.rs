//! `POST /logout`: the end of a login. KubeCube has none; its console forgets the cookie.

use axum::extract::State;
use axum::response::Response;

use crate::extract::{ClientIp, LeavingCaller};
use crate::{ApiError, AppState, cookie, respond};

/// Log out.
///
/// Ends the session of the token that is shown, with all tokens that came of it, or
/// takes back a token that is of none. Without a good token there is nothing to end. The
/// cookie goes in any case.
#[utoipa::path(
    post,
    path = "/api/v1/cube/logout",
    tag = "login",
    security((), ("bearer" = []), ("cookie" = [])),
    responses((status = 200, description = "The session has ended, or there was none", body = cubegate_api_types::cube::Success, headers(("Set-Cookie" = String, description = "`Authorization=`, which has expired"))))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    ClientIp(address): ClientIp,
    LeavingCaller(claims): LeavingCaller,
) -> Result<Response, ApiError> {
    if let Some(claims) = claims {
        state.throttle.take_back(&claims, address)?;
        state.take_back(&claims).await?;
    }
    let mut response = respond::success();
    cookie::clear(&state, &mut response)?;
    Ok(response)
}
