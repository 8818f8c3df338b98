//! The items of the list as they arrive, one after the other, each in one piece.

use super::Limits;
use super::judge::Judge;
use super::run::TOO_DEEP;
use crate::block::BLOCK;
use crate::error::ListError;
use crate::fields::{Found, Span};
use crate::object::{ObjectReader, Unsure};
use crate::query::ListQuery;
use crate::reading::Reading;
use crate::strict;
use crate::table::Columns;

/// All items of one body.
#[derive(Debug)]
pub(super) struct Items {
    max_item_bytes: usize,
    reader: ObjectReader,
    /// The beginning of an item that spans chunks.
    buffer: Vec<u8>,
    /// Where the fields are in an item that `serde_json` has read.
    spans: Vec<Span>,
    judge: Judge,
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

/// An item that began before a chunk is added to up to the next multiple of this,
/// as its end is seldom the chunk's; and of whole blocks, so that the reader has
/// none to look at twice.
const STEP: usize = 32 * BLOCK;

/// The deepest nesting of an item: `serde_json` takes 127 levels, and the list
/// and its items are two of them.
const MAX_ITEM_DEPTH: usize = 125;

// === impl Items ===

impl Items {
    pub(super) fn new(query: ListQuery, limits: Limits, reading: Reading) -> Self {
        Self {
            max_item_bytes: limits.max_item_bytes,
            reader: ObjectReader::new(),
            buffer: Vec::new(),
            spans: Vec::new(),
            judge: Judge::new(query, limits, reading),
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.buffer
            .capacity()
            .saturating_add(self.reader.held_bytes())
            .saturating_add(self.judge.held_bytes())
    }

    /// The items are the rows of a Table with these columns.
    pub(super) fn expect_rows(&mut self, columns: &Columns) -> Result<(), ListError> {
        self.judge.expect_rows(columns)
    }

    /// What was made of the items.
    pub(super) fn into_judge(self) -> Judge {
        self.judge
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
        self.reader.begin(self.judge.fields());
        let seen = self.up_to_limit(input);
        match self.reader.advance(seen, self.judge.fields()) {
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
        let first = STEP.saturating_sub(before % STEP);
        let (first, others) = input.split_at_checked(first).unwrap_or((input, &[]));
        for step in std::iter::once(first).chain(others.chunks(STEP)) {
            object.extend_from_slice(step);
            let seen = self.up_to_limit(&object);
            match self.reader.advance(seen, self.judge.fields()) {
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
        self.judge.item(found, object).map_err(Refusal::Error)
    }

    /// Reads and judges an item of any kind.
    fn judge_any(&mut self, item: &[u8]) -> Result<(), Refusal> {
        let text = strict::utf8(item).map_err(Refusal::Malformed)?;
        let fields = self.judge.fields();
        fields
            .take(text, &mut self.spans)
            .map_err(|error| Refusal::Malformed(strict::reason(&error)))?;
        let found = Found::new(item, &self.spans);
        self.judge.item(found, item).map_err(Refusal::Error)
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
