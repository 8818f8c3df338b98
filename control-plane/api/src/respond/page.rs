//! The page of a list of ours, by the parameters and the engine that lists of
//! member clusters have in the filter.

use cubegate_list::{Finished, Limits, ListEngine, ListError, ListQuery, ListRequest, Progress};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ApiError;

/// KubeCube's list: the page, and how many there are on all pages.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ItemPage {
    pub(crate) total: u64,
    pub(crate) items: Vec<Value>,
}

#[derive(Serialize)]
struct Whole<'a, T> {
    items: &'a [T],
}

/// Returns what the raw query asks of `items`, by KubeCube's defaults: ten of them by name.
pub(crate) fn page<T: Serialize>(raw_query: &str, items: &[T]) -> Result<ItemPage, ApiError> {
    let query = ListRequest::parse(raw_query)
        .query
        .map_err(|error| ApiError::BadRequest(error.to_string()))?;
    serde_json::from_slice(&page_of(query, items)?)
        .map_err(|error| ApiError::Internal(error.into()))
}

/// Returns what a query asks of `items`, written in the form that it asks for.
pub(crate) fn page_of<T: Serialize>(query: ListQuery, items: &[T]) -> Result<Vec<u8>, ApiError> {
    let internal = |error: Box<dyn std::error::Error + Send + Sync>| ApiError::Internal(error);
    let whole = serde_json::to_vec(&Whole { items }).map_err(|error| internal(error.into()))?;
    let mut engine = ListEngine::new(query, Limits::default());
    match engine.push(&whole) {
        Ok(Progress::Held) => {}
        Ok(Progress::PassThrough(_)) => return Err(internal("a list that is none".into())),
        Err(error @ ListError::TooMuchWork) => {
            return Err(ApiError::BadRequest(error.to_string()));
        }
        Err(error) => return Err(internal(error.into())),
    }
    match engine.finish() {
        Ok(Finished::Page(page)) => Ok(page),
        Ok(_) => Err(internal("a list without a page".into())),
        Err(error) => Err(internal(error.into())),
    }
}
