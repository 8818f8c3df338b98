//! Bodies that are a part of the list, or another form of it.

use cubegate_list::{Finished, Limits, ListEngine, ListRequest, Progress, Reading};

fn read(query: &str, reading: Reading, body: &str) -> Finished {
    let request = ListRequest::parse(query);
    let mut engine = ListEngine::reading(request.query.unwrap(), Limits::default(), reading);
    assert_eq!(engine.push(body.as_bytes()).unwrap(), Progress::Held);
    engine.finish().unwrap()
}

fn text(page: Vec<u8>) -> String {
    String::from_utf8(page).unwrap()
}

const HEAD: &str = r#"{"kind":"L","metadata":{"resourceVersion":"7","continue":"tok","remainingItemCount":3},"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}"#;

#[test]
fn a_counted_head_is_the_page_that_the_whole_list_gives() {
    let Finished::Page(page) = read("pageSize=1&pageNum=2", Reading::Head, HEAD) else {
        panic!("no page");
    };
    assert_eq!(
        text(page),
        r#"{"kind":"L","metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"b"}}],"total":5}"#
    );
}

#[test]
fn an_uncounted_head_waits_for_the_count() {
    let body = HEAD.replace(r#","remainingItemCount":3"#, "");
    let Finished::Uncounted(uncounted) = read("pageSize=2", Reading::Head, &body) else {
        panic!("counted");
    };
    assert_eq!(uncounted.continue_token(), "tok");
    let page = text(uncounted.finish(40).unwrap());
    assert!(page.ends_with(r#"],"total":42}"#), "{page}");
    assert!(!page.contains("tok"), "{page}");
}

#[test]
fn a_head_in_another_order_is_no_page() {
    let body = HEAD.replace(r#""b""#, r#""a""#);
    assert_eq!(read("", Reading::Head, &body), Finished::Unordered);
    let all = r#"{"metadata":{},"items":[{"metadata":{"name":"b"}},{"metadata":{"name":"a"}}]}"#;
    let Finished::Page(page) = read("pageSize=1", Reading::Head, all) else {
        panic!("all of it was there");
    };
    assert_eq!(
        text(page),
        r#"{"metadata":{},"items":[{"metadata":{"name":"a"}}],"total":2}"#
    );
}

#[test]
fn keys_become_the_page_of_what_was_fetched() {
    let keys = r#"{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"b","namespace":"n"}},{"metadata":{"name":"a"}}]}"#;
    let Finished::Keys(mut keys) = read("pageSize=2", Reading::Keys, keys) else {
        panic!("no keys");
    };
    let names: Vec<&str> = keys.objects().iter().map(|key| key.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(keys.objects()[1].namespace, "n");
    let one =
        br#"{"kind":"L","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":[{"n":1.0}]}"#;
    let none = br#"{"kind":"L","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":[]}"#;
    // In any order.
    keys.take(1, none).unwrap();
    keys.take(0, one).unwrap();
    assert_eq!(
        text(keys.page().unwrap()),
        r#"{"kind":"L","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[{"n":1.0}],"total":2}"#
    );
}
