//! The whole list query: which items, in which order, which page of them, and
//! what of them.

use crate::page::Page;
use crate::path::KeyPath;
use crate::projection::Projection;
use crate::selector::Selector;
use crate::sort::Sort;

/// What is asked of a list. The default is KubeCube's: page 1 of 10 by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Which items.
    pub selector: Selector,
    /// In which order.
    pub sort: Sort,
    /// Which page of them.
    pub page: Page,
    /// What of each item on the page.
    pub projection: Projection,
    /// In which form the page is written.
    pub answer: PageForm,
    /// `items` (of a Table `rows`) that are `null`, as Go writes an empty list, are one.
    /// Otherwise such an answer is no list, as it is for KubeCube, whose default page
    /// nobody has asked for.
    pub takes_null: bool,
}

/// The form of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PageForm {
    /// The list as it came, with the page's items, and `total` beside them.
    #[default]
    Kubernetes,
    /// KubeSphere's `{"items":[…],"totalItems":n}` and nothing else.
    KubeSphere,
}

// === impl ListQuery ===

impl ListQuery {
    /// Returns whether it asks for all objects in the order of their names, as API
    /// servers have them.
    pub fn is_everything_by_name(&self) -> bool {
        self.selector == Selector::default() && self.sort == Sort::default()
    }

    /// Returns whether an object's `metadata` decides alone if it is on the page.
    pub fn is_about_metadata(&self) -> bool {
        let mut all = true;
        let mut look = |path: &KeyPath| {
            let mut names = path.names();
            all &= names.next() == Some("metadata") && names.next().is_some();
        };
        for expression in self.selector.expressions() {
            expression.each_path(&mut look);
        }
        for key in &self.sort.keys {
            key.source.map(&mut look);
        }
        all
    }

    /// Returns the memory that it takes, in bytes: in proportion to how long it was written.
    pub fn held_bytes(&self) -> usize {
        size_of::<Self>()
            .saturating_add(self.selector.held_bytes())
            .saturating_add(self.sort.held_bytes())
            .saturating_add(self.projection.held_bytes())
    }
}
