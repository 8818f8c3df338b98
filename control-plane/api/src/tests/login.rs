use cubegate_token::Ed25519Signer;
use serde_json::json;

use super::TestApp;
use crate::{DEFAULT_TOKEN_LIFETIME, Issuer};

const LOGIN: &str = "/api/v1/cube/login";

fn body(name: &str, password: &str) -> String {
    json!({ "name": name, "password": password, "loginType": "normal" }).to_string()
}

#[tokio::test]
async fn a_login_gives_the_user_and_a_cookie_that_works() {
    let app = TestApp::new().await;
    app.pass(60);
    let headers = [("x-envoy-external-address", "203.0.113.9".to_owned())];
    let answer = app
        .send("POST", LOGIN, &headers, body("jeff", "jeffPass123"))
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({
            "kind": "User",
            "apiVersion": "user.kubecube.io/v1",
            "metadata": { "name": "jeff", "resourceVersion": "2", "creationTimestamp": null },
            "spec": { "displayName": "jeff", "loginType": "normal", "state": "normal" },
            "status": { "lastLoginTime": "2023-11-14T22:14:20Z", "lastLoginIP": "203.0.113.9" }
        })
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    let (cookie, attributes) = answer.header("set-cookie").split_once("; ").unwrap();
    assert_eq!(
        attributes,
        "Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"
    );

    let with_cookie = [("cookie", cookie.to_owned())];
    assert_eq!(
        app.send("GET", "/api/v1/cube/key", &with_cookie, "")
            .await
            .status,
        200
    );
    let user = app.state.store.get_user("jeff").await.unwrap().unwrap();
    assert_eq!(user.last_login_ip.as_deref(), Some("203.0.113.9"));
    assert_eq!(user.last_login_at, Some(app.state.clock.now()));
}

#[tokio::test]
async fn over_plain_http_the_cookie_is_not_secure() {
    let issuer =
        Issuer::ed25519(Ed25519Signer::generate("cubegate"), DEFAULT_TOKEN_LIFETIME).unwrap();
    let app = TestApp::with(issuer, |state| state.plain_http = true).await;
    let answer = app
        .send("POST", LOGIN, &[], body("jeff", "jeffPass123"))
        .await;
    assert!(
        answer
            .header("set-cookie")
            .ends_with("; HttpOnly; SameSite=Lax")
    );
}

#[tokio::test]
async fn what_is_checked_first_is_answered_first() {
    let app = TestApp::new().await;
    let missing = "Param name or password or login type is missing.";
    let cases = [
        (String::new(), 400, "Body format invalid."),
        (
            "name=jeff&password=jeffPass123&loginType=normal".to_owned(),
            400,
            "Body format invalid.",
        ),
        (
            r#"{"name":["jeff"]}"#.to_owned(),
            400,
            "Body format invalid.",
        ),
        ("null".to_owned(), 400, missing),
        ("{}".to_owned(), 400, missing),
        (body("", "jeffPass123"), 400, missing),
        (body("jeff", ""), 400, missing),
        (body("locked", "wrong"), 401, "Authenticate failed."),
        (body("locked", "lockedPass1"), 400, "User is disabled."),
        (body("zed", "jeffPass123"), 401, "Authenticate failed."),
        (body("Jeff", "jeffPass123"), 401, "Authenticate failed."),
        (body("jeff", "jeffPass123 "), 401, "Authenticate failed."),
        (
            body("jeff", "jeffPass123").replace("normal", "ldap"),
            401,
            "Authenticate failed.",
        ),
        (
            body("jeff", "jeffPass123").replace("normal", "Normal"),
            401,
            "Authenticate failed.",
        ),
    ];
    for (body, code, message) in cases {
        let answer = app.send_in_vain("POST", LOGIN, &[], body).await;
        answer.assert_refused(code, message);
        assert_eq!(answer.header("set-cookie"), "");
    }
}

#[tokio::test]
async fn names_of_fields_match_ignoring_case() {
    let app = TestApp::new().await;
    let body = r#"{"NAME":"jeff","Password":"jeffPass123","logintype":"normal","more":{}}"#;
    assert_eq!(app.send("POST", LOGIN, &[], body).await.status, 200);
}
