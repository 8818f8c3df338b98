//! `/console/resources`: what the clusters hold, as tables. Selecting, sorting and paging is
//! the gateway's work, by its list parameters; the page shows the URL that it asks.

mod kinds;
mod list;
mod object;
mod query;
mod status;
mod table;
mod yaml;

use axum::Router;
use axum::routing::get;

use crate::Console;

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route("/console/resources", get(list::page))
        .route("/console/resources/object", get(object::page))
}
