//! What is read on the terminal: results on standard output, the one
//! sentence of a failure and warnings on standard error.

use std::io::{self, Write as _};

use serde::Serialize;

use crate::args::Format;

/// Prints a line of a result. That a reader has closed the pipe is no error of ours.
pub(crate) fn line(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// Bytes of a result as they are.
///
/// # Errors
/// A closed pipe, above all.
pub(crate) fn bytes(bytes: &[u8]) -> io::Result<()> {
    io::stdout().write_all(bytes)
}

/// A warning.
pub(crate) fn warn(text: &str) {
    let _ = writeln!(io::stderr(), "warning: {text}");
}

/// What helps with the refusal of a command line.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "note: {text}");
}

/// The sentence of a failure.
pub(crate) fn fail(text: &str) {
    let _ = writeln!(io::stderr(), "cubegate: {text}");
}

/// An error and its causes on one line, without saying anything twice.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    let mut sentence = String::new();
    for cause in error.chain() {
        let text = cause.to_string().replace('\n', " ");
        if sentence.contains(&text) {
            continue;
        }
        if !sentence.is_empty() {
            sentence.push_str(": ");
        }
        sentence.push_str(&text);
    }
    sentence
}

// === impl Format ===

impl Format {
    /// Prints a result as a document, and says whether it did: a table is the caller's to make.
    ///
    /// # Errors
    /// Never for what this program shows.
    pub(crate) fn print(self, result: &impl Serialize) -> anyhow::Result<bool> {
        match self {
            Self::Table => return Ok(false),
            Self::Json => line(&serde_json::to_string_pretty(result)?),
            Self::Yaml => line(serde_saphyr::to_string(result)?.trim_end()),
        }
        Ok(true)
    }
}

/// Columns, as wide as they need to be.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) {
    let widths: Vec<usize> = head
        .iter()
        .enumerate()
        .map(|(column, title)| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells
                .map(|cell| cell.chars().count())
                .chain([title.chars().count()])
                .max()
                .unwrap_or(0)
        })
        .collect();
    let print = |cells: Vec<&str>| {
        let cells = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        line(cells.collect::<Vec<_>>().join("  ").trim_end());
    };
    print(head.to_vec());
    for row in rows {
        print(row.iter().map(String::as_str).collect());
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_failure_is_one_line_that_repeats_nothing() {
        let error = Err::<(), _>(anyhow::anyhow!("the cause\nof it"))
            .context("the cause of it happened")
            .context("the command failed")
            .unwrap_err();
        assert_eq!(
            sentence(&error),
            "the command failed: the cause of it happened"
        );
    }
}
