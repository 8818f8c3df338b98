//! The items that can still be on the page, and no others.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::error::ListError;
use crate::page::Page;
use crate::reading::ObjectKey;
use crate::sort::Rank;

/// The first `offset + limit` items of the sorted list as far as it was seen.
///
/// Each of them can still move onto the page, since what comes later can only
/// push it back; so their bytes are kept, up to a budget. They are in order all the
/// time, so that a large page takes no long work at its end.
#[derive(Debug)]
pub(crate) struct PageHeap {
    page: Page,
    budget: usize,
    /// The last one is the next to go.
    entries: BTreeSet<Box<Entry>>,
    /// The bytes of items and texts in the entries.
    payload: usize,
    total: u64,
    /// The budget did not last. There is an answer nevertheless if the list
    /// turns out to end before the page begins.
    exhausted: bool,
}

/// The items of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageItems {
    /// In their order.
    pub(crate) items: Vec<Box<[u8]>>,
    /// At least the bytes that they take, with a comma between two of them.
    pub(crate) bytes: usize,
    /// How many items the selector wants.
    pub(crate) total: u64,
}

#[derive(Debug)]
struct Entry {
    rank: Rank<'static>,
    item: Box<[u8]>,
}

/// What an entry takes beside its texts and its item: itself, and its place in the set.
const ENTRY_BYTES: usize = size_of::<Entry>() + 64;

// === impl PageHeap ===

impl PageHeap {
    pub(crate) fn new(page: Page, budget: usize) -> Self {
        Self {
            page,
            budget,
            entries: BTreeSet::new(),
            payload: 0,
            total: 0,
            exhausted: false,
        }
    }

    /// Returns how many items are held.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the memory that it takes.
    pub(crate) fn held_bytes(&self) -> usize {
        self.entries
            .len()
            .saturating_mul(ENTRY_BYTES)
            .saturating_add(self.payload)
    }

    /// Counts an item that the selector wants, and keeps it if it can be on the page;
    /// only then what is to be kept of it is asked for.
    pub(crate) fn offer(
        &mut self,
        rank: Rank<'_>,
        item: impl FnOnce() -> Box<[u8]>,
    ) -> Result<(), ListError> {
        self.total = self.total.saturating_add(1);
        if self.page.limit == 0 {
            return Ok(());
        }
        if self.exhausted {
            return self.require_an_empty_page();
        }
        if self.is_full() {
            let stays_out = self
                .entries
                .last()
                .is_none_or(|last| last.rank.order(&rank) != Ordering::Greater);
            if stays_out {
                return Ok(());
            }
            if let Some(gone) = self.entries.pop_last() {
                self.payload = self.payload.saturating_sub(gone.payload());
            }
        }
        let item = item();
        let payload = rank.text_bytes().saturating_add(item.len());
        let entries = self.entries.len().saturating_add(1);
        let needed = entries
            .saturating_mul(ENTRY_BYTES)
            .saturating_add(self.payload)
            .saturating_add(payload);
        if needed > self.budget {
            self.exhausted = true;
            self.entries = BTreeSet::new();
            self.payload = 0;
            return self.require_an_empty_page();
        }
        self.payload = self.payload.saturating_add(payload);
        self.entries.insert(Box::new(Entry {
            rank: rank.into_owned(),
            item,
        }));
        Ok(())
    }

    /// Returns the items of the page in their order, and how many there were in all.
    pub(crate) fn into_page(self) -> PageItems {
        PageItems {
            total: self.total,
            bytes: self.payload.saturating_add(self.entries.len()),
            items: self.into_entries().map(|entry| entry.item).collect(),
        }
    }

    /// Returns the keys of the page's objects in their order, and how many there were in all.
    pub(crate) fn into_keys(self) -> (Vec<ObjectKey>, u64) {
        let total = self.total;
        let keys = self.into_entries();
        (
            keys.map(|entry| ObjectKey::from(&entry.rank)).collect(),
            total,
        )
    }

    fn into_entries(self) -> impl Iterator<Item = Box<Entry>> {
        let offset = usize::try_from(self.page.offset).unwrap_or(usize::MAX);
        let limit = usize::try_from(self.page.limit).unwrap_or(usize::MAX);
        self.entries.into_iter().skip(offset).take(limit)
    }

    fn is_full(&self) -> bool {
        u64::try_from(self.entries.len()).is_ok_and(|len| len >= self.page.end())
    }

    fn require_an_empty_page(&self) -> Result<(), ListError> {
        if self.total > self.page.offset {
            return Err(ListError::PageTooLarge { limit: self.budget });
        }
        Ok(())
    }
}

// === impl Entry ===

impl Entry {
    fn payload(&self) -> usize {
        self.rank.text_bytes().saturating_add(self.item.len())
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank.order(&other.rank)
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

#[cfg(test)]
mod tests;
