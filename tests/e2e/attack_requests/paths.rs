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

/// The path of an application behind the cluster's API server.
const APPLICATION: &str = "/api/v1/namespaces/a/services/s/proxy";

/// Ways out of it, in the part of the path that is the application's own.
const CLIMBING: [(&str, Outcome); 20] = [
    ("/..", Outcome::Refused),
    ("/.", Outcome::Refused),
    ("//../../secrets", Outcome::Refused),
    ("/%2e%2e", Outcome::Refused),
    ("/%2E./secrets", Outcome::Refused),
    ("/..%2f..%2f..%2fsecrets", Outcome::Refused),
    ("/%2e%2e%2f%2e%2e%2fsecrets", Outcome::Refused),
    ("/a%2f..%2f..%2fsecrets", Outcome::Refused),
    ("/a%2F%2e", Outcome::Refused),
    ("/..\\secrets", Outcome::Refused),
    ("/a%00", Outcome::Refused),
    ("/a%0d%0aImpersonate-User:%20admin", Outcome::Refused),
    ("/a#/../../secrets", Outcome::Refused),
    // Decoded once they are names, which is as often as anybody on the way decodes.
    ("/%252e%252e%252fsecrets", Outcome::Passes),
    ("/..;/..;/secrets", Outcome::Passes),
    ("/%c0%ae%c0%ae/secrets", Outcome::Passes),
    ("/%2F%2Fevil.example", Outcome::Passes),
    ("//evil.example", Outcome::Passes),
    ("/a%5c..%5csecrets", Outcome::Passes),
    ("/clusters/other/api/v1/secrets", Outcome::Passes),
];

/// Places that look like an application's, where no path is anybody's own.
const NO_APPLICATIONS: [&str; 8] = [
    "/api/v1/namespaces/a/services/s/%70roxy/..%2f..%2fsecrets",
    "/api/v1/namespaces/a/services/s/proxy%2f..%2fsecrets",
    "/api/v1/namespaces/a/services%2fs/proxy/x",
    "/api/v1/namespaces/a/services/../s/proxy/x",
    "/api/v1/namespaces/a/secrets/s/proxy/a%2fb",
    "/apis/example.org/v1/namespaces/a/services/s/proxy/a%2fb",
    "/api/v1/proxy/namespaces/a/services/s/a%2fb",
    "/api/v2/namespaces/a/services/s/proxy/a%2fb",
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
    for (path, outcome) in CLIMBING {
        for prefix in ["/clusters/", "/api/v1/cube/proxy/clusters/"] {
            let target = format!("{prefix}{CLUSTER}{APPLICATION}{path}");
            let request = arms.request("GET", &target, &[]);
            rows.push(Attack::new(target, request, outcome));
        }
    }
    for path in NO_APPLICATIONS {
        let target = format!("/clusters/{CLUSTER}{path}");
        let request = arms.request("GET", &target, &[]);
        rows.push(Attack::new(target, request, Outcome::Refused));
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
