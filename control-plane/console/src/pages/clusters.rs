//! `/console/clusters`: which clusters the gateway leads to. Everybody sees their names;
//! administrators see how they are, add and remove them.

mod fields;
mod list;
mod new;
mod remove;
mod table;
mod words;

use axum::Router;
use axum::routing::get;
use cubegate_api_types::cube::ClusterList;

use crate::Console;
use crate::ask::{Ask, Refusal};
use crate::link::with_query;

const HERE: &str = "/console/clusters";

/// The API's, for administrators.
const PATH: &str = "/api/v1/cube/clusters";

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route(HERE, get(list::page))
        .route("/console/clusters/new", get(new::page).post(new::submit))
        .route(
            "/console/clusters/{name}/remove",
            get(remove::confirm).post(remove::remove),
        )
}

/// Returns the clusters and how they are, if the user may know that.
async fn registered(ask: &Ask) -> Result<ClusterList, Refusal> {
    ask.get(PATH).await
}

/// Returns the address at which a cluster's resources are browsed.
fn browse(name: &str) -> String {
    with_query("/console/resources", &[("cluster", name)])
}
