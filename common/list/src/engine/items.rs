//! The items of the list as they arrive, one after the other, each in one piece.

use std::sync::Arc;

use super::judge::Judge;
use super::{ItemCounts, Limits};
use crate::error::ListError;
use crate::fields::{Found, Places};
use crate::object::{ObjectReader, Unsure};
use crate::pieces::Pieces;
use crate::query::ListQuery;
use crate::reading::Reading;
use crate::strict;
use crate::table::Columns;

/// All items of one body.
#[derive(Debug)]
pub(super) struct Items {
    max_item_bytes: usize,
    reader: ObjectReader,
    /// What earlier chunks held of an item.
    buffer: Vec<u8>,
    /// Where the fields are in an item that `serde_json` has read.
    places: Places,
    judge: Judge,
}

/// What became of a piece of an object.
pub(super) enum Item {
    /// It goes on.
    Open { used: usize },
    /// It has ended.
    Done { used: usize },
    /// It may not be valid. Nothing of this piece was used; `before` is all of it
    /// that had come earlier.
    Unsure { before: Vec<u8> },
}

/// Why an item ends the request.
pub(super) enum Refusal {
    /// It is not JSON.
    Malformed(String),
    /// Anything else.
    Error(ListError),
}

// === impl Items ===

impl Items {
    pub(super) fn new(query: Arc<ListQuery>, limits: Limits, reading: Reading) -> Self {
        Self {
            max_item_bytes: limits.max_item_bytes,
            reader: ObjectReader::new(),
            buffer: Vec::new(),
            places: Places::default(),
            judge: Judge::new(query, limits, reading),
        }
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.buffer
            .capacity()
            .saturating_add(self.reader.held_bytes())
            .saturating_add(self.places.held_bytes())
            .saturating_add(self.judge.held_bytes())
    }

    /// A chunk of this size begins.
    pub(super) fn begin_chunk(&mut self, len: usize) {
        self.judge.begin_chunk(len);
    }

    /// The items are the rows of a Table with these columns.
    pub(super) fn expect_rows(&mut self, columns: &Columns) -> Result<(), ListError> {
        self.judge.expect_rows(columns)
    }

    /// Returns how many there were.
    pub(super) fn counts(&self) -> ItemCounts {
        self.judge.counts()
    }

    /// Returns what was made of the items.
    pub(super) fn into_judge(self) -> Judge {
        self.judge
    }

    /// Returns whether a part of an object was taken and not yet its end.
    pub(super) fn in_object(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Takes an object from the head of the input, or as much as there is of it; or
    /// goes on with one that began in an earlier chunk.
    pub(super) fn object(&mut self, input: &[u8]) -> Result<Item, Refusal> {
        let before = self.buffer.len();
        if before == 0 {
            self.reader.begin(self.judge.fields());
        }
        let limit = self.max_item_bytes.saturating_add(1).saturating_sub(before);
        let seen = input.get(..limit).unwrap_or(input);
        let object = Pieces::new(&self.buffer, seen);
        match self.reader.advance(object, self.judge.fields()) {
            Ok(Some(len)) => {
                self.check_len(len)?;
                let used = len.saturating_sub(before);
                self.judge_object(input.get(..used).unwrap_or(input))?;
                Ok(Item::Done { used })
            }
            Ok(None) => {
                self.check_len(object.len())?;
                self.buffer.extend_from_slice(input);
                Ok(Item::Open { used: input.len() })
            }
            Err(Unsure) => Ok(Item::Unsure {
                before: std::mem::take(&mut self.buffer),
            }),
        }
    }

    /// Takes an item, or a piece of one, whose borders the scanner has found.
    pub(super) fn piece(&mut self, bytes: &[u8], done: bool) -> Result<(), Refusal> {
        self.check_len(self.buffer.len().saturating_add(bytes.len()))?;
        if !done {
            self.buffer.extend_from_slice(bytes);
            return Ok(());
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

    fn check_len(&self, len: usize) -> Result<(), Refusal> {
        let limit = self.max_item_bytes;
        if len > limit {
            return Err(Refusal::Error(ListError::ItemTooLarge { limit }));
        }
        Ok(())
    }

    /// Judges an object that the reader has just read, which ends with `end`.
    fn judge_object(&mut self, end: &[u8]) -> Result<(), Refusal> {
        let places = self.reader.places();
        let mut rest = end;
        if !self.buffer.is_empty() {
            // What is asked for goes into one piece, and no more than that: fields
            // are mostly near an item's beginning, and few items are kept.
            let missing = places.end().saturating_sub(self.buffer.len());
            let (needed, others) = end.split_at_checked(missing).unwrap_or((end, &[]));
            self.buffer.extend_from_slice(needed);
            rest = others;
        }
        let (object, fields) = match &*self.buffer {
            [] => (Pieces::from(rest), rest),
            begun => (Pieces::new(begun, rest), begun),
        };
        let judged = self.judge.item(Found::new(fields, places), object);
        self.buffer.clear();
        judged.map_err(Refusal::Error)
    }

    /// Reads and judges an item of any kind.
    fn judge_any(&mut self, item: &[u8]) -> Result<(), Refusal> {
        strict::check(item).map_err(|error| Refusal::Malformed(strict::reason(&error)))?;
        self.judge.fields().take(item, &mut self.places);
        let found = Found::new(item, &self.places);
        self.judge.item(found, item.into()).map_err(Refusal::Error)
    }
}

// === impl Refusal ===

impl Refusal {
    /// Returns the error, for an item that begins here.
    pub(super) fn at(self, offset: u64) -> ListError {
        match self {
            Self::Malformed(reason) => ListError::Malformed { offset, reason },
            Self::Error(error) => error,
        }
    }
}
