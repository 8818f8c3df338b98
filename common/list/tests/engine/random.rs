//! Random lists, queries and cuts: the engine against the reference.

mod lists;

use cubegate_list::{Limits, ListError};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde::Deserialize;
use serde::de::IgnoredAny;

pub(crate) use self::lists::list;
use self::lists::{LITERALS, PATHS, TEXTS};
use crate::reference::Parameters;
use crate::reference::json::{is_json, readable};
use crate::support::{Outcome, run};

fn parameters() -> impl Strategy<Value = Parameters> {
    let value = prop_oneof![
        4 => select(&TEXTS[..]).prop_map(str::to_owned),
        1 => select(&LITERALS[..]).prop_map(str::to_owned),
    ];
    let condition = (select(&PATHS[..]), select(&["=", "~", "=", ""][..]), value)
        .prop_map(|(path, operator, value)| format!("{path}{operator}{value}"));
    let selector = vec(condition, 0..4).prop_map(|conditions| conditions.join(","));
    let maybe = |values: &'static [&'static str]| {
        proptest::option::of(select(values).prop_map(str::to_owned))
    };
    (
        proptest::option::of(selector),
        maybe(&[
            "0",
            "1",
            "2",
            "3",
            "5",
            "100",
            "-1",
            "x",
            "+4",
            "9223372036854775807",
        ]),
        maybe(&["0", "1", "2", "3", "-2", "x", "9223372036854775807"]),
        maybe(&PATHS),
        maybe(&["asc", "desc", "DESC", "down"]),
        maybe(&["string", "number", "number", "time", "time", "Time"]),
    )
        .prop_map(
            |(selector, page_size, page_num, sort_name, sort_order, sort_func)| Parameters {
                selector,
                page_size,
                page_num,
                sort_name,
                sort_order,
                sort_func,
            },
        )
}

fn raw_query(parameters: &Parameters) -> String {
    let pairs = [
        ("selector", &parameters.selector),
        ("pageSize", &parameters.page_size),
        ("pageNum", &parameters.page_num),
        ("sortName", &parameters.sort_name),
        ("sortOrder", &parameters.sort_order),
        ("sortFunc", &parameters.sort_func),
    ];
    let escaped = |text: &str| {
        text.bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect::<String>()
    };
    let pairs = pairs
        .iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", escaped(value.as_deref()?))));
    pairs.collect::<Vec<_>>().join("&")
}

/// Cuts a body into pieces of these lengths, over and over.
pub(crate) fn cut<'a>(body: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    let mut rest = body;
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, tail) = rest.split_at((*length).min(rest.len()));
        chunks.push(chunk);
        rest = tail;
    }
    chunks
}

/// Damage done to a document: where (in parts of 65536) and what.
fn damage() -> impl Strategy<Value = Vec<(u16, u8, u8)>> {
    let bytes = prop_oneof![select(&b"{}[]\",:\\ 0e-tnux\n\xff\x80"[..]), any::<u8>()];
    vec((any::<u16>(), 0..4_u8, bytes), 1..4)
}

fn damaged(body: &str, damage: &[(u16, u8, u8)]) -> Vec<u8> {
    let mut body = body.as_bytes().to_vec();
    for (place, kind, byte) in damage {
        let at = body.len() * usize::from(*place) / 65_536;
        match kind {
            _ if at >= body.len() => {}
            0 => body[at] = *byte,
            1 => body.insert(at, *byte),
            2 => {
                body.remove(at);
            }
            _ => body.truncate(at.max(1)),
        }
    }
    body
}

/// A document that is a list.
#[derive(Deserialize)]
struct Items {
    items: Vec<IgnoredAny>,
}

/// What any document may become, with `serde_json` as the judge.
fn check_against_serde_json(body: &[u8], lengths: &[usize]) -> Result<(), TestCaseError> {
    let result = run("", Limits::default(), cut(body, lengths));
    prop_assert_eq!(
        &result,
        &run("", Limits::default(), [body]),
        "the cut matters"
    );
    let twice = |error: &ListError| error.to_string().contains("two members named");
    let text = readable(body);
    // serde would read an array as the members of `Items`, too.
    let is_object = text.trim_ascii_start().starts_with(b"{");
    let list = serde_json::from_slice::<Items>(&text).ok();
    let list = list.filter(|_| is_object);
    match (&result, is_json(&text)) {
        (Outcome::PassThrough(passed), is_json) => {
            prop_assert_eq!(&passed[..], body);
            if is_json && list.is_some() {
                prop_assert!(String::from_utf8_lossy(body).matches("\"it").count() > 1);
            }
        }
        (Outcome::Page(page), true) => {
            let items = list.expect("only a list becomes a page").items.len();
            // Of one that is no UTF-8 the quotes are escaped.
            let page = page.replace('\\', "");
            prop_assert!(page.ends_with(&format!("\"total\":{items}}}")), "{page}");
        }
        (Outcome::Page(page), false) => {
            prop_assert!(false, "no JSON, but there is a page {page}");
        }
        (Outcome::Refused(_), false) => {}
        (Outcome::Refused(error), true) => {
            prop_assert!(twice(error), "{error}, but the document is fine");
        }
    }
    Ok(())
}

/// Finds of random seeds.
#[test]
fn what_was_found_is_judged_right() -> Result<(), TestCaseError> {
    // An array with an array in it is no list, though serde makes one of it.
    check_against_serde_json(b"[[]]", &[1])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_the_reference(
        list in list(),
        parameters in parameters(),
        lengths in vec(1..140_usize, 1..6),
    ) {
        let body = list.body();
        let page = run(&raw_query(&parameters), Limits::default(), cut(body.as_bytes(), &lengths));
        prop_assert_eq!(page, Outcome::Page(list.expected(&parameters)), "{} of {}", raw_query(&parameters), body);
    }

    #[test]
    fn a_damaged_list_is_a_page_only_if_it_is_still_one(
        list in list(),
        damage in damage(),
        lengths in vec(1..140_usize, 1..6),
    ) {
        check_against_serde_json(&damaged(&list.body(), &damage), &lengths)?;
    }

    #[test]
    fn a_soup_of_tokens_is_a_page_only_if_it_is_a_list(
        tokens in vec(select(&[
            "{", "}", "[", "]", ",", ":", "\"items\"", "\"items\":[", "\"a\"", "1", "null", " ", "\\", "\"", "{\"items\":[", "]}",
            "{}", "-", "true",
        ][..]), 0..16),
        lengths in vec(1..6_usize, 1..4),
        framed in any::<bool>(),
    ) {
        let soup = tokens.concat();
        let body = if framed { format!("{{\"items\":[{soup}]}}") } else { soup };
        check_against_serde_json(body.as_bytes(), &lengths)?;
    }
}
