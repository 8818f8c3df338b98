use super::*;

/// Path, kind and direction of the only or first key.
fn first(sort: &Sort) -> (&KeyPath, SortKind, bool) {
    let key = &sort.keys[0];
    let Source::Field(path) = &key.source else {
        panic!("no field: {key:?}");
    };
    (path, key.kind, key.descending)
}

#[test]
fn parameters_have_their_defaults() {
    let sort = Sort::default();
    assert_eq!(
        first(&sort),
        (&KeyPath::parse("metadata.name"), SortKind::Text, false)
    );
    assert_eq!(sort.keys.len(), 1);
    assert_eq!(
        Sort::parse(Some(""), Some("descending"), Some("Time")),
        sort
    );
}

#[test]
fn the_guides_short_names_are_aliases() {
    for (name, path) in [
        ("name", "metadata.name"),
        ("creationTimestamp", "metadata.creationTimestamp"),
        ("CreationTimestamp", "metadata.creationTimestamp"),
        ("Name", "Name"),
    ] {
        let path = KeyPath::parse(path);
        assert_eq!(first(&Sort::parse(Some(name), None, None)).0, &path);
        assert_eq!(first(&Sort::keys(name).unwrap()).0, &path);
    }
}

#[test]
fn desc_is_taken_in_any_case() {
    for order in ["desc", "DESC", "Desc"] {
        assert!(first(&Sort::parse(None, Some(order), None)).2);
    }
}

#[test]
fn sort_func_knows_the_new_types_and_takes_all_else_for_string() {
    let kind = |func| first(&Sort::parse(None, None, Some(func))).1;
    assert_eq!(kind("number"), SortKind::Number);
    assert_eq!(kind("string"), SortKind::Text);
    for (func, named) in [
        ("time", ValueType::Time),
        ("quantity", ValueType::Quantity),
        ("duration", ValueType::Duration),
        ("ip", ValueType::Ip),
        ("semver", ValueType::Semver),
    ] {
        assert_eq!(kind(func), SortKind::Typed(named));
    }
    for unknown in ["", "Number", "Quantity", "bytes", "semver "] {
        assert_eq!(kind(unknown), SortKind::Text, "{unknown}");
    }
}

#[test]
fn keys_have_a_direction_and_a_type_each() {
    let sort =
        Sort::keys("-status.startTime:time, +metadata.labels[a.b/c] ,spec.c[].image").unwrap();
    let keys: Vec<(KeyPath, SortKind, bool)> = sort
        .keys
        .into_iter()
        .map(|key| {
            let key = Sort { keys: vec![key] };
            let (path, kind, descending) = first(&key);
            (path.clone(), kind, descending)
        })
        .collect();
    assert_eq!(
        keys,
        [
            (
                KeyPath::parse("status.startTime"),
                SortKind::Typed(ValueType::Time),
                true
            ),
            (
                KeyPath::parse("metadata.labels[a.b/c]"),
                SortKind::Typed(ValueType::String),
                false
            ),
            (
                KeyPath::parse("spec.c[].image"),
                SortKind::Typed(ValueType::String),
                false
            ),
        ],
    );
    assert_eq!(Sort::keys("  "), Ok(Sort::default()));
}

#[test]
fn what_is_no_order_is_an_error_that_says_where() {
    for (text, character, problem) in [
        ("-", 2, "a name is expected"),
        ("a,", 3, "a name is expected"),
        (
            "a..b",
            3,
            "`..` searches all that is below; write the whole path",
        ),
        ("--a", 0, ""),
        ("a:date", 3, ValueType::EXPECTED),
        ("a:", 3, ValueType::EXPECTED),
        ("a b", 3, "a comma or the end is expected"),
        ("é desc", 3, "a comma or the end is expected"),
        ("a=b", 2, "a comma or the end is expected"),
        ("a,b,c,d,e,f,g,h,i", 17, "there may be 8 keys at most"),
    ] {
        let result = Sort::keys(text);
        if character == 0 {
            assert!(result.is_ok(), "{text}: a name may begin with a dash");
            continue;
        }
        let error = result.unwrap_err();
        assert_eq!(error.parameter, "sort", "{text}");
        assert_eq!(error.character, Some(character), "{text}: {error}");
        assert_eq!(error.problem, problem, "{text}");
    }
}

#[test]
fn a_key_of_kubectl_is_the_same_path() {
    for (kubectl, ours) in [
        ("{.metadata.name}", "metadata.name"),
        ("-.status.n:number", "-status.n:number"),
        ("$.a[*].b,{.a[0].b}:ip", "a[].b,a[0].b:ip"),
        (r"metadata.labels.a\.b/c", r#"metadata.labels["a.b/c"]"#),
    ] {
        assert_eq!(Sort::keys(kubectl), Sort::keys(ours), "{kubectl}");
    }
    let error = Sort::keys("a,-b[0:2]").unwrap_err();
    assert_eq!(error.character, Some(6), "{error}");
}
