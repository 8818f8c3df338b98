//! `POST /authorization/access`

use axum::extract::State;
use axum::response::Response;
use cubegate_api_types::cube::AccessRequest;
use cubegate_domain::UserState;
use cubegate_member::AccessQuestion;

use crate::extract::{Caller, RawBody, json_object};
use crate::member::Reading;
use crate::{ApiError, AppState, member, respond};

/// Whether a user may do something in the host cluster.
///
/// `true` or `false`: what the host cluster's API server says of that user. It changes
/// nothing, so a cookie is good enough. Open in KubeCube; not here.
#[utoipa::path(
    post,
    path = "/api/v1/cube/authorization/access",
    tag = "authorization",
    request_body(content = AccessRequest, content_type = "application/json"),
    responses((status = 200, description = "`true` when the host cluster lets the user do it", body = bool, content_type = "application/json", example = json!(true))),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    RawBody(body): RawBody,
) -> Result<Response, ApiError> {
    let request: AccessRequest = json_object(&body)?;
    let name = match &request.user {
        Some(name) if !name.is_empty() => name.as_str(),
        _ => &caller.user.name,
    };
    caller.must_be(name)?;
    let _reading = Reading::begin(&caller)?;
    let may = match state.store.get_user(name).await? {
        Some(user) if user.state == UserState::Normal => {
            let identity = member::identity_of(&state, &caller, &user);
            let client = member::host_client(&state, &identity).await?;
            client.may(&question(request)).await?
        }
        // Nobody may do anything.
        _ => false,
    };
    Ok(respond::json(&may))
}

fn question(request: AccessRequest) -> AccessQuestion {
    let AccessRequest {
        user: _,
        verb,
        namespace,
        api_group,
        api_version,
        resource,
        subresource,
        name,
        resource_request,
        path,
    } = request;
    let about_resource = resource_request.unwrap_or(path.is_none());
    AccessQuestion {
        verb: verb.unwrap_or_default(),
        namespace: namespace.unwrap_or_default(),
        api_group: api_group.unwrap_or_default(),
        api_version: api_version.unwrap_or_default(),
        resource: resource.unwrap_or_default(),
        subresource: subresource.unwrap_or_default(),
        name: name.unwrap_or_default(),
        path: (!about_resource).then(|| path.unwrap_or_default()),
    }
}
