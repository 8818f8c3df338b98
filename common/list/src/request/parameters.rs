//! The parameters that matter, one by one.

use crate::bounds::{check_all_conditions, check_text};
use crate::error::QueryError;
use crate::page::Page;
use crate::projection::Projection;
use crate::query::{ListQuery, PageForm};
use crate::selector::Selector;
use crate::sort::Sort;

/// The first value of each parameter that matters.
#[derive(Default)]
pub(super) struct Parameters {
    pub(super) selector: Option<String>,
    pub(super) page_size: Option<String>,
    pub(super) page_num: Option<String>,
    pub(super) sort_name: Option<String>,
    pub(super) sort_order: Option<String>,
    pub(super) sort_func: Option<String>,
    pub(super) is_filter: Option<String>,
    pub(super) filter: Strict,
    pub(super) sort: Strict,
    pub(super) fields: Strict,
    pub(super) strip: Strict,
    pub(super) count: Strict,
    pub(super) watch: Option<String>,
    pub(super) follow: Option<String>,
    pub(super) limit: Option<String>,
    pub(super) token: Option<String>,
}

/// A parameter of the strict kind: not there, or its value if it can be decoded.
pub(super) type Strict = Option<Option<String>>;

/// The parameters that are not for the API server.
pub(super) const OURS: [&str; 12] = [
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
/// The parameters that say something of the list, those first that choose what it holds.
pub(super) const ASKING: [&str; 11] = [
    "selector",
    "filter",
    "fields",
    "strip",
    "count",
    "sort",
    "sortName",
    "sortOrder",
    "sortFunc",
    "pageSize",
    "pageNum",
];
/// The parameters that KubeCube does not know.
const STRICT: [&str; 5] = ["filter", "sort", "fields", "strip", "count"];

// === impl Parameters ===

impl Parameters {
    pub(super) fn strict(&mut self, name: &str) -> Option<&mut Strict> {
        match name {
            "filter" => Some(&mut self.filter),
            "sort" => Some(&mut self.sort),
            "fields" => Some(&mut self.fields),
            "strip" => Some(&mut self.strip),
            "count" => Some(&mut self.count),
            _ => None,
        }
    }

    pub(super) fn slot(&mut self, name: &str) -> Option<&mut Option<String>> {
        match name {
            "watch" => Some(&mut self.watch),
            "follow" => Some(&mut self.follow),
            "limit" => Some(&mut self.limit),
            "continue" => Some(&mut self.token),
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

    pub(super) fn any_ours(&self) -> bool {
        self.asked().is_some() || self.is_filter.as_deref() == Some("true")
    }

    pub(super) fn asked(&self) -> Option<&'static str> {
        ASKING.into_iter().find(|name| self.has(name))
    }

    pub(super) fn choosing(&self) -> Option<&'static str> {
        let chooses = |name: &&str| *name == "selector" || STRICT.contains(name);
        ASKING
            .into_iter()
            .filter(chooses)
            .find(|name| self.has(name))
    }

    pub(super) fn strictly_asked(&self) -> Option<&'static str> {
        STRICT.into_iter().find(|name| self.has(name))
    }

    pub(super) fn is_paged(&self) -> bool {
        ["pageSize", "pageNum", "count"]
            .into_iter()
            .any(|name| self.has(name))
    }

    /// Returns whether one of [`ASKING`] is there.
    fn has(&self, name: &str) -> bool {
        match name {
            "selector" => self.selector.is_some(),
            "filter" => self.filter.is_some(),
            "fields" => self.fields.is_some(),
            "strip" => self.strip.is_some(),
            "count" => self.count.is_some(),
            "sort" => self.sort.is_some(),
            "sortName" => self.sort_name.is_some(),
            "sortOrder" => self.sort_order.is_some(),
            "sortFunc" => self.sort_func.is_some(),
            "pageSize" => self.page_size.is_some(),
            "pageNum" => self.page_num.is_some(),
            _ => false,
        }
    }

    pub(super) fn query(&self) -> Result<ListQuery, QueryError> {
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
            answer: PageForm::Kubernetes,
            takes_null: self.any_ours(),
        })
    }
}

/// Returns the value of a strict parameter, empty if it is not there.
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
