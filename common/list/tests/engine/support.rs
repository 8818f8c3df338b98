//! Runs documents through the engine.

use cubegate_list::{Finished, Limits, ListEngine, ListError, ListRequest, Progress};

/// What became of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Page(String),
    /// All bytes that the client gets.
    PassThrough(Vec<u8>),
    Refused(ListError),
}

impl Outcome {
    pub(crate) fn page(self) -> String {
        match self {
            Self::Page(page) => page,
            other => panic!("a page is expected, not {other:?}"),
        }
    }
}

pub(crate) fn run<'a>(
    raw_query: &str,
    limits: Limits,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Outcome {
    let mut engine = ListEngine::new(ListRequest::parse(raw_query).query.unwrap(), limits);
    let mut chunks = chunks.into_iter();
    while let Some(chunk) = chunks.next() {
        match engine.push(chunk) {
            Ok(Progress::Held) => {}
            Ok(Progress::PassThrough(mut body)) => {
                chunks.for_each(|chunk| body.extend_from_slice(chunk));
                assert_eq!(engine.held_bytes(), 0);
                assert_eq!(engine.push(b"{"), Err(ListError::Ended));
                assert_eq!(engine.finish(), Err(ListError::Ended));
                return Outcome::PassThrough(body);
            }
            Err(error) => {
                assert_eq!(engine.held_bytes(), 0);
                assert_eq!(engine.push(b"]}"), Err(ListError::Ended));
                assert_eq!(engine.finish(), Err(ListError::Ended));
                return Outcome::Refused(error);
            }
        }
    }
    match engine.finish() {
        // A page that is no UTF-8 is still one.
        Ok(Finished::Page(page)) => Outcome::Page(
            String::from_utf8(page).unwrap_or_else(|odd| odd.as_bytes().escape_ascii().to_string()),
        ),
        Ok(Finished::PassThrough(body)) => Outcome::PassThrough(body),
        Ok(part) => panic!("a part of a list where all of it was read: {part:?}"),
        Err(error) => Outcome::Refused(error),
    }
}

/// The outcome of a document, which has to be the same wherever it is cut.
pub(crate) fn outcome_with(raw_query: &str, limits: Limits, body: impl AsRef<[u8]>) -> Outcome {
    let body = body.as_ref();
    let whole = run(raw_query, limits, [body]);
    for at in 0..=body.len() {
        let (left, right) = body.split_at(at);
        assert_eq!(
            run(raw_query, limits, [left, right]),
            whole,
            "cut at byte {at}"
        );
    }
    for size in 1..=4 {
        assert_eq!(
            run(raw_query, limits, body.chunks(size)),
            whole,
            "in chunks of {size}"
        );
    }
    let with_empty_chunks = body.chunks(1).flat_map(|chunk| [&[][..], chunk]);
    assert_eq!(
        run(raw_query, limits, with_empty_chunks),
        whole,
        "with empty chunks"
    );
    whole
}

pub(crate) fn outcome(raw_query: &str, body: impl AsRef<[u8]>) -> Outcome {
    outcome_with(raw_query, Limits::default(), body)
}
