use super::*;

fn fields(fields: &str, item: &str) -> String {
    let projection = Projection::parse(fields, "").unwrap();
    String::from_utf8(projection.apply(item.as_bytes()).unwrap().into_owned()).unwrap()
}

fn strip(strip: &str, item: &str) -> String {
    let projection = Projection::parse("", strip).unwrap();
    String::from_utf8(projection.apply(item.as_bytes()).unwrap().into_owned()).unwrap()
}

#[test]
fn only_the_fields_and_what_says_what_the_item_is_remain() {
    let item = r#"{ "kind":"Pod", "metadata": {"name":"a","uid":"u","namespace":"n","labels":{"x.y":"1","z":"2"}},
        "spec":{"n": 1.00,"m":[1, 2]},"status":{} }"#;
    assert_eq!(
        fields("spec.m", item),
        r#"{"kind":"Pod","metadata":{"name":"a","namespace":"n"},"spec":{"m":[1, 2]}}"#
    );
    assert_eq!(
        fields("metadata.labels.x.y, spec.n", item),
        r#"{"kind":"Pod","metadata":{"name":"a","namespace":"n","labels":{"x.y":"1"}},"spec":{"n":1.00}}"#
    );
    assert_eq!(
        fields("nothing.here", item),
        r#"{"kind":"Pod","metadata":{"name":"a","namespace":"n"}}"#
    );
    assert_eq!(
        fields("metadata,status", item),
        r#"{"kind":"Pod","metadata":{"name":"a","uid":"u","namespace":"n","labels":{"x.y":"1","z":"2"}},"status":{}}"#
    );
}

#[test]
fn arrays_keep_their_places() {
    let item =
        r#"{"c":[{"i":"x","p":[{"n":1},{"n":2,"h":3}]},7,{},{"i":"y","p":null}],"t":["a","b"]}"#;
    assert_eq!(fields("c[].i", item), r#"{"c":[{"i":"x"},{},{"i":"y"}]}"#);
    assert_eq!(
        fields("c[].p[].n,c[].i", item),
        r#"{"c":[{"i":"x","p":[{"n":1},{"n":2}]},{},{"i":"y"}]}"#
    );
    assert_eq!(fields("t[]", item), r#"{"t":["a","b"]}"#);
    assert_eq!(fields("c.i", item), r#"{"c":[{"i":"x"}]}"#);
    assert_eq!(
        fields("c.p[].h,c[].i", item),
        r#"{"c":[{"i":"x","p":[{},{"h":3}]},{},{"i":"y"}]}"#
    );
    assert_eq!(
        fields("c[].i,c", item),
        r#"{"c":[{"i":"x","p":[{"n":1},{"n":2,"h":3}]},7,{},{"i":"y","p":null}]}"#
    );
    assert_eq!(fields("t[].x,x[]", item), r#"{"t":[]}"#);
}

#[test]
fn one_element_of_an_array_is_named_by_its_place() {
    let item = r#"{"c":[{"i":"x","n":1},{"i":"y","n":2},{"i":"z","n":3}],"t":["a","b","c"],"m":[[1,2],[{"k":3,"l":4}]]}"#;
    let of = |path: &str| fields(path, item);
    // Those before it stay in their places, those behind go.
    assert_eq!(of("c[0].i"), r#"{"c":[{"i":"x"}]}"#);
    assert_eq!(of("c[1].i"), r#"{"c":[{},{"i":"y"}]}"#);
    assert_eq!(of("c[1].i,c[2].n"), r#"{"c":[{},{"i":"y"},{"n":3}]}"#);
    assert_eq!(
        of("c[1].n,c[*].i"),
        r#"{"c":[{"i":"x"},{"i":"y","n":2},{"i":"z"}]}"#
    );
    assert_eq!(of("c[1].n,c.i"), r#"{"c":[{"i":"x"},{"n":2}]}"#);
    assert_eq!(of("{.t[1]}"), r#"{"t":["b"]}"#);
    assert_eq!(of("t[7]"), r#"{"t":[]}"#);
    assert_eq!(of("m[1][0].k"), r#"{"m":[[{"k":3}]]}"#);
    let rest = |path: &str| strip(path, item);
    let part = |text: &str| item.replace(text, "");
    assert_eq!(rest("c[0].n"), part(r#","n":1"#));
    assert_eq!(
        rest("c[2].n,c[0].n"),
        part(r#","n":1"#).replace(r#","n":3"#, "")
    );
    assert_eq!(rest("$.t[1]"), part(r#","b""#));
    assert_eq!(rest("m[1][0].l"), part(r#","l":4"#));
    assert_eq!(rest("c[7].n"), item);
}

#[test]
fn of_members_with_one_name_the_last_remains() {
    assert_eq!(
        fields("a.b", r#"{"a":{"b":1},"a":{"b":2,"b":3}}"#),
        r#"{"a":{"b":3}}"#
    );
    assert_eq!(fields("a.b", r#"{"a":{"b":1},"\u0061":{}}"#), "{}");
}

#[test]
fn a_member_called_like_the_whole_rest_is_taken_when_the_walk_finds_nothing() {
    assert_eq!(fields("a.b", r#"{"a":{"c":1},"a.b":2}"#), r#"{"a.b":2}"#);
    assert_eq!(
        fields("a.b", r#"{"a":{"b":1},"a.b":2}"#),
        r#"{"a":{"b":1}}"#
    );
    assert_eq!(
        fields("m.a.b/c[].x", r#"{"m":{"a.b/c":[{"x":1,"y":2}]}}"#),
        r#"{"m":{"a.b/c":[{"x":1}]}}"#
    );
    assert_eq!(fields("m.a.b[].x", r#"{"m":{"a.b":5}}"#), "{}");
}

#[test]
fn what_is_stripped_is_found_by_no_path_afterwards() {
    let item = r#"{"metadata":{"name":"a","managedFields":[1,2], "uid":"u"},"spec":{"n": 1.00}}"#;
    assert_eq!(
        strip("managedFields", item),
        r#"{"metadata":{"name":"a","uid":"u"},"spec":{"n": 1.00}}"#
    );
    assert_eq!(
        strip("metadata.managedFields[]", item)
            .matches("[]")
            .count(),
        1
    );
    assert_eq!(
        strip("status, metadata[managedFields],spec.n", item),
        r#"{"metadata":{"name":"a","uid":"u"},"spec":{}}"#
    );
    assert_eq!(
        strip("a.b", r#"{"a":{"b":1},"a":{"b":2,"c":3},"a.b":4}"#),
        r#"{"a":{},"a":{"c":3}}"#
    );
    assert_eq!(
        strip(
            "c[].e,t.x",
            r#"{"c":[{"e":1,"i":2},3,{"e":4}],"t":[{"x":1},{"x":2}]}"#
        ),
        r#"{"c":[{"i":2},3,{}],"t":[{},{"x":2}]}"#
    );
}

#[test]
fn an_item_with_nothing_to_strip_stays_byte_for_byte() {
    let item = r#" { "metadata" : {"name":"a" } } "#;
    let projection = Projection::parse("", "managedFields,status").unwrap();
    assert!(
        matches!(projection.apply(item.as_bytes()).unwrap(), Cow::Borrowed(same) if same == item.as_bytes())
    );
}

#[test]
fn an_item_that_is_no_object_stays_as_it_is() {
    let projection = Projection::parse("a", "b.c").unwrap();
    for item in ["5", "[{\"b\":1}]", "null", "\"x\""] {
        assert_eq!(projection.apply(item.as_bytes()).unwrap(), item.as_bytes());
    }
}

#[test]
fn both_together_strip_what_was_kept() {
    let projection = Projection::parse("metadata", "managedFields").unwrap();
    let item = r#"{"metadata":{"name":"a","managedFields":[]},"spec":1}"#;
    assert_eq!(
        projection.apply(item.as_bytes()).unwrap(),
        r#"{"metadata":{"name":"a"}}"#.as_bytes()
    );
}

#[test]
fn a_short_name_that_is_not_known_is_an_error() {
    for bad in ["managedfields", "a", "status,managed"] {
        assert!(Projection::parse("", bad).is_err(), "{bad}");
    }
    for good in [
        "a.b",
        "a[]",
        "spec",
        "data",
        " managedFields , annotations ",
    ] {
        assert!(Projection::parse("", good).is_ok(), "{good}");
    }
    let many = vec!["a.b"; 65].join(",");
    assert_eq!(
        Projection::parse("", &many).unwrap_err().problem,
        "there may be 64 paths at most"
    );
    assert_eq!(Projection::parse(" ", ""), Ok(Projection::default()));
}

#[test]
fn a_path_that_ends_in_nothing_beside_a_whole_value_means_its_literal_rest() {
    let item = r#"{"a.b":1,"a":null}"#;
    assert_eq!(fields("a,a.b", item), r#"{"a":null,"a.b":1}"#);
    let item = r#"{"a.b":1,"a":{"b":2}}"#;
    assert_eq!(fields("a,a.b", item), r#"{"a":{"b":2}}"#);
}

#[test]
fn what_a_wider_path_keeps_a_narrower_one_does_not_take_away() {
    let item = r#"{"a.b":["500m",{"a":1,"c":2}]}"#;
    for paths in [
        "a.b[].a,a.b",
        "a.b,a.b[].a",
        "a.b[].a,a.b[]",
        "a.b[],a.b[].a",
    ] {
        assert_eq!(fields(paths, item), item, "{paths}");
    }
    // The narrower one goes by another way to the same member.
    let item = r#"{"m":{"a.b":{"c":1,"d":2}}}"#;
    for paths in [
        "m[a.b].c,m.a.b",
        "m.a.b,m[a.b].c",
        "m.a.b,m[a.b][c]",
        "m,m.a.b",
    ] {
        assert_eq!(fields(paths, item), item, "{paths}");
    }
    // Neither is wider: both count.
    let item = r#"{"m":{"a.b":[{"c":1,"d":2,"e":3},{"c":4,"d":5}]}}"#;
    for paths in ["m[a.b].c,m.a.b[].d", "m.a.b[].d,m[a.b].c"] {
        assert_eq!(
            fields(paths, item),
            r#"{"m":{"a.b":[{"c":1,"d":2},{"d":5}]}}"#,
            "{paths}"
        );
    }
    let item = r#"{"a":[[{"x":1,"y":2}],[{"x":3}]]}"#;
    for paths in ["a.x,a[][].y", "a[][].y,a.x"] {
        let kept = fields(paths, item);
        assert_eq!(kept.matches("\"x\":1").count(), 1, "{kept}");
        assert_eq!(kept.matches("\"y\":2").count(), 1, "{kept}");
        assert_eq!(kept.matches("\"x\":3").count(), 0, "{kept}");
    }
}

#[test]
fn what_is_stripped_does_not_depend_on_the_order_of_paths() {
    let item = r#"{"a.b":["500m",{"a":1,"c":2}],"m":{"a.b":{"c":1,"d":2}}}"#;
    for paths in ["a.b[].a,a.b", "a.b,a.b[].a"] {
        assert_eq!(
            strip(paths, item),
            r#"{"m":{"a.b":{"c":1,"d":2}}}"#,
            "{paths}"
        );
    }
    for paths in ["m[a.b].c,m.a.b", "m.a.b,m[a.b].c"] {
        assert_eq!(
            strip(paths, item),
            r#"{"a.b":["500m",{"a":1,"c":2}],"m":{}}"#,
            "{paths}"
        );
    }
}

#[test]
fn depth_is_no_end_of_a_projection() {
    let deep = format!("{}1{}", "{\"a\":[".repeat(50_000), "]}".repeat(50_000));
    let item = format!(r#"{{"x":{{"y":1,"d":{deep}}},"d":{deep}}}"#);
    assert_eq!(fields("x.y", &item), r#"{"x":{"y":1}}"#);
    assert_eq!(fields("d", &item), format!(r#"{{"d":{deep}}}"#));
    assert_eq!(
        strip("x.d,x[]", &item),
        format!(r#"{{"x":{{"y":1}},"d":{deep}}}"#)
    );
    let arrays = |inner: &str| {
        format!(
            r#"{{"a":{}{inner}{}}}"#,
            "[".repeat(50_000),
            "]".repeat(50_000)
        )
    };
    assert_eq!(
        fields("a.b", &arrays(r#"{"b":1,"c":2}"#)),
        arrays(r#"{"b":1}"#)
    );
    assert_eq!(fields("a.x", &arrays(r#"{"b":1,"c":2}"#)), "{}");
    assert_eq!(
        strip("a.b", &arrays(r#"{"b":1,"c":2}"#)),
        arrays(r#"{"c":2}"#)
    );
}

#[test]
fn of_what_is_no_json_nothing_remains() {
    let projection = Projection::without(&["spec.password"]);
    for item in [
        "",
        "{",
        r#"{"spec":{"password":1}"#,
        r#"{"spec":{,"password":1}}"#,
        "{} {}",
    ] {
        assert!(projection.apply(item.as_bytes()).is_err(), "{item}");
    }
}
