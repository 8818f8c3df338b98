use super::*;
use crate::sort::Sort;

fn rank<'a>(
    sort: &Sort,
    value: &'a str,
    namespace: &'a str,
    name: &'a str,
    arrival: u64,
) -> Rank<'a> {
    Rank {
        key: sort.keys[0].kind.key(Value::read(value.as_bytes())),
        more: Vec::new(),
        namespace: namespace.into(),
        name: name.into(),
        arrival,
        descending: sort.keys[0].descending,
    }
}

/// Sorts raw JSON values; equal ones are named by arrival and so keep their order.
fn sorted<'a>(func: &str, order: &str, values: &[&'a str]) -> Vec<&'a str> {
    let sort = Sort::parse(None, Some(order), Some(func));
    let mut ranked: Vec<(Rank<'_>, &str)> = (0..)
        .zip(values)
        .map(|(arrival, value)| (rank(&sort, value, "", "", arrival), *value))
        .collect();
    ranked.sort_by(|left, right| left.0.order(&right.0));
    ranked.into_iter().map(|(_, value)| value).collect()
}

#[test]
fn texts_sort_by_bytes() {
    let values = [
        r#""b""#, r#""API""#, "null", r#""a""#, "10", "2", "true", r#""é""#,
    ];
    assert_eq!(
        sorted("string", "asc", &values),
        [
            "null", "10", "2", r#""API""#, r#""a""#, r#""b""#, "true", r#""é""#
        ],
    );
}

#[test]
fn arrays_and_objects_sort_as_empty_texts() {
    assert_eq!(
        sorted("string", "desc", &[r#"["z"]"#, r#""a""#, r#"{"z":1}"#]),
        [r#""a""#, r#"["z"]"#, r#"{"z":1}"#],
    );
}

#[test]
fn numbers_and_numeric_strings_sort_by_value() {
    let values = [
        r#""100""#, "40", "5", "-1.5", r#""+7""#, r#""abc""#, "1e1", r#""-2""#,
    ];
    assert_eq!(
        sorted("number", "asc", &values),
        [
            r#""-2""#, "-1.5", r#""abc""#, "5", r#""+7""#, "1e1", "40", r#""100""#
        ],
    );
}

#[test]
fn what_is_no_number_is_zero_in_both_directions() {
    let values = [
        "1",
        "null",
        "-1",
        "true",
        r#"" 5""#,
        r#""inf""#,
        r#""nan""#,
        "[9]",
        "{}",
        r#""1e999""#,
    ];
    let zeros = [
        "null",
        "true",
        r#"" 5""#,
        r#""inf""#,
        r#""nan""#,
        "[9]",
        "{}",
        r#""1e999""#,
    ];
    let ascending = [&["-1"], &zeros[..], &["1"]].concat();
    let descending = [&["1"], &zeros[..], &["-1"]].concat();
    assert_eq!(sorted("number", "asc", &values), ascending);
    assert_eq!(sorted("number", "desc", &values), descending);
}

#[test]
fn zeros_are_equal_whatever_their_sign() {
    let values = ["0", "-0.0", "-0", "0.0", r#""-0""#];
    assert_eq!(sorted("number", "asc", &values), values);
    assert_eq!(sorted("number", "desc", &values), values);
}

#[test]
fn large_integers_compare_exactly() {
    let values = [
        "9007199254740993",
        "9007199254740992",
        "18446744073709551616",
        "18446744073709551615",
        "-9007199254740993",
        "-9007199254740992",
    ];
    assert_eq!(
        sorted("number", "asc", &values),
        [
            "-9007199254740993",
            "-9007199254740992",
            "9007199254740992",
            "9007199254740993",
            "18446744073709551615",
            "18446744073709551616",
        ],
    );
}

#[test]
fn numbers_of_all_sizes_and_spellings_are_in_one_order() {
    let ordered = [
        "-1e300",
        "-170141183460469231731687303715884105729",
        "-9007199254740993",
        "-9007199254740992.0",
        "-1.5",
        "-1",
        "-0.5",
        "0",
        "5e-324",
        "0.1",
        "1",
        "1.5",
        "9007199254740992.0",
        "9007199254740993",
        "170141183460469231731687303715884105726",
        "170141183460469231731687303715884105727",
        "1e300",
    ];
    let numbers: Vec<Number> = ordered.iter().map(|text| Number::read(text)).collect();
    for (index, left) in numbers.iter().enumerate() {
        for (other, right) in numbers.iter().enumerate() {
            assert_eq!(
                left.order(*right),
                index.cmp(&other),
                "{} and {}",
                ordered[index],
                ordered[other],
            );
        }
    }
}

#[test]
fn times_sort_by_instant() {
    let values = [
        r#""2021-06-01T10:00:00Z""#,
        r#""2021-06-01T12:00:00+08:00""#,
        r#""2021-06-01T09:00:00.500Z""#,
        r#""2021-06-01T09:00:00Z""#,
    ];
    assert_eq!(
        sorted("time", "asc", &values),
        [values[1], values[3], values[2], values[0]],
    );
    assert_eq!(
        sorted("time", "desc", &values),
        [values[0], values[2], values[3], values[1]],
    );
}

#[test]
fn what_is_no_time_is_last_in_both_directions() {
    let bad = [
        r#""not a time""#,
        "null",
        "20210601",
        r#""2021-06-01""#,
        r#""2021-06-01 10:00:00Z""#,
        r#""2021-06-01T10:00:00""#,
        r#""2021-13-01T10:00:00Z""#,
        "[]",
    ];
    let good = r#""2021-06-01T10:00:00Z""#;
    let values = [&bad[..], &[good]].concat();
    let expected = [&[good], &bad[..]].concat();
    assert_eq!(sorted("time", "asc", &values), expected);
    assert_eq!(sorted("time", "desc", &values), expected);
}

#[test]
fn ties_go_by_namespace_then_name_then_arrival_in_both_directions() {
    for order in ["asc", "desc"] {
        let sort = Sort::parse(None, Some(order), None);
        let mut ranks = [
            rank(&sort, "1", "b", "a", 0),
            rank(&sort, "1", "a", "b", 1),
            rank(&sort, "1", "a", "a", 3),
            rank(&sort, "1", "a", "a", 2),
            rank(&sort, "1", "", "z", 4),
        ];
        ranks.sort_by(Rank::order);
        let arrivals: Vec<u64> = ranks.iter().map(|rank| rank.arrival).collect();
        assert_eq!(arrivals, [4, 2, 3, 1, 0], "{order}");
    }
}

#[test]
fn the_next_key_decides_ties_in_its_own_direction() {
    let sort = Sort::keys("a,-b:quantity").unwrap();
    let make = |a: &'static str, b: &'static str, arrival| Rank {
        key: sort.keys[0].kind.key(Value::read(a.as_bytes())),
        descending: sort.keys[0].descending,
        more: vec![NextKey {
            key: sort.keys[1].kind.key(Value::read(b.as_bytes())),
            descending: sort.keys[1].descending,
        }],
        namespace: "".into(),
        name: "".into(),
        arrival,
    };
    let mut ranks = [
        make("null", "1", 0),
        make(r#""x""#, r#""500m""#, 1),
        make(r#""x""#, r#""many""#, 2),
        make(r#""x""#, r#""1Gi""#, 3),
        make(r#""a""#, "7", 4),
    ];
    ranks.sort_by(Rank::order);
    let arrivals: Vec<u64> = ranks.iter().map(|rank| rank.arrival).collect();
    assert_eq!(arrivals, [4, 3, 1, 2, 0]);
}

#[test]
fn the_new_types_put_what_is_not_of_them_last_in_both_directions() {
    let values = [r#""x""#, r#""1.10.0""#, "1", r#""v1.9.0""#];
    assert_eq!(
        sorted("semver", "asc", &values),
        [values[3], values[1], values[0], values[2]]
    );
    assert_eq!(
        sorted("semver", "desc", &values),
        [values[1], values[3], values[0], values[2]]
    );
}

#[test]
fn memory_is_counted_for_all_keys() {
    let key = |text: &'static str| Key::Typed(Some(Typed::Text(text.into())));
    let rank = Rank {
        key: key("abc"),
        descending: false,
        more: vec![NextKey {
            key: key("defg"),
            descending: true,
        }],
        namespace: "n".into(),
        name: "nn".into(),
        arrival: 0,
    };
    assert_eq!(rank.text_bytes(), 10 + size_of::<NextKey<'_>>());
    assert_eq!(
        rank.into_owned().text_bytes(),
        10 + size_of::<NextKey<'_>>()
    );
}
