//! Numbers, literals and structures, valid and not, made by rule where there is one.

pub(crate) type Piece = Vec<u8>;

const LITERALS: [&str; 3] = ["true", "false", "null"];

/// Every shape of number, some of them too large for a double.
pub(crate) fn numbers() -> Vec<Piece> {
    let long = "1234567890".repeat(13);
    let mut numbers = Vec::new();
    for sign in ["", "-"] {
        for integer in ["0", "7", "10", "18446744073709551616", &long] {
            for fraction in ["", ".0", ".50", ".00000000000000000001"] {
                for exponent in ["", "e0", "E7", "e+00", "e-999"] {
                    numbers.push(format!("{sign}{integer}{fraction}{exponent}").into_bytes());
                }
            }
        }
    }
    numbers.extend(pieces(&[
        "1e308",
        "0e999",
        "0.0e99999999999",
        "1e-99999999999",
        "1.7976931348623157e308",
        "5e-324",
        "2.2250738585072011e-308",
    ]));
    numbers.extend(beyond_a_double());
    numbers
}

/// Numbers by the grammar, which `serde_json` reads as none.
pub(crate) fn beyond_a_double() -> Vec<Piece> {
    pieces(&[
        "1e999",
        "-1e999",
        "1e309",
        "0.1e400",
        "1e99999999999",
        &"9".repeat(400),
    ])
}

pub(crate) fn bad_numbers() -> Vec<Piece> {
    pieces(&[
        "-",
        "+",
        "+1",
        "--1",
        "-+1",
        "- 1",
        "-a",
        "00",
        "01",
        "-01",
        "-00",
        "007.5",
        "1.",
        "-1.",
        "0.",
        ".5",
        "-.5",
        ".",
        "1.e5",
        "1..2",
        "1.2.3",
        "1.-2",
        "1e",
        "1E",
        "1e+",
        "1e-",
        "-1.5e",
        "0e",
        "e5",
        "1e5.0",
        "1ee5",
        "1e+-5",
        "1e 5",
        "0x1",
        "0b1",
        "1_000",
        "1f",
        "1a",
        "12true",
        "1\"a\"",
        "1{}",
        "1[]",
        "1-",
        "1+1",
        "Infinity",
        "-Infinity",
        "NaN",
        "-NaN",
        "inf",
        "\u{ff11}",
        "1\u{0}",
        "1\u{a0}",
    ])
}

/// `true`, `false` and `null`, cut short, doubled, in other letters, with more.
pub(crate) fn bad_literals() -> Vec<Piece> {
    let mut bad = pieces(&["undefined", "nil", "none", "yes", "a", "'a'", "\\", "`a`"]);
    for literal in LITERALS {
        for at in 0..literal.len() {
            let (left, right) = literal.split_at(at);
            if at > 0 {
                bad.push(left.into());
                bad.push(format!("{left} {right}").into_bytes());
            }
            bad.push(right[1..].into());
            bad.push(format!("{left}{}{right}", &right[..1]).into_bytes());
            bad.push(format!("{left}{}{}", right[..1].to_uppercase(), &right[1..]).into_bytes());
            bad.push(format!("{left}{}{}", "x", &right[1..]).into_bytes());
        }
        for more in ["1", "\"\"", "{}", "[]", "\u{0}", "\u{e9}", "-", ".", "true"] {
            bad.push(format!("{literal}{more}").into_bytes());
        }
    }
    // One cut off at its first letter is nothing, which not every place forbids.
    bad.retain(|piece| !piece.is_empty());
    bad
}

pub(crate) fn good_literals() -> Vec<Piece> {
    pieces(&LITERALS)
}

/// Arrays and objects, empty, nested, and with all kinds of white space.
pub(crate) fn good_structures() -> Vec<Piece> {
    pieces(&[
        "[]",
        "{}",
        "[[]]",
        "[{}]",
        "{\"\":{}}",
        "[[],[[]],[[],[]]]",
        "[ 1 , 2 ]",
        "{ \"a\" : 1 , \"b\" : [ ] }",
        "\t[\r\n1\t]\n",
        "{\"a\":1,\"a\":2,\"\\u0061\":3}",
        "{\"\":1,\"\":2}",
        "[\"]\",\"}\",\"\\\"]\",\"\\\\\"]",
        "{\"{\":\"}\",\"[\":\"]\",\":\":\",\"}",
        "{\"items\":[{\"items\":[]}],\"metadata\":{\"items\":[]}}",
        "[true,false,null,0,-1,1.5e3,\"s\"]",
        "{\"a\":{\"b\":{\"c\":[[[{\"d\":null}]]]}}}",
        "[-0,-0.0,0e0]",
    ])
}

/// Arrays and objects with one thing wrong.
pub(crate) fn bad_structures() -> Vec<Piece> {
    let mut bad = pieces(&[
        "[,]",
        "[1,]",
        "[,1]",
        "[1,,2]",
        "[1 2]",
        "[1:2]",
        "[\"a\" \"b\"]",
        "[\"a\"\"b\"]",
        "[{}{}]",
        "[[][]]",
        "[1{}]",
        "[:]",
        "[1;2]",
        "{,}",
        "{\"a\":1,}",
        "{,\"a\":1}",
        "{\"a\":1,,\"b\":2}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1\"b\":2}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\",1}",
        "{\"a\" 1}",
        "{\"a\"::1}",
        "{\"a\":1:2}",
        "{:1}",
        "{:}",
        "{1:1}",
        "{a:1}",
        "{'a':1}",
        "{null:1}",
        "{[]:1}",
        "{{}:1}",
        "{\"a\":1,\"b\"}",
        "{\"a\":1,\"b\":}",
        "{\"a\":1,1}",
        "{\"a\"=1}",
        "{\"a\":1;\"b\":2}",
        "[}",
        "{]",
        "[1}",
        "{\"a\":1]",
        "[[}]",
        "[{]}",
        "{\"a\":[}",
        "[[1}}",
        "{\"a\":{]}",
        "[[[[]]]}",
        "[{\"a\":[{]}]",
        "[]]",
        "{}}",
        "[1]]",
        "[[]",
        "{\"a\":{}",
        "[\"a]",
        "{\"a:1}",
        "[\"a\\\"]",
        "\"a\\\"",
        "\"",
        "\"a",
        "a\"",
        "/**/1",
        "1//",
        "[1/*]*/]",
        "#",
        "[#]",
        "]",
        "}",
        ",",
        ":",
        "1,",
        ",1",
        "[1],,",
        "\"a\":1",
    ]);
    // Fragments that are no value, though some place might take them for several.
    bad.retain(|piece| serde_json::from_slice::<serde_json::Value>(piece).is_err());
    // The wrong bracket after each number of right ones.
    for depth in 1..=5 {
        for (open, close, wrong) in [("[", "]", "}"), ("{\"a\":", "}", "]")] {
            for right in 0..depth {
                let left = depth - right - 1;
                let (open, before, after) =
                    (open.repeat(depth), close.repeat(right), close.repeat(left));
                bad.push(format!("{open}1{before}{wrong}{after}").into_bytes());
            }
        }
    }
    bad
}

pub(crate) fn pieces(texts: &[&str]) -> Vec<Piece> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
