//! The engine: pushes a body through scanner, plan and heap, and writes the page.

mod items;
mod judge;
mod keys;
mod run;
mod uncounted;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::keys::Keys;
use self::run::{Parts, Run, Verdict};
pub use self::uncounted::Uncounted;
use crate::error::ListError;
use crate::query::ListQuery;
use crate::reading::Reading;

/// How much one request may keep in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The largest single item, in bytes.
    pub max_item_bytes: usize,
    /// All items that can still be on the page, with their sort keys, in bytes.
    pub max_page_bytes: usize,
    /// Everything beside the items, in bytes; also, how far a body is read that has
    /// not shown yet whether it is a list. In Envoy it must stay under the buffer
    /// limit: what was held back of such an answer is given back whole.
    pub max_envelope_bytes: usize,
}

/// Turns one list body into a page while it streams through.
///
/// One engine serves one response: push what comes, then finish. After an
/// error or a [`Progress::PassThrough`] every further call is an error.
#[derive(Debug)]
pub struct ListEngine {
    /// `None` once the answer was given.
    run: Option<Run>,
}

/// How many items there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ItemCounts {
    /// All that have come.
    pub scanned: u64,
    /// Those of them that are held.
    pub kept: u64,
}

/// What became of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// It was taken in; nothing may be sent yet.
    Held,
    /// The answer is no list. These bytes are the body up to the end of this
    /// chunk, to be sent as they are, and what follows it likewise.
    PassThrough(Vec<u8>),
}

/// What to send when the body is over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Finished {
    /// The page, a JSON object.
    Page(Vec<u8>),
    /// The body, which is no list, as it came.
    PassThrough(Vec<u8>),
    /// The page of a [`Reading::Head`] whose list was not counted.
    Uncounted(Box<Uncounted>),
    /// A [`Reading::Head`] in another order than that of names: there is no page.
    Unordered,
    /// What is to be fetched for the page of a [`Reading::Keys`].
    Keys(Box<Keys>),
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_item_bytes: 16 << 20,
            max_page_bytes: 64 << 20,
            max_envelope_bytes: 256 << 10,
        }
    }
}

// === impl ListEngine ===

impl ListEngine {
    /// An engine for one response.
    pub fn new(query: impl Into<Arc<ListQuery>>, limits: Limits) -> Self {
        Self::reading(query, limits, Reading::Whole)
    }

    /// An engine for one response that is not the whole list.
    pub fn reading(query: impl Into<Arc<ListQuery>>, limits: Limits, reading: Reading) -> Self {
        Self {
            run: Some(Run::new(query.into(), limits, reading)),
        }
    }

    /// Takes the next bytes of the body, any number of them.
    ///
    /// # Errors
    ///
    /// Says why there can be no page; memory is given back at once.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Progress, ListError> {
        self.read(|run| run.push(chunk))
    }

    /// Takes a body that is there as a whole. A query may make as much work of it as of
    /// one chunk, however large it is.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn push_whole(&mut self, body: &[u8]) -> Result<Progress, ListError> {
        self.read(|run| run.push_whole(body))
    }

    fn read<'c>(
        &mut self,
        take: impl FnOnce(&mut Run) -> Result<Verdict<'c>, ListError>,
    ) -> Result<Progress, ListError> {
        let mut run = self.run.take().ok_or(ListError::Ended)?;
        match take(&mut run)? {
            Verdict::Open => {
                self.run = Some(run);
                Ok(Progress::Held)
            }
            Verdict::NoList(rest) => {
                let mut body = run.into_body();
                body.extend_from_slice(rest);
                Ok(Progress::PassThrough(body))
            }
        }
    }

    /// Says that the body is over.
    ///
    /// # Errors
    ///
    /// [`ListError::Truncated`] if it is not, by its own grammar.
    pub fn finish(self) -> Result<Finished, ListError> {
        self.run.ok_or(ListError::Ended)?.finish()
    }

    /// Returns the envelope and the items of a whole list; `None` if it is none.
    pub(crate) fn into_parts(self) -> Result<Option<Parts>, ListError> {
        Ok(self.run.ok_or(ListError::Ended)?.into_parts())
    }

    /// Returns how many items have come, and how many of them can still be on the page.
    pub fn items(&self) -> ItemCounts {
        self.run.as_ref().map(Run::items).unwrap_or_default()
    }

    /// The memory that is held for this request beside its query, in bytes.
    pub fn held_bytes(&self) -> usize {
        self.run.as_ref().map_or(0, Run::held_bytes)
    }
}
