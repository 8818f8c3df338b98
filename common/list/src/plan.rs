//! A query made ready to judge items: fields looked up once, tests and sort key by field.

use std::cmp::Ordering;

use crate::condition::{Condition, charge_typed};
use crate::error::ListError;
use crate::expression::Expression;
use crate::fields::{Field, FieldSet, Found};
use crate::path::{Elements, KeyPath};
use crate::query::ListQuery;
use crate::rank::{Key, NextKey, Rank};
use crate::sort::{SortKey, SortKind, Source};
use crate::table::{self, Columns, InRow};
use crate::typed::{Typed, ValueType};
use crate::value::Value;
use crate::work::{STEP, Work};

/// What is asked of each item.
#[derive(Debug)]
pub(crate) struct Plan {
    fields: FieldSet,
    conditions: Vec<Expression<Place>>,
    /// `None` when nobody sees the order.
    order: Option<Order>,
    /// The memory that it takes beside the query.
    held: usize,
}

#[derive(Debug)]
struct Order {
    first: SortKey<Place>,
    more: Vec<SortKey<Place>>,
    namespace: Field,
    name: Field,
}

/// Where a field is: in the set, and below that in elements of an array.
#[derive(Debug)]
pub(crate) struct Place {
    field: Field,
    each: Option<Elements>,
    /// The field holds the cells of a row, of which this one is meant.
    cell: Option<usize>,
}

// === impl Plan ===

impl Plan {
    pub(crate) fn new(query: &ListQuery) -> Self {
        Self::with(query, |path| InRow::Field(path.clone()))
    }

    /// Returns the plan for the rows of a Table with these columns.
    pub(crate) fn for_rows(query: &ListQuery, columns: &Columns) -> Result<Self, ListError> {
        let mut missing = None;
        let plan = Self::with(query, |path| {
            columns.find(path).unwrap_or_else(|error| {
                missing.get_or_insert(error);
                InRow::Cell(0)
            })
        });
        missing.map_or(Ok(plan), Err)
    }

    fn with(query: &ListQuery, mut find: impl FnMut(&KeyPath) -> InRow) -> Self {
        let mut fields = FieldSet::new();
        let mut place = |path: &KeyPath| Place::add(&mut fields, find(path));
        let conditions: Vec<Expression<Place>> = query
            .selector
            .expressions()
            .iter()
            .map(|expression| expression.map(&mut place))
            .collect();
        let mut keys = query.sort.keys.iter().map(|key| SortKey {
            source: key.source.map(&mut place),
            kind: key.kind,
            descending: key.descending,
        });
        let counts_only = query.page.limit == 0;
        let order = keys.next().filter(|_| !counts_only).map(|first| {
            let more = keys.by_ref().collect();
            (first, more)
        });
        let mut field = |path: &str| Place::add(&mut fields, find(&KeyPath::parse(path))).field;
        let order = order.map(|(first, more)| Order {
            first,
            more,
            namespace: field("metadata.namespace"),
            name: field("metadata.name"),
        });
        let held = conditions
            .iter()
            .map(Expression::held_bytes)
            .fold(fields.held_bytes(), usize::saturating_add);
        Self {
            fields,
            conditions,
            order,
            held,
        }
    }

    /// Returns the memory that it takes beside the query, in bytes.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held
    }

    /// The fields that have to be found in an item before it is judged.
    pub(crate) fn fields(&self) -> &FieldSet {
        &self.fields
    }

    /// Returns whether an item is wanted, for tests of the language.
    #[cfg(test)]
    pub(crate) fn wants(&self, item: &str) -> bool {
        let mut places = crate::fields::Places::default();
        self.fields.take(item.as_bytes(), &mut places);
        let found = Found::new(item.as_bytes(), &places);
        self.judge(found, 0, &Work::unlimited()).is_some()
    }

    /// Returns where an item stands in the list; `None` if the selector does not want it. Once
    /// the work is spent the result means nothing.
    pub(crate) fn judge<'a>(
        &self,
        found: Found<'a>,
        arrival: u64,
        work: &Work,
    ) -> Option<Rank<'a>> {
        let wanted = self.conditions.iter().all(|expression| {
            expression.holds(&|condition| passes(condition, &found, work), &|derived| {
                derived.text(|place: &Place| place.value(&found, work), work)
            })
        });
        wanted.then(|| match &self.order {
            Some(order) => order.rank(&found, arrival, work),
            None => Rank {
                key: Key::Typed(None),
                descending: false,
                more: Vec::new(),
                namespace: "".into(),
                name: "".into(),
                arrival,
            },
        })
    }
}

/// Returns whether one of the values that the condition's path leads to passes. A `[]`
/// leads to none when there is nothing, and a path without to a missing one.
fn passes(condition: &Condition<Place>, found: &Found<'_>, work: &Work) -> bool {
    if work.is_spent() {
        return false;
    }
    let place = &condition.field;
    match &place.each {
        None => condition.test.passes(place.value(found, work), work),
        Some(_) => place.any(found, work, &mut |value| {
            value != Value::Missing && condition.test.passes(value, work)
        }),
    }
}

// === impl Place ===

impl Place {
    fn add(fields: &mut FieldSet, place: InRow) -> Self {
        match place {
            InRow::Field(path) => Self {
                field: fields.add(&path),
                each: path.each().cloned(),
                cell: None,
            },
            InRow::Cell(cell) => Self {
                field: fields.add(&KeyPath::parse(table::CELLS)),
                each: None,
                cell: Some(cell),
            },
        }
    }

    /// Returns the value, or the array whose elements are meant.
    fn value<'a>(&self, found: &Found<'a>, work: &Work) -> Value<'a> {
        let raw = found.raw(self.field);
        // Of what else it may be only the first byte is looked at.
        let reads_all = raw.starts_with(b"\"") || self.cell.is_some();
        work.charge(STEP.saturating_add(if reads_all { raw.len() / 2 } else { 0 }));
        let value = Value::read(raw);
        match self.cell {
            None => value,
            Some(cell) => table::cell(&value, cell),
        }
    }

    /// Shows every value until one satisfies.
    fn any<'a>(
        &self,
        found: &Found<'a>,
        work: &Work,
        visit: &mut dyn FnMut(Value<'a>) -> bool,
    ) -> bool {
        match (&self.each, self.value(found, work)) {
            (None, value) => visit(value),
            (Some(each), Value::Array(array)) => each.any(array, work, &mut |element| {
                each.path.any(element, work, &mut |raw| {
                    work.charge(raw.len());
                    visit(Value::read(raw))
                })
            }),
            (Some(_), _) => false,
        }
    }
}

// === impl Order ===

impl Order {
    fn rank<'a>(&self, found: &Found<'a>, arrival: u64, work: &Work) -> Rank<'a> {
        let more = self.more.iter().map(|key| NextKey {
            key: key.value(found, work),
            descending: key.descending,
        });
        Rank {
            key: self.first.value(found, work),
            descending: self.first.descending,
            more: more.collect(),
            namespace: found.value(self.namespace).into_text(),
            name: found.value(self.name).into_text(),
            arrival,
        }
    }
}

// === impl SortKey ===

impl SortKey<Place> {
    fn value<'a>(&self, found: &Found<'a>, work: &Work) -> Key<'a> {
        match &self.source {
            Source::Field(place) if place.each.is_none() => {
                let value = place.value(found, work);
                charge_typed(&value, work);
                self.kind.key(value)
            }
            Source::Field(place) => self.first_of(place, found, work),
            Source::Latest(places) => latest(places, found, work),
            Source::Derived(derived) => {
                let text = derived.text(|place: &Place| place.value(found, work), work);
                Key::Typed(Some(Typed::Text(text.into())))
            }
        }
    }

    /// Of the elements' keys the one that comes first in this direction.
    fn first_of<'a>(&self, place: &Place, found: &Found<'a>, work: &Work) -> Key<'a> {
        let mut first: Option<Key<'a>> = None;
        place.any(found, work, &mut |value| {
            charge_typed(&value, work);
            let key = self.kind.key(value);
            let earlier = first
                .as_ref()
                .is_none_or(|first| key.order(first, self.descending) == Ordering::Less);
            if earlier {
                first = Some(key);
            }
            false
        });
        first.unwrap_or_else(|| self.kind.key(Value::Missing))
    }
}

fn latest<'a>(places: &[Place], found: &Found<'a>, work: &Work) -> Key<'a> {
    const TIME: SortKind = SortKind::Typed(ValueType::Time);
    let mut latest = Key::Typed(None);
    for place in places {
        place.any(found, work, &mut |value| {
            charge_typed(&value, work);
            let key = TIME.key(value);
            if key.order(&latest, true) == Ordering::Less {
                latest = key;
            }
            false
        });
    }
    latest
}
