//! What becomes of an item: whether it is wanted, and whether it can be on the page.

use super::Limits;
use crate::error::ListError;
use crate::fields::{FieldSet, Found};
use crate::heap::{PageHeap, PageItems};
use crate::pieces::Pieces;
use crate::plan::Plan;
use crate::query::ListQuery;
use crate::reading::{ObjectKey, Reading};
use crate::table::Columns;

/// Judges one item after the other, and keeps those that can be on the page.
#[derive(Debug)]
pub(super) struct Judge {
    plan: Plan,
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
    pub(super) fn new(query: ListQuery, limits: Limits, reading: Reading) -> Self {
        let heap = PageHeap::new(query.page, limits.max_page_bytes);
        let of_rows = (reading == Reading::Table).then(|| query.clone());
        Self {
            plan: Plan::new(query),
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

    /// Judges an item by what was found in it.
    pub(super) fn item(&mut self, found: Found<'_>, item: Pieces<'_>) -> Result<(), ListError> {
        let Some(rank) = self.plan.judge(found, self.arrived) else {
            self.arrived = self.arrived.saturating_add(1);
            return Ok(());
        };
        self.arrived = self.arrived.saturating_add(1);
        match self.reading {
            Reading::Whole | Reading::Table => self.heap.offer(rank, item),
            Reading::Head => {
                self.in_order &= self.arrived == 1 || *rank.name > *self.last_name;
                self.last_name.clear();
                self.last_name.push_str(&rank.name);
                self.heap.offer(rank, item)
            }
            Reading::Keys => self.heap.offer(rank, Pieces::default()),
        }
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
