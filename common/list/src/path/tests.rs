use super::*;

fn names(text: &str) -> Vec<String> {
    let path = KeyPath::parse(text);
    path.names().map(str::to_owned).collect()
}

/// All values that a path leads to in a document.
fn values(path: &str, document: &str) -> Vec<String> {
    let mut found = Vec::new();
    let work = Work::unlimited();
    KeyPath::parse(path).any(document.as_bytes(), &work, &mut |value| {
        found.push(String::from_utf8_lossy(value).into_owned());
        false
    });
    found
}

#[test]
fn a_path_is_split_at_its_dots() {
    assert_eq!(names("metadata.name"), ["metadata", "name"]);
    assert_eq!(names("name"), ["name"]);
    assert_eq!(names(""), [""]);
    assert_eq!(names(".a."), ["", "a", ""]);
    assert_eq!(KeyPath::parse(".a.").text(), ".a.");
}

#[test]
fn the_rest_after_labels_and_annotations_is_one_key() {
    assert_eq!(
        names("metadata.labels.a.b/c"),
        ["metadata", "labels", "a.b/c"]
    );
    assert_eq!(
        names("spec.template.metadata.annotations.x.labels.y"),
        ["spec", "template", "metadata", "annotations", "x.labels.y"],
    );
    assert_eq!(names("metadata.labels"), ["metadata", "labels"]);
    assert_eq!(names("metadata.labels."), ["metadata", "labels", ""]);
    assert_eq!(names("matchLabels.a.b"), ["matchLabels", "a", "b"]);
    assert_eq!(names("Labels.a.b"), ["Labels", "a", "b"]);
    assert_eq!(names("labels.a[b].c[]"), ["labels", "a[b].c[]"]);
}

#[test]
fn each_step_knows_the_rest_of_the_path() {
    let rests = |text| -> Vec<String> {
        let path = KeyPath::parse(text);
        let steps = path.steps();
        let text = |part: Part| String::from_utf8(part.of_bytes(steps.text()).into()).unwrap();
        steps.all().iter().map(|step| text(step.rest)).collect()
    };
    assert_eq!(rests("a.b.c"), ["a.b.c", "b.c", "c"]);
    assert_eq!(rests("a.b[].c"), ["a.b", "b"]);
    assert_eq!(rests("a[b.c].d"), ["a[b.c].d", "[b.c].d", "d"]);
    assert_eq!(rests("a[b.c]"), ["a[b.c]", "b.c"]);
}

#[test]
fn a_path_of_a_thousand_dots_stays_small() {
    let path = KeyPath::parse(&".".repeat(1000));
    assert_eq!(path.steps().len(), MAX_STEPS);
}

#[test]
fn a_path_takes_memory_as_it_was_written_however_many_steps_know_its_rest() {
    let text = format!("{}{}", "a.".repeat(63), "b".repeat(8_000));
    for path in [KeyPath::parse(&text), KeyPath::read(&text).unwrap()] {
        assert_eq!(path.steps().len(), MAX_STEPS);
        assert!(path.held_bytes() < 2 * text.len(), "{}", path.held_bytes());
        let mut fields = crate::fields::FieldSet::new();
        fields.add(&path);
        // Nodes and members, but each text once.
        assert!(
            fields.held_bytes() < 4 * text.len(),
            "{}",
            fields.held_bytes()
        );
    }
}

#[test]
fn brackets_hold_one_key() {
    assert_eq!(
        names("metadata.labels[app.kubernetes.io/name]"),
        ["metadata", "labels", "app.kubernetes.io/name"]
    );
    assert_eq!(names(r#"data["a]b\n"]"#), ["data", "a]b\n"]);
    assert_eq!(names(r#"data[""].x"#), ["data", "", "x"]);
    assert_eq!(names("a[b][c.d].e"), ["a", "b", "c.d", "e"]);
}

#[test]
fn empty_brackets_are_every_element() {
    let path = KeyPath::parse("spec.containers[].ports[].hostPort");
    assert_eq!(path.text(), "spec.containers");
    let each = path.each().unwrap();
    assert_eq!(each.path.text(), "ports");
    assert_eq!(each.path.each().unwrap().path.text(), "hostPort");
    let element = Elements {
        path: KeyPath::default(),
        only: None,
    };
    assert_eq!(
        KeyPath::parse("tags[]").each(),
        Some(&element),
        "the element itself"
    );
}

#[test]
fn malformed_brackets_are_letters_in_the_old_parameters() {
    for text in [
        "a[", "a]", "a[b", "a[0", "[].a", "a[].", "a[]b", "a[b]c", "a..b[]",
    ] {
        let path = KeyPath::parse(text);
        assert_eq!(path.text(), text);
        assert_eq!(path.each(), None, "{text}");
        assert!(KeyPath::read(text).is_err(), "{text}");
    }
}

#[test]
fn a_strict_path_says_where_it_is_wrong() {
    let at = |text: &str| KeyPath::read(text).unwrap_err().at;
    assert_eq!(at(""), 0);
    assert_eq!(at("a..b"), 2);
    assert_eq!(at("a.b["), 4);
    assert_eq!(at("a[]x"), 3);
    assert_eq!(at(r#"a["x]"#), 2);
    assert_eq!(at("a[].b[].c[].d[].e[]"), 17);
    assert_eq!(
        KeyPath::read(&"a.".repeat(65)).unwrap_err().problem,
        "a path may have at most 64 segments"
    );
}

#[test]
fn a_walk_finds_what_the_path_says() {
    let document = r#"{"a":[{"b":1,"b.c":2},{"b":{"c":3}}],"l":[[{"x":4}],5],"d":{"e":6},"d":{"e":7},"f.g":8}"#;
    assert_eq!(values("a.b", document), ["1"]);
    assert_eq!(values("a.b.c", document), ["2"], "the whole rest is a key");
    assert_eq!(values("a[].b", document), ["1", r#"{"c":3}"#]);
    assert_eq!(values("a[].b.c", document), ["2", "3"]);
    assert_eq!(values("l[]", document), [r#"[{"x":4}]"#, "5"]);
    assert_eq!(values("l[][].x", document), ["4"]);
    assert_eq!(values("l.x", document), ["4"]);
    assert_eq!(values("d.e", document), ["7"], "the last one counts");
    assert_eq!(values("f.g", document), ["8"]);
    assert!(values("d[]", document).is_empty(), "no array");
    assert!(values("x[].y", document).is_empty());
    assert!(values("a", "[1]").is_empty(), "only an object has fields");
}

#[test]
fn a_number_in_brackets_is_an_element_where_the_path_is_strict_and_a_key_elsewhere() {
    let found = |path: KeyPath, document: &str| {
        let mut found = Vec::new();
        path.any(document.as_bytes(), &Work::unlimited(), &mut |value| {
            found.push(String::from_utf8_lossy(value).into_owned());
            false
        });
        found
    };
    let document = r#"{"a":[{"b":1},{"b":2}],"l":[[3],[4,5]],"o":{"0":6},"s":"x"}"#;
    for (text, strict, lenient) in [
        ("a[0].b", &["1"][..], &[][..]),
        ("a[1].b", &["2"], &[]),
        ("a[2].b", &[], &[]),
        ("a[*].b", &["1", "2"], &[]),
        ("l[1][0]", &["4"], &[]),
        ("l[][0]", &["3", "4"], &[]),
        ("o[0]", &[], &["6"]),
        (r#"o["0"]"#, &["6"], &["6"]),
        ("o['0']", &["6"], &[]),
        ("s[0]", &[], &[]),
    ] {
        assert_eq!(
            found(KeyPath::read(text).unwrap(), document),
            strict,
            "{text}"
        );
        assert_eq!(found(KeyPath::parse(text), document), lenient, "{text}");
    }
    let held = |text: &str| KeyPath::read(text).unwrap().held_bytes();
    assert_eq!(held("a[0].b"), held("a[].b"));
    assert!(
        KeyPath::read("a[0][1][2][3][4]").is_err(),
        "each reads its array again"
    );
}

#[test]
fn a_walk_ends_when_an_element_satisfies() {
    let mut seen = 0;
    assert!(any_element(
        b"[1,2,3]",
        &Work::unlimited(),
        &mut |element| {
            seen += 1;
            element == b"2"
        }
    ));
    assert_eq!(seen, 2);
}
