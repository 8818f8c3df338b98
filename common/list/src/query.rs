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
