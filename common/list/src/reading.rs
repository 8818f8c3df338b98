//! How a body relates to the list that was asked for, and what is left to ask.

use serde_json::value::RawValue;

use crate::engine::{Limits, ListEngine, Parts, Progress};
use crate::envelope::Envelope;
use crate::error::ListError;
use crate::page::Page;
use crate::query::ListQuery;

/// How the body relates to the list that was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// It is the list.
    #[default]
    Whole,
    /// It is the first objects of the list in the server's own order, as many as
    /// end the page (`limit=n` was asked for).
    Head,
    /// It is the list with the metadata of its objects and nothing else of them.
    Keys,
}

/// A page whose list the server did not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncounted {
    pub(crate) envelope: Envelope,
    pub(crate) items: Vec<Box<[u8]>>,
    pub(crate) read: u64,
    pub(crate) token: String,
}

/// The keys of the page's objects, whose bodies are not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    pub(crate) envelope: Envelope,
    pub(crate) objects: Vec<ObjectKey>,
    pub(crate) total: u64,
    pub(crate) limits: Limits,
}

/// Which object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectKey {
    /// Empty for what belongs to no namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// What a list's `metadata` says about the rest of the list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Rest {
    pub(crate) token: Option<String>,
    pub(crate) count: Option<u64>,
}

// === impl Uncounted ===

impl Uncounted {
    /// Where the list goes on.
    pub fn continue_token(&self) -> &str {
        &self.token
    }

    /// The page, once it is known how many objects follow those that were read.
    ///
    /// # Errors
    /// [`ListError::Ended`] never in practice.
    pub fn finish(self, more: u64) -> Result<Vec<u8>, ListError> {
        let bytes = self.items.iter().map(|item| item.len()).sum();
        let total = self.read.saturating_add(more);
        self.envelope.write(self.items.into_iter(), bytes, total)
    }
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
        let bytes = items.iter().map(|item| item.len()).sum();
        frame.write(items.into_iter(), bytes, self.total)
    }

    fn single(&self, body: &[u8]) -> Result<Parts, ListError> {
        let query = ListQuery {
            page: Page {
                offset: 0,
                limit: 1,
            },
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

// === impl Rest ===

impl Rest {
    /// Takes `continue` and `remainingItemCount` out of the text of a `metadata`.
    pub(crate) fn take(metadata: &str) -> (Self, String) {
        let members: Vec<(String, &RawValue)> = match serde_json::from_str::<Members<'_>>(metadata)
        {
            Ok(Members(members)) => members,
            Err(_) => return (Self::default(), metadata.to_owned()),
        };
        let mut rest = Self::default();
        let mut kept = String::from("{");
        for (name, value) in members {
            match name.as_str() {
                "continue" => {
                    rest.token = serde_json::from_str(value.get())
                        .ok()
                        .filter(|token: &String| !token.is_empty());
                }
                "remainingItemCount" => rest.count = serde_json::from_str(value.get()).ok(),
                _ => {
                    if kept.len() > 1 {
                        kept.push(',');
                    }
                    kept.push_str(&serde_json::Value::from(name).to_string());
                    kept.push(':');
                    kept.push_str(value.get());
                }
            }
        }
        kept.push('}');
        (rest, kept)
    }
}

/// The members of an object in their order.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Visitor).map(Self)
    }
}

impl From<&crate::sort::Rank<'_>> for ObjectKey {
    fn from(rank: &crate::sort::Rank<'_>) -> Self {
        Self {
            namespace: rank.namespace.clone().into_owned(),
            name: rank.name.clone().into_owned(),
        }
    }
}
