//! The same thing at every byte of a block.

use crate::check::{Cuts, accepted, check, refused};
use crate::fragments::{bad_literals, bad_numbers, good_literals, good_structures, numbers};
use crate::judge::Verdict;
use crate::places::{IN_ENVELOPE, IN_ITEM, KEY_IN_ITEM, Padding, Place, VALUES};
use crate::strings::{CHARACTERS, NO_UTF8, bad_texts, good_texts, odd_texts, quoted};

/// Two blocks, and what is needed to be in the next one for certain.
const OFFSETS: std::ops::RangeInclusive<usize> = 0..=130;
const BLOCK: usize = 64;

/// Every offset of one piece, cut before, within and behind it.
fn everywhere(
    place: Place,
    padding: Padding,
    offsets: impl Iterator<Item = usize>,
    piece: &[u8],
) -> Vec<Verdict> {
    let verdicts = offsets.map(|length| {
        let (body, at) = place.padded(padding, length, piece);
        let within = at + 1 + length % piece.len();
        check(body, Cuts::At(&[at, within]))
    });
    verdicts.collect()
}

fn all(verdicts: &[Verdict], wanted: impl Fn(&Verdict) -> bool) {
    assert!(
        !verdicts.is_empty() && verdicts.iter().all(wanted),
        "{:?}",
        verdicts.first()
    );
}

fn is_page(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Page(_))
}

fn is_refused(verdict: &Verdict) -> bool {
    *verdict == Verdict::Refuse
}

#[test]
fn good_strings_are_taken_at_every_offset() {
    for text in good_texts().into_iter().chain(odd_texts()) {
        let string = quoted(text);
        all(
            &everywhere(IN_ITEM, Padding::Text, OFFSETS, &string),
            is_page,
        );
        all(
            &everywhere(KEY_IN_ITEM, Padding::Space, 0..BLOCK, &string),
            is_page,
        );
        all(
            &everywhere(IN_ENVELOPE, Padding::Text, 0..BLOCK, &string),
            is_page,
        );
    }
}

#[test]
fn bad_strings_are_refused_at_every_offset() {
    for text in bad_texts() {
        let string = quoted(text);
        all(
            &everywhere(IN_ITEM, Padding::Text, 0..BLOCK, &string),
            is_refused,
        );
        all(
            &everywhere(KEY_IN_ITEM, Padding::Space, 0..BLOCK, &string),
            is_refused,
        );
        all(
            &everywhere(IN_ENVELOPE, Padding::Text, 0..BLOCK, &string),
            is_refused,
        );
    }
}

#[test]
fn bytes_that_no_text_holds_are_judged_at_every_offset_of_a_string() {
    let controls = (0..0x20).map(|control| vec![control]);
    let sequences = NO_UTF8.iter().map(|bytes| bytes.to_vec());
    for bytes in controls.chain(sequences) {
        for length in OFFSETS {
            // Between text, and as the last of the string.
            for after in [0, 70] {
                let before = "y".repeat(length).into_bytes();
                let text = [before, bytes.clone(), "z".repeat(after).into_bytes()].concat();
                let body = VALUES[0].with(quoted(text));
                let at = VALUES[0].before.len() + 1 + length;
                // What is no UTF-8 has the grammar of a string.
                if bytes.is_ascii() {
                    refused(body, Cuts::At(&[at, at + 1]));
                } else {
                    accepted(body, Cuts::At(&[at, at + 1]));
                }
            }
        }
    }
}

#[test]
fn characters_of_every_length_are_taken_at_every_offset() {
    for character in CHARACTERS {
        for length in OFFSETS {
            let text = format!("{}{}", "y".repeat(length), character.to_string().repeat(40));
            let body = IN_ITEM.with(quoted(text));
            accepted(body, Cuts::Sizes(&[1, 63, 64, 65]));
        }
    }
}

#[test]
fn numbers_and_literals_are_judged_at_every_offset() {
    for good in numbers().into_iter().step_by(7).chain(good_literals()) {
        all(
            &everywhere(VALUES[2], Padding::Space, 0..BLOCK, &good),
            is_page,
        );
        all(
            &everywhere(IN_ENVELOPE, Padding::Text, 0..BLOCK, &good),
            is_page,
        );
    }
    for bad in bad_numbers().into_iter().chain(bad_literals()) {
        all(
            &everywhere(VALUES[0], Padding::Text, 0..BLOCK, &bad),
            is_refused,
        );
        all(
            &everywhere(IN_ENVELOPE, Padding::Space, (0..BLOCK).step_by(3), &bad),
            is_refused,
        );
    }
}

#[test]
fn structures_are_taken_at_every_offset() {
    for good in good_structures() {
        for place in [VALUES[0], VALUES[4], VALUES[8]] {
            all(&everywhere(place, Padding::Text, 0..BLOCK, &good), is_page);
            all(&everywhere(place, Padding::Space, 0..BLOCK, &good), is_page);
        }
    }
}

#[test]
fn runs_of_backslashes_of_every_length_end_at_every_offset() {
    for backslashes in (1..=70).chain([127, 128, 129, 191, 192, 193]) {
        let run = "\\".repeat(backslashes);
        for length in 0..BLOCK {
            let before = format!("{{\"items\":[\"{}{run}", "y".repeat(length));
            let cuts = [before.len() - backslashes.min(2), before.len()];
            if backslashes % 2 == 0 {
                accepted(format!("{before}\",{{}}]}}"), Cuts::At(&cuts));
                refused(format!("{before}x\"y\"]}}"), Cuts::At(&cuts));
            } else {
                accepted(format!("{before}\"]}}\"]}}"), Cuts::At(&cuts));
                refused(format!("{before}\"]}}"), Cuts::At(&cuts));
            }
        }
    }
}

#[test]
fn escaped_quotes_stand_on_every_chunk_edge() {
    let text = "\\\"\\\\\\\"}\\\\\\\\]\\u0022{\\\"[".repeat(12);
    let body = format!("{{\"items\":[\"{text}\",{{\"{text}\":[\"{text}\"]}}],\"k\":\"{text}\"}}");
    accepted(&body, Cuts::Everywhere);
    let sizes: Vec<usize> = (4..=131).collect();
    accepted(&body, Cuts::Sizes(&sizes));
}

#[test]
fn surrogates_may_be_paired_or_not_across_every_border() {
    for length in OFFSETS {
        let before = format!("{{\"items\":[\"{}", "y".repeat(length));
        for text in [
            "\\ud83d\\ude00",
            "\\ud83d\\ude00\\ud83d\\ude00",
            "\\ud83d",
            "\\ude00",
            "\\ud83d\\u0e00",
            "\\ud83d\\ud83d",
            "\\ud83dude00",
            "\\ude00\\ud83d",
        ] {
            let cuts: Vec<usize> = (before.len()..=before.len() + text.len()).collect();
            accepted(format!("{before}{text}\"]}}"), Cuts::At(&cuts));
            accepted(
                format!("{before}{text}\":1}}]}}").replacen("[\"", "[{\"", 1),
                Cuts::At(&[cuts[3]]),
            );
            let cut_short = &text[..text.len() - 1];
            if text.ends_with("0") && !text.ends_with("dude00") {
                refused(format!("{before}{cut_short}\"]}}"), Cuts::At(&cuts));
            }
        }
    }
}

#[test]
fn the_key_of_the_items_is_found_at_every_offset() {
    for length in OFFSETS {
        for key in ["items", "\\u0069tems", "item\\u0073"] {
            for padding in [Padding::Text, Padding::Space] {
                let place = Place::new("{\"a\":1,", ":[{\"items\":[]},2]}");
                let (body, at) = place.padded(padding, length, format!("\"{key}\""));
                let cuts: Vec<usize> = (at..=at + key.len() + 3).collect();
                accepted(body, Cuts::At(&cuts));
            }
        }
    }
}

#[test]
fn wrong_separators_are_refused_at_every_offset() {
    for (before, after) in [
        ("{\"items\":[1,", ",2]}"),
        ("{\"items\":[1", " 2]}"),
        ("{\"items\":[{\"a\":1,", ",\"b\":2}]}"),
        ("{\"items\":[{\"a\":", ":1}]}"),
        ("{\"items\":[{\"a\"", "1}]}"),
        ("{\"items\":[{\"a\":1,", "}]}"),
        ("{\"items\":[[1,", "]]}"),
        ("{\"items\":[[", ",1]]}"),
        ("{\"items\":[{\"a\":1", "]]}"),
        ("{\"items\":[[1", "}]}"),
        ("{\"items\":[1", "}"),
        ("{\"items\":[1]", "]"),
        ("{\"items\":[1,", "]}"),
        ("{\"items\":[1],", "}"),
        ("{\"items\":[1]", "\"a\":2}"),
        ("{\"items\":[1],\"a\"", "2}"),
        ("{\"items\":[1],\"a\":2", ":3}"),
        ("{\"items\":[1],\"a\":", "}"),
    ] {
        for length in OFFSETS {
            let place = Place::new(before, after);
            let (spaced, at) = place.padded(Padding::Space, length, "");
            refused(spaced, Cuts::At(&[at - length, at]));
            let (texted, at) = place.padded(Padding::Text, length, "");
            refused(texted, Cuts::At(&[at]));
        }
    }
}

#[test]
fn a_wrong_bracket_is_found_at_every_depth() {
    for depth in (1..=140).chain([191, 192, 193, 1000]) {
        for (open, close, wrong) in [
            ("[", "]", "}"),
            ("{\"\":", "}", "]"),
            ("{\"\":[", "]}", "}]"),
        ] {
            let times = depth / open.matches(['[', '{']).count();
            if times == 0 {
                continue;
            }
            let right = VALUES[0].with(format!("{}1{}", open.repeat(times), close.repeat(times)));
            accepted(&right, Cuts::Sizes(&[63]));
            for at in [0, times / 2, times - 1] {
                let (before, after) = (close.repeat(at), close.repeat(times - at - 1));
                let value = format!("{}1{before}{wrong}{after}", open.repeat(times));
                refused(VALUES[0].with(value), Cuts::Sizes(&[63]));
            }
        }
    }
}
