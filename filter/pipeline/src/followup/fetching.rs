//! The objects of a page are fetched, several at a time.

use std::borrow::Cow;

use cubegate_kube::{ListPath, field_selector};
use cubegate_list::{Keys, ObjectKey};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::call::{Ask, CallAnswer, JSON};
use crate::followup::{Next, Until, failed};

/// How many answers are awaited at once.
const PARALLEL: usize = 10;

/// The name of no object: it is asked for when a page is empty, for the list's
/// kind. (An empty name would make the server walk over all objects.)
const NOBODY: &str = "cubegate.no-such-object.";

/// What stands in a URL as it is (RFC 3986 2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The page by its keys, and its objects as far as they came.
///
/// Each is asked for as the list of what has its name: in that form an object
/// stands in a list, it takes no other permission than to list, and one that was
/// deleted in between is an empty list. The page is shorter by it; the total is
/// that of the list as it was.
pub(crate) struct Fetching {
    /// `None` once the page was made.
    keys: Option<Box<Keys>>,
    asks: Vec<Ask>,
    asked: usize,
    missing: usize,
}

/// What is read of an answer before the engine takes it.
#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    items: Vec<Item<'a>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    metadata: Metadata<'a>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    namespace: Cow<'a, str>,
}

// === impl Fetching ===

impl Fetching {
    /// `path` and `query` are those of the list at the API server. `None` if an
    /// object has a name that cannot stand in a path.
    pub(crate) fn new(keys: Box<Keys>, path: &ListPath, query: &str) -> Option<Self> {
        let mut asks = keys
            .objects()
            .iter()
            .map(|object| ask(path, query, object))
            .collect::<Option<Vec<Ask>>>()?;
        if asks.is_empty() {
            asks.push(Ask {
                path: format!("{}?{query}&{}", path.whole(), by_name(NOBODY)),
                accept: JSON,
            });
        }
        Some(Self {
            keys: Some(keys),
            asked: 0,
            missing: asks.len(),
            asks,
        })
    }

    pub(crate) fn start(&mut self) -> Vec<Ask> {
        self.next(PARALLEL)
    }

    /// The bytes of what has come and is kept.
    pub(crate) fn kept_bytes(&self) -> usize {
        self.keys.as_ref().map_or(0, |keys| keys.taken_bytes())
    }

    fn next(&mut self, count: usize) -> Vec<Ask> {
        let asks: Vec<Ask> = self
            .asks
            .iter()
            .skip(self.asked)
            .take(count)
            .cloned()
            .collect();
        self.asked = self.asked.saturating_add(asks.len());
        asks
    }

    pub(crate) fn take(&mut self, number: usize, answer: CallAnswer) -> Next {
        if answer.refuses_the_question() {
            return Next::Relist(Until::Forgotten);
        }
        if !answer.is_good() {
            return failed(answer);
        }
        let Some(keys) = &mut self.keys else {
            return Next::Failed(None);
        };
        if !is_only(keys.objects().get(number), &answer.body) {
            return Next::Relist(Until::Forgotten);
        }
        // Now, and not with all others: each answer has a callback of its own, between
        // which the worker does other things.
        if let Err(error) = keys.take(number, &answer.body) {
            return Next::List(error);
        }
        self.missing = self.missing.saturating_sub(1);
        if self.missing > 0 {
            return Next::Ask(self.next(1));
        }
        match self.keys.take().map(|keys| keys.page()) {
            Some(Ok(page)) => Next::Page(page),
            Some(Err(error)) => Next::List(error),
            None => Next::Failed(None),
        }
    }
}

/// Returns whether a list holds nothing but what was asked for: a server that does not
/// know the selector could give all it has.
fn is_only(wanted: Option<&ObjectKey>, list: &[u8]) -> bool {
    // What is no list is for the engine to say.
    let Ok(List { items }) = serde_json::from_slice(list) else {
        return true;
    };
    let is_wanted = |metadata: &Metadata<'_>| {
        wanted.is_some_and(|wanted| {
            wanted.name == metadata.name && wanted.namespace == metadata.namespace
        })
    };
    match items.as_slice() {
        [] => true,
        [Item { metadata }] => is_wanted(metadata),
        _ => false,
    }
}

fn ask(path: &ListPath, query: &str, object: &ObjectKey) -> Option<Ask> {
    if matches!(object.namespace.as_str(), "." | "..") || object.name.is_empty() {
        return None;
    }
    // A list of one namespace holds nothing of another.
    if path
        .namespace()
        .is_some_and(|namespace| namespace != object.namespace)
    {
        return None;
    }
    let namespace = utf8_percent_encode(&object.namespace, ESCAPED).to_string();
    let list = path.in_namespace(&namespace);
    Some(Ask {
        path: format!("{list}?{query}&{}", by_name(&object.name)),
        accept: JSON,
    })
}

/// Returns the parameter that selects one object.
pub(crate) fn by_name(name: &str) -> String {
    let escaped = field_selector::escape(name);
    let value = utf8_percent_encode(&escaped, ESCAPED);
    format!("fieldSelector=metadata.name%3D{value}")
}
