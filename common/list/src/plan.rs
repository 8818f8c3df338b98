//! A query made ready to judge items: fields looked up once, tests and sort key by field.

use crate::fields::{Field, FieldSet, Found};
use crate::path::KeyPath;
use crate::query::ListQuery;
use crate::selector::Test;
use crate::sort::{Rank, SortKind};

/// What is asked of each item.
#[derive(Debug)]
pub(crate) struct Plan {
    fields: FieldSet,
    conditions: Vec<(Field, Test)>,
    sort: Field,
    kind: SortKind,
    descending: bool,
    namespace: Field,
    name: Field,
}

// === impl Plan ===

impl Plan {
    pub(crate) fn new(query: ListQuery) -> Self {
        let mut fields = FieldSet::new();
        let conditions = query
            .selector
            .into_conditions()
            .into_iter()
            .map(|condition| (fields.add(&condition.path), condition.test))
            .collect();
        Self {
            conditions,
            sort: fields.add(&query.sort.path),
            kind: query.sort.kind,
            descending: query.sort.descending,
            namespace: fields.add(&KeyPath::parse("metadata.namespace")),
            name: fields.add(&KeyPath::parse("metadata.name")),
            fields,
        }
    }

    /// The fields that have to be found in an item before it is judged.
    pub(crate) fn fields(&self) -> &FieldSet {
        &self.fields
    }

    /// Where an item stands in the list; `None` if the selector does not want it.
    pub(crate) fn judge<'a>(&self, found: Found<'a>, arrival: u64) -> Option<Rank<'a>> {
        let wanted = self
            .conditions
            .iter()
            .all(|(field, test)| test.passes(&found.value(*field)));
        wanted.then(|| Rank {
            key: self.kind.key(found.value(self.sort)),
            namespace: found.value(self.namespace).into_text(),
            name: found.value(self.name).into_text(),
            arrival,
            descending: self.descending,
        })
    }
}
