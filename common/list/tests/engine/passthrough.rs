//! Answers that are no lists.

use cubegate_list::{Finished, Limits, ListEngine, ListQuery, Progress};

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
