//! What is too large is refused with an error that says so.

use std::time::{Duration, Instant};

use cubegate_list::{Finished, Limits, ListEngine, ListError, ListRequest, Reading};

use crate::hostile;
use crate::support::{Outcome, outcome_with};

#[test]
fn an_item_may_be_as_large_as_the_limit_and_no_larger() {
    let item = r#"{"a":"01234"}"#;
    let body = format!(r#"{{"items":[1,{item},2]}}"#);
    let limits = |max_item_bytes| Limits {
        max_item_bytes,
        ..Limits::default()
    };
    let page = outcome_with("", limits(item.len()), &body).page();
    assert_eq!(page, format!(r#"{{"items":[1,{item},2],"total":3}}"#));
    let limit = item.len() - 1;
    assert_eq!(
        outcome_with("", limits(limit), &body),
        Outcome::Refused(ListError::ItemTooLarge { limit }),
    );
    // Whether it would be on the page makes no difference.
    assert_eq!(
        outcome_with("selector=x=y&pageSize=0", limits(limit), &body),
        Outcome::Refused(ListError::ItemTooLarge { limit }),
    );
}

#[test]
fn a_page_that_takes_too_much_is_refused() {
    let items = (10..60).map(|n| format!(r#"{{"metadata":{{"name":"n{n}"}}}}"#));
    let body = format!(r#"{{"items":[{}]}}"#, items.collect::<Vec<_>>().join(","));
    let limits = Limits {
        max_page_bytes: 4000,
        ..Limits::default()
    };
    let refused = Outcome::Refused(ListError::PageTooLarge { limit: 4000 });
    assert_eq!(outcome_with("pageSize=50", limits, &body), refused);
    assert_eq!(
        outcome_with("pageSize=10&pageNum=5", limits, &body),
        refused
    );
    // What is not kept is not counted.
    let page = outcome_with("pageSize=2", limits, &body).page();
    assert_eq!(
        page,
        r#"{"items":[{"metadata":{"name":"n10"}},{"metadata":{"name":"n11"}}],"total":50}"#,
    );
    // A page past the end needs no items.
    let page = outcome_with("pageSize=10&pageNum=6", limits, &body).page();
    assert_eq!(page, r#"{"items":[],"total":50}"#);
}

#[test]
fn an_envelope_that_grows_after_the_items_is_refused() {
    let limits = Limits {
        max_envelope_bytes: 30,
        ..Limits::default()
    };
    let body = format!(r#"{{"kind":"L","items":[1],"x":"{}"}}"#, "0".repeat(30));
    assert_eq!(
        outcome_with("", limits, body),
        Outcome::Refused(ListError::EnvelopeTooLarge { limit: 30 }),
    );
}

#[test]
fn messages_are_one_sentence_that_says_what_to_do() {
    let errors = [
        ListError::Truncated { received: 5 },
        ListError::ItemTooLarge { limit: 5 },
        ListError::PageTooLarge { limit: 5 },
        ListError::EnvelopeTooLarge { limit: 5 },
    ];
    for error in errors {
        let message = error.to_string();
        assert!(message.contains('5') && message.contains(';'), "{message}");
        assert!(
            !message.contains('\n') && !message.ends_with('.'),
            "{message}"
        );
    }
}

/// Each chunk is a call of the engine, in which an Envoy worker does nothing else.
#[test]
fn no_query_makes_more_work_of_a_chunk_than_it_may() {
    let mut refused = Vec::new();
    for case in hostile::cases() {
        let query = ListRequest::parse(&case.raw_query).query;
        let query = query.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let mut engine = ListEngine::new(query, Limits::default());
        let chunks = case.body.chunks(hostile::CHUNK);
        let longest = chunks.map_while(|chunk| {
            let start = Instant::now();
            let pushed = engine.push(chunk);
            if pushed == Err(ListError::TooMuchWork) {
                refused.push(case.name);
            }
            pushed.is_ok().then(|| start.elapsed())
        });
        let longest = longest.max().unwrap_or_default();
        // Without optimisation, on a machine that does other things: without a bound it
        // is half a minute.
        assert!(
            longest < Duration::from_secs(5),
            "{longest:?} for {}",
            case.name
        );
    }
    for name in [
        "one large array",
        "elements as versions",
        "what is stripped of a large array",
    ] {
        assert!(refused.contains(&name), "{name} of {refused:?}");
    }
    // What somebody may ask in earnest is answered, whatever others have put into a list.
    for name in [
        "sort keys",
        "values to choose from",
        "one condition on a large array of objects",
        "one condition on large texts",
        "one field of a large array of objects",
        "everything, the last one first",
        "everything of nothing",
        "an item of brackets",
    ] {
        assert!(!refused.contains(&name), "{name} of {refused:?}");
    }
}

/// An object that is fetched by its name comes as a whole, and is no more to the worker than
/// the chunk of a list in which it would have ended.
#[test]
fn no_query_makes_more_work_of_an_object_than_of_a_chunk() {
    let keys = br#"{"items":[{"metadata":{"name":"a"}}]}"#;
    let mut refused = 0;
    for case in hostile::cases() {
        let whole: serde_json::Value = match serde_json::from_slice(&case.body) {
            Ok(whole) => whole,
            Err(_) => continue,
        };
        let is_one = whole["items"]
            .as_array()
            .is_some_and(|items| items.len() == 1);
        let is_projection =
            case.raw_query.starts_with("fields=") || case.raw_query.starts_with("strip=");
        if !is_one || !is_projection {
            continue;
        }
        let query = ListRequest::parse(&case.raw_query).query.unwrap();
        let mut engine = ListEngine::new(query.clone(), Limits::default());
        let mut chunks = case.body.chunks(hostile::CHUNK);
        let plain = chunks.find_map(|chunk| engine.push(chunk).err());

        let mut engine = ListEngine::reading(query, Limits::default(), Reading::Keys);
        let _ = engine.push(keys).unwrap();
        let Ok(Finished::Keys(mut keys)) = engine.finish() else {
            panic!("no keys");
        };
        let start = Instant::now();
        let taken = keys.take(0, &case.body).err();
        // Without optimisation; the object alone is a good part of it.
        assert!(start.elapsed() < Duration::from_secs(5), "{}", case.name);
        assert_eq!(taken, plain, "{}", case.name);
        refused += usize::from(taken == Some(ListError::TooMuchWork));
    }
    assert!(refused >= 3, "{refused}");
}

#[test]
fn too_much_work_is_told_in_words() {
    let message = ListError::TooMuchWork.to_string();
    assert!(
        message.contains("ask for less: fewer conditions"),
        "{message}"
    );
}
