//! Whole lists in pieces, of which no object is kept.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny};
use serde::de::{MapAccess, SeqAccess, Visitor};

use super::{MemberClient, ReadError};

/// How many objects are asked for at once. A pod may have 20 KB and a node 50, and an answer is not longer than
/// [`MAX_BODY_BYTES`](crate::client::MAX_BODY_BYTES).
const CHUNK: usize = 100;

/// Most pieces of a list: 50,000 objects, when the API server gives as many as it is asked
/// for.
const MAX_CHUNKS: usize = 500;

/// Reads a piece of a list.
struct Chunk<'a, T, F>(Objects<'a, T, F>);

/// Reads the objects of a list and shows each to somebody. `{}` takes two bytes in an
/// answer and many times as many here, so they are never there together.
pub(super) struct Objects<'a, T, F> {
    take: &'a mut F,
    object: PhantomData<fn(T)>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ChunkMetadata {
    r#continue: Option<String>,
    remaining_item_count: Option<u64>,
}

#[derive(Deserialize)]
struct Anything {}

// === impl MemberClient ===

impl MemberClient {
    /// Shows `take` every object of a list, a piece at a time.
    pub(super) async fn each<T: DeserializeOwned>(
        &self,
        path: &str,
        mut take: impl FnMut(T),
    ) -> Result<(), ReadError> {
        let mut token = String::new();
        for _ in 0..MAX_CHUNKS {
            let query: String = continue_query(&token);
            let separator = if path.contains('?') { '&' } else { '?' };
            let path = format!("{path}{separator}limit={CHUNK}{query}");
            match self.chunk(&path, &mut take).await?.r#continue {
                Some(next) if !next.is_empty() => token = next,
                _ => return Ok(()),
            }
        }
        Err(ReadError::Failed(format!(
            "{path} has more than {MAX_CHUNKS} pieces"
        )))
    }

    /// Returns how many objects a list has, without reading them.
    pub(super) async fn count(&self, path: &str) -> Result<u64, ReadError> {
        let mut here = 0_u64;
        let mut count = |_: Anything| here = here.saturating_add(1);
        let metadata = self.chunk(&format!("{path}?limit=1"), &mut count).await?;
        Ok(here.saturating_add(metadata.remaining_item_count.unwrap_or(0)))
    }

    async fn chunk<T: DeserializeOwned>(
        &self,
        path: &str,
        take: &mut impl FnMut(T),
    ) -> Result<ChunkMetadata, ReadError> {
        let text = super::text(&self.client, "GET", path, Vec::new()).await?;
        let mut json = serde_json::Deserializer::from_str(&text);
        Chunk(Objects::new(take))
            .deserialize(&mut json)
            .and_then(|metadata| json.end().map(|()| metadata))
            .map_err(|error| ReadError::Failed(error.to_string()))
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

// === impl Chunk ===

impl<'de, T: Deserialize<'de>, F: FnMut(T)> DeserializeSeed<'de> for Chunk<'_, T, F> {
    type Value = ChunkMetadata;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<ChunkMetadata, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Chunk<'_, T, F> {
    type Value = ChunkMetadata;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<ChunkMetadata, A::Error> {
        let Self(Objects { take, .. }) = self;
        let mut metadata = ChunkMetadata::default();
        while let Some(name) = fields.next_key::<String>()? {
            match name.as_str() {
                "metadata" => metadata = fields.next_value()?,
                "items" => fields.next_value_seed(Objects::new(take))?,
                _ => {
                    fields.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(metadata)
    }
}

// === impl Objects ===

impl<'a, T, F: FnMut(T)> Objects<'a, T, F> {
    pub(super) fn new(take: &'a mut F) -> Self {
        Self {
            take,
            object: PhantomData,
        }
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> DeserializeSeed<'de> for Objects<'_, T, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Objects<'_, T, F> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut objects: A) -> Result<(), A::Error> {
        while let Some(object) = objects.next_element()? {
            (self.take)(object);
        }
        Ok(())
    }

    /// A list of nothing may be `null`.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
