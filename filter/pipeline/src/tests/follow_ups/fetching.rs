//! Metadata first, then the page's objects by name.

use super::*;

#[test]
fn the_objects_of_a_page_are_fetched_by_name_from_their_namespaces() {
    let world = World::new();
    let found = keys(&["b", "a", "c"]).replacen(r#""namespace":"a""#, r#""namespace":"z""#, 1);
    let path = format!("{KUBE_PODS}?pageSize=2&sortOrder=desc&selector=metadata.name~");
    let (mut exchange, host) = by_keys(&world, &path, &found);
    assert_eq!(
        host.asked(),
        [
            "/base/api/v1/namespaces/a/pods?pretty=false&fieldSelector=metadata.name%3Dc",
            "/base/api/v1/namespaces/z/pods?pretty=false&fieldSelector=metadata.name%3Db",
        ]
    );
    // In any order.
    let in_z = |list: String| list.replace(r#""b","namespace":"a""#, r#""b","namespace":"z""#);
    host.answer_call(&mut exchange, 1, "200", &in_z(list("", &["b"])));
    assert!(host.reply.borrow().is_none());
    host.answer_call(&mut exchange, 0, "200", &list("", &["c"]));
    let page = in_z(list("", &["c", "b"]));
    assert_eq!(
        host.page(),
        format!("{},\"total\":3}}", page.strip_suffix('}').unwrap())
    );
    assert_eq!(
        host.reply_header("x-cubegate-list").as_deref(),
        Some("keys")
    );
    assert_eq!(world.gateway.answers.memory.held(), 0);
}

#[test]
fn odd_names_are_escaped_for_selector_and_url() {
    let world = World::new();
    let found = keys(&["a,b=c&d%2F/ü"]);
    let (_, host) = by_keys(&world, &format!("{PODS}?sortOrder=desc"), &found);
    assert_eq!(
        host.asked(),
        [
            "/base/api/v1/namespaces/a/pods?pretty=false&fieldSelector=metadata.name%3Da%5C%2Cb%5C%3Dc%26d%252F%2F%C3%BC"
        ]
    );
}

#[test]
fn an_object_that_vanished_is_left_out() {
    let world = World::new();
    let found = keys(&["a", "b"]);
    let (mut exchange, host) = by_keys(&world, &format!("{PODS}?sortOrder=desc"), &found);
    host.answer_call(&mut exchange, 0, "200", &list("", &[]));
    host.answer_call(&mut exchange, 1, "200", &list("", &["a"]));
    let page = list("", &["a"]);
    assert_eq!(
        host.page(),
        format!("{},\"total\":2}}", page.strip_suffix('}').unwrap())
    );
}

#[test]
fn an_empty_page_still_gets_the_lists_kind() {
    let world = World::new();
    let path = format!("{PODS}?sortOrder=desc&pageNum=9");
    let (mut exchange, host) = by_keys(&world, &path, &keys(&["a", "b"]));
    assert_eq!(host.asked().len(), 1);
    host.answer_call(&mut exchange, 0, "200", &list("", &[]));
    let page = list("", &[]);
    assert_eq!(
        host.page(),
        format!("{},\"total\":2}}", page.strip_suffix('}').unwrap())
    );
}

#[test]
fn ten_objects_are_fetched_at_a_time() {
    let world = World::new();
    let names: Vec<String> = (10..40).map(|number| format!("p-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let path = format!("{PODS}?sortOrder=desc&pageSize=30");
    let (mut exchange, host) = by_keys(&world, &path, &keys(&names));
    assert_eq!(host.asked().len(), 10);
    for number in 0..30 {
        assert_eq!(host.asked().len(), usize::min(number as usize + 10, 30));
        let name = format!("p-{}", 39 - number);
        host.answer_call(&mut exchange, number, "200", &list("", &[&name]));
    }
    assert!(host.page().ends_with(r#""total":30}"#));
}

#[test]
fn a_server_without_field_selectors_is_asked_plainly_now_and_from_now_on() {
    let world = World::new();
    let path = format!("{PODS}?sortOrder=desc");
    let (mut exchange, host) = by_keys(&world, &path, &keys(&["a", "b"]));
    host.answer_call(&mut exchange, 0, "400", r#"{"kind":"Status","code":400}"#);
    assert_eq!(
        host.asked()[2],
        "/base/api/v1/namespaces/a/pods?pretty=false"
    );
    // A late answer of the way that was left is nobody's.
    host.answer_call(&mut exchange, 1, "200", &list("", &["a"]));
    assert!(host.reply.borrow().is_none());
    host.answer_call(&mut exchange, 2, "200", &list("", &["a", "b"]));
    assert!(host.page().ends_with(r#""total":2}"#));

    let (_, host, _) = world.send_as_jeff("GET", &path);
    assert_eq!(
        host.request_header("accept").as_deref(),
        Some("application/json")
    );
}

#[test]
fn a_server_that_gives_other_objects_than_asked_for_is_asked_plainly() {
    for fetched in [
        list("", &["b"]),
        list("", &["a", "b"]),
        list("", &["a"]).replace(r#""namespace":"a""#, r#""namespace":"b""#),
    ] {
        let world = World::new();
        let path = format!("{PODS}?sortOrder=desc");
        let (mut exchange, host) = by_keys(&world, &path, &keys(&["a"]));
        host.answer_call(&mut exchange, 0, "200", &fetched);
        assert_eq!(
            host.asked()[1],
            "/base/api/v1/namespaces/a/pods?pretty=false"
        );
    }
    let world = World::new();
    let path = format!("{PODS}?sortOrder=desc&pageNum=9");
    let (mut exchange, host) = by_keys(&world, &path, &keys(&["a"]));
    host.answer_call(&mut exchange, 0, "200", &list("", &["a"]));
    assert!(
        !host.asked()[1].contains("fieldSelector"),
        "nobody was asked for"
    );
}

#[test]
fn a_server_that_gives_the_list_for_its_metadata_has_given_the_page() {
    let world = World::new();
    let path = format!("{PODS}?sortOrder=desc");
    let (_, host) = by_keys(&world, &path, &list("", &["a", "b"]));
    let page = list("", &["b", "a"]);
    assert_eq!(
        host.page(),
        format!("{},\"total\":2}}", page.strip_suffix('}').unwrap())
    );
    assert_eq!(
        host.reply_header("x-cubegate-list").as_deref(),
        Some("plain")
    );
    let (_, host, _) = world.send_as_jeff("GET", &path);
    assert_eq!(
        host.request_header("accept").as_deref(),
        Some("application/json")
    );
}
