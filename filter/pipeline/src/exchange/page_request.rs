//! A page that was asked for, and how it goes out.

use crate::exchange::PageRequest;
use crate::pushdown::Way;
use crate::{Headers, Reply};

/// The response header that says how a page came about: `plain`, `head` or `keys`.
const LIST_HEADER: &str = "x-cubegate-list";

impl PageRequest {
    /// Returns what it takes of the worker's memory, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        size_of::<Self>()
            .saturating_add(self.query.held_bytes())
            .saturating_add(self.path.len())
            .saturating_add(self.upstream_query.len())
    }

    /// Returns the list's name in the worker's memory.
    pub(super) fn list(&self) -> String {
        self.origin.list_name(&self.path, &self.upstream_query)
    }

    /// The page as an answer, with the way by which it came.
    pub(super) fn reply(&self, upstream: &Headers, body: Vec<u8>, way: Way) -> Reply {
        let (total, size) = (total_of(&body), self.query.page.limit);
        let page = Reply::page(upstream, body).with_header(LIST_HEADER, way.name());
        let page = match total {
            Some(total) if self.is_by_default && total > size => page.cut(total, size),
            _ => page,
        };
        page.compressed(self.takes_gzip)
    }
}

/// Returns the total that a page of Kubernetes' form ends with.
fn total_of(page: &[u8]) -> Option<u64> {
    let page = page.strip_suffix(b"}")?;
    let digits = page.rsplit(|byte| *byte == b':').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
