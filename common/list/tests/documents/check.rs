//! Puts a document before the judge and through the engine, whole and cut.

use std::cell::OnceCell;

use cubegate_list::{Limits, ListQuery, ListRequest};

use crate::judge::{Verdict, verdict};
use crate::reference::Parameters;
use crate::run::{Outcome, run};

/// How a document is cut, besides not at all.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cuts<'a> {
    /// In two at every byte, and into pieces of each small size.
    Everywhere,
    /// In two at these bytes.
    At(&'a [usize]),
    /// Into pieces of these sizes.
    Sizes(&'a [usize]),
}

/// Every item in the order of arrival, unless names or namespaces tell them apart.
pub(crate) const QUERY: &str = "sortName=nonexistent&pageSize=100000";

/// Sizes around the engine's block.
pub(crate) const AROUND_A_BLOCK: &[usize] = &[1, 7, 63, 64, 65];

/// Nothing here is about limits.
pub(crate) const NO_LIMITS: Limits = Limits {
    max_item_bytes: 1 << 30,
    max_page_bytes: 1 << 30,
    max_envelope_bytes: 1 << 30,
};

/// Checks what becomes of a document, and says what did; it is one of
/// [`Verdict::NoPage`]'s two where the judge leaves a choice.
pub(crate) fn check(body: impl AsRef<[u8]>, cuts: Cuts<'_>) -> Verdict {
    thread_local! {
        static PARSED: OnceCell<ListQuery> = const { OnceCell::new() };
    }
    let parameters = Parameters {
        sort_name: Some("nonexistent".to_owned()),
        page_size: Some("100000".to_owned()),
        ..Parameters::default()
    };
    PARSED.with(|query| {
        let query = query.get_or_init(|| ListRequest::parse(QUERY).query.unwrap());
        check_with(query, &parameters, body.as_ref(), cuts)
    })
}

/// The same for another query, which the parameters spell out for the reference.
pub(crate) fn check_with(
    query: &ListQuery,
    parameters: &Parameters,
    body: &[u8],
    cuts: Cuts<'_>,
) -> Verdict {
    let verdict = verdict(body, parameters, query.takes_null);
    let whole = run(query, NO_LIMITS, [body]);
    assert!(
        verdict.allows(&whole, body),
        "{} became {whole:?}, and not {verdict:?}",
        body.escape_ascii(),
    );
    let same = |how: &str, number: usize, outcome: &Outcome| {
        assert!(
            outcome.agrees_with(&whole),
            "{} {how} {number} became {outcome:?}, and not {whole:?}",
            body.escape_ascii(),
        );
    };
    let halves = |at: usize| {
        let (left, right) = body.split_at(at.min(body.len()));
        same("cut at byte", at, &run(query, NO_LIMITS, [left, right]));
    };
    let pieces = |size: usize| {
        let outcome = run(query, NO_LIMITS, body.chunks(size));
        same("in pieces of", size, &outcome);
    };
    match cuts {
        Cuts::Everywhere => {
            (1..body.len()).for_each(halves);
            (1..=3).for_each(pieces);
        }
        Cuts::At(places) => places.iter().copied().for_each(halves),
        Cuts::Sizes(sizes) => sizes.iter().copied().for_each(pieces),
    }
    match (verdict, whole) {
        (Verdict::NoPage, Outcome::Refused(_)) => Verdict::Refuse,
        (Verdict::NoPage, _) => Verdict::PassThrough,
        (verdict, _) => verdict,
    }
}

/// A document that must become a page.
pub(crate) fn accepted(body: impl AsRef<[u8]>, cuts: Cuts<'_>) {
    let body = body.as_ref();
    let verdict = check(body, cuts);
    assert!(
        matches!(verdict, Verdict::Page(_)),
        "the judge says {verdict:?} to {}",
        body.escape_ascii(),
    );
}

/// A document that must become an error.
pub(crate) fn refused(body: impl AsRef<[u8]>, cuts: Cuts<'_>) {
    let body = body.as_ref();
    let verdict = check(body, cuts);
    assert_eq!(verdict, Verdict::Refuse, "{}", body.escape_ascii());
}
