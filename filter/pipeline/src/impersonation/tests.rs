use super::*;

fn find(pairs: &[(&str, &str)]) -> Result<Option<Impersonation>, Malformed> {
    Impersonation::find(&Headers::of(pairs))
}

#[test]
fn a_request_that_names_nobody_is_its_callers() {
    let pairs = [("authorization", "Bearer x"), ("x-impersonate-user", "bob")];
    assert_eq!(find(&pairs), Ok(None));
    assert!(!is_asked(&Headers::of(&pairs)));
}

#[test]
fn what_is_named_goes_on_as_it_came_and_nothing_else() {
    let pairs = [
        ("Impersonate-User", "Bob Smith, CN=x"),
        ("IMPERSONATE-GROUP", "a"),
        ("impersonate-group", "a, b"),
        ("impersonate-uid", "7"),
        ("Impersonate-Extra-acme%2Fx", "1"),
    ];
    let found = find(&pairs).unwrap().unwrap();
    assert_eq!(found.user(), "Bob Smith, CN=x");
    assert_eq!(found.groups(), ["a", "a, b"]);
    let mut headers = Headers::default();
    found.put(&mut headers);
    assert_eq!(
        headers,
        Headers::of(&[
            ("impersonate-user", "Bob Smith, CN=x"),
            ("impersonate-group", "a"),
            ("impersonate-group", "a, b"),
            ("impersonate-uid", "7"),
            ("impersonate-extra-acme%2fx", "1"),
        ])
    );
}

#[test]
fn what_does_not_say_for_whom_is_refused() {
    let user = ("impersonate-user", "bob");
    for (pairs, expected) in [
        (vec![("impersonate-group", "a")], Malformed::NoUser),
        (vec![("impersonate-uid", "0")], Malformed::NoUser),
        (vec![("impersonate-extra-a", "x")], Malformed::NoUser),
        (vec![user, user], Malformed::Twice),
        (vec![user, ("Impersonate-User", "admin")], Malformed::Twice),
        (
            vec![user, ("impersonate-uid", "1"), ("impersonate-uid", "2")],
            Malformed::Twice,
        ),
        (vec![user, ("impersonate-", "x")], Malformed::Unknown),
        (vec![user, ("impersonate-groups", "x")], Malformed::Unknown),
        (vec![user, ("impersonate-extra-", "x")], Malformed::Key),
        (vec![user, ("impersonate-extra-%zz", "x")], Malformed::Key),
        (vec![user, ("impersonate-extra-a%", "x")], Malformed::Key),
        (vec![user, ("impersonate-extra-%ff", "x")], Malformed::Key),
        (vec![user, ("impersonate-extra-a%00", "x")], Malformed::Key),
        (vec![("impersonate-user", "")], Malformed::Value),
        (vec![("impersonate-user", " bob")], Malformed::Value),
        (vec![("impersonate-user", "bob\u{a0}")], Malformed::Value),
        (vec![("impersonate-user", "bo\u{85}b")], Malformed::Value),
        (vec![user, ("impersonate-group", "")], Malformed::Value),
    ] {
        assert_eq!(find(&pairs), Err(expected), "{pairs:?}");
    }
    let mut bytes = Headers::default();
    bytes.add(USER, vec![0xff]);
    assert_eq!(Impersonation::find(&bytes), Err(Malformed::Value));
}

#[test]
fn names_are_bounded_in_length_and_number() {
    let long = "x".repeat(MAX_BYTES);
    assert!(find(&[(USER, &long)]).unwrap().is_some());
    let longer = "x".repeat(MAX_BYTES + 1);
    assert_eq!(find(&[(USER, &longer)]), Err(Malformed::Value));
    let mut pairs = vec![(USER, "bob")];
    pairs.extend(vec![(GROUP, "g"); MAX_NAMES - 1]);
    pairs.push(("impersonate-extra-a", "x"));
    assert!(find(&pairs).unwrap().is_some());
    pairs.push((GROUP, "g"));
    assert_eq!(find(&pairs), Err(Malformed::TooMany));
}
