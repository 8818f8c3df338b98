//! What becomes of an item: whether it is wanted, and whether it can be on the page.

use std::borrow::Cow;

use super::Limits;
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
    plan: Plan,
    /// What of an item is kept.
    projection: Projection,
    work: Work,
    /// What is asked of the rows, should it turn out to be a Table.
    of_rows: Option<ListQuery>,
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
    pub(super) fn new(mut query: ListQuery, limits: Limits, reading: Reading) -> Self {
        let projection = std::mem::take(&mut query.projection);
        let heap = PageHeap::new(query.page, limits.max_page_bytes);
        let of_rows = (reading == Reading::Table).then(|| query.clone());
        Self {
            plan: Plan::new(query),
            projection,
            work: Work::unlimited(),
            of_rows,
            reading,
            heap,
            arrived: 0,
            last_name: String::new(),
            in_order: true,
        }
    }

    /// The items are the rows of a Table with these columns.
    pub(super) fn expect_rows(&mut self, columns: &Columns) -> Result<(), ListError> {
        if let Some(query) = self.of_rows.take() {
            self.plan = Plan::for_rows(query, columns)?;
            self.projection = std::mem::take(&mut self.projection).in_rows();
        }
        Ok(())
    }

    /// What has to be found in an item.
    pub(super) fn fields(&self) -> &FieldSet {
        self.plan.fields()
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.heap.held_bytes()
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
            let (projection, work) = (&self.projection, &self.work);
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

    /// Whether each item of a [`Reading::Head`] had a greater name than the one before.
    pub(super) fn came_in_order(&self) -> bool {
        self.in_order
    }

    pub(super) fn into_page(self) -> PageItems {
        self.heap.into_page()
    }

    /// The keys of the page's objects in their order, and how many there were in all.
    pub(super) fn into_keys(self) -> (Vec<ObjectKey>, u64) {
        self.heap.into_keys()
    }
}
