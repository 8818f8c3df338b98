//! The same semantics written as simply as can be, on whole `serde_json` trees.

#[path = "json.rs"]
pub(crate) mod json;

use std::cmp::Ordering;

use serde_json::Value;

/// The decoded parameters of a query.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters {
    pub(crate) selector: Option<String>,
    pub(crate) page_size: Option<String>,
    pub(crate) page_num: Option<String>,
    pub(crate) sort_name: Option<String>,
    pub(crate) sort_order: Option<String>,
    pub(crate) sort_func: Option<String>,
}

/// Instants in ascending order, in their spellings; anything else is no time.
pub(crate) const TIMES: [&[&str]; 4] = [
    &["2020-12-31T23:59:59Z"],
    &[
        "2021-06-01T12:00:00+08:00",
        "2021-06-01T04:00:00Z",
        "2021-06-01T04:00:00.000Z",
    ],
    &["2021-06-01T09:00:00.500Z"],
    &["2021-06-01T10:00:00Z", "2021-06-01T08:00:00-02:00"],
];

/// Which items are on the page, by index, and how many match.
pub(crate) fn page(items: &[Value], parameters: &Parameters) -> (Vec<usize>, usize) {
    let conditions = conditions(parameters.selector.as_deref().unwrap_or(""));
    let mut kept: Vec<usize> = (0..items.len())
        .filter(|index| {
            conditions
                .iter()
                .all(|condition| matches(&items[*index], condition))
        })
        .collect();
    let total = kept.len();
    kept.sort_by(|left, right| order(&items[*left], &items[*right], parameters));
    let size = number(parameters.page_size.as_deref())
        .filter(|size| *size >= 0)
        .unwrap_or(10);
    let page = number(parameters.page_num.as_deref())
        .filter(|page| *page >= 1)
        .unwrap_or(1);
    let start = (i128::from(page) - 1) * i128::from(size);
    let end = start + i128::from(size);
    let on_page = (0..)
        .zip(kept)
        .filter(|(place, _)| (start..end).contains(place))
        .map(|(_, index)| index)
        .collect();
    (on_page, total)
}

fn number(text: Option<&str>) -> Option<i64> {
    text?.parse().ok()
}

/// Key, whether exact, value.
type Condition = (String, bool, String);

fn conditions(selector: &str) -> Vec<Condition> {
    let mut conditions: Vec<Condition> = Vec::new();
    for segment in selector.split(',') {
        let Some(at) = segment.find(['=', '~']).filter(|at| *at > 0) else {
            continue;
        };
        let (key, rest) = segment.split_at(at);
        let exact = rest.starts_with('=');
        conditions.retain(|former| former.0 != key || former.1 != exact);
        conditions.push((key.to_owned(), exact, rest.chars().skip(1).collect()));
    }
    conditions
}

fn matches(item: &Value, (key, exact, wanted): &Condition) -> bool {
    let passes = |text: &str| {
        if *exact {
            let text = text.to_lowercase();
            wanted
                .split('|')
                .any(|wanted| wanted.to_lowercase() == text)
        } else {
            text.contains(wanted)
        }
    };
    match field(item, key) {
        Some(Value::Object(_)) => false,
        Some(Value::Array(elements)) => elements
            .iter()
            .filter(|element| !element.is_array() && !element.is_object())
            .any(|element| passes(&text(Some(element)))),
        scalar => passes(&text(scalar)),
    }
}

pub(crate) fn field<'a>(item: &'a Value, path: &str) -> Option<&'a Value> {
    item.as_object()?;
    let mut segments: Vec<&str> = path.split('.').collect();
    let flat_map = segments
        .iter()
        .position(|segment| *segment == "labels" || *segment == "annotations");
    let joined = flat_map.map(|at| segments.split_off(at + 1).join("."));
    if let Some(key) = &joined
        && flat_map.is_some_and(|at| at + 1 < path.split('.').count())
    {
        segments.push(key);
    }
    walk(item, &segments)
}

fn walk<'a>(value: &'a Value, segments: &[&str]) -> Option<&'a Value> {
    let Some((first, rest)) = segments.split_first() else {
        return Some(value);
    };
    match value {
        Value::Array(elements) => walk(elements.first()?, segments),
        Value::Object(members) => members
            .get(*first)
            .and_then(|member| walk(member, rest))
            .or_else(|| members.get(&segments.join("."))),
        _ => None,
    }
}

pub(crate) fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(scalar @ (Value::Number(_) | Value::Bool(_))) => scalar.to_string(),
        _ => String::new(),
    }
}

fn order(left: &Value, right: &Value, parameters: &Parameters) -> Ordering {
    let path = match parameters.sort_name.as_deref().unwrap_or("") {
        "" | "name" => "metadata.name",
        "creationTimestamp" | "CreationTimestamp" => "metadata.creationTimestamp",
        path => path,
    };
    let (a, b) = (field(left, path), field(right, path));
    let descending = parameters
        .sort_order
        .as_deref()
        .unwrap_or("")
        .to_lowercase()
        == "desc";
    let directed = |order: Ordering| if descending { order.reverse() } else { order };
    let by_key = match parameters.sort_func.as_deref() {
        Some("number") => directed(compare_numbers(a, b)),
        Some("time") => match (instant(a), instant(b)) {
            (Some(a), Some(b)) => directed(a.cmp(&b)),
            (a, b) => a.is_none().cmp(&b.is_none()),
        },
        _ => directed(text(a).cmp(&text(b))),
    };
    by_key.then_with(|| ties(left, right))
}

/// What decides when the keys do not.
pub(crate) fn ties(left: &Value, right: &Value) -> Ordering {
    let name = |item| text(field(item, "metadata.name"));
    let namespace = |item| text(field(item, "metadata.namespace"));
    namespace(left)
        .cmp(&namespace(right))
        .then_with(|| name(left).cmp(&name(right)))
}

fn compare_numbers(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    let (a, b) = (text(a), text(b));
    match (a.parse::<i128>(), b.parse::<i128>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        _ => {
            let float = |text: &str| {
                let number = text.parse::<f64>().unwrap_or(0.0);
                if number.is_finite() { number } else { 0.0 }
            };
            float(&a).partial_cmp(&float(&b)).unwrap()
        }
    }
}

fn instant(value: Option<&Value>) -> Option<usize> {
    let text = value?.as_str()?;
    TIMES.iter().position(|spellings| spellings.contains(&text))
}
