//! A page whose objects are fetched one by one.

use std::sync::Arc;

use super::run::Parts;
use super::{Limits, ListEngine, Progress};
use crate::envelope::Envelope;
use crate::error::ListError;
use crate::heap::PageItems;
use crate::page::Page;
use crate::query::ListQuery;
use crate::reading::ObjectKey;

/// The keys of the page's objects, whose bodies are not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    pub(crate) envelope: Envelope,
    pub(crate) objects: Vec<ObjectKey>,
    pub(crate) total: u64,
    pub(crate) query: Arc<ListQuery>,
    pub(crate) limits: Limits,
}

// === impl Keys ===

impl Keys {
    /// The objects of the page, in its order.
    pub fn objects(&self) -> &[ObjectKey] {
        &self.objects
    }

    /// The page. `fetched` holds, for each object in order, a list of that one
    /// object, or of none when it is gone; `None` is left out like one that is
    /// gone. One more list may follow, of which only the kind is taken.
    ///
    /// # Errors
    /// An answer that is no list.
    pub fn page(self, fetched: Vec<Option<Vec<u8>>>) -> Result<Vec<u8>, ListError> {
        let mut frame: Option<Envelope> = None;
        let mut items: Vec<Box<[u8]>> = Vec::new();
        for (place, body) in fetched.into_iter().enumerate() {
            let Some(body) = body else { continue };
            let (envelope, item) = self.single(&body)?;
            frame.get_or_insert(envelope);
            if place < self.objects.len() {
                items.extend(item.into_iter().next());
            }
        }
        let mut frame = frame.ok_or(ListError::Ended)?;
        frame.take_metadata_of(&self.envelope);
        let page = PageItems {
            bytes: items.iter().map(|item| item.len().saturating_add(1)).sum(),
            items,
            total: self.total,
        };
        frame.write(&page, self.query.answer)
    }

    fn single(&self, body: &[u8]) -> Result<Parts, ListError> {
        let query = ListQuery {
            page: Page {
                offset: 0,
                limit: 1,
            },
            projection: self.query.projection.clone(),
            ..ListQuery::default()
        };
        let mut engine = ListEngine::new(query, self.limits);
        let no_list = || ListError::Malformed {
            offset: 0,
            reason: "no list where one was asked for".to_owned(),
        };
        match engine.push(body)? {
            Progress::Held => {}
            Progress::PassThrough(_) => return Err(no_list()),
        }
        engine.into_parts()?.ok_or_else(no_list)
    }
}
