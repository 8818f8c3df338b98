//! A page that is there before its list was counted.

use crate::envelope::Envelope;
use crate::error::ListError;
use crate::heap::PageItems;
use crate::query::PageForm;

/// A page whose list the server did not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncounted {
    pub(crate) envelope: Envelope,
    pub(crate) page: PageItems,
    pub(crate) answer: PageForm,
    pub(crate) token: String,
}

// === impl Uncounted ===

impl Uncounted {
    /// Returns where the list goes on.
    pub fn continue_token(&self) -> &str {
        &self.token
    }

    /// Returns the page, once it is known how many objects follow those that were read.
    ///
    /// # Errors
    /// [`ListError::Ended`] never in practice.
    pub fn finish(mut self, more: u64) -> Result<Vec<u8>, ListError> {
        self.page.total = self.page.total.saturating_add(more);
        self.envelope.write(&self.page, self.answer)
    }
}
