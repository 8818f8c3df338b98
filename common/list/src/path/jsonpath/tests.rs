use super::*;

#[test]
fn what_names_fields_becomes_a_path() {
    for (jsonpath, path) in [
        ("metadata.name", "metadata.name"),
        ("{.metadata.name}", "metadata.name"),
        ("{metadata.name}", "metadata.name"),
        ("$.metadata.name", "metadata.name"),
        ("{$.a[0].b}", "a[0].b"),
        (".a", "a"),
        ("$ref.a", "$ref.a"),
        ("$['a']['b']", r#"["a"]["b"]"#),
        ("a[*].b", "a[].b"),
        ("a[*][*]", "a[][]"),
        ("a['b.c'].d", r#"a["b.c"].d"#),
        (r"a['b\.c\'d']", r#"a["b.c'd"]"#),
        (r#"a["b]c"].d"#, r#"a["b]c"].d"#),
        (
            r"metadata.labels.app\.kubernetes\.io/name",
            r#"metadata.labels["app.kubernetes.io/name"]"#,
        ),
        (
            "metadata.labels.app.kubernetes.io/name",
            "metadata.labels.app.kubernetes.io/name",
        ),
        (r"a\.b.c", r#"["a.b"].c"#),
        (r"a[b\.c]", r#"a["b.c"]"#),
        (r"a.b\[0\]", r#"a["b[0]"]"#),
        ("cells[nominated node]", "cells[nominated node]"),
        ("labels.*x", "labels.*x"),
        ("a[12:30 UTC]", "a[12:30 UTC]"),
        ("", ""),
    ] {
        assert_eq!(translate(jsonpath).unwrap().text(), path, "{jsonpath}");
    }
}

#[test]
fn what_does_more_is_refused_at_its_sign() {
    for (jsonpath, at, part) in [
        ("a..b", 2, "`..`"),
        ("..b", 1, "`..`"),
        ("{..b}", 2, "`..`"),
        ("$..b", 2, "`..`"),
        ("a.*.b", 2, "`*`"),
        ("a[-1:].b", 2, "a part of an array"),
        ("a[0:2]", 2, "a part of an array"),
        ("a[:]", 2, "a part of an array"),
        ("a[-1]", 2, "counted from the first"),
        ("a[0,1]", 2, "one bracket"),
        ("a['b','c']", 5, "one bracket"),
        (r#"a["b","c"]"#, 5, "one bracket"),
        (r#"a[?(@.b=="c")].d"#, 2, "chooses elements"),
        ("a[(@.length-1)]", 2, "calculated"),
        ("{.a.b", 5, "never closed"),
        ("{.a}{.b}", 3, "around the whole path"),
        ("a.b}", 3, "around the whole path"),
        ("a['b", 2, "never ends"),
        (r"a.b\c", 3, "backslash"),
        (r"a.b\", 3, "backslash"),
        ("metadata.labels.a[0]", 17, "one key"),
        ("$", 0, "whole object"),
        ("a[1234567890]", 2, "so many"),
    ] {
        let error = translate(jsonpath).unwrap_err();
        assert_eq!(error.at, at, "{jsonpath}: {}", error.problem);
        assert!(
            error.problem.contains(part),
            "{jsonpath}: {}",
            error.problem
        );
    }
}

#[test]
fn what_the_reader_refuses_is_told_by_its_place_in_the_original() {
    let plain = translate(r"{.a\.b.c[*]x}").unwrap();
    assert_eq!(plain.text(), r#"["a.b"].c[]x"#);
    assert_eq!(plain.origin_of(11), 11);
    let error = super::super::KeyPath::read(r"{.a\.b.c[*]x}").unwrap_err();
    assert_eq!(error.at, 11);
}
