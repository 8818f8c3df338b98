//! The work on one body: what the scanner finds goes to the envelope or to the items.

use std::sync::Arc;

use super::items::{Item, Items};
use super::{Finished, ItemCounts, Keys, Limits, Uncounted};
use crate::envelope::{Envelope, Name};
use crate::error::ListError;
use crate::query::ListQuery;
use crate::reading::Reading;
use crate::scanner::{Event, Scanner};

/// One body on its way.
#[derive(Debug)]
pub(super) struct Run {
    limits: Limits,
    scanner: Scanner,
    envelope: Envelope,
    items: Items,
    reading: Reading,
    query: Arc<ListQuery>,
    /// Where in the body the part begins that is being read.
    part_at: u64,
    in_part: bool,
    /// How much of the body was read.
    offset: u64,
}

/// What is known about the body after a chunk.
pub(super) enum Verdict<'c> {
    /// It may be a list, or is one.
    Open,
    /// It is no list; these bytes of the chunk were not looked at.
    NoList(&'c [u8]),
}

/// An envelope, and the items that go with it.
pub(crate) type Parts = (Envelope, Vec<Box<[u8]>>);

// === impl Run ===

impl Run {
    pub(super) fn new(query: Arc<ListQuery>, limits: Limits, reading: Reading) -> Self {
        Self {
            limits,
            scanner: Scanner::new(),
            envelope: Envelope::new(reading == Reading::Table),
            items: Items::new(Arc::clone(&query), limits, reading),
            reading,
            query,
            part_at: 0,
            in_part: false,
            offset: 0,
        }
    }

    pub(super) fn push<'c>(&mut self, chunk: &'c [u8]) -> Result<Verdict<'c>, ListError> {
        self.items.begin_chunk(chunk.len());
        self.read(chunk)
    }

    /// The same for a body that is there as a whole: it is read in one go, and others wait
    /// meanwhile as for a chunk, so no more may be made of it.
    pub(super) fn push_whole<'c>(&mut self, body: &'c [u8]) -> Result<Verdict<'c>, ListError> {
        self.items.begin_chunk(0);
        self.read(body)
    }

    fn read<'c>(&mut self, chunk: &'c [u8]) -> Result<Verdict<'c>, ListError> {
        let mut input = chunk;
        while !input.is_empty() {
            if self.scanner.at_object() {
                let used = self.object(input)?;
                input = input.get(used..).unwrap_or_default();
                continue;
            }
            let step = self
                .scanner
                .step(input)
                .map_err(|fault| ListError::Malformed {
                    offset: self.offset.saturating_add(wide(fault.at)),
                    reason: fault.reason.to_owned(),
                })?;
            let (bytes, rest) = input.split_at_checked(step.len).unwrap_or((input, &[]));
            self.envelope.retain(bytes);
            if !self.envelope.has_items() && self.envelope.len() > self.limits.max_envelope_bytes {
                return Ok(Verdict::NoList(rest));
            }
            let part = matches!(
                step.event,
                Event::Key { .. }
                    | Event::Value { .. }
                    | Event::Item { .. }
                    | Event::NoItems { .. }
            );
            if part && !self.in_part {
                self.part_at = self.offset;
            }
            self.in_part = part;
            self.offset = self.offset.saturating_add(wide(bytes.len()));
            input = rest;
            match step.event {
                Event::Gap => {}
                Event::Key { done } => self.key(bytes, done)?,
                Event::Value { done } => self.value(bytes, done)?,
                Event::ItemsOpen => self.begin_items()?,
                Event::NoItems { done } => {
                    self.envelope_piece(bytes)?;
                    if done && !self.end_no_items()? {
                        return Ok(Verdict::NoList(rest));
                    }
                }
                Event::Item { done } => self.item(bytes, done)?,
                Event::Close if self.envelope.has_items() => {}
                Event::Close | Event::NotAnObject => return Ok(Verdict::NoList(rest)),
                // A second `items` that is no array.
                Event::NotAnArray if self.envelope.has_items() => self.begin_items()?,
                Event::NotAnArray => return Ok(Verdict::NoList(rest)),
            }
        }
        Ok(Verdict::Open)
    }

    pub(super) fn items(&self) -> ItemCounts {
        self.items.counts()
    }

    pub(super) fn finish(self) -> Result<Finished, ListError> {
        if self.scanner.at_start() {
            return Ok(Finished::PassThrough(self.envelope.into_body()));
        }
        if !self.scanner.at_end() {
            return Err(ListError::Truncated {
                received: self.offset,
            });
        }
        match self.reading {
            Reading::Whole | Reading::Table => {
                let page = self.items.into_judge().into_page();
                Ok(Finished::Page(
                    self.envelope.write(&page, self.query.answer)?,
                ))
            }
            Reading::Head => self.finish_head(),
            Reading::Keys => {
                let found = self.items.into_judge().into_keys();
                let keys = Keys::new(self.envelope, found, self.query, self.limits);
                Ok(Finished::Keys(Box::new(keys)))
            }
        }
    }

    fn finish_head(mut self) -> Result<Finished, ListError> {
        let rest = self.envelope.take_rest();
        let judge = self.items.into_judge();
        if rest.token.is_some() && !judge.came_in_order() {
            return Ok(Finished::Unordered);
        }
        let mut page = judge.into_page();
        match (rest.token, rest.count) {
            (Some(token), None) => Ok(Finished::Uncounted(Box::new(Uncounted {
                envelope: self.envelope,
                page,
                answer: self.query.answer,
                token,
            }))),
            (_, count) => {
                page.total = page.total.saturating_add(count.unwrap_or(0));
                Ok(Finished::Page(
                    self.envelope.write(&page, self.query.answer)?,
                ))
            }
        }
    }

    /// The envelope and the items of a list that is there as a whole.
    pub(super) fn into_parts(self) -> Option<Parts> {
        let is_list = self.scanner.at_end() && self.envelope.has_items();
        is_list.then(|| (self.envelope, self.items.into_judge().into_page().items))
    }

    /// Returns the body, as long as it is open whether it is a list.
    pub(super) fn into_body(self) -> Vec<u8> {
        self.envelope.into_body()
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.envelope
            .held_bytes()
            .saturating_add(self.items.held_bytes())
    }

    fn begin_items(&mut self) -> Result<(), ListError> {
        let begun = self.envelope.begin_items();
        begun.map_err(|reason| self.malformed(reason))?;
        if let Some(columns) = self.envelope.columns() {
            self.items.expect_rows(&columns)?;
        }
        Ok(())
    }

    /// What stands in the place of the items is there. Returns whether it is an empty list.
    fn end_no_items(&mut self) -> Result<bool, ListError> {
        self.in_part = false;
        let is_null = self.envelope.end_no_items();
        if is_null || self.envelope.has_items() {
            self.begin_items()?;
        }
        Ok(is_null)
    }

    fn key(&mut self, bytes: &[u8], done: bool) -> Result<(), ListError> {
        self.envelope_piece(bytes)?;
        if done {
            let name = self.envelope.end_key();
            if name.map_err(|reason| self.malformed(reason))? == Name::Items {
                self.scanner.expect_items(self.query.takes_null);
            }
            self.in_part = false;
        }
        Ok(())
    }

    fn value(&mut self, bytes: &[u8], done: bool) -> Result<(), ListError> {
        self.envelope_piece(bytes)?;
        if done {
            let checked = self.envelope.end_value();
            checked.map_err(|reason| self.malformed(reason))?;
            self.in_part = false;
        }
        Ok(())
    }

    fn envelope_piece(&mut self, bytes: &[u8]) -> Result<(), ListError> {
        let limit = self.limits.max_envelope_bytes;
        if self.envelope.has_items() && self.envelope.len().saturating_add(bytes.len()) > limit {
            return Err(ListError::EnvelopeTooLarge { limit });
        }
        self.envelope.piece(bytes);
        Ok(())
    }

    /// An item that is an object or array, or a piece of one: says how many bytes of the
    /// input were taken.
    fn object(&mut self, input: &[u8]) -> Result<usize, ListError> {
        if !self.items.in_object() {
            self.part_at = self.offset;
        }
        let part_at = self.part_at;
        let taken = self.items.object(input);
        let used = match taken.map_err(|refusal| refusal.at(part_at))? {
            Item::Open { used } => used,
            Item::Done { used } => {
                self.scanner.end_object();
                used
            }
            Item::Unsure { before } => {
                // Once more from its beginning, measured by the scanner and
                // judged by `serde_json`. What came before this input is repeated.
                self.scanner.measure_object();
                self.offset = part_at;
                // There are items, so the body cannot turn out to be no list.
                let (Verdict::Open | Verdict::NoList(_)) = self.read(&before)?;
                return Ok(0);
            }
        };
        self.offset = self.offset.saturating_add(wide(used));
        Ok(used)
    }

    /// An item of another kind, or one to be judged by `serde_json`, or a piece of one.
    fn item(&mut self, bytes: &[u8], done: bool) -> Result<(), ListError> {
        if done {
            self.in_part = false;
        }
        let taken = self.items.piece(bytes, done);
        taken.map_err(|refusal| refusal.at(self.part_at))
    }

    fn malformed(&self, reason: String) -> ListError {
        ListError::Malformed {
            offset: self.part_at,
            reason,
        }
    }
}

fn wide(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
