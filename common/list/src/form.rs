//! The form in which a page goes out.

use std::borrow::Cow;

use crate::envelope::Envelope;
use crate::error::ListError;
use crate::heap::PageItems;
use crate::projection::Projection;
use crate::query::{Answer, ListQuery};
use crate::strict;

/// What of the items is on the page, and what is around them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form {
    projection: Projection,
    answer: Answer,
}

// === impl Form ===

impl Form {
    /// The form that a query asks for, which needs it no longer.
    pub(crate) fn take(query: &mut ListQuery) -> Self {
        Self {
            projection: std::mem::take(&mut query.projection),
            answer: query.answer,
        }
    }

    /// The same for a Table.
    pub(crate) fn in_rows(self) -> Self {
        Self {
            projection: self.projection.in_rows(),
            answer: self.answer,
        }
    }

    /// Writes the page.
    pub(crate) fn write(
        &self,
        envelope: &Envelope,
        mut page: PageItems,
    ) -> Result<Vec<u8>, ListError> {
        if !self.projection.is_identity() {
            let items = page.items.into_iter().map(|item| self.project(item));
            page.items = items.collect::<Result<_, _>>()?;
        }
        envelope.write(&page, self.answer)
    }

    /// What of an item is on the page. It was validated before, so it does not fail.
    fn project(&self, item: Box<[u8]>) -> Result<Box<[u8]>, ListError> {
        let malformed = |reason| ListError::Malformed { offset: 0, reason };
        let projected = {
            let text = strict::utf8(&item).map_err(malformed)?;
            match self.projection.apply(text) {
                Ok(Cow::Borrowed(_)) => None,
                Ok(Cow::Owned(projected)) => Some(projected.into_bytes().into_boxed_slice()),
                Err(error) => return Err(malformed(strict::reason(&error))),
            }
        };
        Ok(projected.unwrap_or(item))
    }
}
