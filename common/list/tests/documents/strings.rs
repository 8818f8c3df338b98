//! Strings, valid and not: UTF-8, escapes, surrogates, control characters.

use crate::fragments::{Piece, pieces};

/// Characters at the borders of what UTF-8 encodes in 1 to 4 bytes.
pub(crate) const CHARACTERS: [char; 14] = [
    ' ',
    '\u{7f}',
    '\u{80}',
    '\u{85}',
    '\u{7ff}',
    '\u{800}',
    '\u{fff}',
    '\u{1000}',
    '\u{2028}',
    '\u{d7ff}',
    '\u{e000}',
    '\u{ffff}',
    '\u{10000}',
    '\u{10ffff}',
];

/// Byte sequences that are no UTF-8.
pub(crate) const NO_UTF8: [&[u8]; 31] = [
    // Continuation bytes without a beginning.
    b"\x80",
    b"\xbf",
    b"a\x80b",
    b"\xc3\xa9\x80",
    // Bytes that never occur.
    b"\xc0",
    b"\xc1",
    b"\xf5",
    b"\xf8\x88\x80\x80\x80",
    b"\xfe",
    b"\xff",
    // Sequences that end too early.
    b"\xc3",
    b"\xc3\x28",
    b"\xe2\x82",
    b"\xe2\x82\x28",
    b"\xe2\x28\xa1",
    b"\xf0\x9f\x98",
    b"\xf0\x9f\x98\x28",
    b"\xf0\x9f\x28\x80",
    b"\xf0\x28\x98\x80",
    b"\xe2\x82\xc3\xa9",
    // Longer than need be.
    b"\xc0\x80",
    b"\xc1\xbf",
    b"\xe0\x80\x80",
    b"\xe0\x9f\xbf",
    b"\xf0\x80\x80\x80",
    b"\xf0\x8f\xbf\xbf",
    // Surrogates, alone and in a pair.
    b"\xed\xa0\x80",
    b"\xed\xbf\xbf",
    b"\xed\xa0\xbd\xed\xb8\x80",
    // Beyond the last character.
    b"\xf4\x90\x80\x80",
    b"\xf7\xbf\xbf\xbf",
];

/// Inside of strings: each stands for one thing that can be done right.
pub(crate) fn good_texts() -> Vec<Piece> {
    let mut texts = pieces(&[
        "",
        "a",
        "{[\\\"]}",
        "}]},:{[",
        "// no comment",
        "\\\\",
        "\\\\\\\"",
        "\\\"\\\\",
        "\\\\u00e9",
        "\\\\\\u00e9",
        "\\u0000",
        "\\u001F",
        "\\u0022\\u005c",
        "\\u00e9\\u00E9",
        "\\uD7FF\\uE000\\uffff",
        "\\ud83d\\ude00",
        "\\uD800\\uDC00\\udbff\\udfff",
        "x\\ud83d\\ude00\\ud83d\\ude00y",
        "\u{feff}",
        "é😀é",
    ]);
    texts.extend("\"\\/bfnrt".bytes().map(|escape| vec![b'\\', escape]));
    texts.extend(
        CHARACTERS
            .iter()
            .map(|character| character.to_string().into_bytes()),
    );
    texts
}

/// Inside of strings that no string may hold.
pub(crate) fn bad_texts() -> Vec<Piece> {
    let mut texts = pieces(&[
        "\\x41",
        "\\'",
        "\\0",
        "\\a",
        "\\v",
        "\\U0041",
        "\\ ",
        "\\\n",
        "\\é",
        "\\\\\\x",
        "\\u",
        "\\u0",
        "\\u00",
        "\\u004",
        "\\u00g1",
        "\\u-041",
        "\\u+041",
        "\\u 041",
        "\\u{41}",
        "\\u00é",
        // A backslash or a digit is missing.
        "\\ud800\\",
        "\\ud800\\u",
        "\\ud800\\udc0",
    ]);
    texts.extend((0..0x20).map(|control| vec![b'a', control]));
    texts
}

/// Texts by the grammar, of which `serde_json` makes no Unicode. An API server may hold
/// them where it keeps what it was given.
pub(crate) fn odd_texts() -> Vec<Piece> {
    // Surrogates that are alone or the wrong way round.
    let mut texts = pieces(&[
        "\\ud800",
        "\\uDBFF",
        "\\udc00",
        "\\uDFFF",
        "\\udc00\\ud800",
        "\\ud800\\ud800",
        "\\ud800\\u0041",
        "\\ud800\\ue000",
        "\\ud800x\\udc00",
        "\\ud800\\n",
        "\\ud83d\\ude00\\ud83d",
        "\\ud800\\ud83d\\ude00",
    ]);
    texts.extend(NO_UTF8.iter().map(|bytes| bytes.to_vec()));
    texts
}

pub(crate) fn quoted(text: impl AsRef<[u8]>) -> Piece {
    [b"\"", text.as_ref(), b"\""].concat()
}
