use super::*;

/// The raw text at each path of one item.
fn take<'a>(item: &'a str, paths: &[&str]) -> Vec<Value<'a>> {
    let mut set = FieldSet::new();
    let fields: Vec<Field> = paths
        .iter()
        .map(|path| set.add(&KeyPath::parse(path)))
        .collect();
    let mut places = Places::default();
    set.take(item.as_bytes(), &mut places);
    let found = Found::new(item.as_bytes(), Box::leak(Box::new(places)));
    fields.into_iter().map(|field| found.value(field)).collect()
}

fn text(item: &str, path: &str) -> String {
    match take(item, &[path]).pop() {
        Some(Value::Missing) => "<missing>".to_owned(),
        Some(Value::Object) => "<object>".to_owned(),
        Some(Value::Array(raw)) => String::from_utf8_lossy(raw).into_owned(),
        Some(other) => other.into_text().into_owned(),
        None => panic!("no value for {path}"),
    }
}

#[test]
fn members_are_followed() {
    let item = r#"{"kind":"Pod","metadata":{"name":"a","n":5},"x":{"metadata":{"name":"b"}}}"#;
    assert_eq!(text(item, "metadata.name"), "a");
    assert_eq!(text(item, "metadata.n"), "5");
    assert_eq!(text(item, "metadata"), "<object>");
    assert_eq!(text(item, "metadata.name.x"), "<missing>");
    assert_eq!(text(item, "Metadata.name"), "<missing>");
    assert_eq!(text(item, "x.metadata.name"), "b");
    assert_eq!(text(item, ".metadata.name"), "<missing>");
    assert_eq!(text(item, ""), "<missing>");
}

#[test]
fn arrays_are_entered_at_their_first_element() {
    let item = r#"{"a":[{"k":"x"},{"k":"y","z":"w"}],"b":[[{"k":"v"}]],"c":[],"d":["s"]}"#;
    assert_eq!(text(item, "a.k"), "x");
    assert_eq!(text(item, "a.z"), "<missing>");
    assert_eq!(text(item, "b.k"), "v");
    assert_eq!(text(item, "c.k"), "<missing>");
    assert_eq!(text(item, "d"), r#"["s"]"#);
    assert_eq!(text(item, "d.k"), "<missing>");
}

#[test]
fn labels_take_the_rest_as_one_key() {
    let item = r#"{"metadata":{"labels":{"a.b/c":"1","a":{"b/c":"2"}},"annotations":{"x.y":"3"}}}"#;
    assert_eq!(text(item, "metadata.labels.a.b/c"), "1");
    assert_eq!(text(item, "metadata.annotations.x.y"), "3");
    assert_eq!(text(item, "metadata.labels.a.b"), "<missing>");
    assert_eq!(text(item, "metadata.labels"), "<object>");
    assert_eq!(text(item, "metadata.labels."), "<missing>");
}

#[test]
fn a_walk_that_fails_falls_back_to_the_literal_rest() {
    let item = r#"{"spec":{"matchLabels":{"app.kubernetes.io/name":"db"}},"data":{"a":{"b":"walk"},"a.b":"literal","c.d":"literal","c":{}}}"#;
    assert_eq!(text(item, "spec.matchLabels.app.kubernetes.io/name"), "db");
    assert_eq!(text(item, "data.a.b"), "walk");
    assert_eq!(text(item, "data.c.d"), "literal");
    assert_eq!(text(r#"{"a.b.c":"1","a":{"b.c":"2"}}"#, "a.b.c"), "2");
    assert_eq!(text(r#"{"a.b.c":"1","a":{"b":{}}}"#, "a.b.c"), "1");
    assert_eq!(text(r#"{"a.b":"1","a":null}"#, "a.b"), "1");
    // null is found, so there is nothing to fall back from.
    assert_eq!(text(r#"{"a.b":"1","a":{"b":null}}"#, "a.b"), "<missing>");
}

#[test]
fn of_duplicate_keys_the_last_one_counts() {
    assert_eq!(text(r#"{"a":{"b":"1"},"a":{"b":"2"}}"#, "a.b"), "2");
    assert_eq!(text(r#"{"a":{"b":"1"},"a":{}}"#, "a.b"), "<missing>");
    assert_eq!(text(r#"{"a":{"b":"1"},"a":7}"#, "a.b"), "<missing>");
    assert_eq!(text(r#"{"a.b":"0","a":{"b":"1"},"a":{}}"#, "a.b"), "0");
    assert_eq!(text(r#"{"a":1,"\u0061":2}"#, "a"), "2");
}

#[test]
fn keys_may_be_escaped() {
    assert_eq!(
        text(
            r#"{"met\u0061data":{"n\u0061me":"\u00e9"}}"#,
            "metadata.name"
        ),
        "é"
    );
}

#[test]
fn a_path_may_end_where_another_goes_on() {
    let item = r#"{"a":{"b":{"c":"1"}},"a.b":"2"}"#;
    let values = take(item, &["a", "a.b", "a.b.c", "a"]);
    assert_eq!(
        values,
        [
            Value::Object,
            Value::Object,
            Value::Text("1".into()),
            Value::Object
        ],
    );
}

#[test]
fn an_item_that_is_no_object_has_no_fields() {
    for item in ["1", "\"a\"", "null", "true", "[]", r#"[{"a":"b"}]"#, "-1.5"] {
        assert_eq!(text(item, "a"), "<missing>", "{item}");
    }
}

#[test]
fn fields_are_found_where_they_lie_shallow_in_what_is_deep() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let item = format!(r#"{{"d":{deep},"a":{{"d":{deep},"b":"x"}},"c":[{{"d":{deep}}}]}}"#);
    assert_eq!(text(&item, "a.b"), "x");
    assert_eq!(text(&item, "d.a"), "<missing>");
    assert_eq!(text(&item, "c.d.x"), "<missing>");
    let arrays = format!(
        r#"{{"a":{}{{"b":"y"}}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert_eq!(text(&arrays, "a.b"), "y");
}
