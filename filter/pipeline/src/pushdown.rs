//! Which part of a page's work the API server can do, at exactly the same result.
//!
//! | way | what is asked upstream | when |
//! |---|---|---|
//! | plain | the whole list | always right |
//! | head | the first `limit` objects | the server's order and selection are the query's |
//! | keys | the list's metadata, then the page's objects | metadata decides the page, and the list is large |
//!
//! A way is only ever chosen when nothing of the request is unknown here: each
//! query parameter that goes upstream must be one of those that it can carry.

mod learned;

use cubegate_kube::ListPath;
use cubegate_list::{ListQuery, Reading};

pub(crate) use learned::{Learned, Lesson};

/// A page that ends behind this object is not read as the list's head: the
/// server would encode it all for one page, and the next one again.
const MAX_HEAD: u64 = 500;

/// Most objects that are fetched one by one for a page.
const MAX_FETCHED: u64 = 50;

/// How a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The whole list.
    Plain,
    /// Its first `limit` objects.
    Head {
        /// Never 0, which would be no limit.
        limit: u64,
    },
    /// Its metadata first.
    Keys,
}

/// What the choice depends on.
pub(crate) struct Question<'a> {
    /// The path at the API server.
    pub(crate) path: &'a str,
    /// The query that goes there in any case.
    pub(crate) upstream_query: &'a str,
    /// What is asked of the list.
    pub(crate) query: &'a ListQuery,
    /// What is known of this list.
    pub(crate) lesson: Lesson,
    /// The configured bound; 0 is never.
    pub(crate) metadata_first_bytes: u64,
}

/// Chooses the way to a page of plain JSON.
pub(crate) fn way(question: &Question<'_>) -> Way {
    let Some(path) = ListPath::parse(question.path) else {
        return Way::Plain;
    };
    if !path.is_built_in() {
        return Way::Plain;
    }
    let page = question.query.page;
    let only = |allowed: &[&str]| {
        let pairs = question.upstream_query.split('&');
        let mut names = pairs.map(|pair| pair.split('=').next().unwrap_or_default());
        names.all(|name| allowed.contains(&name))
    };
    if path.is_ordered_by_name()
        && question.query.is_everything_by_name()
        && page.end() <= MAX_HEAD
        && !question.lesson.no_head
        && only(&["pretty"])
    {
        return Way::Head {
            limit: page.end().max(1),
        };
    }
    let is_large =
        question.metadata_first_bytes > 0 && question.lesson.bytes >= question.metadata_first_bytes;
    if is_large
        && question.query.is_about_metadata()
        && page.limit <= MAX_FETCHED
        && !question.lesson.no_keys
        && only(&["pretty", "labelSelector"])
    {
        return Way::Keys;
    }
    Way::Plain
}

// === impl Way ===

impl Way {
    /// Returns what the answer's header tells operators.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Head { .. } => "head",
            Self::Keys => "keys",
        }
    }

    /// Returns how the answer is to be read.
    pub(crate) fn reading(self) -> Reading {
        match self {
            Self::Plain => Reading::Whole,
            Self::Head { .. } => Reading::Head,
            Self::Keys => Reading::Keys,
        }
    }

    /// The query that goes upstream.
    pub(crate) fn upstream_query(self, query: &str) -> String {
        match self {
            Self::Head { limit } => format!("{query}&limit={limit}"),
            Self::Plain | Self::Keys => query.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
