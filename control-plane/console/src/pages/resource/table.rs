//! A list as the API server prints it (`meta.k8s.io/v1`, `Table`), with what it does not
//! print and a reader wants: the namespace, and links.

use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::query::Query;
use super::status;
use crate::language::Language;
use crate::parts;

/// How a list is asked for; who cannot print it gives its objects.
pub(super) const ACCEPT: &str =
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;q=0.9";

/// A Table, or a list of a server that prints none.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Table {
    #[serde(default)]
    column_definitions: Vec<Column>,
    #[serde(default)]
    rows: Vec<Row>,
    #[serde(default)]
    items: Vec<Object>,
    /// How many there are on all pages.
    #[serde(default)]
    pub(super) total: u64,
}

#[derive(Debug, Deserialize)]
struct Column {
    name: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    description: String,
    /// Greater ones are for `kubectl get -o wide`.
    #[serde(default)]
    priority: i64,
}

#[derive(Debug, Deserialize)]
struct Row {
    #[serde(default)]
    cells: Vec<Value>,
    #[serde(default)]
    object: Object,
}

#[derive(Debug, Default, Deserialize)]
struct Object {
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    name: String,
    namespace: String,
    creation_timestamp: Option<String>,
}

/// How a column is shown and sorted.
struct Shown {
    title: String,
    description: String,
    /// The key of the gateway's `sort`.
    key: String,
    is_number: bool,
    what: What,
}

/// What stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Name,
    Namespace,
    Age,
    /// The cell of this number.
    Cell(usize),
}

// === impl Table ===

impl Table {
    /// Returns whether nothing is on this page.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.items.is_empty()
    }

    /// Returns the table; `namespaced` says that namespaces are shown.
    pub(super) fn markup(
        &self,
        l: Language,
        query: &Query,
        namespaced: bool,
        label: &str,
    ) -> Markup {
        let columns = self.columns(l, namespaced);
        let listed = self.items.iter().map(|object| (object, &[][..]));
        let rows = self
            .rows
            .iter()
            .map(|row| (&row.object, row.cells.as_slice()));
        let rows: Vec<_> = rows.chain(listed).collect();
        parts::scrolling_table(
            label,
            html! {
                table.dense {
                    caption.visually-hidden { (label) }
                    thead { tr { @for column in &columns { (head(l, query, column)) } } }
                    tbody {
                        @for (object, cells) in &rows {
                            tr { @for column in &columns { (cell(query, column, object, cells)) } }
                        }
                    }
                }
            },
        )
    }

    fn columns(&self, l: Language, namespaced: bool) -> Vec<Shown> {
        let mut columns = vec![Shown::own(
            l.say("Name", "名称"),
            "metadata.name",
            What::Name,
        )];
        if namespaced {
            let title = l.say("Namespace", "命名空间");
            columns.push(Shown::own(title, "metadata.namespace", What::Namespace));
        }
        for (at, column) in self.column_definitions.iter().enumerate() {
            if column.priority > 0 || matches!(column.name.as_str(), "Name" | "Namespace" | "Age") {
                continue;
            }
            columns.push(column.shown(at));
        }
        // Printed ages are texts and sort as such, so the time itself is taken.
        let age = l.say("Age", "创建于");
        columns.push(Shown::own(
            age,
            "metadata.creationTimestamp:time",
            What::Age,
        ));
        columns
    }
}

// === impl Column ===

impl Column {
    fn shown(&self, at: usize) -> Shown {
        let is_number = matches!(self.kind.as_str(), "integer" | "number");
        let path = if self.name.chars().all(|c| c.is_ascii_alphanumeric()) {
            self.name.clone()
        } else {
            format!("[{}]", Value::from(self.name.as_str()))
        };
        let kind = if is_number { ":number" } else { "" };
        Shown {
            title: self.name.clone(),
            description: self.description.clone(),
            key: format!("{path}{kind}"),
            is_number,
            what: What::Cell(at),
        }
    }
}

// === impl Shown ===

impl Shown {
    fn own(title: &str, key: &str, what: What) -> Self {
        Self {
            title: title.to_owned(),
            description: String::new(),
            key: key.to_owned(),
            is_number: false,
            what,
        }
    }
}

/// Returns the head of a column, which sorts by it, and the other way round the next time.
fn head(l: Language, query: &Query, column: &Shown) -> Markup {
    let down = format!("-{}", column.key);
    let by_name = query.sort.is_empty() && column.what == What::Name;
    let (now, next, sign) = match () {
        () if by_name || query.sort == column.key => ("ascending", &down, "↑"),
        () if query.sort == down => ("descending", &column.key, "↓"),
        () => ("none", &column.key, ""),
    };
    html! {
        th.number[column.is_number] scope="col" aria-sort=(now) {
            a href=(query.sorted(next)) data-refresh title=(column.description) {
                (column.title)
                @if sign.is_empty() { span.visually-hidden { (l.say(", sort", "，排序")) } }
                @else { span aria-hidden="true" { (sign) } }
            }
        }
    }
}

fn cell(query: &Query, column: &Shown, object: &Object, cells: &[Value]) -> Markup {
    let metadata = &object.metadata;
    match column.what {
        What::Name => html! {
            th scope="row" { a href=(query.object(&metadata.namespace, &metadata.name)) { (metadata.name) } }
        },
        What::Namespace => html! { td { (metadata.namespace) } },
        What::Age => html! {
            td { @if let Some(at) = &metadata.creation_timestamp { (parts::moment(at)) } }
        },
        What::Cell(at) => {
            let text = cells.get(at).map(printed).unwrap_or_default();
            let badge = status::badge(&column.title, &text);
            html! {
                td.number[column.is_number] title=(text) {
                    @if let Some(badge) = badge { span class=(badge) { (text) } } @else { (text) }
                }
            }
        }
    }
}

/// Returns a cell as kubectl prints it.
fn printed(cell: &Value) -> String {
    match cell {
        Value::Null => "<none>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(printed).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::form::Fields;

    fn table() -> Table {
        serde_json::from_value(json!({
            "columnDefinitions": [
                {"name": "Name", "type": "string"},
                {"name": "Restarts", "type": "integer"},
                {"name": "Nominated Node", "type": "string"},
                {"name": "Wide", "type": "string", "priority": 1},
                {"name": "Age", "type": "string"},
            ],
            "rows": [{
                "cells": ["web", 3, null, "w", "5d"],
                "object": {"metadata": {"name": "web", "namespace": "shop", "creationTimestamp": "2026-11-25T06:10:11Z"}},
            }],
            "total": 41,
        }))
        .unwrap()
    }

    #[test]
    fn columns_sort_by_what_they_hold() {
        let table = table();
        let columns = table.columns(Language::En, true);
        let keys: Vec<_> = columns.iter().map(|column| column.key.as_str()).collect();
        assert_eq!(
            keys,
            [
                "metadata.name",
                "metadata.namespace",
                "Restarts:number",
                r#"["Nominated Node"]"#,
                "metadata.creationTimestamp:time"
            ]
        );
    }

    #[test]
    fn a_column_is_sorted_the_other_way_round_the_next_time() {
        let table = table();
        let mut query = Query::parse(&Fields::parse(b""));
        let markup = |query: &Query| {
            table
                .markup(Language::En, query, true, "Pods")
                .into_string()
        };
        assert!(markup(&query).contains("sort=-metadata.name"));
        query.sort = "-Restarts:number".to_owned();
        let sorted = markup(&query);
        assert!(sorted.contains(r#"aria-sort="descending""#), "{sorted}");
        assert!(sorted.contains("sort=Restarts:number"), "{sorted}");
        assert!(sorted.contains("&lt;none&gt;"), "{sorted}");
    }

    #[test]
    fn objects_of_a_server_that_prints_none_have_name_and_age() {
        let list = json!({"items": [{"metadata": {"name": "a"}}], "total": 1});
        let table: Table = serde_json::from_value(list).unwrap();
        assert!(!table.is_empty());
        let query = Query::parse(&Fields::parse(b""));
        let markup = table.markup(Language::Zh, &query, false, "x").into_string();
        assert!(markup.contains("name=a"), "{markup}");
    }
}
