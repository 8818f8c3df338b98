//! Documents that must never become a page.

use cubegate_list::ListError;

use crate::support::{Outcome, outcome};

/// Lists that are broken in the envelope, between items, or within one.
const MALFORMED: &[&str] = &[
    // The envelope.
    "\u{feff}{\"items\":[]}",
    "{,}",
    "{\"items\":[],}",
    "{,\"items\":[]}",
    "{\"kind\" \"L\",\"items\":[]}",
    "{\"kind\":,\"items\":[]}",
    "{\"kind\":\"L\" \"items\":[]}",
    "{\"kind\":\"L\",,\"items\":[]}",
    "{\"kind\":\"L\":\"M\",\"items\":[]}",
    "{kind:\"L\",\"items\":[]}",
    "{'kind':'L',\"items\":[]}",
    "{1:2,\"items\":[]}",
    "{null:2,\"items\":[]}",
    "{\"kind\":tru,\"items\":[]}",
    "{\"kind\":truex,\"items\":[]}",
    "{\"kind\":nan,\"items\":[]}",
    "{\"kind\":01,\"items\":[]}",
    "{\"kind\":1.,\"items\":[]}",
    "{\"kind\":.5,\"items\":[]}",
    "{\"kind\":+1,\"items\":[]}",
    "{\"kind\":--1,\"items\":[]}",
    "{\"kind\":1e,\"items\":[]}",
    "{\"kind\":0x1,\"items\":[]}",
    "{\"kind\":\"\\x\",\"items\":[]}",
    "{\"kind\":\"\\u12\",\"items\":[]}",
    "{\"kind\":\"\n\",\"items\":[]}",
    "{\"ki\nnd\":1,\"items\":[]}",
    "{\"ki\\qnd\":1,\"items\":[]}",
    "{\"kind\":[1,],\"items\":[]}",
    "{\"kind\":[1},\"items\":[]}",
    "{\"kind\":{\"a\":1],\"items\":[]}",
    "{\"kind\":{\"a\"},\"items\":[]}",
    "{\"items\":[]]",
    "{\"items\":[]}}",
    "{\"items\":[]} x",
    "{\"items\":[]}{\"items\":[]}",
    "{\"items\":[]},",
    "{\"items\":[] \"kind\":1}",
    "{\"items\":[],\"kind\":tru}",
    "{\"items\":[],\"total\":tru}",
    "{\"items\":[],\"kind\"}",
    "{\"items\":[],\"items\":[]}",
    "{\"items\":[],\"items\":null}",
    "{\"items\":[],\"it\\u0065ms\":[]}",
    "/* c */{\"items\":[],//\n}",
    // Between items.
    "{\"items\":[,]}",
    "{\"items\":[1,]}",
    "{\"items\":[,1]}",
    "{\"items\":[1,,2]}",
    "{\"items\":[1 2]}",
    "{\"items\":[{}{}]}",
    "{\"items\":[1:2]}",
    "{\"items\":[{}}",
    "{\"items\":[}",
    "{\"items\":]}",
    "{\"items\":[\"a\"\"b\"]}",
    "{\"items\":[\"a\"1]}",
    // Within an item.
    "{\"items\":[tru]}",
    "{\"items\":[nulll]}",
    "{\"items\":[undefined]}",
    "{\"items\":[-]}",
    "{\"items\":[00]}",
    "{\"items\":[1.e5]}",
    "{\"items\":[Infinity]}",
    "{\"items\":['a']}",
    "{\"items\":[\"\t\"]}",
    "{\"items\":[\"\u{0}\"]}",
    "{\"items\":[\"\\'\"]}",
    "{\"items\":[{\"a\":1,}]}",
    "{\"items\":[{\"a\":1 \"b\":2}]}",
    "{\"items\":[{\"a\" 1}]}",
    "{\"items\":[{a:1}]}",
    "{\"items\":[{1:1}]}",
    "{\"items\":[{\"a\":}]}",
    "{\"items\":[{,}]}",
    "{\"items\":[{\"a\":[1,]}]}",
    "{\"items\":[{\"a\":[1}]}]}",
    "{\"items\":[{\"a\":{]}}]}",
    "{\"items\":[{]]}",
    "{\"items\":[{\"metadata\":{\"name\":tru}}]}",
    "{\"items\":[{\"metadata\":{\"name\":\"a\",}}]}",
    "{\"items\":[{\"metadata\":[{\"name\":01}]}]}",
    "{\"items\":[{\"a\":\"\\u00zz\"}]}",
];

#[test]
fn a_malformed_list_is_refused() {
    for body in MALFORMED {
        let refused = outcome("", body);
        let malformed = matches!(refused, Outcome::Refused(ListError::Malformed { .. }));
        assert!(
            malformed || body.starts_with('/'),
            "{body:?} became {refused:?}"
        );
        assert!(!matches!(refused, Outcome::Page(_)), "{body:?}");
    }
}

#[test]
fn bytes_that_are_no_utf8_are_refused_where_no_string_is() {
    for body in [
        &b"{\"items\":[\xff]}"[..],
        b"{\xef\xbb\xbf\"items\":[]}",
        b"{\"items\":[{\"a\":\xc3\xa9}]}",
        b"{\"items\":[]}\xff",
    ] {
        let refused = outcome("", body);
        assert!(
            matches!(refused, Outcome::Refused(ListError::Malformed { .. })),
            "{body:?} became {refused:?}",
        );
    }
}

#[test]
fn what_the_selector_drops_is_validated_all_the_same() {
    for query in ["selector=metadata.name=none", "pageSize=0", "pageNum=5"] {
        let refused = outcome(query, r#"{"items":[{"metadata":{"name":"a"}},{"a":01}]}"#);
        assert!(
            matches!(refused, Outcome::Refused(ListError::Malformed { .. })),
            "{query}"
        );
    }
}

#[test]
fn an_error_names_the_place() {
    for (body, offset, reason) in [
        (r#"{"items":[1 2]}"#, 12, "`,` or `]` is expected here"),
        (r#"{"items":[{}, {"a":01}]}"#, 14, "invalid number"),
        (r#"{"kind": tru, "items":[]}"#, 9, "an incomplete value"),
        (
            r#"{"items":[], "items":[]}"#,
            13,
            "it has two members named `items`",
        ),
        (
            r#"{"items":[]} x"#,
            13,
            "nothing but white space may follow the list",
        ),
    ] {
        let expected = ListError::Malformed {
            offset,
            reason: reason.to_owned(),
        };
        assert_eq!(outcome("", body), Outcome::Refused(expected), "{body}");
    }
}

#[test]
fn a_list_that_ends_early_is_truncated_wherever_it_ends() {
    let body = r#"{"kind":"L","items":[{"a":"\u00e9"},1],"metadata":{"x":[true]}}"#.as_bytes();
    for end in 1..body.len() {
        let (start, _) = body.split_at(end);
        let received = u64::try_from(end).unwrap();
        assert_eq!(
            outcome("", start),
            Outcome::Refused(ListError::Truncated { received }),
            "after {end} bytes",
        );
    }
}
