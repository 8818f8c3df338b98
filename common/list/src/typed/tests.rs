use super::*;

/// Each text is less than the next group; those of one group are equal.
fn assert_ascending(kind: ValueType, groups: &[&[&str]]) {
    let read = |text: &str| {
        kind.parse(text)
            .unwrap_or_else(|| panic!("{text} is no {}", kind.name()))
    };
    let all = groups
        .iter()
        .enumerate()
        .flat_map(|(index, group)| group.iter().map(move |text| (index, *text)));
    for (left_index, left) in all.clone() {
        for (right_index, right) in all.clone() {
            assert_eq!(
                read(left).order(&read(right)),
                left_index.cmp(&right_index),
                "{left} and {right} as {}",
                kind.name()
            );
        }
    }
}

fn assert_none(kind: ValueType, texts: &[&str]) {
    for text in texts {
        assert_eq!(kind.parse(text), None, "{text} as {}", kind.name());
    }
}

#[test]
fn numbers_compare_exactly() {
    assert_ascending(
        ValueType::Number,
        &[
            &["-1e400"],
            &["-9007199254740993"],
            &["-9007199254740992"],
            &["-1.5", "-15e-1", "-01.50"],
            &["-1e-400"],
            &["0", "-0", "0.000", "0e9", "+0", ".0"],
            &["5e-324"],
            &["0.1", ".1", "1E-1", "100e-3"],
            &["0.10000000000000000000000000000000000001"],
            &["1", "1.", "+1", "001", "1e0"],
            &["9007199254740992"],
            &["9007199254740993", "9007199254740993.0"],
            &["1e400"],
        ],
    );
    assert_none(
        ValueType::Number,
        &[
            "",
            "-",
            ".",
            "1.2.3",
            "1e",
            "e1",
            "1Gi",
            "500m",
            "inf",
            "NaN",
            " 1",
            "1 ",
            "0x1",
            "1e99999999999",
            "1_0",
        ],
    );
}

#[test]
fn quantities_compare_by_value() {
    assert_ascending(
        ValueType::Quantity,
        &[
            &["-1Gi"],
            &["-500m"],
            &["0", "0Gi", "0m"],
            &["1n"],
            &["1u", "1000n"],
            &["500m", "0.5", "5e-1"],
            &["999m"],
            &["1", "1000m", "1000000u"],
            &["1k", "1e3", "1E3", "1000"],
            &["1Ki", "1024", "1.0Ki"],
            &["1M"],
            &["1Mi", "1024Ki"],
            &["1G"],
            &["1Gi", "1024Mi", "1073741824"],
            &["1.5Gi", "1536Mi"],
            &["1T"],
            &["1P"],
            &["1Pi", "1125899906842624"],
            &["1E", "1000P"],
            &["1Ei", "1152921504606846976"],
            &["9999999999999999999Ei"],
        ],
    );
    assert_none(
        ValueType::Quantity,
        &[
            "", "Gi", "1gi", "1K", "1Gib", "1 Gi", "1mm", "--1", "1e", "1i", "m1",
        ],
    );
}

#[test]
fn more_digits_than_fit_are_cut_off() {
    let long = format!("1{}", "0".repeat(100));
    assert_ascending(ValueType::Number, &[&["1e99"], &[&long, "1e100"]]);
    let nines = "9".repeat(60);
    assert!(Decimal::quantity(&format!("{nines}Ei")) > Decimal::quantity(&format!("{nines}Pi")));
    assert!(Decimal::number(&nines) < Decimal::number("1e60"));
}

#[test]
fn durations_are_those_of_go_and_of_kubectl() {
    assert_ascending(
        ValueType::Duration,
        &[
            &["-1h"],
            &["0", "0s", "-0", "0h0m"],
            &["1ns"],
            &["1us", "1\u{b5}s", "1\u{3bc}s", "1000ns"],
            &["1ms", "0.001s"],
            &["1.5s", "1500ms", "+1.5s", "1.500000000999s"],
            &["90m", "1h30m", "1.5h", "5400s"],
            &["24h", "1d"],
            &["7d4h", "172h"],
            &["365d", "1y"],
            &["2y30d"],
        ],
    );
    assert_none(
        ValueType::Duration,
        &[
            "",
            "-",
            "1",
            "h",
            "1.h.",
            "1x",
            "1h 2m",
            ".s",
            "1..5s",
            "5h-2m",
            "1e3s",
            "1w",
            "999999999999999999999999999999999999999y",
        ],
    );
}

#[test]
fn times_compare_by_instant() {
    assert_ascending(
        ValueType::Time,
        &[
            &[
                "2021-06-01T12:00:00+08:00",
                "2021-06-01T04:00:00Z",
                "2021-06-01T04:00:00.000Z",
            ],
            &["2021-06-01T09:00:00Z"],
            &["2021-06-01T09:00:00.5Z"],
        ],
    );
    assert_none(
        ValueType::Time,
        &["", "2021-06-01", "2021-06-01 09:00:00Z", "yesterday"],
    );
}

#[test]
fn addresses_compare_by_their_bits() {
    assert_ascending(
        ValueType::Ip,
        &[
            &["9.255.0.1"],
            &["10.0.0.2", "::ffff:10.0.0.2"],
            &["10.0.0.10"],
            &["::1", "0:0:0:0:0:0:0:1"],
            &["2001:db8::1", "2001:0DB8:0::1"],
        ],
    );
    assert_none(
        ValueType::Ip,
        &[
            "",
            "10.0.0",
            "10.0.0.1/8",
            "10.0.0.256",
            "010.0.0.1",
            "[::1]",
        ],
    );
}

#[test]
fn versions_compare_by_precedence() {
    assert_ascending(
        ValueType::Semver,
        &[
            &["1.0.0-alpha", "v1.0.0-alpha"],
            &["1.0.0-alpha.1"],
            &["1.0.0-alpha.beta"],
            &["1.0.0-beta.2"],
            &["1.0.0-beta.11"],
            &["1.0.0-rc.1"],
            &["1.0.0", "v1.0.0", "1.0.0+build.7"],
            &["1.9.0"],
            &["1.28.3"],
        ],
    );
    assert_none(
        ValueType::Semver,
        &["", "1", "1.2", "v", "V1.0.0", "1.2.3.4", "01.2.3", "1.2.3-"],
    );
}

#[test]
fn a_literal_shows_its_type() {
    for (literal, kind) in [
        ("5", ValueType::Quantity),
        ("500m", ValueType::Quantity),
        ("1Gi", ValueType::Quantity),
        ("1e3", ValueType::Quantity),
        ("2021-06-01T09:00:00Z", ValueType::Time),
        ("1h30m", ValueType::Duration),
        ("90s", ValueType::Duration),
        ("10.0.0.1", ValueType::Ip),
        ("::1", ValueType::Ip),
        ("1.2.3", ValueType::Semver),
        ("v1.28.3", ValueType::Semver),
        ("1.2", ValueType::Quantity),
        ("abc", ValueType::String),
        ("", ValueType::String),
        ("2021-06-01", ValueType::String),
    ] {
        assert_eq!(ValueType::inferred(literal), kind, "{literal}");
    }
}

#[test]
fn json_values_are_of_the_types_that_they_can_be() {
    let read =
        |kind: ValueType, raw: &'static str| kind.read(Value::read(raw.as_bytes())).is_some();
    for kind in ["string", "number", "quantity"] {
        assert!(read(ValueType::named(kind).unwrap(), "5"), "{kind}");
        assert!(read(ValueType::named(kind).unwrap(), "\"5\""), "{kind}");
    }
    for kind in ["time", "duration", "ip", "semver"] {
        assert!(!read(ValueType::named(kind).unwrap(), "0"), "{kind}");
    }
    assert!(read(ValueType::String, "true"));
    assert!(!read(ValueType::Number, "true"));
    for nothing in ["null", "[]", "{}", "[5]"] {
        assert!(!read(ValueType::String, nothing), "{nothing}");
    }
}
