//! A page whose objects are fetched one by one.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::run::Parts;
use super::{Limits, ListEngine, Progress};
use crate::envelope::Envelope;
use crate::error::ListError;
use crate::heap::PageItems;
use crate::page::Page;
use crate::query::ListQuery;
use crate::reading::ObjectKey;

/// The keys of the page's objects, and what came of the objects themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    envelope: Envelope,
    objects: Vec<ObjectKey>,
    total: u64,
    query: Arc<ListQuery>,
    limits: Limits,
    /// What is around an object in its own list, of the first one in the page's order.
    frame: Option<(usize, Envelope)>,
    /// By its place what is on the page of each object that has come.
    items: BTreeMap<usize, Box<[u8]>>,
}

// === impl Keys ===

impl Keys {
    pub(super) fn new(
        envelope: Envelope,
        (objects, total): (Vec<ObjectKey>, u64),
        query: Arc<ListQuery>,
        limits: Limits,
    ) -> Self {
        Self {
            envelope,
            objects,
            total,
            query,
            limits,
            frame: None,
            items: BTreeMap::new(),
        }
    }

    /// Returns the objects of the page, in its order.
    pub fn objects(&self) -> &[ObjectKey] {
        &self.objects
    }

    /// Takes a list of nothing but the object at this place, or of none when that is
    /// gone; of a list for a place behind all of them only the kind is taken. What is
    /// not on the page is not kept.
    ///
    /// # Errors
    /// An answer that is no list, or of which the query asks too much; more than a page
    /// may take.
    pub fn take(&mut self, place: usize, list: &[u8]) -> Result<(), ListError> {
        let (envelope, item) = self.single(list)?;
        if self.frame.as_ref().is_none_or(|(first, _)| place < *first) {
            self.frame = Some((place, envelope));
        }
        if place < self.objects.len()
            && let Some(item) = item.into_iter().next()
        {
            self.items.insert(place, item);
        }
        let limit = self.limits.max_page_bytes;
        if self.taken_bytes() > limit {
            return Err(ListError::PageTooLarge { limit });
        }
        Ok(())
    }

    /// The bytes of what was taken and is kept.
    pub fn taken_bytes(&self) -> usize {
        let items = self.items.values().map(|item| item.len());
        let frame = self.frame.as_ref();
        let frame = frame.map_or(0, |(_, envelope)| envelope.held_bytes());
        items.fold(frame, usize::saturating_add)
    }

    /// The page of what was taken. An object that did not come is left out like one that
    /// is gone.
    ///
    /// # Errors
    /// [`ListError::Ended`] if nothing was taken.
    pub fn page(self) -> Result<Vec<u8>, ListError> {
        let (_, mut frame) = self.frame.ok_or(ListError::Ended)?;
        frame.take_metadata_of(&self.envelope);
        let items: Vec<Box<[u8]>> = self.items.into_values().collect();
        let page = PageItems {
            bytes: items.iter().map(|item| item.len().saturating_add(1)).sum(),
            items,
            total: self.total,
        };
        frame.write(&page, self.query.answer)
    }

    fn single(&self, list: &[u8]) -> Result<Parts, ListError> {
        let query = ListQuery {
            page: Page {
                offset: 0,
                limit: 1,
            },
            projection: self.query.projection.clone(),
            takes_null: true,
            ..ListQuery::default()
        };
        let mut engine = ListEngine::new(query, self.limits);
        let no_list = || ListError::Malformed {
            offset: 0,
            reason: "no list where one was asked for".to_owned(),
        };
        match engine.push_whole(list)? {
            Progress::Held => {}
            Progress::PassThrough(_) => return Err(no_list()),
        }
        engine.into_parts()?.ok_or_else(no_list)
    }
}
