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
