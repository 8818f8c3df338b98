//! Headers that name somebody, choose a way, or mean something to a proxy.

use super::{Arms, Attack, OTHER, Outcome};

/// Lines that ask to be somebody (`kubectl --as`), which this cluster lets nobody.
const IMPERSONATIONS: [(&[&str], Outcome); 17] = [
    (&["Impersonate-User: system:admin"], Outcome::Asked),
    (&["impersonate-user: admin"], Outcome::Asked),
    (&["iMpErSoNaTe-UsEr: admin"], Outcome::Asked),
    (&["Impersonate-User: mallory"], Outcome::Asked),
    (
        &[
            "Impersonate-User: mallory",
            "Impersonate-Group: system:masters",
        ],
        Outcome::Asked,
    ),
    (
        &["Impersonate-User: admin", "X-Remote-User: admin"],
        Outcome::Asked,
    ),
    (
        &["Impersonate-User: mallory", "Impersonate-User: admin"],
        Outcome::Refused,
    ),
    (&["Impersonate-User:"], Outcome::Refused),
    (
        &["Impersonate-User:", "Impersonate-User: admin"],
        Outcome::Refused,
    ),
    (&["Impersonate-Group: system:masters"], Outcome::Refused),
    (
        &["Impersonate-Group: team, system:masters"],
        Outcome::Refused,
    ),
    (&["Impersonate-Uid: 0"], Outcome::Refused),
    (&["Impersonate-Extra-Scopes: all"], Outcome::Refused),
    (&["Impersonate-Extra-: x"], Outcome::Refused),
    (&["Impersonate-: x"], Outcome::Refused),
    (
        &["Impersonate-User: admin", "Impersonate-: x"],
        Outcome::Refused,
    ),
    (&["Impersonate-User: admin\u{a0}"], Outcome::Refused),
];

/// Lines that claim to be somebody. Whatever becomes of them, the request is the caller's.
const CLAIMS: [&str; 16] = [
    "X-Remote-User: admin",
    "X-Remote-Group: system:masters",
    "X-Remote-Extra-Scopes: all",
    "X-Remote-Uid: 0",
    "X-Forwarded-User: admin",
    "X-Forwarded-Email: admin@example.com",
    "X-Forwarded-Client-Cert: By=spiffe://x;Subject=\"CN=system:admin,O=system:masters\"",
    "X-KubeSphere-Authorization: Basic YWRtaW46QWRtaW4xMjM0NTY=",
    "X-KubeSphere-Rawquery: impersonate=admin",
    "Proxy-Authorization: Basic YWRtaW46QWRtaW4xMjM0NTY=",
    "X-Webauth-User: admin",
    "Remote-User: admin",
    "Front-Proxy-User: admin",
    "X-Original-User: admin",
    "Forwarded: for=127.0.0.1;by=admin;host=kubernetes",
    "Cookie: Authorization=Bearer+x.y.z",
];

/// Lines that Envoy, the filter or a server behind them may take for an instruction.
const INSTRUCTIONS: [&str; 31] = [
    "X-Cubegate-Class: stream",
    "X-Cubegate-Pass: 0000000000000000",
    "X-Cubegate-Exchange: basic",
    "X-CUBEGATE-ANYTHING: x",
    "X-Envoy-Original-Path: /api/v1/secrets",
    "X-Envoy-Original-Host: kubernetes",
    "X-Envoy-Max-Retries: 100",
    "X-Envoy-Retry-On: 5xx",
    "X-Envoy-Upstream-Rq-Timeout-Ms: 1",
    "X-Envoy-Upstream-Alt-Stat-Name: x",
    "X-Envoy-Force-Trace: 1",
    "X-Envoy-Internal: true",
    "X-Envoy-External-Address: 127.0.0.1",
    "X-Envoy-Decorator-Operation: x",
    "X-Envoy-Ip-Tags: trusted",
    "X-Envoy-Hedge-On-Per-Try-Timeout: true",
    "X-Forwarded-For: 127.0.0.1, 10.0.0.1",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: kubernetes",
    "X-Forwarded-Uri: /api/v1/secrets",
    "X-Original-Url: /api/v1/secrets",
    "X-Rewrite-Url: /api/v1/secrets",
    "X-Http-Method-Override: DELETE",
    "X-Http-Method: DELETE",
    "X-Request-Id: ../../../etc/passwd",
    "Audit-Id: ../../../etc/passwd",
    "Range: bytes=0-0",
    "If-None-Match: *",
    "Expect: 100-continue",
    "Accept: application/json;as=Table;v=v1;g=meta.k8s.io, */*;q=999999999999999999999",
    "Accept-Encoding: gzip;q=nan, identity;q=-1, \u{fffd}",
];

/// Names in `Connection`, each beside `Impersonate-User: admin`. Envoy obeys it (RFC 9110
/// 7.6.1) before anybody sees the request: what is named there was never meant to go further
/// than to it.
const CONNECTION: [(&str, Outcome); 7] = [
    ("Connection: Impersonate-User", Outcome::Passes),
    (
        "Connection: impersonate-user, impersonate-group",
        Outcome::Passes,
    ),
    ("Connection: close, Authorization", Outcome::Refused),
    (
        "Connection: X-Cubegate-Cluster, X-Cubegate-Class",
        Outcome::Asked,
    ),
    ("Connection: te, Host", Outcome::Refused),
    (
        "Connection: keep-alive, Impersonate-Group, Audit-Id",
        Outcome::Asked,
    ),
    ("Connection: :path", Outcome::Refused),
];

pub(super) fn rows(arms: &Arms) -> Vec<Attack> {
    const PODS: &str = "/api/v1/namespaces/a/pods";
    // So that a table of refusals is not one of a gateway that refuses everything.
    let mut rows = vec![Attack::new(
        "nothing odd",
        arms.get(PODS, &[]),
        Outcome::Passes,
    )];
    for line in CLAIMS.iter().chain(&INSTRUCTIONS) {
        let request = arms.get(PODS, &[line.as_bytes()]);
        rows.push(Attack::new(*line, request, Outcome::Harmless));
    }
    for (line, outcome) in CONNECTION {
        let lines: [&[u8]; 2] = [line.as_bytes(), b"Impersonate-User: admin"];
        rows.push(Attack::new(line, arms.get(PODS, &lines), outcome));
    }
    for (lines, outcome) in IMPERSONATIONS {
        let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        let name = String::from_utf8_lossy(&lines.join(&b"; "[..])).into_owned();
        rows.push(Attack::new(name, arms.get(PODS, &lines), outcome));
    }
    let everything: Vec<&[u8]> = CLAIMS.iter().map(|line| line.as_bytes()).collect();
    let request = arms.get(PODS, &everything);
    rows.push(Attack::new(
        "all claims at once",
        request,
        Outcome::Harmless,
    ));

    // The way to another cluster, and past the filter.
    for name in [
        "X-Cubegate-Cluster",
        "x-cubegate-cluster",
        "X-Cubegate-cLuStEr",
    ] {
        for to in [
            format!("cluster/{OTHER}"),
            format!("cluster/{OTHER}.h1"),
            OTHER.to_owned(),
            "xds".to_owned(),
            "control-plane".to_owned(),
        ] {
            let line = format!("{name}: {to}");
            let request = arms.get(PODS, &[line.as_bytes()]);
            rows.push(Attack::new(line, request, Outcome::Harmless));
        }
    }
    let spellings: [(&str, &[u8]); 8] = [
        ("a name with an underscore", b"Impersonate_User: admin"),
        ("a blank before the colon", b"Impersonate-User : admin"),
        ("a tab before the colon", b"Impersonate-User\t: admin"),
        ("a folded line", b"X-A: b\r\n Impersonate-User: admin"),
        ("a lone line feed", b"X-A: b\nImpersonate-User: admin"),
        ("a lone carriage return", b"X-A: b\rImpersonate-User: admin"),
        ("a NUL in a value", b"X-A: b\0Impersonate-User: admin"),
        ("a name that is no token", b"Impersonate User: admin"),
    ];
    for (name, line) in spellings {
        rows.push(Attack::new(
            name,
            arms.get(PODS, &[line]),
            Outcome::Harmless,
        ));
    }
    rows.extend(sizes(arms));
    rows
}

/// Heads that are too large or too many.
fn sizes(arms: &Arms) -> Vec<Attack> {
    let long = format!("X-Long: {}", "a".repeat(300 << 10));
    let names: Vec<String> = (0..2_000).map(|n| format!("X-{n}: x")).collect();
    let names: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
    let groups: Vec<String> = (0..90)
        .map(|n| format!("Impersonate-Group: g{n}"))
        .collect();
    let mut groups: Vec<&[u8]> = groups.iter().map(String::as_bytes).collect();
    groups.push(b"Impersonate-User: admin");
    let cookies = format!("Cookie: {}", "a=b; ".repeat(5_000));
    let protocols = format!("Sec-WebSocket-Protocol: {}", "p,".repeat(8_000));
    let path = "/version";
    vec![
        Attack::new(
            "a header of 300 KiB",
            arms.get(path, &[long.as_bytes()]),
            Outcome::Refused,
        ),
        Attack::new("2,000 headers", arms.get(path, &names), Outcome::Refused),
        Attack::new("90 groups", arms.get(path, &groups), Outcome::Refused),
        Attack::new(
            "5,000 cookies",
            arms.get(path, &[cookies.as_bytes()]),
            Outcome::Harmless,
        ),
        Attack::new(
            "8,000 sub-protocols",
            arms.get(path, &[protocols.as_bytes()]),
            Outcome::Harmless,
        ),
    ]
}
