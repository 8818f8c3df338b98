//! Who the caller is, by any token.

use std::time::Duration;

use cubegate_domain::KeyAttributes;
use cubegate_token::KeyScope;
use serde_json::{Value, json};

use super::TestApp;

const WHOAMI: &str = "/api/v1/cube/whoami";

impl TestApp {
    async fn whoami(&self, header: (&str, String)) -> Value {
        let answer = self.send_in_vain("GET", WHOAMI, &[header], "").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }
}

#[tokio::test]
async fn a_token_of_no_session_says_whose_it_is_and_when_it_ends() {
    let app = TestApp::new().await;
    let expected = json!({
        "name": "admin", "displayName": "ADMIN", "administrator": true,
        "groups": ["kubecube", "cubegate:admins"], "expiresAt": "2023-11-14T23:13:20Z",
    });
    assert_eq!(app.whoami(app.bearer("admin").await).await, expected);
    let jeff = app.whoami(app.bearer("jeff").await).await;
    assert_eq!(jeff["administrator"], json!(false));
}

#[tokio::test]
async fn the_session_of_a_cookie_lasts_its_longest_time_however_often_it_is_renewed() {
    let app = TestApp::new().await;
    let body = json!({ "name": "jeff", "password": "jeffPass123", "loginType": "normal" });
    let login = app
        .send("POST", "/api/v1/cube/login", &[], body.to_string())
        .await;
    let cookie = |header: &str| header.split_once(';').unwrap().0.to_owned();
    let first = cookie(login.header("set-cookie"));
    app.pass(600);
    let headers = [("cookie", first)];
    let answer = app.send("GET", WHOAMI, &headers, "").await;
    let said = answer.json();
    assert_eq!(said["expiresAt"], json!("2023-11-14T23:13:20Z"));
    let session = &said["session"];
    let listed = app
        .send("GET", "/api/v1/cube/user/jeff/sessions", &headers, "")
        .await;
    for field in ["id", "beganAt", "endsAt"] {
        assert_eq!(session[field], listed.json()["items"][0][field], "{field}");
    }
    assert_eq!(session["endsAt"], json!("2023-11-15T10:13:20Z"));
    // It slides as with every other answer.
    let renewed = app
        .whoami(("cookie", cookie(answer.header("set-cookie"))))
        .await;
    assert_eq!(renewed["expiresAt"], json!("2023-11-14T23:23:20Z"));
    assert_eq!(&renewed["session"], session);
}

#[tokio::test]
async fn a_session_of_kubespheres_login_ends_unless_it_is_refreshed() {
    let app = TestApp::new().await;
    let form = "grant_type=password&username=jeff&password=jeffPass123";
    let kind = "application/x-www-form-urlencoded".to_owned();
    let answer = app
        .send("POST", "/oauth/token", &[("content-type", kind)], form)
        .await;
    let answer: Value = serde_json::from_str(&answer.body).unwrap();
    let token = answer["access_token"].as_str().unwrap();
    let said = app
        .whoami(("authorization", format!("Bearer {token}")))
        .await;
    assert_eq!(said["session"]["beganAt"], json!("2023-11-14T22:13:20Z"));
    assert_eq!(said["session"]["endsAt"], json!("2023-11-15T02:13:20Z"));
}

#[tokio::test]
async fn a_bounded_keys_token_is_told_who_it_is_until_it_ends() {
    let app = TestApp::new().await;
    let now = app.state.clock.now();
    let attributes = KeyAttributes {
        expires_at: Some(now + Duration::from_mins(10)),
        scope: KeyScope {
            clusters: vec!["a".to_owned()],
            verbs: vec!["list".to_owned()],
            ..KeyScope::default()
        },
        ..KeyAttributes::default()
    };
    let store = &app.state.store;
    let pair = store.create_key_with("jeff", attributes, now).await;
    let key = store.get_key(&pair.unwrap().access_key).await.unwrap();
    let user = store.get_user("jeff").await.unwrap().unwrap();
    let issuer = &app.state.issuer;
    let token = issuer.issue_from_key(&user, &key.unwrap(), now).unwrap();
    let header = ("authorization", format!("Bearer {}", token.token));
    let said = app.whoami(header.clone()).await;
    assert_eq!(said["expiresAt"], json!("2023-11-14T22:23:20Z"));
    assert!(said.get("session").is_none(), "{said}");
    app.pass(631);
    app.send_in_vain("GET", WHOAMI, &[header], "")
        .await
        .assert_refused(401, "Token invalid.");
}

#[tokio::test]
async fn nobody_is_told_nothing() {
    let app = TestApp::new().await;
    app.send("GET", WHOAMI, &[], "")
        .await
        .assert_refused(401, "Authenticate failed.");
    let locked = app.bearer("locked").await;
    app.send("GET", WHOAMI, &[locked], "")
        .await
        .assert_refused(401, "Token invalid.");
    let jeff = app.bearer("jeff").await;
    let answer = app
        .send("GET", "/api/v1/cube/whoami?user=a", &[jeff], "")
        .await;
    assert_eq!(answer.status, 400, "{}", answer.body);
}
