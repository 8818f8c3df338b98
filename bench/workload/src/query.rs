//! The query that is measured, answered by the engine and by a tree.

use cubegate_list::{Finished, Limits, ListEngine, ListError, ListRequest, Progress};
use serde_json::{Map, Value};
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The newest ten.
pub const QUERY: &str =
    "sortName=metadata.creationTimestamp&sortFunc=time&sortOrder=desc&pageSize=10";

/// How much Envoy gives a filter at a time when the server speaks HTTP/2: one
/// DATA frame, in bytes.
pub const CHUNK: usize = 16 << 10;

/// Why there is no page.
#[derive(Debug, Error)]
pub enum QueryError {
    /// The query says something that it cannot say.
    #[error("the query: {0}")]
    Query(#[from] cubegate_list::QueryError),
    /// The engine refused the list.
    #[error("the engine refused the list: {0}")]
    Engine(#[from] ListError),
    /// The engine saw no list.
    #[error("the engine took the list for something else and passed it through")]
    PassedThrough,
    /// The tree could not be read or written.
    #[error("serde_json: {0}")]
    Tree(#[from] serde_json::Error),
    /// The tree is not that of a list.
    #[error("the tree has no items")]
    NoItems,
}

/// The page of a list that comes in chunks of so many bytes. The one place of
/// the benchmarks that calls the engine.
///
/// # Errors
/// What the engine says.
pub fn page(query: &str, list: &[u8], chunk: usize) -> Result<Vec<u8>, QueryError> {
    let query = ListRequest::parse(query).query?;
    let mut engine = ListEngine::new(query, Limits::default());
    for bytes in list.chunks(chunk.max(1)) {
        match engine.push(bytes)? {
            Progress::Held => {}
            Progress::PassThrough(_) => return Err(QueryError::PassedThrough),
        }
    }
    match engine.finish()? {
        Finished::Page(page) => Ok(page),
        _ => Err(QueryError::PassedThrough),
    }
}

/// The answer to [`QUERY`] as a gateway gives it that reads the list into a
/// tree: parse, sort, cut, count, write.
///
/// # Errors
/// A list that is none.
pub fn tree_page(list: &[u8]) -> Result<Vec<u8>, QueryError> {
    let mut list: Map<String, Value> = serde_json::from_slice(list)?;
    let Some(Value::Array(items)) = list.get_mut("items") else {
        return Err(QueryError::NoItems);
    };
    let total = items.len();
    // Descending by time, what has none last, ties ascending by namespace and name.
    items.sort_by_cached_key(|item| {
        let text = |name: &str| {
            let value = item.pointer(&format!("/metadata/{name}"));
            value.and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let created = OffsetDateTime::parse(&text("creationTimestamp"), &Rfc3339).ok();
        (std::cmp::Reverse(created), text("namespace"), text("name"))
    });
    items.truncate(10);
    list.insert("total".to_owned(), total.into());
    Ok(serde_json::to_vec(&list)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PodList;

    #[test]
    fn engine_and_tree_give_the_same_page_whatever_the_chunks_are() {
        let list = PodList::of(120).to_json();
        let tree: Value = serde_json::from_slice(&tree_page(&list).unwrap()).unwrap();
        assert_eq!(tree["total"], 120);
        assert_eq!(tree["items"].as_array().unwrap().len(), 10);
        for chunk in [1, 1000, CHUNK, usize::MAX] {
            let page = page(QUERY, &list, chunk).unwrap();
            assert_eq!(serde_json::from_slice::<Value>(&page).unwrap(), tree);
        }
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        assert!(matches!(
            page(QUERY, b"{\"kind\":\"Pod\"}", CHUNK),
            Err(QueryError::PassedThrough)
        ));
        assert!(matches!(tree_page(b"{}"), Err(QueryError::NoItems)));
    }
}
