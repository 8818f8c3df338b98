//! Too many tries, over both APIs.

use std::sync::Arc;

use cubegate_token::Ed25519Signer;
use serde_json::json;

use super::{Answer, TestApp, mk_pair};
use crate::{DEFAULT_TOKEN_LIFETIME, Issuer, Throttle, ThrottleSettings};

const LOGIN: &str = "/api/v1/cube/login";
const TOKEN: &str = "/oauth/token";

async fn mk_app(settings: ThrottleSettings) -> TestApp {
    let issuer =
        Issuer::ed25519(Ed25519Signer::generate("cubegate"), DEFAULT_TOKEN_LIFETIME).unwrap();
    TestApp::with(issuer, |state| {
        state.throttle = Arc::new(Throttle::new(&settings));
    })
    .await
}

fn settings() -> ThrottleSettings {
    ThrottleSettings {
        lock_failures: 3,
        ..ThrottleSettings::default()
    }
}

async fn kubecube(app: &TestApp, user: &str, password: &str, address: &str) -> Answer {
    let body = json!({ "name": user, "password": password, "loginType": "normal" }).to_string();
    let headers = [("x-envoy-external-address", address.to_owned())];
    app.send("POST", LOGIN, &headers, body).await
}

async fn kubesphere(app: &TestApp, user: &str, password: &str, address: &str) -> Answer {
    let headers = [
        ("x-envoy-external-address", address.to_owned()),
        (
            "content-type",
            "application/x-www-form-urlencoded".to_owned(),
        ),
    ];
    let body = format!("grant_type=password&username={user}&password={password}");
    app.send("POST", TOKEN, &headers, body).await
}

#[track_caller]
fn assert_kubecube_429(answer: &Answer) -> u64 {
    answer.assert_refused(429, "Rate limit exceeded, please try again later.");
    answer.header("retry-after").parse().unwrap()
}

#[track_caller]
fn assert_kubesphere_429(answer: &Answer) -> u64 {
    assert_eq!(answer.status, 429, "{}", answer.body);
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(
        body,
        json!({ "error": "invalid_grant", "error_description": "Rate limit exceeded." })
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.header("retry-after").parse().unwrap()
}

#[tokio::test]
async fn guesses_lock_a_user_in_both_apis_for_the_window() {
    // Whether there is such a user or not.
    for user in ["jeff", "zed"] {
        let app = mk_app(settings()).await;
        kubecube(&app, user, "wrong-1", "203.0.113.1")
            .await
            .assert_refused(401, "Authenticate failed.");
        for guess in ["wrong-2", "wrong-3"] {
            let answer = kubesphere(&app, user, guess, "203.0.113.2").await;
            assert_eq!(answer.status, 400, "{}", answer.body);
        }
        // The right password does not help, nor another address.
        let answer = kubesphere(&app, user, "jeffPass123", "203.0.113.3").await;
        assert_eq!(assert_kubesphere_429(&answer), 600);
        app.pass(100);
        let answer = kubecube(&app, user, "jeffPass123", "203.0.113.4").await;
        assert_eq!(assert_kubecube_429(&answer), 500);
        assert_eq!(answer.header("set-cookie"), "");
        // Others are not concerned.
        let answer = kubecube(&app, "admin", "Admin123456", "203.0.113.1").await;
        assert_eq!(answer.status, 200);
        app.pass(500);
        let answer = kubesphere(&app, user, "jeffPass123", "203.0.113.3").await;
        assert_ne!(answer.status, 429);
    }
}

#[tokio::test]
async fn a_right_password_counts_anew() {
    let app = mk_app(settings()).await;
    for _ in 0..4 {
        for _ in 0..2 {
            let answer = kubesphere(&app, "jeff", "wrong", "203.0.113.1").await;
            assert_eq!(answer.status, 400);
        }
        let answer = kubesphere(&app, "jeff", "jeffPass123", "203.0.113.1").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guesses_at_the_same_time_are_no_more_than_one_after_the_other() {
    let app = Arc::new(mk_app(settings()).await);
    let guesses: Vec<_> = (0..30)
        .map(|number| {
            let app = app.clone();
            tokio::spawn(async move {
                kubesphere(&app, "jeff", &format!("wrong-{number}"), "203.0.113.1").await
            })
        })
        .collect();
    let mut checked = 0;
    for guess in guesses {
        let answer = guess.await.unwrap();
        if answer.status == 429 {
            assert_kubesphere_429(&answer);
        } else {
            assert_eq!(answer.status, 400);
            checked += 1;
        }
    }
    assert_eq!(checked, 3);
}

#[tokio::test]
async fn logins_have_a_rate_by_user_and_by_address() {
    let app = mk_app(ThrottleSettings {
        logins_per_user: 2,
        logins_per_address: 3,
        ..ThrottleSettings::default()
    })
    .await;
    for _ in 0..2 {
        let answer = kubecube(&app, "jeff", "jeffPass123", "203.0.113.1").await;
        assert_eq!(answer.status, 200);
    }
    let answer = kubecube(&app, "jeff", "jeffPass123", "203.0.113.2").await;
    let wait = assert_kubecube_429(&answer);
    assert!((1..=30).contains(&wait), "{wait}");
    let answer = kubesphere(&app, "admin", "Admin123456", "203.0.113.1").await;
    assert_eq!(answer.status, 200);
    let answer = kubesphere(&app, "admin", "Admin123456", "203.0.113.1").await;
    let wait = assert_kubesphere_429(&answer);
    assert!((1..=20).contains(&wait), "{wait}");
    let answer = kubesphere(&app, "admin", "Admin123456", "203.0.113.3").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn tokens_have_a_rate_too() {
    let app = mk_app(ThrottleSettings {
        tokens_per_user: 2,
        tokens_per_address: 0,
        ..ThrottleSettings::default()
    })
    .await;
    let [access_key, secret_key] = mk_pair("12");
    let body = json!({ "accessKey": access_key, "secretKey": secret_key }).to_string();
    let path = format!("/api/v1/cube/key/token?accessKey={access_key}&secretKey={secret_key}");
    assert_eq!(app.send("GET", &path, &[], "").await.status, 200);
    let post = "/api/v1/cube/key/token";
    assert_eq!(app.send("POST", post, &[], body.clone()).await.status, 200);
    assert_kubecube_429(&app.send("POST", post, &[], body).await);

    let refresh = async |token: &str| {
        let headers = [(
            "content-type",
            "application/x-www-form-urlencoded".to_owned(),
        )];
        let body = format!("grant_type=refresh_token&refresh_token={token}");
        app.send("POST", TOKEN, &headers, body).await
    };
    let mut answer = kubesphere(&app, "jeff", "jeffPass123", "203.0.113.1").await;
    for _ in 0..2 {
        let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        answer = refresh(body["refresh_token"].as_str().unwrap()).await;
        assert_eq!(answer.status, 200);
    }
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let last = body["refresh_token"].as_str().unwrap();
    assert_kubesphere_429(&refresh(last).await);
    // What is refused for its rate is not used up.
    assert_kubesphere_429(&refresh(last).await);
}

#[tokio::test]
async fn a_guess_at_somebodys_old_password_counts_too() {
    let app = mk_app(settings()).await;
    let bearer = app.bearer("jeff").await;
    let change = async |old: &str| {
        let body = json!({
            "userName": "admin", "originPassword": old, "newPassword": "anotherPass1"
        });
        let headers = std::slice::from_ref(&bearer);
        app.send_in_vain("PUT", "/api/v1/cube/user/pwd", headers, body.to_string())
            .await
    };
    for _ in 0..3 {
        change("wrong")
            .await
            .assert_refused(401, "Username or password is wrong.");
    }
    assert_kubecube_429(&change("Admin123456").await);
}
