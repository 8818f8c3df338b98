//! Too many tries, over both APIs.

mod changes;
mod taking_back;

use std::sync::Arc;
use std::time::{Duration, Instant};

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
        kubecube(&app, "jeff", "wrong", "203.0.113.1")
            .await
            .assert_refused(401, "Authenticate failed.");
    }
    let answer = kubecube(&app, "jeff", "jeffPass123", "203.0.113.2").await;
    let wait = assert_kubecube_429(&answer);
    assert!((1..=30).contains(&wait), "{wait}");
    let answer = kubesphere(&app, "admin", "Admin123456", "203.0.113.1").await;
    assert_eq!(answer.status, 200);
    let answer = kubesphere(&app, "somebody", "x", "203.0.113.1").await;
    let wait = assert_kubesphere_429(&answer);
    assert!((1..=20).contains(&wait), "{wait}");
    let answer = kubesphere(&app, "somebody", "x", "203.0.113.3").await;
    assert_eq!(answer.status, 400);
    // Who was there before has a rate of its own there.
    for _ in 0..2 {
        let answer = kubesphere(&app, "admin", "Admin123456", "203.0.113.1").await;
        assert_eq!(answer.status, 200);
    }
    let answer = kubesphere(&app, "admin", "Admin123456", "203.0.113.1").await;
    assert_kubesphere_429(&answer);
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
async fn a_guess_at_the_own_old_password_counts_too() {
    let app = mk_app(settings()).await;
    let bearer = app.bearer("jeff").await;
    let change = async |old: &str| {
        let body = json!({
            "userName": "jeff", "originPassword": old, "newPassword": "anotherPass1"
        });
        let headers = std::slice::from_ref(&bearer);
        app.send("PUT", "/api/v1/cube/user/pwd", headers, body.to_string())
            .await
    };
    for _ in 0..3 {
        change("wrong")
            .await
            .assert_refused(401, "Username or password is wrong.");
    }
    assert_kubecube_429(&change("jeffPass123").await);
}

/// Waits until the database says that a user is locked, which nobody waits for.
async fn until_locked(app: &TestApp, user: &str) {
    for _ in 0..500 {
        let user = app.state.store.get_user(user).await.unwrap().unwrap();
        if user.locked_until.is_some() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{user} is not locked");
}

#[tokio::test]
async fn who_has_logged_in_from_an_address_is_not_locked_out_there() {
    let app = mk_app(settings()).await;
    let home = "203.0.113.1";
    assert_eq!(
        kubecube(&app, "jeff", "jeffPass123", home).await.status,
        200
    );
    for address in ["198.51.100.1", "198.51.100.2", "198.51.100.3"] {
        kubecube(&app, "jeff", "guess", address)
            .await
            .assert_refused(401, "Authenticate failed.");
    }
    assert_kubecube_429(&kubecube(&app, "jeff", "jeffPass123", "198.51.100.4").await);
    assert_eq!(
        kubecube(&app, "jeff", "jeffPass123", home).await.status,
        200
    );
    until_locked(&app, "jeff").await;

    // Another process with the same database knows both.
    let settings = settings();
    let mut state = app.state.clone();
    state.throttle = Arc::new(Throttle::new(&settings));
    let restarted = app.restarted(state);
    assert_kubecube_429(&kubecube(&restarted, "jeff", "jeffPass123", "198.51.100.4").await);
    assert_eq!(
        kubecube(&restarted, "jeff", "jeffPass123", home)
            .await
            .status,
        200
    );
    let answer = kubesphere(&restarted, "jeff", "jeffPass123", home).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_lock_is_shown_and_taken_away_by_administrators() {
    let app = mk_app(settings()).await;
    for _ in 0..3 {
        kubecube(&app, "jeff", "guess", "198.51.100.1").await;
    }
    until_locked(&app, "jeff").await;
    let admin = [app.bearer("admin").await];
    let listed = async || {
        let path = "/api/v1/cube/user?query=jeff";
        app.send("GET", path, &admin, "").await.json()["items"][0]["status"]["lockedUntil"].clone()
    };
    assert_eq!(listed().await, json!("2023-11-14T22:23:20Z"));
    let path = "/api/v1/cube/user/jeff/unlock";
    let jeff = [app.bearer("jeff").await];
    app.send_in_vain("POST", path, &jeff, "")
        .await
        .assert_refused(403, "Forbidden.");
    assert_eq!(app.send("POST", path, &admin, "").await.status, 200);
    assert_eq!(listed().await, json!(null));
    let answer = kubecube(&app, "jeff", "jeffPass123", "198.51.100.1").await;
    assert_eq!(answer.status, 200);
    let nobody = "/api/v1/cube/user/zed/unlock";
    app.send("POST", nobody, &admin, "")
        .await
        .assert_refused(400, "User not exist.");
}

#[tokio::test]
async fn a_burst_of_made_up_logins_is_cut_at_its_address() {
    let app = mk_app(ThrottleSettings::default()).await;
    let home = "203.0.113.1";
    assert_eq!(
        kubecube(&app, "jeff", "jeffPass123", home).await.status,
        200
    );
    let names: Vec<_> = (0..50).map(|number| format!("nobody-{number}")).collect();
    let flood = names.iter().map(|name| kubecube(&app, name, "x", home));
    let mut checked = 0;
    for answer in futures::future::join_all(flood).await {
        match answer.status.as_u16() {
            429 => assert!(assert_kubecube_429(&answer) >= 1),
            503 => answer.assert_refused(503, "Server is busy, please try again."),
            _ => {
                answer.assert_refused(401, "Authenticate failed.");
                checked += 1;
            }
        }
    }
    // Ten at once, and ten a second.
    assert!((1..40).contains(&checked), "{checked}");
    // The user who was there before is not concerned.
    assert_eq!(
        kubecube(&app, "jeff", "jeffPass123", home).await.status,
        200
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flood_of_made_up_logins_leaves_room_for_those_who_were_there_before() {
    let app = Arc::new(mk_app(ThrottleSettings::default()).await);
    let home = "203.0.113.1";
    let log_in = async || {
        let begun = Instant::now();
        let answer = kubecube(&app, "jeff", "jeffPass123", home).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        begun.elapsed()
    };
    log_in().await;
    let idle = log_in().await.max(log_in().await);

    let flood: Vec<_> = (0..500)
        .map(|number| {
            let app = app.clone();
            tokio::spawn(async move {
                let address = format!("198.51.{}.{}", number / 250, number % 250);
                let begun = Instant::now();
                let answer = kubecube(&app, &format!("nobody-{number}"), "x", &address).await;
                (answer, begun.elapsed())
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let busy = log_in().await;
    assert!(
        busy < idle * 20 + Duration::from_secs(1),
        "{busy:?} {idle:?}"
    );

    let mut refused = 0;
    for one in flood {
        let (answer, _) = one.await.unwrap();
        if answer.status == 503 {
            answer.assert_refused(503, "Server is busy, please try again.");
            let wait: u64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=10).contains(&wait), "{wait}");
            refused += 1;
        } else {
            answer.assert_refused(401, "Authenticate failed.");
        }
    }
    assert!(refused > 100, "{refused}");
}
