//! KubeSphere's list parameters (`/kapis/resources.kubesphere.io/v1alpha3`),
//! compiled into the same query that KubeCube's become.
//!
//! The meaning is that of KubeSphere v3.0, with these differences: an unknown
//! key is ignored and not a filter that matches nothing, of a key that is given
//! twice the first value counts, `labelSelector` and `fieldSelector` that
//! cannot be read are errors, and `fieldSelector` works.

mod filters;
mod label_selector;
mod service;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::bounds::{check_all_conditions, check_query, check_text};
use crate::derived::Derived;
use crate::error::QueryError;
use crate::expression::Expression;
use crate::page::Page;
use crate::path::KeyPath;
use crate::projection::Projection;
use crate::query::{Answer, ListQuery};
use crate::request::{ListRequest, NOT_PRETTY, decode};
use crate::selector::Selector;
use crate::sort::{Sort, SortKey, SortKind, Source};
use crate::typed::ValueType;

use label_selector::Missing;

pub use service::{Service, service_name};

/// Pairs of one query; no KubeSphere client sends nearly as many.
const MAX_PAIRS: usize = 64;

/// Every parameter but `names`, which has a bound of its own.
const BOUNDED: [&str; 23] = [
    "limit",
    "page",
    "sortBy",
    "ascending",
    "name",
    "uid",
    "namespace",
    "ownerReference",
    "ownerKind",
    "label",
    "annotation",
    "labelSelector",
    "fieldSelector",
    "nodeName",
    "pvcName",
    "serviceName",
    "phase",
    "podIP",
    "status",
    "storageClassName",
    "email",
    "ingroup",
    "notingroup",
];

/// Reads the query string of a GET on the list of a resource (its plural name,
/// such as `deployments`), as it stands in the URL, without the `?`.
///
/// The request always asks for a page. `labelSelector` also goes upstream,
/// which makes the list shorter and its meaning no other.
///
/// `services` are those that [`service_name`] asks for, of all namespaces that the
/// list is about. How many labels they select by has no bound here.
pub fn parse(resource: &str, raw_query: &str, services: &[Service]) -> ListRequest {
    let checked = check_query(raw_query);
    let parameters = match checked {
        Ok(()) => parameters(raw_query),
        Err(_) => Vec::new(),
    };
    let first = |name: &str| {
        let found = parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    let mut upstream_query = String::new();
    if let Some(selector) = first("labelSelector").filter(|text| !text.is_empty()) {
        let encoded = utf8_percent_encode(selector, NON_ALPHANUMERIC);
        upstream_query = format!("labelSelector={encoded}&");
    }
    upstream_query.push_str(NOT_PRETTY);
    ListRequest {
        query: checked.and_then(|()| query(resource, &parameters, services, first)),
        ours_present: true,
        asked: None,
        native_present: false,
        is_filter_off: false,
        streaming: false,
        upstream_query,
    }
}

/// Name and value of each pair. As in Go, a pair with an invalid escape or a
/// `;` says nothing.
fn parameters(raw_query: &str) -> Vec<(String, String)> {
    raw_query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.contains(';'))
        .filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name)?, decode(value)?))
        })
        .collect()
}

fn query<'q>(
    resource: &str,
    parameters: &'q [(String, String)],
    services: &[Service],
    first: impl Fn(&str) -> Option<&'q str>,
) -> Result<ListQuery, QueryError> {
    if parameters.len() > MAX_PAIRS {
        return Err(QueryError::whole(
            "query",
            "a list request may have 64 parameters at most",
        ));
    }
    for parameter in BOUNDED {
        check_text(parameter, first(parameter).unwrap_or_default())?;
    }
    let mut conditions = Vec::new();
    // How many services there are, and labels of each, is not for the query to say.
    let mut of_services = Vec::new();
    for (index, (name, value)) in parameters.iter().enumerate() {
        let before = parameters.iter().take(index);
        if before.into_iter().all(|(former, _)| former != name) {
            let all = match &**name {
                "serviceName" => &mut of_services,
                _ => &mut conditions,
            };
            all.extend(filters::filter(resource, name, value, services)?);
        }
    }
    if let Some(text) = first("labelSelector") {
        let labels = label_selector::parse(text, "metadata.labels", Missing::Differs);
        conditions.push(labels.map_err(|error| error.of("labelSelector", text))?);
    }
    if let Some(text) = first("fieldSelector") {
        conditions.push(filters::field_selector(text)?);
    }
    check_all_conditions(&conditions)?;
    conditions.extend(of_services);
    Ok(ListQuery {
        selector: Selector::from(Expression::All(conditions)),
        sort: sort(
            resource,
            first("sortBy").unwrap_or_default(),
            is_true(first("ascending").unwrap_or_default()),
        ),
        page: page(first("limit"), first("page")),
        projection: Projection::default(),
        answer: Answer::KubeSphere,
    })
}

/// Newest first, unless asked otherwise; equal ones by name in the same direction.
fn sort(resource: &str, by: &str, ascending: bool) -> Sort {
    const TIME: SortKind = SortKind::Typed(ValueType::Time);
    let created = || KeyPath::parse("metadata.creationTimestamp");
    let by_name = (
        Source::Field(KeyPath::parse("metadata.name")),
        SortKind::Text,
    );
    let updated = |condition| {
        let times = vec![created(), KeyPath::parse(condition)];
        (Source::Latest(times), TIME)
    };
    let key = match (by, resource) {
        ("name", _) => None,
        ("updateTime" | "lastUpdateTimestamp", "deployments") => {
            Some(updated("status.conditions[].lastUpdateTime"))
        }
        ("updateTime" | "lastUpdateTimestamp", "jobs") => {
            Some(updated("status.conditions[].lastTransitionTime"))
        }
        ("status", "jobs") => Derived::status(resource)
            .map(|status| (Source::Derived(status), SortKind::Typed(ValueType::String))),
        _ => Some((Source::Field(created()), TIME)),
    };
    let keys = key
        .into_iter()
        .chain([by_name])
        .map(|(source, kind)| SortKey {
            source,
            kind,
            descending: !ascending,
        })
        .collect();
    Sort { keys }
}

/// `limit` -1, not given or no integer is everything, whatever `page` says; a
/// negative one, a `page` below 1 and a product beyond 64 bits are an empty page.
fn page(limit: Option<&str>, page: Option<&str>) -> Page {
    const ALL: i64 = -1;
    let integer = |text: Option<&str>| text.and_then(|text| text.parse::<i64>().ok());
    let limit = integer(limit).unwrap_or(ALL);
    if limit == ALL {
        return Page::EVERYTHING;
    }
    let before = integer(page).unwrap_or(1).checked_sub(1);
    let offset = before.and_then(|before| before.checked_mul(limit));
    match (offset.map(u64::try_from), u64::try_from(limit)) {
        (Some(Ok(offset)), Ok(limit)) => Page { offset, limit },
        _ => Page::NOTHING,
    }
}

/// What Go's `strconv.ParseBool` takes for true.
fn is_true(text: &str) -> bool {
    ["1", "t", "T", "TRUE", "true", "True"].contains(&text)
}

#[cfg(test)]
mod tests;
