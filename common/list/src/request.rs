//! What the query string of a GET says about the list, and what of it goes upstream.

use percent_encoding::percent_decode_str;

use crate::bounds::{check_all_conditions, check_query, check_text};
use crate::error::QueryError;
use crate::page::Page;
use crate::projection::Projection;
use crate::query::{Answer, ListQuery};
use crate::selector::Selector;
use crate::sort::Sort;

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
    /// One of Kubernetes' own list options is there: `limit`, `continue`,
    /// `resourceVersion`, `resourceVersionMatch` or `sendInitialEvents`.
    pub native_present: bool,
    /// `isFilter` is exactly `false`.
    pub is_filter_off: bool,
    /// `watch` or `follow` is true: the answer does not end.
    pub streaming: bool,
    /// The query string for the API server when the list is made into a page:
    /// the pairs byte for byte and in order, without our parameters, and with
    /// `pretty=false`.
    pub upstream_query: String,
}

/// The first value of each parameter that matters.
#[derive(Default)]
struct Parameters {
    selector: Option<String>,
    page_size: Option<String>,
    page_num: Option<String>,
    sort_name: Option<String>,
    sort_order: Option<String>,
    sort_func: Option<String>,
    is_filter: Option<String>,
    filter: Strict,
    sort: Strict,
    fields: Strict,
    strip: Strict,
    count: Strict,
    watch: Option<String>,
    follow: Option<String>,
}

/// A parameter of the strict kind: not there, or its value if it can be decoded.
type Strict = Option<Option<String>>;

const NATIVE: [&str; 5] = [
    "limit",
    "continue",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
];
const PRETTY: &str = "pretty";
/// The parameters that are not for the API server.
const OURS: [&str; 12] = [
    "selector",
    "pageSize",
    "pageNum",
    "sortName",
    "sortOrder",
    "sortFunc",
    "isFilter",
    "filter",
    "sort",
    "fields",
    "strip",
    "count",
];
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
            if !Parameters::is_ours(&name) && name != PRETTY {
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
            native_present,
            is_filter_off: parameters.is_filter.as_deref() == Some("false"),
            streaming: is_true(parameters.watch.as_deref())
                || is_true(parameters.follow.as_deref()),
            upstream_query: upstream.join("&"),
        }
    }

    /// Whether a GET on a KubeCube path asks for a page: not with
    /// `isFilter=false`, not of a stream, and not when it speaks Kubernetes'
    /// own list options and none of ours, as kubectl does. Whether the `Accept`
    /// header allows it is for the caller to say.
    pub fn decides_page(&self) -> bool {
        !self.is_filter_off && !self.streaming && (self.ours_present || !self.native_present)
    }
}

// === impl Parameters ===

impl Parameters {
    fn is_ours(name: &str) -> bool {
        OURS.contains(&name)
    }

    fn strict(&mut self, name: &str) -> Option<&mut Strict> {
        match name {
            "filter" => Some(&mut self.filter),
            "sort" => Some(&mut self.sort),
            "fields" => Some(&mut self.fields),
            "strip" => Some(&mut self.strip),
            "count" => Some(&mut self.count),
            _ => None,
        }
    }

    fn slot(&mut self, name: &str) -> Option<&mut Option<String>> {
        match name {
            "watch" => Some(&mut self.watch),
            "follow" => Some(&mut self.follow),
            _ => self.ours(name),
        }
    }

    fn ours(&mut self, name: &str) -> Option<&mut Option<String>> {
        match name {
            "selector" => Some(&mut self.selector),
            "pageSize" => Some(&mut self.page_size),
            "pageNum" => Some(&mut self.page_num),
            "sortName" => Some(&mut self.sort_name),
            "sortOrder" => Some(&mut self.sort_order),
            "sortFunc" => Some(&mut self.sort_func),
            "isFilter" => Some(&mut self.is_filter),
            _ => None,
        }
    }

    fn any_ours(&self) -> bool {
        self.asked().is_some() || self.is_filter.as_deref() == Some("true")
    }

    fn asked(&self) -> Option<&'static str> {
        let there = [
            ("selector", self.selector.is_some()),
            ("filter", self.filter.is_some()),
            ("fields", self.fields.is_some()),
            ("strip", self.strip.is_some()),
            ("count", self.count.is_some()),
            ("sort", self.sort.is_some()),
            ("sortName", self.sort_name.is_some()),
            ("sortOrder", self.sort_order.is_some()),
            ("sortFunc", self.sort_func.is_some()),
            ("pageSize", self.page_size.is_some()),
            ("pageNum", self.page_num.is_some()),
        ];
        let mut there = there.into_iter().filter(|(_, is_there)| *is_there);
        there.next().map(|(name, _)| name)
    }

    fn query(&self) -> Result<ListQuery, QueryError> {
        let lenient = [
            ("selector", &self.selector),
            ("pageSize", &self.page_size),
            ("pageNum", &self.page_num),
            ("sortName", &self.sort_name),
            ("sortOrder", &self.sort_order),
            ("sortFunc", &self.sort_func),
        ];
        for (parameter, value) in lenient {
            check_text(parameter, value.as_deref().unwrap_or_default())?;
        }
        let filter = Selector::filter(text("filter", &self.filter)?)?;
        let sort = match text("sort", &self.sort)? {
            blank if blank.trim().is_empty() => Sort::parse(
                self.sort_name.as_deref(),
                self.sort_order.as_deref(),
                self.sort_func.as_deref(),
            ),
            keys => Sort::keys(keys)?,
        };
        let projection =
            Projection::parse(text("fields", &self.fields)?, text("strip", &self.strip)?)?;
        let page = match text("count", &self.count)? {
            "only" => Page::NOTHING,
            "" => Page::parse(self.page_size.as_deref(), self.page_num.as_deref()),
            _ => return Err(QueryError::whole("count", "its only value is `only`")),
        };
        let selector = Selector::parse(self.selector.as_deref().unwrap_or_default())?.and(filter);
        check_all_conditions(selector.expressions())?;
        Ok(ListQuery {
            selector,
            sort,
            page,
            projection,
            answer: Answer::Kubernetes,
        })
    }
}

/// The value of a strict parameter, empty if it is not there.
fn text<'p>(parameter: &'static str, value: &'p Strict) -> Result<&'p str, QueryError> {
    let text = match value {
        None => "",
        Some(Some(text)) => text,
        Some(None) => {
            return Err(QueryError::whole(
                parameter,
                "a percent escape is incomplete, or a ; is not written as %3B",
            ));
        }
    };
    check_text(parameter, text)?;
    Ok(text)
}

/// How Kubernetes reads a boolean parameter: `?watch` alone is true.
fn is_true(value: Option<&str>) -> bool {
    value.is_some_and(|value| value != "0" && !value.eq_ignore_ascii_case("false"))
}

/// Form decoding, strict about escapes as Go is. Bytes that are no UTF-8 become
/// replacement characters, which is what they are in JSON, too.
pub(crate) fn decode(raw: &str) -> Option<String> {
    let well_formed = raw.split('%').skip(1).all(|rest| {
        let mut digits = rest.bytes().take(2).filter(u8::is_ascii_hexdigit);
        digits.next().is_some() && digits.next().is_some()
    });
    well_formed.then(|| {
        let spaced = raw.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    })
}

#[cfg(test)]
mod tests;
