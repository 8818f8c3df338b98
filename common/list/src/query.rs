//! The whole list query: which items, in which order, which page of them.

use crate::page::Page;
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
}

// === impl ListQuery ===

impl ListQuery {
    /// Whether it asks for all objects in the order of their names, as API
    /// servers have them.
    pub fn is_everything_by_name(&self) -> bool {
        self.selector == Selector::default() && self.sort == Sort::default()
    }

    /// Whether an object's `metadata` decides alone if it is on the page.
    pub fn is_about_metadata(&self) -> bool {
        self.selector.paths().chain([&self.sort.path]).all(|path| {
            let mut steps = path.steps().iter();
            steps.next().is_some_and(|first| &*first.name == "metadata") && steps.next().is_some()
        })
    }
}
