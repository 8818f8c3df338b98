//! The rest of a list is counted, chunk by chunk.

use cubegate_list::Uncounted;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::call::{Ask, CallAnswer, METADATA_LIST};
use crate::followup::{Next, Until, failed};

/// Objects in one chunk.
const CHUNK: u32 = 500;

/// Most chunks: beyond these hundred thousand objects the plain way is no slower.
const MAX_CHUNKS: u32 = 200;

/// The status of a token that has expired.
const GONE: u16 = 410;

/// A longer token is none of a Kubernetes API server.
const MAX_TOKEN: usize = 8 << 10;

/// A page whose list the server did not count.
pub(crate) struct Counting {
    /// `None` once the page was made.
    page: Option<Box<Uncounted>>,
    list: String,
    token: String,
    chunks: u32,
    counted: u64,
}

/// What is read of a chunk; the objects are walked over and not kept.
#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    metadata: ChunkMeta,
    /// `null` for none, as Go writes it.
    items: Option<Vec<IgnoredAny>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChunkMeta {
    #[serde(default, rename = "continue")]
    token: String,
    remaining_item_count: Option<u64>,
}

// === impl Counting ===

impl Counting {
    /// `list` is the path of the list at the API server.
    pub(crate) fn new(page: Box<Uncounted>, list: &str) -> Self {
        Self {
            token: page.continue_token().to_owned(),
            page: Some(page),
            list: list.to_owned(),
            chunks: 0,
            counted: 0,
        }
    }

    pub(crate) fn ask(&mut self) -> Ask {
        self.chunks = self.chunks.saturating_add(1);
        let token = utf8_percent_encode(&self.token, NON_ALPHANUMERIC);
        let list = &self.list;
        Ask {
            path: format!("{list}?limit={CHUNK}&continue={token}&pretty=false"),
            accept: METADATA_LIST,
        }
    }

    pub(crate) fn take(&mut self, answer: CallAnswer) -> Next {
        if answer.status == Some(GONE) {
            // The token has expired. The chunks that come from a newer one are
            // not of the list that the page is of.
            return Next::Relist(Until::Done);
        }
        if answer.refuses_the_question() {
            return Next::Relist(Until::Forgotten);
        }
        if !answer.is_good() {
            return failed(answer);
        }
        let Ok(chunk) = serde_json::from_slice::<Chunk>(&answer.body) else {
            return Next::Relist(Until::Forgotten);
        };
        let items = chunk.items.map_or(0, |items| items.len());
        let items = u64::try_from(items).unwrap_or(u64::MAX);
        self.counted = self.counted.saturating_add(items);
        if chunk.metadata.token.is_empty() {
            return self.finish();
        }
        if let Some(remaining) = chunk.metadata.remaining_item_count {
            self.counted = self.counted.saturating_add(remaining);
            return self.finish();
        }
        let is_stuck = chunk.metadata.token == self.token || chunk.metadata.token.len() > MAX_TOKEN;
        if is_stuck || self.chunks >= MAX_CHUNKS {
            return Next::Relist(Until::Forgotten);
        }
        self.token = chunk.metadata.token;
        Next::Ask(vec![self.ask()])
    }

    fn finish(&mut self) -> Next {
        match self.page.take().map(|page| page.finish(self.counted)) {
            Some(Ok(page)) => Next::Page(page),
            Some(Err(error)) => Next::List(error),
            None => Next::Relist(Until::Forgotten),
        }
    }
}
