//! The engine: pushes a body through scanner, plan and heap, and writes the page.

use crate::envelope::{Envelope, Name};
use crate::error::ListError;
use crate::heap::PageHeap;
use crate::plan::Plan;
use crate::query::ListQuery;
use crate::reading::{Keys, Reading, Uncounted};
use crate::scanner::{Event, Scanner};
use crate::strict;

/// How much one request may keep in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest single item.
    pub max_item_bytes: usize,
    /// All items that can still be on the page, with their sort keys.
    pub max_page_bytes: usize,
    /// Everything beside the items; also, how far a body is read that has not
    /// shown yet whether it is a list.
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

/// The work on one body.
#[derive(Debug)]
struct Run {
    plan: Plan,
    limits: Limits,
    scanner: Scanner,
    envelope: Envelope,
    /// The beginning of an item that spans chunks.
    item: Vec<u8>,
    /// Where in the body the part begins that is being read.
    part_at: u64,
    in_part: bool,
    heap: PageHeap,
    /// How much of the body was read, and how many items.
    offset: u64,
    arrived: u64,
    reading: Reading,
    /// The last name of a head, and whether they came in order.
    last_name: String,
    ordered: bool,
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        const KIB: usize = 1024;
        const MIB: usize = 1024 * KIB;
        Self {
            max_item_bytes: 4 * MIB,
            max_page_bytes: 64 * MIB,
            max_envelope_bytes: 256 * KIB,
        }
    }
}

// === impl ListEngine ===

impl ListEngine {
    /// An engine for one response.
    pub fn new(query: ListQuery, limits: Limits) -> Self {
        Self::reading(query, limits, Reading::Whole)
    }

    /// An engine for one response that is not the whole list.
    pub fn reading(query: ListQuery, limits: Limits, reading: Reading) -> Self {
        let heap = PageHeap::new(query.page, limits.max_page_bytes);
        Self {
            run: Some(Run {
                plan: Plan::new(query),
                limits,
                scanner: Scanner::new(),
                envelope: Envelope::default(),
                item: Vec::new(),
                part_at: 0,
                in_part: false,
                heap,
                offset: 0,
                arrived: 0,
                reading,
                last_name: String::new(),
                ordered: true,
            }),
        }
    }

    /// Takes the next bytes of the body, any number of them.
    ///
    /// # Errors
    ///
    /// Says why there can be no page; memory is given back at once.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Progress, ListError> {
        let mut run = self.run.take().ok_or(ListError::Ended)?;
        match run.push(chunk)? {
            Verdict::Open => {
                self.run = Some(run);
                Ok(Progress::Held)
            }
            Verdict::NoList(rest) => {
                let mut body = run.envelope.into_body();
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

    /// The envelope and the items of a whole list; `None` if it is none.
    pub(crate) fn into_parts(self) -> Result<Option<Parts>, ListError> {
        let run = self.run.ok_or(ListError::Ended)?;
        if !run.scanner.at_end() || !run.envelope.has_items() {
            return Ok(None);
        }
        Ok(Some((run.envelope, run.heap.into_page().1.collect())))
    }

    /// The memory that is held for this request, in bytes.
    pub fn held_bytes(&self) -> usize {
        self.run.as_ref().map_or(0, Run::held_bytes)
    }
}

/// An envelope, and the items that go with it.
pub(crate) type Parts = (Envelope, Vec<Box<[u8]>>);

/// What is known about the body after a chunk.
enum Verdict<'c> {
    /// It may be a list, or is one.
    Open,
    /// It is no list; these bytes of the chunk were not looked at.
    NoList(&'c [u8]),
}

// === impl Run ===

impl Run {
    fn push<'c>(&mut self, chunk: &'c [u8]) -> Result<Verdict<'c>, ListError> {
        let mut input = chunk;
        while !input.is_empty() {
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
                Event::Key { .. } | Event::Value { .. } | Event::Item { .. }
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
                Event::ItemsOpen => {
                    let begun = self.envelope.begin_items();
                    begun.map_err(|reason| self.malformed(reason))?;
                }
                Event::Item { done } => self.item(bytes, done)?,
                Event::Close if self.envelope.has_items() => {}
                Event::Close | Event::NotAnObject => return Ok(Verdict::NoList(rest)),
                // A second `items` that is no array.
                Event::NotAnArray if self.envelope.has_items() => {
                    let begun = self.envelope.begin_items();
                    begun.map_err(|reason| self.malformed(reason))?;
                }
                Event::NotAnArray => return Ok(Verdict::NoList(rest)),
            }
        }
        Ok(Verdict::Open)
    }

    fn finish(self) -> Result<Finished, ListError> {
        if self.scanner.at_start() {
            return Ok(Finished::PassThrough(self.envelope.into_body()));
        }
        if !self.scanner.at_end() {
            return Err(ListError::Truncated {
                received: self.offset,
            });
        }
        let total = self.heap.total();
        match self.reading {
            Reading::Whole => {
                let (bytes, items) = self.heap.into_page();
                Ok(Finished::Page(self.envelope.write(items, bytes, total)?))
            }
            Reading::Head => self.finish_head(total),
            Reading::Keys => Ok(Finished::Keys(Box::new(Keys {
                objects: self.heap.into_keys().collect(),
                envelope: self.envelope,
                total,
                limits: self.limits,
            }))),
        }
    }

    fn finish_head(mut self, read: u64) -> Result<Finished, ListError> {
        let rest = self.envelope.take_rest();
        // A list that is all there is sorted here like any other.
        if !self.ordered && rest.token.is_some() {
            return Ok(Finished::Unordered);
        }
        let (bytes, items) = self.heap.into_page();
        match (rest.token, rest.count) {
            (Some(token), None) => Ok(Finished::Uncounted(Box::new(Uncounted {
                envelope: self.envelope,
                items: items.collect(),
                read,
                token,
            }))),
            (_, count) => {
                let total = read.saturating_add(count.unwrap_or(0));
                Ok(Finished::Page(self.envelope.write(items, bytes, total)?))
            }
        }
    }

    fn held_bytes(&self) -> usize {
        self.envelope
            .held_bytes()
            .saturating_add(self.item.capacity())
            .saturating_add(self.heap.held_bytes())
    }

    fn key(&mut self, bytes: &[u8], done: bool) -> Result<(), ListError> {
        self.envelope_piece(bytes)?;
        if done {
            let name = self.envelope.end_key();
            if name.map_err(|reason| self.malformed(reason))? == Name::Items {
                self.scanner.expect_items();
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

    fn item(&mut self, bytes: &[u8], done: bool) -> Result<(), ListError> {
        let limit = self.limits.max_item_bytes;
        if self.item.len().saturating_add(bytes.len()) > limit {
            return Err(ListError::ItemTooLarge { limit });
        }
        if !done {
            self.item.extend_from_slice(bytes);
            return Ok(());
        }
        self.in_part = false;
        // An item that lies in one chunk is judged where it is.
        if self.item.is_empty() {
            return self.judge(bytes);
        }
        let mut item = std::mem::take(&mut self.item);
        item.extend_from_slice(bytes);
        let judged = self.judge(&item);
        item.clear();
        self.item = item;
        judged
    }

    fn judge(&mut self, item: &[u8]) -> Result<(), ListError> {
        let text = strict::utf8(item).map_err(|reason| self.malformed(reason))?;
        let rank = self
            .plan
            .judge(text, self.arrived)
            .map_err(|error| self.malformed(strict::reason(&error)))?;
        self.arrived = self.arrived.saturating_add(1);
        if self.reading == Reading::Head
            && let Some(rank) = &rank
        {
            self.ordered &= self.arrived == 1 || *rank.name > *self.last_name;
            self.last_name = rank.name.clone().into_owned();
        }
        match rank {
            Some(rank) if self.reading == Reading::Keys => self.heap.offer(rank, &[]),
            Some(rank) => self.heap.offer(rank, item),
            None => Ok(()),
        }
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
