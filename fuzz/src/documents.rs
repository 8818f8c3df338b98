//! The target `scanner`.

use cubegate_list::{Limits, ListQuery};

use crate::judge::verdict;
use crate::reference::Parameters;
use crate::run::run;

/// # Panics
///
/// If the engine does with these bytes what it should not.
pub fn check_document(body: &[u8]) {
    let query = ListQuery::default();
    let verdict = verdict(body, &Parameters::default(), query.takes_null);
    let whole = run(&query, Limits::default(), [body]);
    assert!(verdict.allows(&whole, body), "{whole:?} is not {verdict:?}");
    // A cut in the last block and one anywhere, which the length decides.
    let places = [body.len() / 2, body.len().saturating_sub(body.len() % 64)];
    for at in places {
        let (left, right) = body.split_at(at);
        let halves = run(&query, Limits::default(), [left, right]);
        assert!(
            halves.agrees_with(&whole),
            "{halves:?} if cut at {at}, and whole {whole:?}"
        );
    }
    for size in [1, 63, 64] {
        let pieces = run(&query, Limits::default(), body.chunks(size));
        assert!(
            pieces.agrees_with(&whole),
            "{pieces:?} in pieces of {size}, and whole {whole:?}"
        );
    }
}
