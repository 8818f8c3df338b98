//! KubeSphere's paths beside those of tokens. Its resources are the filter's.

use axum::Router;
use axum::routing::MethodFilter;

#[cfg(test)]
use super::Operation;
use super::oauth::Table;
use crate::AppState;
use crate::routes::{openapi, version};

/// The paths, each with and without a slash at the end.
pub(super) fn routes() -> Router<AppState> {
    table().router
}

/// Every operation of them.
#[cfg(test)]
pub(super) fn operations() -> Vec<Operation> {
    table().operations
}

fn table() -> Table {
    const GET: &[MethodFilter] = &[MethodFilter::GET];

    Table::default()
        .on(GET, "/kapis/version", &version::handler)
        .on(GET, "/version", &version::short)
        .on(GET, "/openapi/v2", &openapi::v2)
        .on(GET, "/openapi/v3", &openapi::v3)
}
