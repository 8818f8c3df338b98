//! What holds for all paths.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use cubegate_token::Ed25519Signer;
use futures::{StreamExt as _, stream};
use serde_json::Value;
use tokio::time::timeout;

use super::TestApp;
use crate::router::MAX_BODY_BYTES;
use crate::{DEFAULT_TOKEN_LIFETIME, Document, Issuer};

#[tokio::test]
async fn a_slash_too_many_is_redirected_before_anybody_is_asked_for_a_token() {
    let app = TestApp::new().await;
    for (method, path, code, location) in [
        (
            "GET",
            "/api/v1/cube/key/token/?accessKey=a&secretKey=b",
            301,
            "/api/v1/cube/key/token?accessKey=a&secretKey=b",
        ),
        (
            "GET",
            "/api/v1/cube/key/create/",
            301,
            "/api/v1/cube/key/create",
        ),
        ("POST", "/api/v1/cube/login/", 307, "/api/v1/cube/login"),
        (
            "DELETE",
            "/api/v1/cube/key/?accessKey=a",
            307,
            "/api/v1/cube/key?accessKey=a",
        ),
        (
            "DELETE",
            "/api/v1/cube/clusters/a%25b/",
            307,
            "/api/v1/cube/clusters/a%25b",
        ),
    ] {
        let answer = app.send_in_vain(method, path, &[], "").await;
        assert_eq!(answer.status.as_u16(), code, "{method} {path}");
        assert_eq!(answer.header("location"), location);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.body.is_empty(), code == 307);
    }
    let quoted = app
        .send("GET", "/api/v1/cube/key/?a='&b=%3C", &[], "")
        .await;
    assert_eq!(
        quoted.body,
        "<a href=\"/api/v1/cube/key?a=&#39;&amp;b=%3C\">Moved Permanently</a>.\n\n"
    );
    // Another method than the path has is no near miss.
    app.send("GET", "/api/v1/cube/login/", &[], "")
        .await
        .assert_refused(401, "Authenticate failed.");
}

#[tokio::test]
async fn what_no_handler_reads_of_a_body_is_dropped_before_the_answer() {
    let app = TestApp::new().await;
    for (path, expect, code, reads) in [
        ("/api/v1/cube/key/create", "", 401, 5),
        ("/api/v1/cube/nothing", "", 401, 5),
        ("/api/v1/cube/login", "", 400, 5),
        // A client that waits for the answer sends nothing.
        ("/api/v1/cube/nothing", "100-continue", 401, 0),
    ] {
        let read = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&read);
        let chunks = stream::iter(0..5).map(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Infallible>("a chunk")
        });
        let mut headers = vec![("authorization", "Bearer x".to_owned())];
        if !expect.is_empty() {
            headers.push(("expect", expect.to_owned()));
        }
        let body = Body::from_stream(chunks);
        let answer = app.send_in_vain("POST", path, &headers, body).await;
        assert_eq!(answer.status, code, "{path}");
        assert_eq!(read.load(Ordering::Relaxed), reads, "{path}");
    }
}

#[tokio::test]
async fn a_body_that_does_not_end_holds_no_answer_up_for_long() {
    let app = TestApp::new().await;
    let body = Body::from_stream(stream::pending::<Result<&str, Infallible>>());
    let send = app.send_in_vain("POST", "/api/v1/cube/nothing", &[], body);
    let answer = timeout(Duration::from_secs(20), send).await.unwrap();
    assert_eq!(answer.status, 401);
    let body = Body::from_stream(stream::repeat_with(|| Ok::<_, Infallible>("a chunk")));
    let send = app.send_in_vain("POST", "/api/v1/cube/nothing", &[], body);
    let answer = timeout(Duration::from_secs(20), send).await.unwrap();
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_in_the_documented_shape() {
    let app = TestApp::new().await;
    let admin = [app.bearer("admin").await];
    for path in [
        "/api/v1/cube/login",
        "/api/v1/cube/key/token",
        "/api/v1/cube/clusters",
    ] {
        let answer = app
            .send_in_vain("POST", path, &admin, "x".repeat(MAX_BODY_BYTES + 1))
            .await;
        answer.assert_refused(413, "Body larger than 1 MiB.");
        let answer = app
            .send_in_vain("POST", path, &admin, "x".repeat(MAX_BODY_BYTES))
            .await;
        assert_eq!(answer.status, 400, "{path}");
    }
    let unread = app
        .send_in_vain(
            "POST",
            "/api/v1/cube/clusters",
            &[],
            "x".repeat(MAX_BODY_BYTES + 1),
        )
        .await;
    unread.assert_refused(401, "Authenticate failed.");
}

#[tokio::test]
async fn the_machinery_is_answered_without_a_token() {
    let app = TestApp::new().await;
    for path in ["/healthz", "/readyz"] {
        let answer = app.send("GET", path, &[], "").await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.as_str()),
            (200, "ok"),
            "{path}"
        );
    }
    let root = app.send("GET", "/", &[], "").await;
    assert_eq!(root.status, 303);
    assert_eq!(root.header("location"), "/console/");
    assert_eq!(root.body.lines().count(), 1);
}

#[tokio::test]
async fn a_database_that_is_away_is_a_server_error_without_details() {
    let app = TestApp::new().await;
    let bearer = app.bearer("jeff").await;
    app.state.store.close().await;
    app.send("GET", "/readyz", &[], "")
        .await
        .assert_refused(503, "server error.");
    app.send("GET", "/api/v1/cube/key", &[bearer], "")
        .await
        .assert_refused(500, "server error.");
    assert_eq!(app.send("GET", "/healthz", &[], "").await.status, 200);
}

#[tokio::test]
async fn who_is_not_ready_says_what_comes_near_its_limit() {
    let document = |bytes, left_out| Document {
        name: "cubegate-sessions".to_owned(),
        bytes,
        limit: 1_000,
        left_out,
    };
    let documents = tokio::sync::watch::Sender::new(vec![document(749, 0)]);
    let signer = Ed25519Signer::generate("cubegate");
    let issuer = Issuer::ed25519(signer, DEFAULT_TOKEN_LIFETIME).unwrap();
    let app = TestApp::with(issuer, |state| {
        state.documents = documents.subscribe();
    })
    .await;
    assert_eq!(app.send("GET", "/readyz", &[], "").await.body, "ok");
    let verbose = app.send("GET", "/readyz?verbose", &[], "").await;
    let expected = "[+]database\n[+]cubegate-sessions: 749 of 1000 bytes\nok\n";
    assert_eq!(
        (verbose.status.as_u16(), verbose.body.as_str()),
        (200, expected)
    );
    for (bytes, left_out) in [(750, 0), (1_000, 7)] {
        documents.send_replace(vec![document(bytes, left_out)]);
        app.send("GET", "/readyz", &[], "").await.assert_refused(
            503,
            &format!("cubegate-sessions has {bytes} of 1000 bytes, and {left_out} entries found no room; look in the log for who has so many sessions or clusters"),
        );
        assert_eq!(app.send("GET", "/livez", &[], "").await.status, 200);
    }
}

#[tokio::test]
async fn the_version_is_told_in_kubespheres_words() {
    let app = TestApp::new().await;
    for path in ["/kapis/version", "/kapis/version/", "/version"] {
        let answer = app.send("GET", path, &[], "").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "application/json");
        let version: Value = serde_json::from_str(&answer.body).unwrap();
        let fields: Vec<_> = version.as_object().unwrap().keys().cloned().collect();
        let documented = [
            "buildDate",
            "compiler",
            "gitCommit",
            "gitMajor",
            "gitMinor",
            "gitTreeState",
            "gitVersion",
            "goVersion",
            "platform",
        ];
        assert_eq!(fields, documented);
        assert_eq!(
            version["gitVersion"],
            concat!("v", env!("CARGO_PKG_VERSION"))
        );
    }
}

#[tokio::test]
async fn paths_of_nobody_are_a_plain_404_for_everybody() {
    let app = TestApp::new().await;
    let jeff = app.bearer("jeff").await;
    let bad = ("authorization", "Bearer bad".to_owned());
    for headers in [vec![], vec![jeff], vec![bad]] {
        for (method, path) in [
            ("POST", "/kapis/iam.kubesphere.io/v1alpha2/login"),
            ("GET", "/kapis"),
            ("GET", "/kapis/"),
            ("GET", "/nothing"),
            ("GET", "/clusters/member-1"),
            ("PUT", "/api/v1/cubes"),
            ("GET", "/cubegates"),
        ] {
            let answer = app.send_in_vain(method, path, &headers, "{}").await;
            assert_eq!(
                (answer.status.as_u16(), answer.body.as_str()),
                (404, "404 page not found\n"),
                "{method} {path}"
            );
            assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
        }
    }
}

#[tokio::test]
async fn a_method_that_a_path_has_not_is_405_but_for_kubecube() {
    let app = TestApp::new().await;
    for path in [
        "/healthz",
        "/kapis/version",
        "/oauth/token",
        "/openapi.json",
    ] {
        let answer = app.send_in_vain("PUT", path, &[], "").await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.as_str()),
            (405, "405: Method Not Allowed"),
            "{path}"
        );
    }
    let path = "/api/v1/cube/login";
    app.send_in_vain("PUT", path, &[], "")
        .await
        .assert_refused(401, "Authenticate failed.");
    let jeff = [app.bearer("jeff").await];
    let answer = app.send_in_vain("PUT", path, &jeff, "").await;
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_str()),
        (404, "404 page not found")
    );
}

#[tokio::test]
async fn a_nul_character_is_refused_in_the_shape_of_the_path() {
    const SENTENCE: &str = "A text must not hold a NUL character.";
    let app = TestApp::new().await;
    let admin = [app.bearer("admin").await];
    for (method, path, body) in [
        (
            "GET",
            "/api/v1/cube/key/token?accessKey=a%00&secretKey=b",
            "",
        ),
        ("DELETE", "/api/v1/cube/key?accessKey=%00", ""),
        ("GET", "/api/v1/cube/user/kubeconfigs?user=a%00b", ""),
        ("GET", "/api/v1/cube/user/valid/a%00b", ""),
        ("DELETE", "/api/v1/cube/clusters/%00", ""),
        (
            "POST",
            "/api/v1/cube/login",
            r#"{"name":"a\u0000b","password":"Admin123456","loginType":"normal"}"#,
        ),
        (
            "POST",
            "/api/v1/cube/key/token",
            r#"{"accessKey":"\u0000","secretKey":"b"}"#,
        ),
        (
            "POST",
            "/api/v1/cube/user/",
            r#"{"metadata":{"name":"jane"},"spec":{"password":"Admin123456","displayName":"\u0000"}}"#,
        ),
    ] {
        let answer = app.send_in_vain(method, path, &admin, body).await;
        answer.assert_refused(400, SENTENCE);
    }
    let form = [(
        "content-type",
        "application/x-www-form-urlencoded".to_owned(),
    )];
    let body = "grant_type=password&username=a%00b&password=x";
    for (path, body) in [("/oauth/token", body), ("/oauth/token?a=%00", "")] {
        let answer = app.send_in_vain("POST", path, &form, body).await;
        answer.assert_oauth_error(400, "invalid_request", SENTENCE);
    }
}
