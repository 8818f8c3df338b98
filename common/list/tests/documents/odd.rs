//! Strings that are no Unicode, where a query looks at them: it sees U+FFFD.

use cubegate_list::ListRequest;

use crate::check::{AROUND_A_BLOCK, Cuts, check_with};
use crate::judge::Verdict;
use crate::reference::Parameters;

/// The page of a list that is asked for by this selector, in the order of the names.
fn page(selector: &str, items: &[Vec<u8>]) -> Vec<u8> {
    let escaped: String = selector
        .bytes()
        .map(|byte| format!("%{byte:02x}"))
        .collect();
    let query = format!("selector={escaped}&pageSize=1000");
    let query = ListRequest::parse(&query).query.unwrap();
    let parameters = Parameters {
        selector: Some(selector.to_owned()),
        page_size: Some("1000".to_owned()),
        ..Parameters::default()
    };
    match check_with(
        &query,
        &parameters,
        &list(items),
        Cuts::Sizes(AROUND_A_BLOCK),
    ) {
        Verdict::Page(page) => page,
        other => panic!("{other:?}"),
    }
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    [b"{\"items\":[", &*items.join(&b','), b"]}"].concat()
}

/// The page that has exactly these items.
fn page_of(items: &[Vec<u8>]) -> Vec<u8> {
    let total = format!("],\"total\":{}}}", items.len());
    [b"{\"items\":[", &*items.join(&b','), total.as_bytes()].concat()
}

#[test]
fn a_name_that_is_no_unicode_is_in_its_place_among_others() {
    // U+FFFD is behind every letter, and before what takes four bytes.
    let names: [&[u8]; 7] = [
        b"po",
        b"po?d",
        b"pod",
        "po\u{e000}d".as_bytes(),
        b"po\xffd",
        b"po\xe7\xe7d",
        "po\u{1f600}d".as_bytes(),
    ];
    for field in ["name", "namespace"] {
        let field = field.as_bytes();
        let item = |name: &&[u8]| [b"{\"metadata\":{\"", field, b"\":\"", name, b"\"}}"].concat();
        let sorted: Vec<Vec<u8>> = names.iter().map(item).collect();
        let mut items = sorted.clone();
        items.reverse();
        assert_eq!(page("", &items), page_of(&sorted));
    }
}

#[test]
fn a_member_is_found_by_what_its_key_shows() {
    // What the key holds, and what is looked for.
    let keys: [(&[u8], &str); 8] = [
        (b"k\xff", "k\u{fffd}"),
        (b"\xe2\x82y", "\u{fffd}y"),
        (b"\xff\xff", "\u{fffd}\u{fffd}"),
        ("k\u{fffd}".as_bytes(), "k\u{fffd}"),
        (b"\\u006b\xff", "k\u{fffd}"),
        (b"k\\ufffd", "k\u{fffd}"),
        (b"k\\ud800", "k\u{fffd}\u{fffd}\u{fffd}"),
        (b"k\\\\y", "k\\y"),
    ];
    for (key, name) in keys {
        for (before, after) in [("", ""), ("[", ",{}]"), ("[[", "]]")] {
            let items: Vec<Vec<u8>> = (0..=130)
                .map(|length| {
                    let pad = format!("{{\"p\":\"{}\",\"spec\":{before}{{\"", "p".repeat(length));
                    [pad.as_bytes(), key, b"\":\"web\"}", after.as_bytes(), b"}"].concat()
                })
                .collect();
            assert_eq!(page(&format!("spec.{name}=web"), &items), page_of(&items));
        }
    }
}

#[test]
fn an_escape_in_a_key_is_no_text() {
    for before in ["", "["] {
        let after = if before.is_empty() { "" } else { "]" };
        let item = |key: &str| format!("{{\"spec\":{before}{{\"{key}\":\"web\"}}{after}}}").into();
        let (escape, text): (Vec<u8>, Vec<u8>) = (item("k\\u0065y"), item("k\\\\u0065y"));
        let items = [escape.clone(), text.clone()];
        assert_eq!(page("spec.k\\u0065y=web", &items), page_of(&[text]));
        assert_eq!(page("spec.key=web", &items), page_of(&[escape]));
    }
}

#[test]
fn what_only_begins_like_null_is_no_list() {
    let query = ListRequest::parse("selector=a=b").query.unwrap();
    let parameters = Parameters {
        selector: Some("a=b".to_owned()),
        ..Parameters::default()
    };
    for (body, page) in [
        (r#"{"items":null}"#, true),
        (r#"{"items":null,"a":1}"#, true),
        ("{\"items\":null\n}", true),
        (r#"{"items":null|}"#, false),
        (r#"{"kind":"Status","items":null"}"#, false),
        (r#"{"items":nulls,"a":1}"#, false),
        ("{\n\"items\":\nnull{}}", false),
        (r#"{"items":null |}"#, false),
        (r#"{"items":null,"x":null|}"#, false),
    ] {
        let cuts = Cuts::Sizes(AROUND_A_BLOCK);
        let verdict = check_with(&query, &parameters, body.as_bytes(), cuts);
        assert_eq!(
            matches!(verdict, Verdict::Page(_)),
            page,
            "{body}: {verdict:?}"
        );
    }
}
