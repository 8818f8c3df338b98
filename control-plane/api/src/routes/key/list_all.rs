//! `GET /keys`: whose keys there are, for administrators.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use cubegate_api_types::cube::{KeyObject, KeyPage};

use crate::extract::{Admin, Caller, Query};
use crate::{ApiError, AppState, respond, views};

/// The access keys of all users, or of one, for administrators.
///
/// Without their secrets, and of them the page that the list parameters ask for. Keys may
/// name users who are gone: those give no token.
#[utoipa::path(
    get,
    path = "/api/v1/cube/keys",
    tag = "keys",
    params(("user" = Option<String>, Query, description = "Only those of this user"), ("filter" = Option<String>, Query, description = "As lists of clusters have it, on the fields of an item"), ("selector" = Option<String>, Query, description = "`path=value` or `path~part`, joined by commas"), ("sort" = Option<String>, Query, description = "Several keys, each with its type: `-spec.lastUsedTime:time,metadata.name`"), ("pageSize" = Option<i64>, Query, description = "10 when absent"), ("pageNum" = Option<i64>, Query, description = "1 when absent"), ("sortName" = Option<String>, Query, description = "A path; the access key when absent"), ("sortOrder" = Option<String>, Query, description = "`asc` or `desc`"), ("sortFunc" = Option<String>, Query, description = "`string`, `number` or `time`")),
    responses((status = 200, description = "A page of the keys, and how many there are on all pages", body = KeyPage)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    _admin: Admin<Caller>,
    query: Query,
    uri: Uri,
) -> Result<Response, ApiError> {
    let keys = match query.first("user").as_str() {
        "" => state.store.list_all_keys().await?,
        user => state.store.list_keys(user).await?,
    };
    let items: Vec<KeyObject> = views::keys(keys, state.clock.now()).items;
    let page = respond::page(uri.query().unwrap_or_default(), &items)?;
    Ok(respond::json(&page))
}
