use super::*;

/// What the scanner says about a body that comes in chunks of this size.
fn scan(body: &str, chunk: usize) -> Result<Vec<String>, Fault> {
    let mut scanner = Scanner::new();
    let mut found = Vec::new();
    let mut part = Vec::new();
    let mut offset = 0;
    for mut input in body.as_bytes().chunks(chunk) {
        while !input.is_empty() {
            if scanner.at_object() {
                scanner.measure_object();
            }
            let step = scanner.step(input).map_err(|fault| Fault {
                at: offset + fault.at,
                ..fault
            })?;
            offset += step.len;
            let (taken, rest) = input.split_at(step.len);
            input = rest;
            let (label, done) = match step.event {
                Event::Gap => continue,
                Event::Key { done } => ("key", done),
                Event::Value { done } => ("value", done),
                Event::NoItems { done } => ("no items", done),
                Event::Item { done } => ("item", done),
                Event::ItemsOpen => ("open", true),
                Event::Close => ("close", true),
                Event::NotAnObject | Event::NotAnArray => {
                    found.push(format!("{:?}", step.event));
                    return Ok(found);
                }
            };
            if matches!(step.event, Event::ItemsOpen | Event::Close) {
                found.push(label.to_owned());
                continue;
            }
            part.extend_from_slice(taken);
            if done {
                let text = String::from_utf8_lossy(&part).into_owned();
                if text == "\"items\"" && label == "key" {
                    scanner.expect_items(true);
                }
                found.push(format!("{label} {text}"));
                part.clear();
            }
        }
    }
    if !scanner.at_end() {
        found.push("unfinished".to_owned());
    }
    Ok(found)
}

#[test]
fn borders_are_the_same_however_the_body_is_cut() {
    let body = r#" { "kind" : "L}{\"[", "n":-1.5e3 ,"t":true,"items":[ {"a":"}]\\"} ,[1,[2]],"s\\\"",7, null ] ,"metadata":{"x":[{}]} } "#;
    let expected = [
        r#"key "kind""#,
        r#"value "L}{\"[""#,
        r#"key "n""#,
        "value -1.5e3",
        r#"key "t""#,
        "value true",
        r#"key "items""#,
        "open",
        r#"item {"a":"}]\\"}"#,
        "item [1,[2]]",
        r#"item "s\\\"""#,
        "item 7",
        "item null",
        r#"key "metadata""#,
        r#"value {"x":[{}]}"#,
        "close",
    ];
    for chunk in 1..=body.len() {
        assert_eq!(scan(body, chunk).unwrap(), expected, "in chunks of {chunk}");
    }
}

#[test]
fn a_long_run_of_backslashes_is_understood() {
    for slashes in 0..9 {
        let body = format!(r#"{{"items":["{}",1]}}"#, "\\\\".repeat(slashes));
        for chunk in 1..=body.len() {
            let found = scan(&body, chunk).unwrap();
            assert_eq!(found.len(), 5, "{body} in chunks of {chunk}");
        }
    }
}

#[test]
fn what_is_no_object_or_no_array_is_said_so() {
    for body in ["[1]", "line1\n", " \"x\"", "}", "\u{e9}", "\u{ff01}"] {
        assert_eq!(scan(body, 1).unwrap(), ["NotAnObject"], "{body}");
    }
    for value in ["{}", "\"s\"", "1", "x"] {
        let body = format!(r#"{{"items": {value}}}"#);
        assert_eq!(scan(&body, 1).unwrap(), ["key \"items\"", "NotAnArray"]);
    }
    // What it is, is seen at its end.
    for value in ["null", "nul", "nulls"] {
        let body = format!(r#"{{"items": {value}}}"#);
        let value = format!("no items {value}");
        assert_eq!(scan(&body, 1).unwrap(), ["key \"items\"", &value, "close"]);
    }
}

#[test]
fn a_byte_in_the_wrong_place_is_a_fault() {
    for (body, at) in [
        ("{,}", 1),
        ("{]", 1),
        ("{a:1}", 1),
        (r#"{"a" 1}"#, 5),
        (r#"{"a":}"#, 5),
        (r#"{"a":,"b":1}"#, 5),
        (r#"{"a":1,}"#, 7),
        (r#"{"a":1 2}"#, 7),
        (r#"{"a":1]"#, 6),
        (r#"{"a":1"b":2}"#, 6),
        (r#"{"items":[,]}"#, 10),
        (r#"{"items":[1,]}"#, 12),
        (r#"{"items":[1 2]}"#, 12),
        (r#"{"items":[1}"#, 11),
        (r#"{"items":[}"#, 10),
        (r#"{"items":}"#, 9),
        (r#"{"items":[]]"#, 11),
        (r#"{"items":[]}}"#, 12),
        (r#"{"items":[]}x"#, 12),
    ] {
        assert_eq!(scan(body, 1000).unwrap_err().at, at, "{body}");
        assert_eq!(scan(body, 1).unwrap_err().at, at, "{body} byte by byte");
    }
    assert!(scan("\u{feff}{}", 1).is_err());
}

#[test]
fn a_body_that_stops_early_is_unfinished() {
    let body = r#"{"a":{"b":["c"]},"items":[{"d":1},2]}"#;
    for end in 1..body.len() {
        let start = body.get(..end).unwrap();
        let found = scan(start, 1000).unwrap();
        assert_eq!(
            found.last().map(String::as_str),
            Some("unfinished"),
            "{start}"
        );
    }
}
