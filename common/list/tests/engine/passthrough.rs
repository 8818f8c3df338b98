//! Answers that are no lists.

use cubegate_list::{
    Finished, Limits, ListEngine, ListError, ListQuery, ListRequest, Progress, kubesphere,
};

use crate::support::{Outcome, outcome, outcome_with};

#[test]
fn what_is_no_list_comes_through_byte_for_byte() {
    for body in [
        "",
        " \n",
        "[1,2,3]",
        "\"text\"",
        "5",
        "null",
        "line1\nline2\n",
        "ok",
        "\u{ff01} text that begins like a byte order mark",
        "{}",
        "{ }\n",
        r#"{"kind":"Pod","metadata":{"name":"solo"},"spec":{"n":9007199254740993,"f": 1.0,"html":"<a>&\u2028"}}"#,
        r#"{"kind":"PodList","apiVersion":"v1","metadata":{},"items":null}"#,
        r#"{"kind":"X","items" : "string"}"#,
        r#"{"kind":"X","items":{"a":"b"}}"#,
        r#"{"kind":"X","items":17,"items":[]}"#,
        r#"{"kind":"Table","rows":[{"object":{"items":[]}}]}"#,
        // A stream of watch events: the first object decides.
        "{\"type\":\"ADDED\",\"object\":{}}\n{\"type\":\"ADDED\",\"object\":{}}\n",
    ] {
        assert_eq!(
            outcome("", body),
            Outcome::PassThrough(body.into()),
            "{body}"
        );
    }
}

#[test]
fn items_that_are_null_are_an_empty_list_for_whoever_asks_for_a_page() {
    let list = r#"{"kind":"WidgetList","metadata":{"resourceVersion":"1"},"items":null,"x":1}"#;
    let page =
        r#"{"kind":"WidgetList","metadata":{"resourceVersion":"1"},"items":[],"x":1,"total":0}"#;
    for query in [
        "pageSize=10",
        "count=only",
        "filter=a=b",
        "sortName=a",
        "isFilter=true",
    ] {
        assert_eq!(outcome(query, list).page(), page, "{query}");
        // Wherever it is cut.
        for cut in 0..list.len() {
            let (first, second) = list.split_at(cut);
            let mut engine =
                ListEngine::new(ListRequest::parse(query).query.unwrap(), Limits::default());
            assert_eq!(engine.push(first.as_bytes()), Ok(Progress::Held));
            assert_eq!(engine.push(second.as_bytes()), Ok(Progress::Held));
            assert_eq!(engine.finish(), Ok(Finished::Page(page.into())));
        }
    }
    let query = kubesphere::parse("widgets", "", &[]).query.unwrap();
    let mut engine = ListEngine::new(query, Limits::default());
    assert_eq!(engine.push(list.as_bytes()), Ok(Progress::Held));
    let page = br#"{"items":[],"totalItems":0}"#;
    assert_eq!(engine.finish(), Ok(Finished::Page(page.to_vec())));
    for body in [
        r#"{"kind":"X","items":17}"#,
        r#"{"kind":"X","items":"null"}"#,
        r#"{"kind":"X","items":{"a":"b"}}"#,
        r#"{"kind":"X","items":true}"#,
        r#"{"kind":"X","items":nul}"#,
        r#"{"kind":"X","items":nullnull}"#,
    ] {
        assert_eq!(
            outcome("pageSize=1", body),
            Outcome::PassThrough(body.into()),
            "{body}"
        );
    }
    let twice = outcome("pageSize=1", r#"{"items":null,"items":[1]}"#);
    assert!(
        matches!(twice, Outcome::Refused(ListError::Malformed { .. })),
        "{twice:?}"
    );
}

#[test]
fn bytes_that_are_no_text_come_through_too() {
    for body in [
        &b"\xff\xfe"[..],
        b"\xef",
        b"\xef\xbb",
        b"\x1f\x8b\x08\x00",
        b"\x00",
    ] {
        assert_eq!(outcome("", body), Outcome::PassThrough(body.into()));
    }
}

#[test]
fn an_object_without_items_is_let_go_as_soon_as_it_ends() {
    let mut engine = ListEngine::new(ListQuery::default(), Limits::default());
    assert_eq!(engine.push(b"{\"type\":"), Ok(Progress::Held));
    let event = b"{\"type\":\"ADDED\"}\n{".to_vec();
    assert_eq!(
        engine.push(b"\"ADDED\"}\n{"),
        Ok(Progress::PassThrough(event))
    );
}

#[test]
fn an_answer_that_does_not_look_like_a_list_is_let_go_at_the_envelope_limit() {
    let limits = Limits {
        max_envelope_bytes: 20,
        ..Limits::default()
    };
    let body = r#"{"data":"0123456789","items":[1]}"#;
    assert_eq!(
        outcome_with("", limits, body),
        Outcome::PassThrough(body.into())
    );
    let body = r#"{"d":"0","items":[1]}"#;
    assert_eq!(
        outcome_with("", limits, body).page(),
        r#"{"d":"0","items":[1],"total":1}"#
    );
}

#[test]
fn an_empty_body_is_passed_through() {
    let engine = ListEngine::new(ListQuery::default(), Limits::default());
    assert_eq!(engine.finish(), Ok(Finished::PassThrough(Vec::new())));
}
