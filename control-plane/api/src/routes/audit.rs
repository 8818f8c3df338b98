//! `GET /api/v1/cube/audit`: audit records.

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use cubegate_audit::{Lines, Search, SearchError, page};
use cubegate_list::ListRequest;
use futures::stream;

use crate::extract::{Admin, Caller, form_fields};
use crate::respond;
use crate::{ApiError, AppState};

/// The content type of JSON lines.
const JSON_LINES: &str = "application/jsonl";

/// Audit records, for administrators.
///
/// A page of records, or with `format=jsonl` all of them. `from`, `to`, `user` and
/// `cluster` are answered by the database's indexes; beside them the parameters of
/// lists count (docs/query-language.md).
#[utoipa::path(
    get,
    path = "/api/v1/cube/audit",
    tag = "audit",
    params(
        ("from" = Option<String>, Query, description = "Not before; RFC 3339 or Unix seconds"),
        ("to" = Option<String>, Query, description = "Before; RFC 3339 or Unix seconds"),
        ("user" = Option<String>, Query, description = "Who"),
        ("cluster" = Option<String>, Query, description = "Where"),
        ("format" = Option<String>, Query, description = "`json` for a page, `jsonl` for all records as lines"),
        ("filter" = Option<String>, Query, description = "As in docs/query-language.md"),
        ("selector" = Option<String>, Query, description = "`path=value` or `path~part`, joined by commas"),
        ("sort" = Option<String>, Query, description = "The newest first when absent"),
        ("pageSize" = Option<i64>, Query, description = "10 when absent"),
        ("pageNum" = Option<i64>, Query, description = "1 when absent"),
        ("sortName" = Option<String>, Query, description = "A path; in place of `sort`"),
        ("sortOrder" = Option<String>, Query, description = "`asc` or `desc`, beside `sortName`"),
        ("sortFunc" = Option<String>, Query, description = "`string`, `number` or `time`, beside `sortName`"),
        ("fields" = Option<String>, Query, description = "Paths; a record holds nothing but these"),
        ("strip" = Option<String>, Query, description = "Paths; a record does not hold these"),
        ("count" = Option<String>, Query, description = "`only` for the total alone"),
        ("isFilter" = Option<bool>, Query, description = "Taken for KubeCube's clients; it changes nothing here"),
    ),
    responses((status = 200, description = "A page of records, the newest first, or all of them as lines, the oldest first", content(
        (cubegate_audit::RecordPage = "application/json"),
        (String = "application/jsonl", example = json!("{\"id\":\"0643f0a1b2c3d4e5f6a7b8c9\",\"verb\":\"rotate\",\"resource\":\"keys\",…}\n")),
    ))),
    security(("bearer" = []), ("cookie" = []))
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    _admin: Admin<Caller>,
    RawQuery(raw_query): RawQuery,
) -> Result<Response, ApiError> {
    let raw_query = raw_query.unwrap_or_default();
    let search = Search::parse(&raw_query)?;
    let query = ListRequest::parse(&raw_query)
        .query
        .map_err(|error| ApiError::BadRequest(error.to_string()))?;
    let [format] = form_fields(raw_query.as_bytes(), ["format"]);
    match format.as_deref().unwrap_or_default() {
        "" | "json" => {
            let body = page(&state.store, search, query, state.audit.dropped()).await?;
            Ok(respond::json_bytes(body))
        }
        "jsonl" => {
            let now = state.clock.now();
            let lines = Lines::new(state.store.clone(), search, query, now)?;
            // The next batch is read when the client has taken the last one.
            let body = stream::unfold(lines, async |mut lines| {
                let batch = lines.next().await?;
                if let Err(error) = &batch {
                    tracing::error!(%error, "an export of audit records broke off");
                }
                Some((batch, lines))
            });
            let content_type = HeaderValue::from_static(JSON_LINES);
            let body = Body::from_stream(body);
            Ok(([(header::CONTENT_TYPE, content_type)], body).into_response())
        }
        _ => Err(ApiError::BadRequest(
            "format must be json or jsonl.".to_owned(),
        )),
    }
}

impl From<SearchError> for ApiError {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Store(error) => error.into(),
            SearchError::Time(_) | SearchError::Order | SearchError::List(_) => {
                Self::BadRequest(error.to_string())
            }
            SearchError::NoList => Self::Internal(Box::new(error)),
        }
    }
}
