//! What the query string of a GET says about the list, and what of it goes upstream.

mod parameters;

use cubegate_kube::query::{decode, is_true};

use self::parameters::{ASKING, OURS, Parameters};
use crate::bounds::check_query;
use crate::error::QueryError;
use crate::page::Page;
use crate::query::ListQuery;

/// The query string of a GET, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRequest {
    /// What is asked of the list, defaults included, or which of the strict
    /// parameters cannot be read, or which one asks too much. It matters only if the
    /// list becomes a page.
    pub query: Result<ListQuery, QueryError>,
    /// One of `selector`, `pageSize`, `pageNum`, `sortName`, `sortOrder`,
    /// `sortFunc`, `isFilter=true`, `filter`, `sort`, `fields`, `strip` or
    /// `count` is there.
    pub ours_present: bool,
    /// The first of them that is there and says something of the list, which
    /// `isFilter` does not.
    pub asked: Option<&'static str>,
    /// The first of them that chooses what the answer holds: all but those of KubeCube
    /// that sort and page.
    pub choosing: Option<&'static str>,
    /// The first of them that is ours alone: `filter`, `sort`, `fields`, `strip`, `count`.
    pub strict: Option<&'static str>,
    /// One of Kubernetes' own list options is there: `limit`, `continue`,
    /// `resourceVersion`, `resourceVersionMatch` or `sendInitialEvents`.
    pub native_present: bool,
    /// `continue` has a value: what is asked begins in the middle of a list.
    pub continues: bool,
    /// `limit`, where that is a number.
    pub(crate) limit: Option<i64>,
    /// The query says which page of the list is meant, or that none is.
    pub is_paged: bool,
    /// `isFilter` is exactly `false`.
    pub is_filter_off: bool,
    /// `watch` or `follow` is true: the answer does not end.
    pub streaming: bool,
    /// The query string for the API server when the list is made into a page:
    /// the pairs byte for byte and in order, without our parameters, and with
    /// `pretty=false`.
    pub upstream_query: String,
}

const NATIVE: [&str; 5] = [
    "limit",
    "continue",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
];
/// How Kubernetes cuts a list into chunks.
const CHUNKS: [&str; 2] = ["limit", "continue"];
const PRETTY: &str = "pretty";
pub(crate) const NOT_PRETTY: &str = "pretty=false";

// === impl ListRequest ===

impl ListRequest {
    /// Reads a query string as it stands in the URL, without the `?`.
    ///
    /// As in Go, the first of several values counts, and a pair with an invalid
    /// escape or a `;` says nothing (it is still sent upstream, unless its name
    /// is one of ours). Only the strict parameters can be refused, and what is too much.
    pub fn parse(raw_query: &str) -> Self {
        let mut parameters = Parameters::default();
        let mut native_present = false;
        let mut upstream: Vec<&str> = Vec::new();
        for pair in raw_query.split('&').filter(|pair| !pair.is_empty()) {
            let (raw_name, raw_value) = pair.split_once('=').unwrap_or((pair, ""));
            let Some(name) = decode(raw_name) else {
                upstream.push(pair);
                continue;
            };
            if !OURS.contains(&&*name) && name != PRETTY {
                upstream.push(pair);
            }
            if let Some(slot) = parameters.strict(&name) {
                let decodable = Some(raw_value).filter(|_| !pair.contains(';'));
                slot.get_or_insert_with(|| decodable.and_then(decode));
                continue;
            }
            if pair.contains(';') {
                continue;
            }
            let Some(value) = decode(raw_value) else {
                continue;
            };
            native_present |= NATIVE.contains(&&*name);
            if let Some(slot) = parameters.slot(&name) {
                slot.get_or_insert(value);
            }
        }
        upstream.push(NOT_PRETTY);
        Self {
            query: check_query(raw_query).and_then(|()| parameters.query()),
            ours_present: parameters.any_ours(),
            asked: parameters.asked(),
            choosing: parameters.choosing(),
            strict: parameters.strictly_asked(),
            native_present,
            continues: parameters
                .token
                .as_deref()
                .is_some_and(|token| !token.is_empty()),
            limit: parameters
                .limit
                .as_deref()
                .and_then(|limit| limit.parse().ok()),
            is_paged: parameters.is_paged(),
            is_filter_off: parameters.is_filter.as_deref() == Some("false"),
            streaming: [&parameters.watch, &parameters.follow]
                .into_iter()
                .any(|value| value.as_deref().is_some_and(is_true)),
            upstream_query: upstream.join("&"),
        }
    }

    /// Returns the first parameter that says something of a list and that a query has by
    /// name, whatever its value, and whichever way a `;` is read.
    pub fn named_in(raw_query: &str) -> Option<&'static str> {
        names(raw_query).find_map(|name| ASKING.into_iter().find(|known| *known == name))
    }

    /// Returns the first parameter that is one of ours but for capitals and small letters,
    /// with its right name.
    pub fn miswritten_in(raw_query: &str) -> Option<(String, &'static str)> {
        names(raw_query).find_map(|name| {
            let meant = OURS
                .into_iter()
                .find(|known| known.eq_ignore_ascii_case(&name))?;
            (name != meant).then_some((name, meant))
        })
    }

    /// The same of the whole list: `limit` does not go upstream, for what is selected,
    /// counted and sorted would be a chunk's. A page has all items then, unless the query
    /// says which one is meant, as of a server that does not know `limit`: who pages
    /// with it and finds no `continue` takes what came for everything there is.
    #[must_use]
    pub fn about_the_whole_list(mut self) -> Self {
        let (true, Some(limit)) = (self.ours_present, self.limit) else {
            return self;
        };
        let pairs = self.upstream_query.split('&');
        let kept = pairs.filter(|pair| {
            let (name, _) = pair.split_once('=').unwrap_or((pair, ""));
            decode(name).is_none_or(|name| !CHUNKS.contains(&&*name))
        });
        self.upstream_query = kept.collect::<Vec<_>>().join("&");
        if let Ok(query) = &mut self.query
            && limit > 0
            && !self.is_paged
        {
            query.page = Page::EVERYTHING;
        }
        self
    }

    /// Returns whether a GET on a KubeCube path asks for a page: not with
    /// `isFilter=false`, not of a stream, and not when it speaks Kubernetes'
    /// own list options and none of ours, as kubectl does. Whether the `Accept`
    /// header allows it is for the caller to say.
    pub fn decides_page(&self) -> bool {
        !self.is_filter_off && !self.streaming && (self.ours_present || !self.native_present)
    }
}

/// Returns the names of a query's parameters, whichever way a `;` is read.
fn names(raw_query: &str) -> impl Iterator<Item = String> {
    raw_query.split(['&', ';']).filter_map(|pair| {
        let (name, _) = pair.split_once('=').unwrap_or((pair, ""));
        decode(name)
    })
}

#[cfg(test)]
mod tests;
