//! Documents that must never become a page.

use crate::check::{Cuts, check, refused};
use crate::fragments::{bad_literals, bad_numbers, bad_structures, good_structures};
use crate::judge::Verdict;
use crate::places::{KEYS, Place, VALUES};
use crate::strings::{NO_UTF8, bad_texts, quoted};

const LIST: &str =
    "{\"kind\":\"L\",\"items\":[{\"a\":\"\\u00e9\\\\\"},[1.5e3],true],\"metadata\":{\"x\":[null]}}";

/// White space elsewhere, or control characters, but no white space in JSON.
const NO_SPACE: [&[u8]; 14] = [
    b"\x00",
    b"\x08",
    b"\x0b",
    b"\x0c",
    b"\x1f",
    b"\x7f",
    b"\x85",
    b"\xa0",
    b"\xc2\xa0",
    b"\xc2\x85",
    b"\xe2\x80\xa8",
    b"\xe3\x80\x80",
    b"\xef\xbb\xbf",
    b"\xff",
];

/// A value that is wrong by itself, so that no place makes it right. One that
/// closes what it did not open may end the envelope before the items come.
fn never_a_page(place: Place, value: &[u8]) {
    let body = place.with(value);
    let verdict = check(&body, Cuts::Everywhere);
    let refused = match verdict {
        Verdict::Refuse => true,
        Verdict::PassThrough => !place.before.contains("items"),
        _ => false,
    };
    assert!(refused, "{verdict:?} of {}", body.escape_ascii());
}

#[test]
fn no_bad_string_is_taken_as_a_value() {
    for text in bad_texts() {
        for place in VALUES {
            never_a_page(place, &quoted(&text));
        }
    }
}

#[test]
fn no_bad_string_is_taken_as_a_key() {
    for text in bad_texts() {
        for place in KEYS {
            never_a_page(place, &quoted(&text));
        }
    }
}

#[test]
fn no_bad_number_or_literal_is_taken() {
    for value in bad_numbers().into_iter().chain(bad_literals()) {
        for place in VALUES {
            never_a_page(place, &value);
        }
    }
}

#[test]
fn no_bad_structure_is_taken() {
    for value in bad_structures() {
        for place in VALUES {
            never_a_page(place, &value);
        }
    }
}

#[test]
fn a_key_is_a_string() {
    let mut keys = good_structures();
    keys.extend(["1", "null", "a", "'a'", "", "\"a\"\"b\"", "\"a\" 1"].map(Into::into));
    for key in keys {
        for place in KEYS {
            never_a_page(place, &key);
        }
    }
}

#[test]
fn other_space_is_no_space() {
    let tokens = [
        "{",
        "\"kind\"",
        ":",
        "1",
        ",",
        "\"items\"",
        ":",
        "[",
        "{",
        "\"a\"",
        ":",
        "1",
        ",",
        "\"b\"",
        ":",
        "[",
        "true",
        ",",
        "null",
        "]",
        "}",
        ",",
        "-5",
        ",",
        "\"s\"",
        "]",
        ",",
        "\"metadata\"",
        ":",
        "{",
        "}",
        "}",
    ];
    for at in 1..=tokens.len() {
        let (before, after) = tokens.split_at(at);
        for byte in NO_SPACE {
            for gap in [0, 1, 62, 63, 64, 127] {
                let gap = " ".repeat(gap);
                let before = [&before.concat(), &*gap].concat();
                let body = [before.as_bytes(), byte, after.concat().as_bytes()].concat();
                let verdict = check(&body, Cuts::At(&[before.len(), before.len() + 1]));
                // Items that begin so are no array, and an object without items is no list.
                let no_list = before.trim_end().ends_with("\"items\":");
                let refused = verdict == Verdict::Refuse;
                assert!(
                    refused || (no_list && verdict == Verdict::PassThrough),
                    "{}",
                    body.escape_ascii()
                );
            }
        }
    }
}

#[test]
fn nothing_but_space_may_follow() {
    for more in [
        "x", "1", "\"", "{}", "[]", "]", "}", ",", ":", "null", LIST, "\\", "//", "\u{0}",
        "\u{feff}",
    ] {
        for gap in [0, 1, 63, 64, 65, 130] {
            refused(
                format!("{LIST}{}{more}", " ".repeat(gap)),
                Cuts::At(&[LIST.len(), LIST.len() + gap]),
            );
        }
    }
}

#[test]
fn nothing_but_space_may_come_first() {
    for before in [
        "\u{feff}",
        "x",
        "\u{0}",
        "\u{c}",
        "\u{a0}",
        ",",
        "[",
        "]",
        "\"",
        "//\n",
        "\u{0}\u{feff}",
    ] {
        let verdict = check(format!("{before}{LIST}"), Cuts::Everywhere);
        let marked = before == "\u{feff}";
        assert_eq!(verdict == Verdict::Refuse, marked, "{before:?}");
        assert_eq!(verdict == Verdict::PassThrough, !marked, "{before:?}");
    }
}

#[test]
fn a_list_cut_short_is_refused_wherever_it_ends() {
    for end in 1..LIST.len() {
        refused(&LIST[..end], Cuts::Everywhere);
        // White space does not complete it.
        refused(
            format!("{}{}", &LIST[..end], "\n".repeat(130)),
            Cuts::At(&[end, 64, 128]),
        );
    }
}

#[test]
fn two_lists_are_one_too_many() {
    for second in ["[]", "null", "{}", "[1,2]", "1", "\"s\""] {
        for key in [
            "items",
            "it\\u0065ms",
            "\\u0069\\u0074\\u0065\\u006d\\u0073",
        ] {
            refused(
                format!("{{\"items\":[1],\"{key}\":{second}}}"),
                Cuts::Everywhere,
            );
            refused(
                format!("{{\"{key}\":[],\"a\":{{}},\"items\":{second}}}"),
                Cuts::Everywhere,
            );
        }
    }
}

#[test]
fn what_is_wrong_counts_on_no_page_too() {
    let query = cubegate_list::ListRequest::parse("pageSize=0&selector=a=none")
        .query
        .unwrap();
    for text in bad_texts() {
        let body = VALUES[1].with(quoted(text));
        let outcome = crate::run::run(&query, crate::check::NO_LIMITS, [&body[..]]);
        assert!(
            matches!(outcome, crate::run::Outcome::Refused(_)),
            "{outcome:?}"
        );
    }
}

#[test]
fn what_is_no_utf_8_is_refused_outside_of_strings() {
    for bytes in NO_UTF8 {
        for place in VALUES {
            never_a_page(place, bytes);
        }
        for place in KEYS {
            never_a_page(place, bytes);
        }
    }
}

#[test]
fn what_is_deep_must_be_json_all_the_same() {
    for (open, close, wrong) in [
        ("[", "]", "}"),
        ("{\"a\":", "}", "]"),
        ("[{\"a\":", "}]", "]]"),
    ] {
        for times in [60, 127, 128, 129, 300, 5_000] {
            for place in VALUES {
                for fault in ["tru", "01", "\"\\x\"", "1,", "]", ""] {
                    let closed = close.repeat(times);
                    let value = format!("{}{fault}{closed}", open.repeat(times));
                    if fault.is_empty() && open == "[" {
                        continue;
                    }
                    refused_or_no_list(place, value.as_bytes());
                }
                let half = times / 2;
                let value = format!(
                    "{}1{}{wrong}{}",
                    open.repeat(times),
                    close.repeat(half),
                    close.repeat(times - half - 1)
                );
                refused_or_no_list(place, value.as_bytes());
            }
        }
    }
}

fn refused_or_no_list(place: Place, value: &[u8]) {
    let verdict = check(place.with(value), Cuts::Sizes(&[64, 65]));
    let before_items = verdict == Verdict::PassThrough && !place.before.contains("items");
    assert!(
        verdict == Verdict::Refuse || before_items,
        "{verdict:?} in {place:?}"
    );
}
