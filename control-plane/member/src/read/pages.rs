//! Whole lists in pieces.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{ReadError, Reader};

/// How many objects are asked for at once. A pod may have 20 KB and a node 50, and an answer is not longer than
/// [`MAX_BODY_BYTES`](crate::client::MAX_BODY_BYTES).
const CHUNK: usize = 100;

/// A list, of which only this matters.
#[derive(Deserialize)]
struct Chunk<T> {
    #[serde(default)]
    metadata: ChunkMetadata,
    #[serde(default = "Vec::new")]
    items: Vec<T>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ChunkMetadata {
    r#continue: Option<String>,
    remaining_item_count: Option<u64>,
}

#[derive(Deserialize)]
struct Anything {}

// === impl Reader ===

impl Reader {
    /// Shows `take` every object of a list, a piece at a time.
    pub(super) async fn each<T: DeserializeOwned>(
        &self,
        path: &str,
        mut take: impl FnMut(T),
    ) -> Result<(), ReadError> {
        let mut token = String::new();
        loop {
            let query: String = continue_query(&token);
            let separator = if path.contains('?') { '&' } else { '?' };
            let chunk: Chunk<T> = self
                .get(&format!("{path}{separator}limit={CHUNK}{query}"))
                .await?;
            chunk.items.into_iter().for_each(&mut take);
            match chunk.metadata.r#continue {
                Some(next) if !next.is_empty() => token = next,
                _ => return Ok(()),
            }
        }
    }

    /// How many objects a list has, without reading them.
    pub(super) async fn count(&self, path: &str) -> Result<u64, ReadError> {
        let chunk: Chunk<Anything> = self.get(&format!("{path}?limit=1")).await?;
        let here = u64::try_from(chunk.items.len()).unwrap_or(u64::MAX);
        let rest = chunk.metadata.remaining_item_count.unwrap_or(0);
        Ok(here.saturating_add(rest))
    }
}

fn continue_query(token: &str) -> String {
    if token.is_empty() {
        return String::new();
    }
    form_urlencoded::Serializer::new("&".to_owned())
        .append_pair("continue", token)
        .finish()
}
