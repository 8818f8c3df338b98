//! Tables: lists in the form that `kubectl get` asks for.
//!
//! A row holds the cells that are printed and, as `object`, the metadata of the
//! object that it stands for. So a path into `metadata` leads into the row's
//! object, and every other one has to be the name of a column.
//! See "Receiving resources as Tables" in the Kubernetes API concepts.

use serde::Deserialize;

use crate::error::ListError;
use crate::path::KeyPath;
use crate::raw::Raw;
use crate::value::Value;

/// The names of a Table's columns, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Columns(Vec<String>);

/// Where a path leads in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum InRow {
    /// To a field of the row.
    Field(KeyPath),
    /// To the cell of this column.
    Cell(usize),
}

/// The member of a row that holds the cells, and the one that holds the object.
pub(crate) const CELLS: &str = "cells";
pub(crate) const OBJECT: &str = "object";

/// As many columns are named in a message.
const NAMED_COLUMNS: usize = 32;

// === impl Columns ===

impl Columns {
    /// Reads a Table's `columnDefinitions`, which have been validated as JSON.
    /// What is no definition is a column without a name.
    pub(crate) fn read(definitions: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Definition {
            #[serde(default)]
            name: String,
        }
        let mut names = Vec::new();
        let mut raw = Raw::new(definitions);
        if raw.enter_array() {
            while raw.element() {
                let definition = serde_json::from_slice::<Definition>(raw.text());
                names.push(definition.map_or_else(|_| String::new(), |known| known.name));
            }
        }
        Self(names)
    }

    /// Returns where a path leads in the rows of this Table. A column is named as it is
    /// printed, in any case, with or without `cells.` before it.
    pub(crate) fn find(&self, path: &KeyPath) -> Result<InRow, ListError> {
        let names: Vec<&str> = path.names().collect();
        let column = match names.as_slice() {
            ["metadata", ..] => return Ok(InRow::Field(path.inside(OBJECT))),
            [CELLS, column] | [column] => self.position(column),
            _ => None,
        };
        // Names with dots are no paths with dots.
        let column = column.or_else(|| self.position(path.text()));
        column.map(InRow::Cell).ok_or_else(|| self.unknown(path))
    }

    fn position(&self, wanted: &str) -> Option<usize> {
        let folded = wanted.to_lowercase();
        self.0.iter().position(|name| name.to_lowercase() == folded)
    }

    fn unknown(&self, path: &KeyPath) -> ListError {
        let named: Vec<&str> = self
            .0
            .iter()
            .map(String::as_str)
            .take(NAMED_COLUMNS)
            .collect();
        ListError::NoColumn {
            path: path.text().to_owned(),
            columns: named.join(", "),
        }
    }
}

/// A cell of the raw `cells` of a row.
pub(crate) fn cell<'a>(cells: &Value<'a>, index: usize) -> Value<'a> {
    let Value::Array(cells) = cells else {
        return Value::Missing;
    };
    let mut raw = Raw::new(cells);
    raw.enter_array();
    for _ in 0..index {
        if raw.element() {
            raw.value();
        }
    }
    if raw.element() {
        Value::read(raw.text())
    } else {
        Value::Missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Columns {
        Columns::read(
            br#"[{"name":"Name","type":"string"},{"name":"Nominated Node","priority":1},{},7,{"name":"v1.x"}]"#,
        )
    }

    fn find(path: &str) -> Result<InRow, ListError> {
        columns().find(&KeyPath::parse(path))
    }

    #[test]
    fn a_column_is_found_by_its_name_in_any_case() {
        assert_eq!(find("name"), Ok(InRow::Cell(0)));
        assert_eq!(find("cells.Name"), Ok(InRow::Cell(0)));
        assert_eq!(find("cells[nominated node]"), Ok(InRow::Cell(1)));
        assert_eq!(find("Nominated Node"), Ok(InRow::Cell(1)));
        assert_eq!(find("v1.x"), Ok(InRow::Cell(4)));
    }

    #[test]
    fn metadata_is_that_of_the_rows_object() {
        let inside = KeyPath::parse("metadata.labels.a.b/c").inside(OBJECT);
        let names: Vec<&str> = inside.names().collect();
        assert_eq!(names, ["object", "metadata", "labels", "a.b/c"]);
        assert_eq!(find("metadata.labels.a.b/c"), Ok(InRow::Field(inside)));
    }

    #[test]
    fn what_a_row_does_not_hold_is_an_error_that_names_the_columns() {
        let error = find("spec.nodeName").unwrap_err();
        assert_eq!(
            error.to_string(),
            "a Table holds no spec.nodeName; ask for metadata, for one of its columns (Name, Nominated Node, , , v1.x), \
             or for plain JSON"
        );
    }

    #[test]
    fn a_cell_that_is_not_there_is_missing() {
        assert_eq!(cell(&Value::Array(br#"["a",5]"#), 1), Value::Literal("5"));
        assert_eq!(cell(&Value::Array(br#"["a",5]"#), 2), Value::Missing);
        assert_eq!(cell(&Value::Array(b"[]"), 0), Value::Missing);
        assert_eq!(cell(&Value::Object, 0), Value::Missing);
    }
}
