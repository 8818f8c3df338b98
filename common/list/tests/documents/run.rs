//! Runs one document through the engine.

use cubegate_list::{Finished, Limits, ListEngine, ListError, ListQuery, Progress};

/// What became of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Page(Vec<u8>),
    /// All bytes that the client gets.
    PassThrough(Vec<u8>),
    Refused(ListError),
}

pub(crate) fn run<'a>(
    query: &ListQuery,
    limits: Limits,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Outcome {
    let mut engine = ListEngine::new(query.clone(), limits);
    let mut chunks = chunks.into_iter();
    while let Some(chunk) = chunks.next() {
        match engine.push(chunk) {
            Ok(Progress::Held) => {}
            Ok(Progress::PassThrough(mut body)) => {
                chunks.for_each(|chunk| body.extend_from_slice(chunk));
                return Outcome::PassThrough(body);
            }
            Err(error) => return Outcome::Refused(error),
        }
    }
    match engine.finish() {
        Ok(Finished::Page(page)) => Outcome::Page(page),
        Ok(Finished::PassThrough(body)) => Outcome::PassThrough(body),
        Ok(other) => panic!("{other:?} of a whole list"),
        Err(error) => Outcome::Refused(error),
    }
}

// === impl Outcome ===

impl Outcome {
    /// Whether the client is told the same. Of an error only the kind counts:
    /// how near it can say where the fault is depends on where a chunk ends.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Refused(left), Self::Refused(right)) => {
                std::mem::discriminant(left) == std::mem::discriminant(right)
            }
            _ => self == other,
        }
    }
}
