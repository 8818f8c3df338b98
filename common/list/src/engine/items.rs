//! The items of the list: read, judged, and kept if they can be on the page.

use super::Limits;
use super::run::TOO_DEEP;
use crate::error::ListError;
use crate::fields::{Found, Span};
use crate::heap::{PageHeap, PageItems};
use crate::object::{ObjectReader, Unsure};
use crate::plan::Plan;
use crate::query::ListQuery;
use crate::strict;

/// All items of one body.
#[derive(Debug)]
pub(super) struct Items {
    plan: Plan,
    max_item_bytes: usize,
    reader: ObjectReader,
    /// The beginning of an item that spans chunks.
    buffer: Vec<u8>,
    /// Where the fields are in an item that `serde_json` has read.
    spans: Vec<Span>,
    heap: PageHeap,
    /// How many items there were.
    arrived: u64,
}

/// What became of a piece of an object.
pub(super) enum Item {
    /// It goes on.
    Open { used: usize },
    /// It has ended.
    Done { used: usize },
    /// It may not be valid. `object` is all of it that had come before, and the
    /// bytes that were used of this piece.
    Unsure { used: usize, object: Vec<u8> },
}

/// Why an item ends the request.
pub(super) enum Refusal {
    /// It is not JSON.
    Malformed(String),
    /// Anything else.
    Error(ListError),
}

/// How much of a chunk is added at once to an item that began before it; its
/// end is seldom the chunk's.
const STEP: usize = 4096;

/// The deepest nesting of an item: `serde_json` takes 127 levels, and the list
/// and its items are two of them.
const MAX_ITEM_DEPTH: usize = 125;

// === impl Items ===

impl Items {
    pub(super) fn new(query: ListQuery, limits: Limits) -> Self {
        let heap = PageHeap::new(query.page, limits.max_page_bytes);
        Self {
            plan: Plan::new(query),
            max_item_bytes: limits.max_item_bytes,
            reader: ObjectReader::new(),
            buffer: Vec::new(),
            spans: Vec::new(),
            heap,
            arrived: 0,
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.buffer
            .capacity()
            .saturating_add(self.reader.held_bytes())
            .saturating_add(self.heap.held_bytes())
    }

    /// Whether a part of an object was taken and not yet its end.
    pub(super) fn in_object(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Takes an object from the head of the input, or as much as there is of it.
    pub(super) fn object(&mut self, input: &[u8]) -> Result<Item, Refusal> {
        if self.in_object() {
            return self.object_goes_on(input);
        }
        self.reader.begin(self.plan.fields());
        let seen = self.up_to_limit(input);
        match self.reader.advance(seen, self.plan.fields()) {
            Ok(Some(len)) => {
                self.judge_object(input.get(..len).unwrap_or(input))?;
                Ok(Item::Done { used: len })
            }
            Ok(None) => {
                self.check_len(seen.len())?;
                self.buffer.extend_from_slice(input);
                Ok(Item::Open { used: input.len() })
            }
            Err(Unsure) => Ok(Item::Unsure {
                used: 0,
                object: Vec::new(),
            }),
        }
    }

    /// Goes on with an object that began in an earlier chunk.
    fn object_goes_on(&mut self, input: &[u8]) -> Result<Item, Refusal> {
        let before = self.buffer.len();
        let mut object = std::mem::take(&mut self.buffer);
        for step in input.chunks(STEP) {
            object.extend_from_slice(step);
            let seen = self.up_to_limit(&object);
            match self.reader.advance(seen, self.plan.fields()) {
                Ok(None) => self.check_len(seen.len())?,
                Ok(Some(len)) => {
                    object.truncate(len);
                    self.judge_object(&object)?;
                    object.clear();
                    self.buffer = object;
                    let used = len.saturating_sub(before);
                    return Ok(Item::Done { used });
                }
                Err(Unsure) => {
                    let used = object.len().saturating_sub(before);
                    return Ok(Item::Unsure { used, object });
                }
            }
        }
        self.buffer = object;
        Ok(Item::Open { used: input.len() })
    }

    /// Takes an item, or a piece of one, whose borders the scanner has found.
    pub(super) fn piece(
        &mut self,
        bytes: &[u8],
        done: bool,
        deepest: usize,
    ) -> Result<(), Refusal> {
        self.check_len(self.buffer.len().saturating_add(bytes.len()))?;
        if !done {
            self.buffer.extend_from_slice(bytes);
            return Ok(());
        }
        if deepest > MAX_ITEM_DEPTH {
            return Err(Refusal::Malformed(TOO_DEEP.to_owned()));
        }
        // An item that lies in one chunk is judged where it is.
        if self.buffer.is_empty() {
            return self.judge_any(bytes);
        }
        let mut item = std::mem::take(&mut self.buffer);
        item.extend_from_slice(bytes);
        let judged = self.judge_any(&item);
        item.clear();
        self.buffer = item;
        judged
    }

    pub(super) fn into_page(self) -> PageItems {
        self.heap.into_page()
    }

    fn up_to_limit<'i>(&self, input: &'i [u8]) -> &'i [u8] {
        input
            .get(..self.max_item_bytes.saturating_add(1))
            .unwrap_or(input)
    }

    fn check_len(&self, len: usize) -> Result<(), Refusal> {
        let limit = self.max_item_bytes;
        if len > limit {
            return Err(Refusal::Error(ListError::ItemTooLarge { limit }));
        }
        Ok(())
    }

    /// Judges an object that the reader has just read.
    fn judge_object(&mut self, object: &[u8]) -> Result<(), Refusal> {
        self.check_len(object.len())?;
        let found = Found::new(object, self.reader.spans());
        let rank = self.plan.judge(found, self.arrived);
        self.arrived = self.arrived.saturating_add(1);
        match rank {
            Some(rank) => self.heap.offer(rank, object).map_err(Refusal::Error),
            None => Ok(()),
        }
    }

    /// Reads and judges an item of any kind.
    fn judge_any(&mut self, item: &[u8]) -> Result<(), Refusal> {
        let text = strict::utf8(item).map_err(Refusal::Malformed)?;
        self.plan
            .fields()
            .take(text, &mut self.spans)
            .map_err(|error| Refusal::Malformed(strict::reason(&error)))?;
        let found = Found::new(item, &self.spans);
        let rank = self.plan.judge(found, self.arrived);
        self.arrived = self.arrived.saturating_add(1);
        match rank {
            Some(rank) => self.heap.offer(rank, item).map_err(Refusal::Error),
            None => Ok(()),
        }
    }
}

// === impl Refusal ===

impl Refusal {
    /// The error, for an item that begins here.
    pub(super) fn at(self, offset: u64) -> ListError {
        match self {
            Self::Malformed(reason) => ListError::Malformed { offset, reason },
            Self::Error(error) => error,
        }
    }
}
