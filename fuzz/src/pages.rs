//! The target `engine`.

use cubegate_list::{Finished, Limits, ListEngine, ListError, ListQuery, ListRequest, Progress};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::input::Input;
use crate::judge::tree::{Document, Members};
use crate::judge::{Verdict, verdict};
use crate::reference::Parameters;
use crate::run::{Outcome, run};

/// Small enough that an input of a few hundred bytes meets each of them.
const TIGHT: Limits = Limits {
    max_item_bytes: 64,
    max_page_bytes: 512,
    max_envelope_bytes: 64,
};

/// What may be held beside what the limits count: the growth of buffers, and
/// their capacity when they are all but empty.
const SLACK: usize = 4096;

/// The parameters that the reference knows.
const KNOWN: [&str; 6] = [
    "selector",
    "pageSize",
    "pageNum",
    "sortName",
    "sortOrder",
    "sortFunc",
];

/// The items in their spelling.
#[derive(serde::Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
}

/// # Panics
///
/// If the engine does with this input what it should not.
pub fn check_page(input: &[u8]) {
    let Some(input) = Input::read(input) else {
        return;
    };
    // A query with an error asks for nothing.
    let Ok(query) = ListRequest::parse(input.query).query else {
        return;
    };
    let whole = run(&query, Limits::default(), [input.body]);
    let cut = run(&query, Limits::default(), input.chunks());
    assert!(
        cut.agrees_with(&whole),
        "{cut:?} in chunks, and whole {whole:?}"
    );

    let plain = Plain::read(input.query);
    let parameters = plain.as_ref().map(|plain| plain.0.clone());
    match verdict(
        input.body,
        &parameters.clone().unwrap_or_default(),
        query.takes_null,
    ) {
        Verdict::Page(page) => {
            let Outcome::Page(given) = &whole else {
                panic!("{whole:?}, and not a page");
            };
            if plain.is_some_and(|plain| plain.fits(input.body)) {
                assert_eq!(given, &page);
            }
            check_items(given, &input);
        }
        verdict => assert!(
            verdict.allows(&whole, input.body),
            "{whole:?} is not {verdict:?}"
        ),
    }
    check_limits(&query, &input, &whole);
}

/// Whatever the query: each item on the page is one of the list's, and none
/// comes more often than there.
fn check_items(page: &[u8], input: &Input<'_>) {
    let (body, page) = (Document::new(input.body), Document::new(page));
    let (items, _) = items_and_total(&body);
    let (on_page, total) = items_and_total(&page);
    let total = total.expect("a page has a total");
    assert!(total <= items.len() && on_page.len() <= total);
    // Parameters that change what an item shows, or could: a name may be escaped.
    if input.query.contains(['%', '+'])
        || ["fields", "strip"]
            .iter()
            .any(|name| input.query.contains(name))
    {
        return;
    }
    let mut left = items;
    for item in on_page {
        let at = left.iter().position(|left| *left == item);
        left.swap_remove(at.expect("an item is from the list"));
    }
}

/// The items of a list as they came, and what it says of their number. The names of its
/// members may be no Unicode, so nothing here takes them for text.
fn items_and_total<'d>(list: &Document<'d>) -> (Vec<&'d [u8]>, Option<usize>) {
    let Members(members) = serde_json::from_slice(list.text()).expect("a page is of a list");
    let (mut items, mut total) = (None, None);
    for [name, value] in members {
        match &*list.string(name) {
            "items" => items = serde_json::from_str::<Option<Vec<&RawValue>>>(value.get()).ok(),
            "total" => total = serde_json::from_str(value.get()).ok(),
            _ => {}
        }
    }
    // `null` is taken for none.
    let items = items.expect("a list has items").unwrap_or_default();
    let items = items.into_iter();
    (items.map(|item| list.original(item)).collect(), total)
}

/// With little memory it is the same page or an error that says so, and what
/// is held stays within it, beside what the query takes.
fn check_limits(query: &ListQuery, input: &Input<'_>, whole: &Outcome) {
    let mut engine = ListEngine::new(query.clone(), TIGHT);
    // Before there is a body it is the query made ready. Where its fields stand in an
    // item takes less than that.
    let for_query = 2 * engine.held_bytes();
    let most = for_query
        + 2 * (TIGHT.max_item_bytes + TIGHT.max_page_bytes + 2 * TIGHT.max_envelope_bytes)
        + SLACK;
    let mut chunks = input.chunks().into_iter();
    let outcome = loop {
        let Some(chunk) = chunks.next() else {
            break match engine.finish() {
                Ok(Finished::Page(page)) => Outcome::Page(page),
                Ok(Finished::PassThrough(body)) => Outcome::PassThrough(body),
                Ok(other) => panic!("{other:?} of a whole list"),
                Err(error) => Outcome::Refused(error),
            };
        };
        match engine.push(chunk) {
            Ok(Progress::Held) => {
                let held = engine.held_bytes();
                assert!(held <= most, "{held} bytes are held");
            }
            Ok(Progress::PassThrough(mut body)) => {
                chunks.for_each(|chunk| body.extend_from_slice(chunk));
                break Outcome::PassThrough(body);
            }
            Err(error) => break Outcome::Refused(error),
        }
    };
    match &outcome {
        Outcome::Page(_) => assert_eq!(&outcome, whole),
        // What does not show within the envelope's limit that it is a list is none.
        Outcome::PassThrough(body) => assert_eq!(body, input.body),
        Outcome::Refused(
            ListError::ItemTooLarge { .. }
            | ListError::PageTooLarge { .. }
            | ListError::EnvelopeTooLarge { .. },
        ) => {}
        Outcome::Refused(_) => assert!(
            outcome.agrees_with(whole),
            "{outcome:?}, and {whole:?} with more memory"
        ),
    }
}

// === Plain queries ===

/// A query that the reference reads as the engine does.
struct Plain(Parameters);

impl Plain {
    /// Nothing that is escaped, or that only later versions know.
    fn read(query: &str) -> Option<Self> {
        let simple = |byte: u8| byte.is_ascii_alphanumeric() || b"&=~|,.-_/".contains(&byte);
        if !query.bytes().all(simple) || query.matches('.').count() > 60 {
            return None;
        }
        let mut values: [Option<String>; KNOWN.len()] = Default::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let known = KNOWN.iter().position(|known| *known == name)?;
            values[known].get_or_insert(value.to_owned());
        }
        let [
            selector,
            page_size,
            page_num,
            sort_name,
            sort_order,
            sort_func,
        ] = values;
        // The reference knows a few times only, and numbers not exactly.
        if matches!(sort_func.as_deref(), Some("time" | "number")) {
            return None;
        }
        Some(Self(Parameters {
            selector,
            page_size,
            page_num,
            sort_name,
            sort_order,
            sort_func,
        }))
    }

    /// Whether the reference, which sees trees, can see what the engine does:
    /// numbers as they are spelled, and letters that have one lower case.
    fn fits(&self, body: &[u8]) -> bool {
        let simple = body.is_ascii() && !body.windows(2).any(|pair| pair == b"\\u");
        let list: Result<List<'_>, _> = serde_json::from_slice(body);
        simple && list.is_ok_and(|list| list.items.iter().all(|item| has_plain_numbers(item.get())))
    }
}

/// Whether every number is spelled as `serde_json` would.
fn has_plain_numbers(item: &str) -> bool {
    let mut outside = String::new();
    let mut characters = item.chars();
    while let Some(character) = characters.next() {
        if character != '"' {
            outside.push(character);
            continue;
        }
        while let Some(character) = characters.next() {
            match character {
                '"' => break,
                '\\' => drop(characters.next()),
                _ => {}
            }
        }
    }
    outside
        .split(|character: char| !(character.is_ascii_alphanumeric() || "+-.".contains(character)))
        .filter(|token| token.contains(|character: char| character.is_ascii_digit()))
        .all(|number| {
            let spelled = serde_json::from_str(number).map(|value: Value| value.to_string());
            spelled.is_ok_and(|spelled| spelled == number)
        })
}
