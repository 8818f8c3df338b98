//! Fields of items, found at every byte of a block and under every spelling.

use cubegate_list::ListRequest;

use crate::check::{Cuts, check_with};
use crate::judge::Verdict;
use crate::reference::Parameters;

/// A key longer than a block, with what would end one if it were not quoted.
const LONG_KEY: &str =
    "a-key-that-is-longer-than-one-block-of-the-scanner-so-it-lies-in-two-or-three/{[:,]}";
/// One without what splits a path or a selector.
const LONG_NAME: &str = "aKeyThatIsLongerThanOneBlockOfTheScannerSoItLiesInTwoOrEvenThreeOfThem";

/// Members that hold `spec.key`, or seem to, around the one that counts.
const DECOYS: [[&str; 2]; 8] = [
    ["", ""],
    ["\"spec\":{\"key\":\"early\"},", ""],
    ["", ",\"spek\":{\"key\":\"late\"}"],
    [
        "\"x\":{\"spec\":{\"key\":\"deep\"}},",
        ",\"y\":[{\"spec\":{\"key\":\"deep\"}}]",
    ],
    [
        "\"t\":\"\\\"spec\\\":{\\\"key\\\":1}\",",
        ",\"u\":\"},{\\\"spec\\\":\"",
    ],
    ["\"spec.key\":\"joined\",", ""],
    [
        "\"key\":\"top\",\"Spec\":{\"key\":1},",
        ",\"specs\":{\"key\":2}",
    ],
    ["\"spec\":null,\"spec\":[],\"sp\\u0065c\":{\"kez\":0},", ""],
];

/// How the key itself may be written.
const KEYS: [&str; 4] = ["key", "k\\u0065y", "\\u006b\\u0065\\u0079", "ke\\u0079"];

/// Values as `serde_json` spells them, since the reference sees only trees.
const VALUES: [&str; 18] = [
    "\"web\"",
    "\"WEB\"",
    "\"w\\u0065b\"",
    "\"we\\\"b\\\\\"",
    "\"\\ud83d\\ude00\"",
    "\"\"",
    "null",
    "true",
    "false",
    "0",
    "-17",
    "1.5",
    "18446744073709551615",
    "[\"web\",1]",
    "[[\"web\"],{\"key\":\"web\"}]",
    "[]",
    "{\"key\":\"web\"}",
    "{}",
];

fn parameters(selector: Option<&str>, name: &str, order: &str, func: &str) -> Parameters {
    Parameters {
        selector: selector.map(str::to_owned),
        page_size: Some("100000".to_owned()),
        page_num: None,
        sort_name: Some(name.to_owned()),
        sort_order: Some(order.to_owned()),
        sort_func: Some(func.to_owned()),
    }
}

/// Runs a list through the engine and the reference, and says how many items matched.
fn matching(items: &[String], parameters: &Parameters, sizes: &[usize]) -> u64 {
    let escaped =
        |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02x}")).collect() };
    let pairs = [
        ("selector", &parameters.selector),
        ("pageSize", &parameters.page_size),
        ("sortName", &parameters.sort_name),
        ("sortOrder", &parameters.sort_order),
        ("sortFunc", &parameters.sort_func),
    ];
    let pairs: Vec<String> = pairs
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", escaped(value.as_deref()?))))
        .collect();
    let query = ListRequest::parse(&pairs.join("&")).query.unwrap();
    let body = format!("{{\"items\":[{}]}}", items.join(","));
    match check_with(&query, parameters, body.as_bytes(), Cuts::Sizes(sizes)) {
        Verdict::Page(page) => {
            let page: serde_json::Value = serde_json::from_slice(&page).unwrap();
            page["total"].as_u64().unwrap()
        }
        other => panic!("{other:?}"),
    }
}

/// One item for each number of bytes before its field.
fn at_every_offset(item: impl Fn(&str) -> String) -> Vec<String> {
    (0..=130).map(|length| item(&"p".repeat(length))).collect()
}

#[test]
fn a_field_is_found_at_every_offset_and_in_every_spelling() {
    const SELECTORS: [&str; 3] = ["spec.key=web", "spec.key~e", "spec.key=,spec.key~"];
    for (turn, [before, after]) in DECOYS.into_iter().enumerate() {
        for (number, value) in VALUES.into_iter().enumerate() {
            let key = KEYS[(number + turn) % KEYS.len()];
            let selector = SELECTORS[(number + turn) % SELECTORS.len()];
            let items = at_every_offset(|pad| {
                format!("{{\"p\":\"{pad}\",{before}\"spec\":{{\"{key}\":{value}}}{after}}}")
            });
            let parameters = parameters(Some(selector), "p", "desc", "string");
            matching(&items, &parameters, &[64]);
        }
    }
}

#[test]
fn a_list_is_sorted_by_a_field_wherever_it_stands() {
    const ORDERS: [[&str; 2]; 4] = [
        ["asc", "string"],
        ["desc", "string"],
        ["asc", "number"],
        ["desc", "time"],
    ];
    for (turn, [before, after]) in DECOYS.into_iter().enumerate() {
        for (key, [order, func]) in KEYS.into_iter().zip(ORDERS) {
            let items: Vec<String> = (0..=130)
                .map(|length| {
                    let value = VALUES[(length * 7 + turn) % VALUES.len()];
                    let pad = "p".repeat(length);
                    format!("{{\"p\":\"{pad}\",{before}\"spec\" : {{\"{key}\":{value}}}{after}}}")
                })
                .collect();
            let parameters = parameters(None, "spec.key", order, func);
            assert_eq!(matching(&items, &parameters, &[65]), 131);
        }
    }
}

#[test]
fn every_kind_of_value_is_found_under_a_long_key() {
    for value in VALUES {
        let items = at_every_offset(|pad| {
            format!(
                "{{\"p\":\"{pad}\",\"{LONG_NAME}\":{{\"{LONG_NAME}\":{value}}},\"{LONG_NAME}x\":1}}"
            )
        });
        let path = format!("{LONG_NAME}.{LONG_NAME}");
        matching(
            &items,
            &parameters(Some(&format!("{path}=web")), &path, "asc", "string"),
            &[1, 64],
        );
        let cut_off = &path[..path.len() - 1];
        let found = matching(
            &items,
            &parameters(Some(&format!("{cut_off}=")), cut_off, "asc", "number"),
            &[63],
        );
        assert_eq!(found, 131, "the key but for its last letter is another one");
    }
}

#[test]
fn a_label_is_found_whatever_its_key_holds() {
    let items = at_every_offset(|pad| {
        format!(
            "{{\"metadata\":{{\"annotations\":{{\"{pad}\":\"\",\"{LONG_KEY}\":\"web\"}},\"name\":\"n{}\"}}}}",
            pad.len()
        )
    });
    // The comma of the key would split the selector, so it is only sorted by.
    let path = format!("metadata.annotations.{LONG_KEY}");
    assert_eq!(
        matching(
            &items,
            &parameters(None, &path, "desc", "string"),
            &[1, 63, 64, 65]
        ),
        131
    );
    for key in ["app.kubernetes.io/name", "a\\\"b", "\\u00e9\\ud83d\\ude00"] {
        let items = at_every_offset(|pad| {
            format!("{{\"metadata\":{{\"labels\":{{\"{pad}\":\"\",\"{key}\":\"web\"}}}}}}")
        });
        let name: String = serde_json::from_str(&format!("\"{key}\"")).unwrap();
        let selector = format!("metadata.labels.{name}=web");
        assert_eq!(
            matching(&items, &parameters(Some(&selector), "", "", ""), &[1, 64]),
            131
        );
    }
}

#[test]
fn of_members_with_the_same_name_the_last_one_counts() {
    let members = [
        "\"a\":{\"b\":1}",
        "\"\\u0061\":{\"c\":2}",
        "\"a\":null",
        "\"a\":[{\"b\":1}]",
        "\"a.b\":1",
        "\"a\":\"b\"",
    ];
    let mut items = Vec::new();
    for first in members {
        for second in members {
            for gap in [0, 31, 60, 64] {
                let gap = " ".repeat(gap);
                items.push(format!("{{{first},{gap}{second}}}"));
                items.push(format!("{{\"a\":{{{first}{gap},{second}}},{first}}}"));
            }
        }
    }
    for selector in [
        "a.b=1",
        "a.c=2",
        "a=b",
        "a=",
        "a.b=",
        "a.a.b=1",
        "a.a=",
        "a.a.b~",
        "a.b=1,a.c=",
    ] {
        let found = matching(
            &items,
            &parameters(Some(selector), "a.b", "asc", "string"),
            &[1, 64],
        );
        assert!(
            (1..=items.len() as u64).contains(&found),
            "{selector} finds {found}"
        );
    }
}

#[test]
fn an_item_that_is_no_object_has_no_fields() {
    let mut items: Vec<String> = VALUES.iter().map(|value| (*value).to_owned()).collect();
    items.push("[{\"key\":\"web\"}]".to_owned());
    // `{"key":"web"}` itself is an item too.
    assert_eq!(
        matching(
            &items,
            &parameters(Some("key=web"), "key", "desc", "string"),
            &[1]
        ),
        1
    );
    let without = items.len() as u64 - 1;
    assert_eq!(
        matching(&items, &parameters(Some("key="), "", "", ""), &[1]),
        without
    );
}
