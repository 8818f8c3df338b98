//! Bodies that end elsewhere than they say, hide a second request, or cost much to read.

use super::{Arms, Attack, CLUSTER, Outcome};

pub(super) fn rows(arms: &Arms) -> Vec<Attack> {
    let mut rows = smuggled(arms);
    rows.extend(documents(arms));
    rows.extend(of_http_1_0(arms));
    rows
}

/// Two lengths, or one that two servers read differently. What stands behind a body is
/// a request without a credential, which must never be taken for the caller's.
fn smuggled(arms: &Arms) -> Vec<Attack> {
    let hidden = format!(
        "DELETE /clusters/{CLUSTER}/api/v1/namespaces/a HTTP/1.1\r\nHost: x\r\nImpersonate-User: admin\r\n\r\n"
    );
    let chunked = format!("0\r\n\r\n{hidden}");
    let framings: [(&str, &[&str], &str, Outcome); 21] = [
        (
            "both lengths",
            &["Content-Length: 6", "Transfer-Encoding: chunked"],
            &chunked,
            Outcome::Harmless,
        ),
        (
            "both lengths, the other way round",
            &["Transfer-Encoding: chunked", "Content-Length: 6"],
            &chunked,
            Outcome::Harmless,
        ),
        (
            "two lengths",
            &["Content-Length: 0", "Content-Length: 90"],
            &hidden,
            Outcome::Refused,
        ),
        (
            "two lengths in one",
            &["Content-Length: 0, 90"],
            &hidden,
            Outcome::Refused,
        ),
        (
            "a negative length",
            &["Content-Length: -1"],
            &hidden,
            Outcome::Refused,
        ),
        (
            "a length with a sign",
            &["Content-Length: +5"],
            &hidden,
            Outcome::Refused,
        ),
        (
            "a length in hex",
            &["Content-Length: 0x10"],
            &hidden,
            Outcome::Refused,
        ),
        (
            "a length beyond 64 bits",
            &["Content-Length: 99999999999999999999999"],
            &hidden,
            Outcome::Refused,
        ),
        (
            "a length with blanks in it",
            &["Content-Length: 1 0"],
            &hidden,
            Outcome::Refused,
        ),
        (
            "an unknown coding",
            &["Transfer-Encoding: xchunked"],
            &chunked,
            Outcome::Refused,
        ),
        (
            "two codings",
            &["Transfer-Encoding: gzip, chunked"],
            &chunked,
            Outcome::Refused,
        ),
        (
            "chunked twice",
            &["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
            &chunked,
            Outcome::Refused,
        ),
        (
            "identity and chunked",
            &["Transfer-Encoding: identity", "Transfer-Encoding: chunked"],
            &chunked,
            Outcome::Refused,
        ),
        (
            "chunked behind a vertical tab",
            &["Transfer-Encoding: \x0bchunked"],
            &chunked,
            Outcome::Refused,
        ),
        (
            "chunked in odd case",
            &["Transfer-Encoding: cHuNkEd"],
            &chunked,
            Outcome::Harmless,
        ),
        (
            "a blank before the colon",
            &["Transfer-Encoding : chunked"],
            &chunked,
            Outcome::Refused,
        ),
        (
            "a folded coding",
            &["Transfer-Encoding:\r\n chunked"],
            &chunked,
            Outcome::Harmless,
        ),
        (
            "a chunk that is no number",
            &["Transfer-Encoding: chunked"],
            "zz\r\nabc\r\n0\r\n\r\n",
            Outcome::Harmless,
        ),
        (
            "a chunk beyond 64 bits",
            &["Transfer-Encoding: chunked"],
            "ffffffffffffffffff\r\na\r\n0\r\n\r\n",
            Outcome::Harmless,
        ),
        (
            "a negative chunk",
            &["Transfer-Encoding: chunked"],
            "-1\r\na\r\n0\r\n\r\n",
            Outcome::Harmless,
        ),
        (
            "a trailer that names somebody",
            &["Transfer-Encoding: chunked", "Trailer: Impersonate-User"],
            "1\r\na\r\n0\r\nImpersonate-User: admin\r\nX-Cubegate-Cluster: cluster/other\r\n\r\n",
            Outcome::Harmless,
        ),
    ];
    let target = format!("/clusters/{CLUSTER}/api/v1/namespaces/a/pods");
    framings
        .into_iter()
        .map(|(name, lines, body, outcome)| {
            let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
            let mut request = arms.request("POST", &target, &lines);
            request.extend_from_slice(body.as_bytes());
            Attack::new(format!("body: {name}"), request, outcome)
        })
        .chain([
            Attack::new(
                "a GET with a request in its body",
                with_body(
                    arms.get("/api/v1/pods", &[length(hidden.len()).as_bytes()]),
                    &hidden,
                ),
                Outcome::Harmless,
            ),
            Attack::new(
                "a second request behind the first",
                with_body(arms.get("/api/v1/pods", &[]), &hidden),
                Outcome::Harmless,
            ),
            Attack::new(
                "an upgrade to HTTP/2 in clear",
                arms.get(
                    "/api/v1/pods",
                    &[b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"],
                ),
                Outcome::Harmless,
            ),
            Attack::new(
                "an upgrade to something unknown",
                arms.get("/api/v1/pods", &[b"Upgrade: tcp"]),
                Outcome::Harmless,
            ),
            Attack::new(
                "a chunk extension of 1 MiB",
                with_body(
                    arms.request("POST", &target, &[b"Transfer-Encoding: chunked"]),
                    &format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(1 << 20)),
                ),
                Outcome::Harmless,
            ),
        ])
        .collect()
}

/// HTTP/1.0 knows no chunks, so that a server before Envoy may see another end of the body.
fn of_http_1_0(arms: &Arms) -> Vec<Attack> {
    let hidden =
        format!("DELETE /clusters/{CLUSTER}/api/v1/namespaces/a HTTP/1.0\r\nHost: x\r\n\r\n");
    let chunked = format!("0\r\n\r\n{hidden}");
    let rows: [(&str, &[&str], &str, Outcome); 8] = [
        (
            "chunks",
            &["Transfer-Encoding: chunked"],
            &chunked,
            Outcome::Refused,
        ),
        (
            "both lengths",
            &["Content-Length: 5", "Transfer-Encoding: chunked"],
            &chunked,
            Outcome::Refused,
        ),
        (
            "both lengths of a connection that is kept",
            &[
                "Connection: keep-alive",
                "Transfer-Encoding: chunked",
                "Content-Length: 5",
            ],
            &chunked,
            Outcome::Refused,
        ),
        (
            "two lengths",
            &["Content-Length: 0", "Content-Length: 90"],
            &hidden,
            Outcome::Refused,
        ),
        ("no length", &[], &hidden, Outcome::Harmless),
        (
            "a request behind it",
            &["Connection: keep-alive"],
            &hidden,
            Outcome::Harmless,
        ),
        (
            "a request behind a body",
            &["Connection: keep-alive", "Content-Length: 2"],
            &format!("{{}}{hidden}"),
            Outcome::Harmless,
        ),
        (
            "an upgrade",
            &["Upgrade: websocket", "Connection: Upgrade"],
            "",
            Outcome::Harmless,
        ),
    ];
    let target = format!("/clusters/{CLUSTER}/api/v1/namespaces/a/pods");
    let attack = |(name, lines, body, outcome): (&str, &[&str], &str, Outcome)| {
        let mut request = format!(
            "POST {target} HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer {}\r\n",
            arms.token
        );
        for line in lines {
            request.push_str(line);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        request.push_str(body);
        Attack::new(format!("HTTP/1.0: {name}"), request, outcome)
    };
    rows.into_iter().map(attack).collect()
}

/// What the control plane's own API reads.
fn documents(arms: &Arms) -> Vec<Attack> {
    let login = "/api/v1/cube/login";
    let token = "/api/v1/cube/key/token";
    let oauth = "/oauth/token";
    let json = "Content-Type: application/json";
    let form = "Content-Type: application/x-www-form-urlencoded";
    let many = format!("grant_type=password&{}", "a=b&".repeat(20_000));
    let rows: [(&str, &str, &str, Vec<u8>); 17] = [
        ("nothing", login, json, Vec::new()),
        ("no JSON", login, json, b"{".to_vec()),
        ("an array", login, json, b"[]".to_vec()),
        ("null", login, json, b"null".to_vec()),
        ("arrays 100,000 deep", login, json, vec![b'['; 100_000]),
        ("objects 50,000 deep", login, json, br#"{"name":"#.repeat(50_000)),
        ("bytes that are no UTF-8", login, json, b"{\"name\":\"\xff\xfe\",\"password\":\"x\",\"loginType\":\"normal\"}".to_vec()),
        ("a NUL in a name", login, json, br#"{"name":"a\u0000b","password":"x","loginType":"normal"}"#.to_vec()),
        ("a lone surrogate", login, json, br#"{"name":"\ud800","password":"x","loginType":"normal"}"#.to_vec()),
        ("a name of 1 MiB", login, json, format!(r#"{{"name":"{}","password":"x","loginType":"normal"}}"#, "a".repeat(1 << 20)).into_bytes()),
        ("the same field twice", login, json, br#"{"name":"admin","name":"mallory","password":"x","loginType":"normal"}"#.to_vec()),
        ("wrong types", login, json, br#"{"name":{"$ne":null},"password":{"$gt":""},"loginType":["normal"]}"#.to_vec()),
        ("SQL in a key", token, json, br#"{"accessKey":"' OR 1=1 --","secretKey":"' OR '1'='1"}"#.to_vec()),
        ("a key that is an array", token, json, br#"{"accessKey":["a"],"secretKey":["b"]}"#.to_vec()),
        ("20,000 fields", oauth, form, many.into_bytes()),
        ("odd escapes", oauth, form, b"grant_type=%zz%&username=%00&password=%ff".to_vec()),
        ("a second grant type", oauth, form, b"grant_type=refresh_token&grant_type=password&username=admin&password=x&refresh_token=x".to_vec()),
    ];
    rows.into_iter()
        .map(|(name, path, content, body)| {
            let lines: [&[u8]; 2] = [content.as_bytes(), &length(body.len()).into_bytes()];
            let mut request = arms.anonymous("POST", path, &lines);
            request.extend_from_slice(&body);
            Attack::new(format!("{path}: {name}"), request, Outcome::Refused)
        })
        .collect()
}

fn length(bytes: usize) -> String {
    format!("Content-Length: {bytes}")
}

fn with_body(mut request: Vec<u8>, body: &str) -> Vec<u8> {
    request.extend_from_slice(body.as_bytes());
    request
}
