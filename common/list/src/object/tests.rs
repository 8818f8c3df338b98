use super::*;
use crate::path::KeyPath;

/// What the reader says about an object that arrives in pieces of this size:
/// its length, or that it is not sure, or that it is not all there.
fn read(bytes: &[u8], piece: usize) -> Result<Option<usize>, Unsure> {
    let fields = FieldSet::new();
    let mut reader = ObjectReader::new();
    reader.begin(&fields);
    let mut kept = 0;
    while kept < bytes.len() {
        let (before, rest) = bytes.split_at(kept);
        let arrived = &rest[..rest.len().min(piece)];
        if let Some(len) = reader.advance(Pieces::new(before, arrived), &fields)? {
            return Ok(Some(len));
        }
        kept += arrived.len();
    }
    Ok(None)
}

/// The reader's word on an object, which has to be that of the judge, wherever the
/// object lies in its blocks and however it arrives.
#[track_caller]
fn check(object: &str) {
    for padding in 0..=66 {
        // `{"pad…":[],"o":OBJECT}`, and more of a list behind it.
        let text = format!("{{\"{}\":[],\"o\":{object}}}", "p".repeat(padding));
        let valid = crate::strict::check(text.as_bytes()).is_ok();
        let followed = format!("{text},{{\"\\ud800\":tru\n\"]");
        for piece in [1, 7, 63, 64, 65, 1000] {
            let said = read(followed.as_bytes(), piece);
            if valid {
                assert_eq!(said, Ok(Some(text.len())), "{text} by {piece}");
            } else {
                assert_ne!(said, Ok(Some(text.len())), "{text} by {piece}");
            }
        }
    }
}

#[test]
fn valid_objects_are_read_to_their_end() {
    for object in [
        "{}",
        "[]",
        "\"\"",
        "0",
        "null",
        r#"{"a":1,"b":[true,false,null,-1.5e3,"x"],"c":{"d":{},"e":[[],{}]}}"#,
        " { \"a\" : [ 1 , 2 ] ,\n\t\"b\" :\r\n{ } } ",
        r#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00 {[:,]}""#,
        r#"["\\","\\\"","\\\\","é{","日本"]"#,
        r#"[[[[[[{"a":[[{"b":{}}]]}]]]]]]"#,
        r#"{"a":"b","a":"c"}"#,
        r#"{"":{"":""}}"#,
    ] {
        check(object);
    }
}

#[test]
fn what_is_no_json_is_not_read() {
    for object in [
        "",
        "{",
        "}",
        "{,}",
        "{1}",
        "{1:2}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1,2}",
        "{\"a\":1,\"b\"}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1:2}",
        "{\"a\",\"b\":1}",
        "{\"a\":1}}",
        "{{}}",
        "{[]}",
        "{\"a\":{]}",
        "[1,]",
        "[,1]",
        "[1,,2]",
        "[1 2]",
        "[1:2]",
        "[\"a\":1]",
        "[1,\"a\":1]",
        "[}",
        "{]",
        "[{]}",
        "[]]",
        "[[]",
        "]",
        ":",
        ",",
        "\"a\" \"b\"",
        "\"a\"\"b\"",
        "1 2",
        "true false",
        "{}{}",
        "[][]",
        "{}[]",
        "\"a\"1",
        "1\"a\"",
        "tru",
        "nulll",
        "01",
        "1.",
        "-",
        "+1",
        ".5",
        "1e",
        "1e999",
        "\\\"a\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\ud800x\"",
        "\"\\ud800\\n\"",
        "\"\\ud800\\\"\"",
        "\"\\ud800\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"\\\\ud800\\udc00\"",
        "\"a\nb\"",
        "\"a\tb\"",
        "\"\u{0}\"",
        "\u{c}",
        "1\u{a0}",
        "\u{feff}1",
        "{\"a\":\u{b}1}",
        "'a'",
        "{a:1}",
        "// c\n1",
        "{\"a\"::1}",
        "{:1}",
        "[{},]",
        "{\"a\":[],}",
        "{\"a\":{},\"b\":}",
        "{\"a\":\"b\",}",
        "{\"a\":\"b\":\"c\"}",
        "{\"a\":[\"b\":1]}",
        "{\"a\":1,[]}",
        "{\"a\":1,{}}",
        "{\"a\":1,[]:2}",
        "{\"a\" :1, }",
        "[1 ,\n]",
        "[ , ]",
        "{ , }",
        "{ \"a\" }",
        "{ \"a\" , }",
        "[\"a\" :1]",
        "{\"a\": }",
        "[true\nfalse]",
    ] {
        check(object);
    }
}

#[test]
fn what_is_odd_but_json_is_read() {
    for object in [
        "1e999",
        "\"\\ud800\"",
        "\"\\ud800x\"",
        "\"\\udc00\"",
        "\"\\ud800\\ud800\"",
        "{\"\\ud800\":1}",
    ] {
        check(object);
    }
    for bad in [
        &b"\xff"[..],
        b"\xc3",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xc0\x80",
        b"\x80",
    ] {
        for padding in 0..=66 {
            let text = [b"{\"a\":\"", "p".repeat(padding).as_bytes(), bad, b"\"}"].concat();
            assert_eq!(read(&text, 1), Ok(Some(text.len())));
            assert_eq!(read(&text, 1000), Ok(Some(text.len())));
            let text = [b"{\"a\":", " ".repeat(padding).as_bytes(), bad, b"}"].concat();
            assert_eq!(read(&text, 1), Err(Unsure));
            assert_eq!(read(&text, 1000), Err(Unsure));
        }
    }
}

#[test]
fn an_object_may_be_of_any_depth() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":[],\"b\":", "}]")] {
        let levels = open.matches(['[', '{']).count() - open.matches(']').count();
        for depth in [
            1_usize, 30, 61, 62, 63, 64, 120, 123, 124, 125, 126, 127, 128, 129, 140, 192, 200,
            1000,
        ] {
            let count = depth / levels;
            for padding in [0, 1, 31, 63] {
                let pad = " ".repeat(padding);
                let inner = format!("{}{pad}{{}}{}", open.repeat(count), close.repeat(count));
                let object = format!("{{\"o\":{inner},\"p\":[{{}},1]}}");
                for piece in [1, 64, 10_000] {
                    assert_eq!(
                        read(object.as_bytes(), piece),
                        Ok(Some(object.len())),
                        "{object}"
                    );
                }
                // One bracket of another kind, at any depth.
                for at in [0, count / 2, count.saturating_sub(1)] {
                    if count == 0 {
                        continue;
                    }
                    let mut closing = vec![close; count];
                    let wrong =
                        close.replace(['}', ']'], if close.ends_with(']') { "}" } else { "]" });
                    closing[at] = &wrong;
                    let object = format!(
                        "{{\"o\":{}{pad}{{}}{}}}",
                        open.repeat(count),
                        closing.concat()
                    );
                    for piece in [1, 64, 10_000] {
                        assert_eq!(read(object.as_bytes(), piece), Err(Unsure), "{object}");
                    }
                }
            }
        }
    }
}

#[test]
fn an_array_is_read_as_an_object_is() {
    let fields = FieldSet::new();
    let mut reader = ObjectReader::new();
    for (array, len) in [
        ("[]", Some(2)),
        ("[[1],{\"a\":[2]}] ", Some(15)),
        ("[1", None),
    ] {
        reader.begin(&fields);
        let said = reader.advance(Pieces::from(array.as_bytes()), &fields);
        assert_eq!(said, Ok(len), "{array}");
    }
}

/// Reads an object that arrives in pieces of this size; what is found has to be what
/// `serde_json` finds.
#[track_caller]
fn find(reader: &mut ObjectReader, fields: &FieldSet, text: &str, piece: usize) {
    reader.begin(fields);
    let mut kept = 0;
    let len = loop {
        let (before, rest) = text.as_bytes().split_at(kept);
        let arrived = &rest[..rest.len().min(piece)];
        let object = Pieces::new(before, arrived);
        if let Some(len) = reader.advance(object, fields).unwrap() {
            break len;
        }
        kept += arrived.len();
    };
    assert_eq!(len, text.len());
    let mut places = Places::default();
    fields.take(text.as_bytes(), &mut places);
    let values = |places: &Places| {
        let found = crate::fields::Found::new(text.as_bytes(), places);
        let values = fields.all().map(|field| found.raw(field).to_vec());
        values.collect::<Vec<_>>()
    };
    assert_eq!(
        values(reader.places()),
        values(&places),
        "{text} by {piece}"
    );
}

#[test]
fn names_of_every_length_are_found() {
    let mut reader = ObjectReader::new();
    for len in [0, 1, 2, 17, 59, 60, 61, 62, 63, 64, 127, 128, 129, 300, 700] {
        let name = "n".repeat(len);
        let mut fields = FieldSet::new();
        let id = fields.add(&KeyPath::parse(&format!("o.{name}")));
        let escaped = name.replacen('n', "\\u006e", 1);
        for padding in 0..=66 {
            let pad = "p".repeat(padding);
            for key in [
                format!("\"{name}\":"),
                format!("\"{name}\" \t :"),
                format!("\"{escaped}\":"),
            ] {
                let text = format!(
                    r#"{{"{pad}":0,"o":{{"{name}n":1,"\"{name}":2,{key}7,"m{name}":"{name}","":{{}}}}}}"#
                );
                for piece in [1, 64, 200, 10_000] {
                    find(&mut reader, &fields, &text, piece);
                    let found = crate::fields::Found::new(text.as_bytes(), reader.places());
                    let value = if len == 0 { "" } else { "7" };
                    assert_eq!(found.value(id).into_text(), value, "{text}");
                }
            }
        }
    }
}

#[test]
fn fields_are_found_wherever_they_lie() {
    let paths = [
        "metadata.name",
        "metadata.labels.a.b",
        "spec.containers.image",
        "status",
        "x.y",
    ];
    let mut fields = FieldSet::new();
    let ids: Vec<_> = paths
        .iter()
        .map(|path| fields.add(&KeyPath::parse(path)))
        .collect();
    let mut reader = ObjectReader::new();
    for padding in 0..=130 {
        let pad = "p".repeat(padding);
        let text = format!(
            r#"{{"{pad}":{{"metadata":{{"name":"no"}},"x":[{{"y":1}}]}}, "metadata" :{{"labels":{{"a":{{}},"a.b":"v{pad}"}},"n\u0061me" : "{pad}" }},"spec":{{"containers":[{{"image":"i"}},{{"image":"j"}}]}},"status":{{"{pad}":[]}},"x":{{"y":{{}},"y":7}}}}"#
        );
        for piece in [1, 64, 1000] {
            find(&mut reader, &fields, &text, piece);
            let found = crate::fields::Found::new(text.as_bytes(), reader.places());
            let values = ids
                .iter()
                .map(|id| found.value(*id).into_text().into_owned());
            let values: Vec<_> = values.collect();
            assert_eq!(
                values,
                [
                    pad.clone(),
                    format!("v{pad}"),
                    "i".into(),
                    String::new(),
                    "7".into()
                ]
            );
        }
    }
}
