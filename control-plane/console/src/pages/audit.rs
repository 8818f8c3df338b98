//! `/console/audit`: who did what, for administrators. The control plane looks into its
//! records; this page asks it, and hands on what it exports.

mod list;
mod record;
mod search;

use axum::Router;
use axum::extract::RawQuery;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use self::search::Search;
use crate::Console;
use crate::form::Fields;
use crate::session::AdminSession;

const HERE: &str = "/console/audit";

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route(HERE, get(list::page))
        .route("/console/audit/export", get(export))
}

/// All records of a search as a file, as they come from the database.
async fn export(AdminSession(session): AdminSession, RawQuery(query): RawQuery) -> Response {
    let search = Search::of(&Fields::parse(query.unwrap_or_default().as_bytes()));
    let records = match session.ask.stream(&search.lines()).await {
        Ok(records) => records,
        Err(refusal) => return session.refused(&refusal),
    };
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/jsonl"),
        ),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"cubegate-audit.jsonl\""),
        ),
    ];
    (headers, records.into_body()).into_response()
}
