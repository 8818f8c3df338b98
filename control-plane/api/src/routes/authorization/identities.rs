//! `GET /authorization/identities?user=`

use axum::extract::State;
use axum::response::Response;
use cubegate_api_types::cube::Identities;
use cubegate_member::AccessQuestion;

use crate::extract::{Caller, Query};
use crate::member::Reading;
use crate::{ApiError, AppState, member, respond};

/// KubeCube's cluster roles.
const TENANT_ADMIN: &str = "tenant-admin";
const PROJECT_ADMIN: &str = "project-admin";

/// What KubeCube's roles make of a user.
///
/// Bindings are read as that user, so one that
/// the user may not see does not count.
#[utoipa::path(
    get,
    path = "/api/v1/cube/authorization/identities",
    tag = "authorization",
    params(("user" = Option<String>, Query, description = "The user; the caller without it")),
    responses((status = 200, description = "What the user is by KubeCube's roles", body = Identities)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    query: Query,
) -> Result<Response, ApiError> {
    let wanted = query.first("user");
    let name = if wanted.is_empty() {
        &caller.user.name
    } else {
        &wanted
    };
    caller.must_be(name)?;
    let user = state
        .store
        .get_user(name)
        .await?
        .ok_or(ApiError::NoSuchUser)?;
    let _reading = Reading::begin(&caller)?;
    let identity = member::identity_of(&state, &caller, &user);
    let client = member::host_client(&state, &identity).await?;
    let everything = AccessQuestion {
        verb: "*".to_owned(),
        api_group: "*".to_owned(),
        resource: "*".to_owned(),
        ..AccessQuestion::default()
    };
    let bound = client.bound_roles(&identity).await?;
    Ok(respond::json(&Identities {
        platform_admin: user.is_admin() || client.may(&everything).await?,
        tenant_admin: bound.contains(TENANT_ADMIN),
        project_admin: bound.contains(PROJECT_ADMIN),
    }))
}
