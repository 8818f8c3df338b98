//! Documents that must become a page.

use crate::check::{AROUND_A_BLOCK, Cuts, accepted};
use crate::fragments::{good_literals, good_structures, numbers};
use crate::places::{IN_ENVELOPE, IN_ITEM, KEYS, VALUES};
use crate::strings::{good_texts, odd_texts, quoted};

/// The lengths of white space to try between two tokens.
const GAPS: [usize; 8] = [1, 2, 63, 64, 65, 128, 129, 200];

#[test]
fn every_kind_of_value_is_taken_at_every_place() {
    let strings = good_texts().into_iter().map(quoted);
    let values = good_literals()
        .into_iter()
        .chain(good_structures())
        .chain(strings);
    for value in values {
        for place in VALUES {
            accepted(place.with(&value), Cuts::Everywhere);
        }
    }
}

#[test]
fn every_shape_of_number_is_taken() {
    for number in numbers() {
        // Too large for a double is the one thing wrong that a number may have here.
        for place in [IN_ITEM, IN_ENVELOPE, VALUES[0]] {
            accepted(place.with(&number), Cuts::Sizes(&[1, 2, 7]));
        }
    }
}

#[test]
fn every_text_may_be_a_key() {
    for text in good_texts() {
        for place in KEYS {
            accepted(place.with(quoted(&text)), Cuts::Everywhere);
        }
    }
}

#[test]
fn a_number_may_be_the_last_before_any_bracket() {
    for number in ["0", "-1", "1.5", "2e3"] {
        for body in [
            format!("{{\"items\":[{number}]}}"),
            format!("{{\"items\":[[{number}],{{\"a\":{number}}}]}}"),
            format!("{{\"items\":[],\"n\":{number}}}"),
            format!("{{\"items\":[{number} ,{number}\n] , \"n\":{number}\t}}"),
        ] {
            accepted(body, Cuts::Everywhere);
        }
    }
}

#[test]
fn white_space_may_stand_between_any_two_tokens() {
    let tokens = [
        "{",
        "\"kind\"",
        ":",
        "\"L\"",
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
        ",",
        "[",
        "]",
        ",",
        "{",
        "}",
        "]",
        ",",
        "\"metadata\"",
        ":",
        "{",
        "}",
        "}",
    ];
    for at in 0..=tokens.len() {
        let (before, after) = tokens.split_at(at);
        let (before, after) = (before.concat(), after.concat());
        for kind in [" ", "\t", "\n", "\r", "\r\n", " \t\r\n"] {
            for length in GAPS {
                let gap: String = kind.chars().cycle().take(length).collect();
                let body = format!("{before}{gap}{after}");
                let within = before.len() + length / 2;
                accepted(
                    body,
                    Cuts::At(&[before.len(), within, before.len() + length]),
                );
            }
        }
    }
    for kind in [" ", "\t", "\n", "\r", "\r\n", " \t\r\n"] {
        for length in GAPS {
            let gap: String = kind.chars().cycle().take(length).collect();
            let body = format!("{gap}{}{gap}", tokens.join(&gap));
            accepted(body, Cuts::Sizes(AROUND_A_BLOCK));
        }
    }
}

#[test]
fn the_members_of_the_envelope_come_in_any_order() {
    let members = [
        "\"kind\":\"L\"",
        "\"metadata\":{\"continue\":\"x\",\"items\":[1]}",
        "\"items\":[{\"a\":1},{}]",
        "\"total\":7",
    ];
    let mut orders = 0;
    for code in 0..4_usize.pow(4) {
        let order: Vec<usize> = (0..4).map(|digit| code / 4_usize.pow(digit) % 4).collect();
        if (0..4).any(|member| !order.contains(&member)) {
            continue;
        }
        let ordered: Vec<&str> = order.iter().map(|member| members[*member]).collect();
        accepted(format!("{{{}}}", ordered.join(",")), Cuts::Everywhere);
        orders += 1;
    }
    assert_eq!(orders, 24);
}

#[test]
fn a_key_counts_however_it_is_spelled() {
    for name in ["items", "total", "metadata"] {
        for at in 0..name.len() {
            let (left, right) = name.split_at(at);
            let escaped = format!("{left}\\u{:04X}{}", name.as_bytes()[at], &right[1..]);
            let body = match name {
                "items" => format!("{{\"a\":1,\"{escaped}\":[1,2],\"b\":[]}}"),
                _ => format!("{{\"{escaped}\":{{}},\"items\":[1,2],\"{escaped}\":[]}}"),
            };
            accepted(body, Cuts::Everywhere);
        }
    }
    for other in [
        "Items",
        "item",
        "itemss",
        " items",
        "items ",
        "items\\u0000",
        "\\\\items",
        "",
    ] {
        accepted(
            format!("{{\"{other}\":[5],\"items\":[1]}}"),
            Cuts::Everywhere,
        );
    }
}

#[test]
fn names_may_be_given_twice_but_not_that_of_the_items() {
    for body in [
        "{\"kind\":1,\"kind\":2,\"items\":[],\"kind\":3}",
        "{\"total\":1,\"items\":[0],\"total\":2,\"t\\u006ftal\":3}",
        "{\"items\":[{\"metadata\":{\"name\":\"b\"},\"metadata\":{\"name\":\"a\"}},{\"metadata\":{\"name\":\"a\",\"name\":\"b\"}}]}",
        "{\"items\":[{\"metadata\":{\"name\":\"b\"},\"metad\\u0061ta\":{}},{\"metadata\":{\"name\":\"a\"}}]}",
    ] {
        accepted(body, Cuts::Everywhere);
    }
}

#[test]
fn long_strings_and_keys_and_many_small_items_are_taken() {
    let long = "x{[\\\"é\\\\".repeat(40_000);
    let sizes = Cuts::Sizes(&[63, 64, 65, 4096]);
    accepted(
        format!("{{\"items\":[\"{long}\",{{\"a\":\"{long}\"}}]}}"),
        sizes,
    );
    accepted(
        format!("{{\"items\":[{{\"{long}\":\"\"}}],\"{long}\":1}}"),
        sizes,
    );
    accepted(format!("{{\"kind\":\"{long}\",\"items\":[]}}"), sizes);
    accepted(format!("{{\"items\":[{}9]}}", " ".repeat(300_000)), sizes);
    for small in ["{}", "[]", "0", "\"\"", "null", "{\"a\":{}}"] {
        let many = vec![small; 3_000].join(",");
        accepted(
            format!("{{\"items\":[{many}]}}"),
            Cuts::Sizes(AROUND_A_BLOCK),
        );
        accepted(format!("{{\"items\":[[{many}]],\"x\":[{many}]}}"), sizes);
    }
}

#[test]
fn what_is_odd_but_json_is_taken_at_every_place() {
    for text in odd_texts() {
        for place in VALUES.into_iter().chain(KEYS) {
            accepted(place.with(quoted(&text)), Cuts::Everywhere);
        }
    }
}

#[test]
fn a_value_may_be_of_any_depth() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
        let step = open.matches(['[', '{']).count();
        for place in VALUES {
            for depth in [1, 100, 124, 125, 126, 127, 128, 129, 200, 5_000, 20_000] {
                let times = depth / step;
                for inside in ["", "[]", "1"] {
                    if inside.is_empty() && (times == 0 || open.ends_with(':')) {
                        continue;
                    }
                    let value = format!("{}{inside}{}", open.repeat(times), close.repeat(times));
                    accepted(place.with(value), Cuts::Sizes(&[64, 65]));
                }
            }
        }
    }
}

#[test]
fn one_odd_item_is_no_end_of_its_list() {
    let deep = format!("{}1{}", "{\"a\":[".repeat(6_000), "]}".repeat(6_000));
    for odd in [&*deep, "1e999", "\"\\ud800\"", "[[],{\"\\udfff\":-1e400}]"] {
        for item in [
            format!("{{\"metadata\":{{\"name\":\"m\"}},\"spec\":{odd}}}"),
            format!("{{\"spec\":{odd},\"metadata\":{{\"x\":{odd},\"name\":\"m\"}}}}"),
            odd.to_owned(),
        ] {
            accepted(
                format!(
                    "{{\"items\":[{{\"metadata\":{{\"name\":\"z\"}}}},{item},{{\"metadata\":{{\"name\":\"a\"}}}}]}}"
                ),
                Cuts::Sizes(&[1, 63, 64, 4096]),
            );
        }
    }
}
