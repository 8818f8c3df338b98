//! `GET /user`

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use cubegate_api_types::cube::UserItem;
use cubegate_domain::User;
use serde::Serialize;
use serde_json::json;
use time::OffsetDateTime;

use crate::extract::{Admin, Caller, Query};
use crate::respond::{self, timestamp};
use crate::{ApiError, AppState, views};

/// What the list parameters see of a user. KubeCube's items have no `metadata`, so
/// it is taken off the page again.
#[derive(Serialize)]
struct Listed {
    metadata: serde_json::Value,
    #[serde(flatten)]
    item: UserItem,
}

/// The users, for administrators.
///
/// Those whose name or display name contains `query`, and of them the page that
/// KubeCube's list parameters ask for.
#[utoipa::path(
    get,
    path = "/api/v1/cube/user",
    tag = "users",
    params(("query" = Option<String>, Query, description = "A part of the name or display name"), ("selector" = Option<String>, Query, description = "`path=value` or `path~part`, joined by commas"), ("pageSize" = Option<i64>, Query, description = "10 when absent"), ("pageNum" = Option<i64>, Query, description = "1 when absent"), ("sortName" = Option<String>, Query, description = "A path; the name when absent"), ("sortOrder" = Option<String>, Query, description = "`asc` or `desc`"), ("sortFunc" = Option<String>, Query, description = "`string`, `number` or `time`")),
    responses((status = 200, description = "A page of the users, and how many there are on all pages", body = cubegate_api_types::cube::UserList)),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    _admin: Admin<Caller>,
    query: Query,
    uri: Uri,
) -> Result<Response, ApiError> {
    let now = state.clock.now();
    let wanted = query.first("query");
    let items: Vec<Listed> = state
        .store
        .list_users()
        .await?
        .into_iter()
        .filter(|user| user.name.contains(&wanted) || user.display_name.contains(&wanted))
        .map(|user| listed(user, now))
        .collect();
    let mut page = respond::page(uri.query().unwrap_or_default(), &items)?;
    for item in &mut page.items {
        if let Some(fields) = item.as_object_mut() {
            fields.remove("metadata");
        }
    }
    Ok(respond::json(&page))
}

fn listed(user: User, now: OffsetDateTime) -> Listed {
    let metadata = json!({ "name": &user.name, "creationTimestamp": timestamp(user.created_at) });
    Listed {
        metadata,
        item: views::user(user, now),
    }
}
