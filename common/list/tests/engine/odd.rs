//! What is odd and JSON all the same is no end of a list: an API server stores it, and one
//! object must not take the others away.

use crate::support::{Outcome, outcome};

/// A list of three, the second of which is odd in its `spec`.
fn list(odd: &[u8]) -> Vec<u8> {
    [
        &br#"{"items":[{"metadata":{"name":"c"}},{"kind":"K","metadata":{"name":"b"},"spec":"#[..],
        odd,
        br#"},{"metadata":{"name":"a"}}]}"#,
    ]
    .concat()
}

const ODD: [&[u8]; 6] = [
    b"1e999",
    b"-1e400",
    br#""\ud800""#,
    br#"{"\udc00":1}"#,
    b"\"\xff\"",
    b"{\"\xc3(\":[]}",
];

#[test]
fn an_odd_item_stays_as_it_is() {
    for odd in ODD {
        let Outcome::Page(page) = outcome("pageSize=1&pageNum=2", list(odd)) else {
            panic!("no page with {}", odd.escape_ascii());
        };
        let expected = [
            &br#"{"items":[{"kind":"K","metadata":{"name":"b"},"spec":"#[..],
            odd,
            br#"}],"total":3}"#,
        ]
        .concat();
        let expected = String::from_utf8(expected)
            .unwrap_or_else(|odd| odd.as_bytes().escape_ascii().to_string());
        assert_eq!(page, expected);
    }
}

#[test]
fn what_is_asked_of_the_others_is_answered() {
    for odd in ODD {
        for (query, items) in [
            ("filter=metadata.name=a", r#"{"metadata":{"name":"a"}}"#),
            ("filter=spec", ""),
            (
                "filter=kind=K&fields=kind",
                r#"{"kind":"K","metadata":{"name":"b"}}"#,
            ),
            (
                "filter=kind=K&strip=spec",
                r#"{"kind":"K","metadata":{"name":"b"}}"#,
            ),
            ("sort=spec,-name&pageSize=1&strip=spec", ""),
        ] {
            let page = outcome(query, list(odd)).page();
            assert!(page.contains(items), "{query}: {page}");
        }
    }
}

#[test]
fn depth_is_no_end_of_a_list() {
    for levels in [125, 126, 127, 128, 10_000, 300_000] {
        let deep = format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        let body = list(deep.as_bytes());
        let run = |query: &str| {
            let limits = cubegate_list::Limits::default();
            crate::support::run(query, limits, body.chunks(16 * 1024)).page()
        };
        let whole = format!(r#"{{"kind":"K","metadata":{{"name":"b"}},"spec":{deep}}}"#);
        assert!(run("").contains(&whole));
        assert!(run("filter=spec.a.a,kind=K").contains(&whole));
        assert_eq!(
            run("filter=kind=K&strip=spec.a"),
            r#"{"items":[{"kind":"K","metadata":{"name":"b"},"spec":{}}],"total":1}"#
        );
        assert_eq!(
            run("filter=kind=K&fields=metadata.name,kind"),
            r#"{"items":[{"kind":"K","metadata":{"name":"b"}}],"total":1}"#
        );
        assert_eq!(run("count=only"), r#"{"items":[],"total":3}"#);
    }
}

#[test]
fn an_object_that_is_no_list_passes_however_deep_it_is() {
    let deep = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let body = format!(r#"{{"kind":"K","spec":{deep}}}"#);
    let limits = cubegate_list::Limits::default();
    let passed = crate::support::run("", limits, body.as_bytes().chunks(1000));
    assert_eq!(passed, Outcome::PassThrough(body.into_bytes()));
}
