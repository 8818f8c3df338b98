//! What becomes of an item: whether it is wanted, and whether it can be on the page.

use std::borrow::Cow;
use std::sync::Arc;

use super::{ItemCounts, Limits};
use crate::error::ListError;
use crate::fields::{FieldSet, Found};
use crate::heap::{PageHeap, PageItems};
use crate::pieces::Pieces;
use crate::plan::Plan;
use crate::projection::Projection;
use crate::query::ListQuery;
use crate::reading::{ObjectKey, Reading};
use crate::table::Columns;
use crate::work::{KEEP, Work};

/// Judges one item after the other, and keeps those that can be on the page.
#[derive(Debug)]
pub(super) struct Judge {
    query: Arc<ListQuery>,
    plan: Plan,
    /// What of a row is kept, once it has turned out to be a Table.
    of_rows: Option<Projection>,
    work: Work,
    reading: Reading,
    heap: PageHeap,
    /// How many items there were.
    arrived: u64,
    /// The last name of a [`Reading::Head`], and whether they have been ascending.
    last_name: String,
    in_order: bool,
}

// === impl Judge ===

impl Judge {
    pub(super) fn new(query: Arc<ListQuery>, limits: Limits, reading: Reading) -> Self {
        Self {
            plan: Plan::new(&query),
            of_rows: None,
            work: Work::unlimited(),
            reading,
            heap: PageHeap::new(query.page, limits.max_page_bytes),
            query,
            arrived: 0,
            last_name: String::new(),
            in_order: true,
        }
    }

    /// The items are the rows of a Table with these columns.
    pub(super) fn expect_rows(&mut self, columns: &Columns) -> Result<(), ListError> {
        if self.reading == Reading::Table && self.of_rows.is_none() {
            self.plan = Plan::for_rows(&self.query, columns)?;
            self.of_rows = Some(self.query.projection.in_rows());
        }
        Ok(())
    }

    /// Returns what has to be found in an item.
    pub(super) fn fields(&self) -> &FieldSet {
        self.plan.fields()
    }

    pub(super) fn held_bytes(&self) -> usize {
        let of_rows = self.of_rows.as_ref().map_or(0, Projection::held_bytes);
        self.heap
            .held_bytes()
            .saturating_add(self.plan.held_bytes())
            .saturating_add(of_rows)
    }

    /// A chunk of this size begins.
    pub(super) fn begin_chunk(&mut self, len: usize) {
        self.work.begin_chunk(len);
    }

    /// Judges an item by what was found in it.
    pub(super) fn item(&mut self, found: Found<'_>, item: Pieces<'_>) -> Result<(), ListError> {
        let rank = self.plan.judge(found, self.arrived, &self.work);
        self.arrived = self.arrived.saturating_add(1);
        if let Some(rank) = rank {
            if self.reading == Reading::Head {
                self.in_order &= self.arrived == 1 || *rank.name > *self.last_name;
                self.last_name.clear();
                self.last_name.push_str(&rank.name);
            }
            let projection = self.of_rows.as_ref().unwrap_or(&self.query.projection);
            let work = &self.work;
            match self.reading {
                Reading::Keys => self.heap.offer(rank, || {
                    work.charge(KEEP);
                    Box::default()
                })?,
                Reading::Whole | Reading::Table | Reading::Head => self.heap.offer(rank, || {
                    work.charge(KEEP.saturating_add(item.len() / 8));
                    let item = item.to_boxed();
                    match projection.apply_within(&item, work) {
                        Cow::Owned(kept) => kept.into_boxed_slice(),
                        Cow::Borrowed(_) => item,
                    }
                })?,
            }
        }
        if self.work.is_spent() {
            return Err(ListError::TooMuchWork);
        }
        Ok(())
    }

    /// Returns whether each item of a [`Reading::Head`] had a greater name than the one before.
    /// Returns how many items there were, and how many are held.
    pub(super) fn counts(&self) -> ItemCounts {
        ItemCounts {
            scanned: self.arrived,
            kept: u64::try_from(self.heap.len()).unwrap_or(u64::MAX),
        }
    }

    pub(super) fn came_in_order(&self) -> bool {
        self.in_order
    }

    pub(super) fn into_page(self) -> PageItems {
        self.heap.into_page()
    }

    /// Returns the keys of the page's objects in their order, and how many there were in all.
    pub(super) fn into_keys(self) -> (Vec<ObjectKey>, u64) {
        self.heap.into_keys()
    }
}
