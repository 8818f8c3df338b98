//! Queries and lists that make as much work as they may.

/// A query, and the list that it is asked of.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) raw_query: String,
    pub(crate) body: Vec<u8>,
}

/// What HTTP/2 brings at once.
pub(crate) const CHUNK: usize = 16 * 1024;

/// As large as an object may be in etcd.
const LARGE: usize = 3 << 19;

fn case(name: &'static str, raw_query: String, items: &[String]) -> Case {
    let body = format!("{{\"items\":[{}]}}", items.join(",")).into_bytes();
    Case {
        name,
        raw_query,
        body,
    }
}

/// So many parts, each with its number, put together.
fn parts(count: usize, separator: &str, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect::<Vec<_>>().join(separator)
}

/// An item of about this size.
fn large(size: usize, element: &str) -> String {
    let elements = vec![element; size / (element.len() + 1)];
    format!("{{\"a\":[{}]}}", elements.join(","))
}

/// As much as there may be of each kind.
pub(crate) fn cases() -> Vec<Case> {
    let empty = vec!["{}".to_owned(); 20_000];
    let small = vec!["{\"a\":1}".to_owned(); 10_000];
    let arrays = vec![large(1000, "1"); 64];
    let objects = vec![large(1000, "{}"); 64];
    let texts = vec![format!("{{\"a\":\"{}\"}}", "xy".repeat(2000)); 16];
    let falling: Vec<String> = (0..10_000)
        .rev()
        .map(|n| format!("{{\"metadata\":{{\"name\":\"n{n:05}\"}},\"a\":[{n},2]}}"))
        .collect();
    let nested = format!("{}1{}", "{\"a\":".repeat(60), "}".repeat(60));
    let again = format!("{{{}}}", vec!["\"a\":1"; 2_600].join(","));
    let escaped = format!("{{{}}}", vec!["\"\\u0061\":1"; 1_400].join(","));
    let deep = format!(
        "{{\"b\":{}{}}}",
        "[".repeat(LARGE / 2),
        "]".repeat(LARGE / 2)
    );
    let object = format!("{{\"x\":[{{\"z\":\"{}\"}}],\"y\":1}}", "x".repeat(300));
    let large_objects = large(LARGE, &object);
    let members = parts(LARGE / 16, ",", |n| format!("\"k{n:08}\":\"v\""));
    let members = format!("{{\"data\":{{{members}}}}}");
    let path = |n: usize, steps: usize| format!("{}n{n}", "a.".repeat(steps));
    let missing = parts(64, ",", |n| format!("a{n}~"));
    let absent = parts(64, ",", |n| format!("!{}", path(n, 60)));
    let holds = parts(64, ",", |n| format!("a[]!~z{n}"));
    let quantities = parts(64, ",", |n| format!("a[]:quantity!={n}m"));
    let versions = parts(64, ",", |n| format!("a[]:semver!=1.0.{n}"));
    let named = parts(64, ",", |n| format!("a[].x{n}!=1"));
    let values = parts(256, "|", |n| format!("v{n}"));
    let many = parts(256, ",", |n| format!("v{n}"));
    let keys = ["-a[]:quantity,a[]:string,-a[]:number"; 2].join(",") + ",a[]:ip,-a[]:semver";
    let fields = parts(64, ",", |n| format!("a[].x{n}"));
    let steps = parts(64, ",", |n| path(n, 60));
    vec![
        case(
            "conditions on nothing",
            format!("selector={missing}&filter={absent}"),
            &empty,
        ),
        case("long paths", format!("filter={absent}"), &small),
        case(
            "long paths into a nested item",
            format!("filter={absent}"),
            &vec![format!("{{\"a\":{nested}}}"); 300],
        ),
        case(
            "a member again and again",
            format!("filter={absent}"),
            &[again.clone(), again],
        ),
        case(
            "escaped names",
            format!("selector={missing}&filter={absent}"),
            &[escaped.clone(), escaped],
        ),
        case(
            "values to choose from",
            format!("selector=a={values}&filter=a%20notin({many})"),
            &small,
        ),
        case(
            "parts of texts",
            format!("filter={}", parts(64, ",", |n| format!("a!~z{n}"))),
            &texts,
        ),
        case("parts of elements", format!("filter={holds}"), &arrays),
        case(
            "elements as quantities",
            format!("filter={quantities}"),
            &arrays,
        ),
        case(
            "elements as versions",
            format!("filter={versions}"),
            &vec![large(1000, "\"v1.2.3-rc.1\""); 64],
        ),
        case("members of elements", format!("filter={named}"), &objects),
        case(
            "one large array",
            format!("filter={holds}"),
            &[large(LARGE, "1")],
        ),
        case(
            "one condition on a large array",
            "filter=a[]=2".to_owned(),
            &[large(LARGE, "1")],
        ),
        case(
            "one condition on a large array of objects",
            "filter=a[].y=2".to_owned(),
            std::slice::from_ref(&large_objects),
        ),
        case(
            "one field of a large array of objects",
            "fields=a[].y".to_owned(),
            &[large_objects],
        ),
        case(
            "one condition on large texts",
            "filter=a[]~z".to_owned(),
            &[large(
                LARGE,
                "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"",
            )],
        ),
        case(
            "sort keys",
            format!("sort={keys}&pageSize=100000"),
            &falling,
        ),
        case(
            "sort keys of a large array",
            format!("sort={keys}"),
            &[large(LARGE, "1")],
        ),
        case(
            "everything, the last one first",
            "pageSize=100000".to_owned(),
            &falling,
        ),
        case(
            "everything of nothing",
            "pageSize=100000".to_owned(),
            &empty,
        ),
        case(
            "fields of elements",
            format!("fields={fields}&pageSize=100000"),
            &objects,
        ),
        case(
            "fields of a large array",
            format!("fields={fields}"),
            &[large(LARGE, "{}")],
        ),
        case(
            "fields of a large object",
            format!("fields={}", parts(64, ",", |n| format!("data.x{n}"))),
            &[members],
        ),
        case(
            "one field of a large array",
            "fields=a[].x".to_owned(),
            &[large(LARGE, "{\"x\":1}")],
        ),
        case(
            "fields of small items",
            format!("fields={steps}&pageSize=100000"),
            &small,
        ),
        case(
            "fields of nested items",
            format!("fields={steps}&pageSize=100000"),
            &vec![format!("{{\"a\":{nested}}}"); 300],
        ),
        case(
            "what is stripped of elements",
            format!("strip={fields}&pageSize=100000"),
            &objects,
        ),
        case(
            "what is stripped of a large array",
            format!("strip={fields}"),
            &[large(LARGE, "{}")],
        ),
        case(
            "what is stripped of nested items",
            format!("strip={steps}&pageSize=100000"),
            &vec![format!("{{\"a\":{nested}}}"); 300],
        ),
        case(
            "an item of brackets",
            format!("filter={holds}&fields={fields}"),
            &[deep],
        ),
        case(
            "a large item that is no JSON",
            String::new(),
            &[large(LARGE, "1").replace("]}", ",]}")],
        ),
    ]
}
