//! What an import says of each object.

use cubegate_store::Written;

use crate::output;

/// What became of an object, or would become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was taken over, or was there already.
    Written(Written),
    /// It was left out; the note says why.
    Skipped,
}

/// A line per object, in the order in which they were dealt with.
#[derive(Debug, Default)]
pub(super) struct Report {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    kind: &'static str,
    name: String,
    outcome: Outcome,
    note: String,
}

// === impl Outcome ===

impl Outcome {
    const ALL: [Self; 4] = [
        Self::Written(Written::Created),
        Self::Written(Written::Replaced),
        Self::Written(Written::Unchanged),
        Self::Skipped,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Written(Written::Created) => "created",
            Self::Written(Written::Replaced) => "replaced",
            Self::Written(Written::Unchanged) => "unchanged",
            Self::Skipped => "skipped",
        }
    }
}

// === impl Report ===

impl Report {
    pub(super) fn written(
        &mut self,
        kind: &'static str,
        name: &str,
        written: Written,
        notes: &[String],
    ) {
        self.add(kind, name, Outcome::Written(written), &notes.join("; "));
    }

    pub(super) fn skipped(&mut self, kind: &'static str, name: &str, reason: &str) {
        self.add(kind, name, Outcome::Skipped, reason);
    }

    fn add(&mut self, kind: &'static str, name: &str, outcome: Outcome, note: &str) {
        self.rows.push(Row {
            kind,
            name: name.to_owned(),
            outcome,
            note: note.replace('\n', " "),
        });
    }

    /// The table and, as the last line, the sums.
    pub(super) fn print(&self, dry_run: bool) {
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| {
                vec![
                    row.kind.to_owned(),
                    row.name.clone(),
                    row.outcome.word().to_owned(),
                    row.note.clone(),
                ]
            })
            .collect();
        output::table(&["KIND", "NAME", "RESULT", "NOTE"], &rows);
        let suffix = if dry_run {
            "; this was a dry run, nothing was changed"
        } else {
            ""
        };
        output::line(&format!("{}{suffix}", self.summary()));
    }

    /// Returns how many of each.
    pub(super) fn summary(&self) -> String {
        let counts = Outcome::ALL.map(|outcome| {
            let count = self.rows.iter().filter(|row| row.outcome == outcome);
            format!("{} {}", count.count(), outcome.word())
        });
        counts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_is_counted_once() {
        let mut report = Report::default();
        report.written("user", "a", Written::Created, &[]);
        report.written("user", "b", Written::Unchanged, &[]);
        report.skipped("key", "c", "a reason\nof two lines");
        assert_eq!(
            report.summary(),
            "1 created, 0 replaced, 1 unchanged, 1 skipped"
        );
        assert_eq!(report.rows[2].note, "a reason of two lines");
    }
}
