//! Paths and queries that two parsers could read in two ways, or that cost much.

use super::{Arms, Attack, CLUSTER, OTHER, Outcome};

/// Ways out of the cluster, or into another one.
const AMBIGUOUS: [&str; 26] = [
    "/../{other}/api/v1/secrets",
    "/api/../../{other}/api/v1/secrets",
    "/%2e%2e/{other}/api/v1/secrets",
    "/%2E%2E/{other}/api/v1/secrets",
    "/.%2e/{other}/api/v1/secrets",
    "/%2e./{other}/version",
    "/..%2f{other}/version",
    "/..%5c{other}/version",
    "/..\\{other}/version",
    "/%252e%252e/../{other}/version",
    "/./version",
    "/api/v1/./pods",
    "/api/v1/namespaces/a%2fpods",
    "/api/v1/namespaces%2Fa/pods",
    "/api/v1/namespaces/a/pods/%2e%2e/%2e%2e/%2e%2e/secrets",
    "/api/v1/namespaces/a/pods%00",
    "/api/v1/namespaces/a/pods%0d%0aImpersonate-User:%20admin",
    "/api/v1/namespaces/a/pods%0aX",
    "/api/v1/namespaces/a/pods#/../../secrets",
    "/api/v1/namespaces/a\\..\\b/pods",
    "/api/v1/namespaces/%c0%af../pods/..",
    "/api/v1/namespaces/a/pods/..",
    "/api/v1/namespaces/a/pods/.",
    "/..",
    "/.",
    "/%2e",
];

/// Queries that ask for much, or for what cannot be.
const QUERIES: [&str; 22] = [
    "pageSize=-1",
    "pageSize=9223372036854775807&pageNum=9223372036854775807",
    "pageSize=99999999999999999999999&pageNum=-5",
    "pageSize=0&pageNum=0",
    "pageSize=1e9",
    "selector=%00",
    "selector=%ff%fe=%80",
    "selector===,~~,=,~",
    "selector=a|b|c|d=e|f",
    "sortName=%00&sortFunc=%00&sortOrder=%00",
    "sortName=metadata..name",
    "sort=-a:b:c:d,,,",
    "filter=((((((((((((((((((((",
    "filter=a%20in%20(",
    "filter=a%3C%3D%3D%3E%3D1",
    "filter=a=1%7C%7C%7C%7Cb=2",
    "fields=a[],a[][],[].[]",
    "fields=__proto__,constructor.prototype",
    "strip=metadata",
    "count=only&count=only&count=none",
    "isFilter=true&isFilter=false&isFilter=%00",
    "%&%2&%zz=%&=&&&?#",
];

pub(super) fn rows(arms: &Arms) -> Vec<Attack> {
    let mut rows = Vec::new();
    for path in AMBIGUOUS {
        for prefix in ["/clusters/", "/api/v1/cube/proxy/clusters/"] {
            let target = format!("{prefix}{CLUSTER}{}", path.replace("{other}", OTHER));
            let request = arms.request("GET", &target, &[]);
            rows.push(Attack::new(target, request, Outcome::Refused));
        }
    }
    for query in QUERIES {
        let target = format!("/api/v1/cube/proxy/clusters/{CLUSTER}/api/v1/pods?{query}");
        let request = arms.request("GET", &target, &[]);
        rows.push(Attack::new(target, request, Outcome::Harmless));
    }
    for (name, query) in expensive() {
        let target = format!("/api/v1/cube/proxy/clusters/{CLUSTER}/api/v1/pods?{query}");
        rows.push(Attack::new(
            name,
            arms.request("GET", &target, &[]),
            Outcome::Refused,
        ));
    }
    rows.extend(targets(arms));
    rows
}

/// More of a parameter than anybody needs. A head of 60 KiB fits in Envoy.
fn expensive() -> Vec<(&'static str, String)> {
    let many = |part: &str, n: usize| vec![part; n].join(",");
    vec![
        (
            "10,000 conditions of selector",
            format!("selector={}", many("a~", 10_000)),
        ),
        (
            "10,000 values of selector",
            format!("selector=a={}", vec!["b"; 10_000].join("|")),
        ),
        (
            "5,000 conditions of filter",
            format!("filter={}", many("a=b", 5_000)),
        ),
        ("5,000 fields", format!("fields={}", many("a.b", 5_000))),
        ("5,000 keys of sort", format!("sort={}", many("a.b", 5_000))),
        (
            "a path of 20,000 steps",
            format!("filter={}=1", vec!["a"; 20_000].join(".")),
        ),
        (
            "a path of 10,000 arrays",
            format!("fields=a{}", "[]".repeat(10_000)),
        ),
    ]
}

/// Request targets that are no path, and roots that are nobody's.
fn targets(arms: &Arms) -> Vec<Attack> {
    let refused = [
        "http://169.254.169.254/latest/meta-data/",
        "//169.254.169.254/latest/meta-data/",
        "/clusters/169.254.169.254/latest/meta-data/",
        "/clusters/open@evil/version",
        "/clusters/OPEN/version",
        "/clusters/open%00/version",
        "/clusters/open%20/version",
        "/clusters/cluster%2Fother/version",
        "/clusters/xds/version",
        "/clusters/control-plane/version",
        "/clusters/open/quitquitquit",
        "/clusters/open/config_dump",
        "/clusters/open/stats",
        "/api/v1/cube/proxy/clusters/open/quitquitquit",
        "/api/v1/cube/proxy/clusters/open/latest/meta-data/",
        "*",
    ];
    let mut rows: Vec<Attack> = refused
        .into_iter()
        .map(|target| {
            let request = arms.request("GET", target, &[]);
            Attack::new(format!("target {target}"), request, Outcome::Refused)
        })
        .collect();
    for (method, target) in [
        ("CONNECT", "169.254.169.254:80"),
        ("CONNECT", "/clusters/open/version"),
        ("TRACE", "/clusters/open/version"),
        ("TRACK", "/clusters/open/version"),
        ("PRI", "*"),
        ("get", "/clusters/open/version"),
        ("DEBUG", "/clusters/open/version"),
    ] {
        let request = arms.request(method, target, &[]);
        let outcome = match method {
            "CONNECT" | "PRI" => Outcome::Refused,
            _ => Outcome::Harmless,
        };
        rows.push(Attack::new(format!("{method} {target}"), request, outcome));
    }
    rows
}
