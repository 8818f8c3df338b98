//! KubeSphere's list parameters (`/kapis/resources.kubesphere.io/v1alpha3`),
//! compiled into the same query that KubeCube's become.
//!
//! The meaning is that of KubeSphere v3.0, with these differences: an unknown
//! key is ignored and not a filter that matches nothing, of a key that is given
//! twice the first value counts, `labelSelector` and `fieldSelector` that
//! cannot be read are errors, and `fieldSelector` works.

mod filters;
pub(crate) mod kinds;
mod label_selector;
mod service;

use cubegate_kube::query::pairs;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::bounds::{check_all_conditions, check_query, check_text};
use crate::error::QueryError;
use crate::expression::Expression;
use crate::page::Page;
use crate::path::KeyPath;
use crate::projection::Projection;
use crate::query::{ListQuery, PageForm};
use crate::request::{ListRequest, NOT_PRETTY};
use crate::selector::Selector;
use crate::sort::{Sort, SortKey, SortKind, Source};
use crate::typed::ValueType;

use kinds::{Filter, Kind};
use label_selector::Missing;

pub use service::{Service, service_name};

/// Pairs of one query; no KubeSphere client sends nearly as many.
const MAX_PAIRS: usize = 64;

/// The parameters that are no filters.
const BESIDE_FILTERS: [&str; 6] = [
    "limit",
    "page",
    "sortBy",
    "ascending",
    "labelSelector",
    "fieldSelector",
];

/// What an object is written in when somebody has used `kubectl apply`, whole.
const LAST_APPLIED: &str = "metadata.annotations.kubectl.kubernetes.io/last-applied-configuration";

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
        Ok(()) => pairs(raw_query).collect(),
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
        choosing: None,
        strict: None,
        native_present: false,
        continues: false,
        limit: None,
        is_paged: true,
        is_filter_off: false,
        streaming: false,
        upstream_query,
    }
}

/// Returns what is left of a resource's objects when they go out through KubeSphere's API:
/// all but password hashes and credentials.
pub fn without_secrets(resource: &str) -> Projection {
    let secrets = Kind::of(resource).secrets;
    if secrets.is_empty() {
        return Projection::default();
    }
    Projection::without(&[secrets, &[LAST_APPLIED]].concat())
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
    // How many names there may be is bounded, and not how long they are.
    let bounded = Kind::filters_of_any().filter(|parameter| *parameter != "names");
    for parameter in BESIDE_FILTERS.into_iter().chain(bounded) {
        check_text(parameter, first(parameter).unwrap_or_default())?;
    }
    let kind = Kind::of(resource);
    let mut conditions = Vec::new();
    // How many services there are, and labels of each, is not for the query to say.
    let mut of_services = Vec::new();
    for (index, (name, value)) in parameters.iter().enumerate() {
        let mut before = parameters.iter().take(index);
        if before.any(|(former, _)| former == name) {
            continue;
        }
        if let Some((parameter, filter)) = kind.filter(name) {
            let all = match filter {
                Filter::PodOfService => &mut of_services,
                _ => &mut conditions,
            };
            all.push(filters::condition(parameter, filter, value, services)?);
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
            kind,
            first("sortBy").unwrap_or_default(),
            is_true(first("ascending").unwrap_or_default()),
        ),
        page: page(first("limit"), first("page")),
        projection: Projection::default(),
        answer: PageForm::KubeSphere,
        takes_null: true,
    })
}

/// Newest first, unless asked otherwise; equal ones by name in the same direction.
fn sort(kind: &Kind, by: &str, ascending: bool) -> Sort {
    const TIME: SortKind = SortKind::Typed(ValueType::Time);
    let created = || KeyPath::parse("metadata.creationTimestamp");
    let by_name = (
        Source::Field(KeyPath::parse("metadata.name")),
        SortKind::Text,
    );
    let key = match (by, kind.updated, &kind.status) {
        ("name", ..) => None,
        ("updateTime" | "lastUpdateTimestamp", Some(updated), _) => {
            let times = vec![created(), KeyPath::parse(updated)];
            Some((Source::Latest(times), TIME))
        }
        ("status", _, Some(status)) if kind.sorts_by_status => Some((
            Source::Derived(Box::new(status.paths())),
            SortKind::Typed(ValueType::String),
        )),
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

/// Returns what Go's `strconv.ParseBool` takes for true.
fn is_true(text: &str) -> bool {
    ["1", "t", "T", "TRUE", "true", "True"].contains(&text)
}

#[cfg(test)]
mod tests;
