//! `POST` and `DELETE /authorization/bindings`: role bindings of the host cluster.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use crate::extract::{Query, RawBody, WritingCaller};
use crate::member::Reading;
use crate::{ApiError, AppState, member, respond};

/// What KubeCube answers here instead of an object.
const SUCCESS: &str = "success";

/// Make a role binding in the host cluster.
///
/// Makes a binding with the caller's rights; the API server lets nobody give away more
/// than they have.
#[utoipa::path(
    post,
    path = "/api/v1/cube/authorization/bindings",
    tag = "authorization",
    request_body(content = serde_json::Value, content_type = "application/json"),
    responses((status = 200, description = "The binding is there", body = String, content_type = "application/json", example = json!("success"))),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    WritingCaller(caller): WritingCaller,
    RawBody(body): RawBody,
) -> Result<Response, ApiError> {
    let mut binding: Value =
        serde_json::from_slice(&body).map_err(|_| ApiError::BodyFormatInvalid)?;
    let Some(fields) = binding.as_object_mut() else {
        return Err(ApiError::BodyFormatInvalid);
    };
    fields.insert("kind".to_owned(), json!("RoleBinding"));
    fields.insert(
        "apiVersion".to_owned(),
        json!("rbac.authorization.k8s.io/v1"),
    );
    let namespace = binding
        .pointer("/metadata/namespace")
        .and_then(Value::as_str)
        .filter(|namespace| !namespace.is_empty())
        .ok_or(ApiError::ParamMissing("namespace"))?
        .to_owned();
    let _reading = Reading::begin(&caller)?;
    let client = member::host_client(&state, &member::identity(&caller)).await?;
    client.bind(&namespace, &binding).await?;
    tracing::info!(
        user.name = caller.user.name,
        namespace,
        "a binding was made"
    );
    Ok(respond::json(&SUCCESS))
}

/// Take a role binding of the host cluster away.
///
/// Takes away the binding of that `name` and `namespace`.
#[utoipa::path(
    delete,
    path = "/api/v1/cube/authorization/bindings",
    tag = "authorization",
    params(("name" = String, Query, description = "The binding"), ("namespace" = String, Query, description = "Where it is")),
    responses((status = 200, description = "The binding is gone", body = String, content_type = "application/json", example = json!("success"))),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn delete(
    State(state): State<AppState>,
    WritingCaller(caller): WritingCaller,
    query: Query,
) -> Result<Response, ApiError> {
    let [namespace, name] = ["namespace", "name"].map(|param| query.first(param));
    if name.is_empty() {
        return Err(ApiError::ParamMissing("name"));
    }
    if namespace.is_empty() {
        return Err(ApiError::ParamMissing("namespace"));
    }
    let _reading = Reading::begin(&caller)?;
    let client = member::host_client(&state, &member::identity(&caller)).await?;
    client.unbind(&namespace, &name).await?;
    tracing::info!(
        user.name = caller.user.name,
        namespace,
        "a binding was taken away"
    );
    Ok(respond::json(&SUCCESS))
}
