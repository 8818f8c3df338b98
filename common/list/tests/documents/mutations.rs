//! Everything near a list, exhaustively: short runs of tokens, and lists with
//! one byte changed.

use crate::check::{Cuts, check};
use crate::judge::Verdict;

/// A list with one of everything, of a few blocks.
const LIST: &str = concat!(
    "{\"kind\": \"PodList\",\"metadata\":{\"resourceVersion\":\"12\",\"remainingItemCount\":null},\n",
    "\"items\":[{\"metadata\":{\"name\":\"web-\\u00e9\\ud83d\\ude00\",\"labels\":{\"a\\\\\":\"}\\\"\"}},",
    "\"n\":[0,-1.50e+2,true,false,[[]]]}\r\n,\t{\"é😀\":\"\\\\\\\\\"},null,-0,\"s\",[{}]],\"total\":3}\n",
);

/// One byte of each kind that a parser may tell apart.
const BYTES: &[u8] = b"{}[]\",:\\/ \n\t\r019-+.eEtfnulabx'#\x00\x08\x0b\x0c\x1f\x7f\
    \x80\xa0\xbf\xc0\xc2\xc3\xdf\xe0\xe2\xed\xef\xf0\xf4\xf5\xff";

/// Every sequence of up to so many tokens.
fn sequences(tokens: &[&str], longest: u32, mut each: impl FnMut(&str)) {
    let mut text = String::new();
    for length in 0..=longest {
        for code in 0..tokens.len().pow(length) {
            let mut rest = code;
            text.clear();
            for _ in 0..length {
                text.push_str(tokens[rest % tokens.len()]);
                rest /= tokens.len();
            }
            each(&text);
        }
    }
}

/// How many of the documents were pages.
fn pages(verdicts: &[Verdict]) -> usize {
    verdicts
        .iter()
        .filter(|verdict| matches!(verdict, Verdict::Page(_)))
        .count()
}

#[test]
fn every_short_run_of_tokens_is_judged_right_as_items() {
    let mut verdicts = Vec::new();
    sequences(&["{", "}", "[", "]", ",", ":", "\"a\"", "1"], 5, |soup| {
        verdicts.push(check(format!("{{\"items\":[{soup}]}}"), Cuts::Sizes(&[])));
    });
    assert!(
        (50..1000).contains(&pages(&verdicts)),
        "{}",
        pages(&verdicts)
    );
}

#[test]
fn every_short_run_of_tokens_is_judged_right_in_an_item() {
    let mut verdicts = Vec::new();
    sequences(
        &["}", "[", "]", ",", ":", "\"a\"", "1", " ", "{"],
        4,
        |soup| {
            verdicts.push(check(
                format!("{{\"items\":[{{\"b\":[{soup}]}}]}}"),
                Cuts::Sizes(&[1, 3]),
            ));
            verdicts.push(check(
                format!("{{\"items\":[{{{soup}}}]}}"),
                Cuts::Sizes(&[2]),
            ));
        },
    );
    assert!(
        (100..1000).contains(&pages(&verdicts)),
        "{}",
        pages(&verdicts)
    );
}

#[test]
fn every_short_run_of_tokens_is_judged_right_as_a_body() {
    let mut verdicts = Vec::new();
    sequences(
        &["{", "}", "[", "]", ",", ":", "\"items\"", "1"],
        5,
        |soup| {
            verdicts.push(check(format!("{{{soup}"), Cuts::Sizes(&[])));
        },
    );
    sequences(
        &["}", "]", ",", "\"items\":", "\"a\":", "[", "1", "{"],
        4,
        |soup| {
            verdicts.push(check(format!("{{{soup}}}"), Cuts::Sizes(&[1])));
            verdicts.push(check(format!("{{\"items\":[]{soup}"), Cuts::Sizes(&[1])));
        },
    );
    assert!(
        (3..1000).contains(&pages(&verdicts)),
        "{}",
        pages(&verdicts)
    );
}

#[test]
fn every_byte_in_every_place_of_a_list_is_judged_right() {
    let mut verdicts = Vec::new();
    for at in 0..LIST.len() {
        let mut body = LIST.as_bytes().to_vec();
        for byte in BYTES {
            body[at] = *byte;
            verdicts.push(check(&body, Cuts::Sizes(&[])));
        }
    }
    // In a string most of them do no harm.
    let pages = pages(&verdicts);
    assert!(
        (verdicts.len() / 20..verdicts.len() / 2).contains(&pages),
        "{pages} of {}",
        verdicts.len()
    );
}

#[test]
fn a_byte_more_or_less_at_every_place_is_judged_right() {
    for at in 0..=LIST.len() {
        let (left, right) = LIST.as_bytes().split_at(at);
        let cuts = [at.saturating_sub(1), at, at + 1];
        for byte in BYTES {
            check([left, &[*byte], right].concat(), Cuts::At(&[at]));
        }
        if let Some((removed, rest)) = right.split_first() {
            check([left, rest].concat(), Cuts::At(&cuts));
            check([left, &[*removed], right].concat(), Cuts::At(&cuts));
        }
        if let [first, second, rest @ ..] = right {
            check([left, &[*second, *first], rest].concat(), Cuts::At(&cuts));
        }
    }
}

#[test]
fn the_list_itself_is_one() {
    let verdict = check(LIST, Cuts::Everywhere);
    assert_eq!(pages(&[verdict]), 1);
}
