//! An Envoy is believed about its clients, anybody else is not.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::http::Request;
use cubegate_token::Ed25519Signer;
use serde_json::{Value, json};

use super::{Answer, TestApp, envoy};
use crate::{DEFAULT_TOKEN_LIFETIME, Issuer, Peer, Throttle, ThrottleSettings};

const LOGIN: &str = "/api/v1/cube/login";

fn other() -> Peer {
    Peer {
        address: "[::ffff:192.0.2.7]:5000".parse().unwrap(),
        envoy: None,
    }
}

/// A login that says of itself all that an Envoy may say.
fn login() -> Request<Body> {
    let body = json!({ "name": "jeff", "password": "jeffPass123", "loginType": "normal" });
    Request::post(LOGIN)
        .header("x-envoy-external-address", "203.0.113.9")
        .header("x-forwarded-for", "203.0.113.9")
        .header("x-request-id", "r1")
        .body(Body::from(body.to_string()))
        .unwrap()
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap()
}

async fn last_ip(app: &TestApp) -> Option<String> {
    let user = app.state.store.get_user("jeff").await.unwrap().unwrap();
    user.last_login_ip
}

#[tokio::test]
async fn the_address_of_a_client_is_taken_from_an_envoy_alone() {
    let app = TestApp::new().await;
    assert_eq!(app.send_as(&other(), login()).await.status, 200);
    assert_eq!(last_ip(&app).await.as_deref(), Some("192.0.2.7"));
    let record = app.recorded().await;
    assert_eq!(record.client.as_deref(), Some("192.0.2.7"));
    assert_eq!(record.request_id, None);

    assert_eq!(app.send_as(&envoy(), login()).await.status, 200);
    assert_eq!(last_ip(&app).await.as_deref(), Some("203.0.113.9"));
    let record = app.recorded().await;
    assert_eq!(record.client.as_deref(), Some("203.0.113.9"));
    assert_eq!(record.request_id.as_deref(), Some("r1"));
}

#[tokio::test]
async fn tries_under_made_up_addresses_are_those_of_one() {
    let settings = ThrottleSettings {
        logins_per_address: 5,
        ..ThrottleSettings::default()
    };
    let issuer =
        Issuer::ed25519(Ed25519Signer::generate("cubegate"), DEFAULT_TOKEN_LIFETIME).unwrap();
    let app = TestApp::with(issuer, |state| {
        state.throttle = Arc::new(Throttle::new(&settings));
    })
    .await;
    let mut refused = [0, 0];
    for (peer, refused) in [other(), envoy()].iter().zip(&mut refused) {
        for host in 0..20 {
            let address = format!("203.0.113.{host}");
            let body =
                json!({ "name": format!("u{host}"), "password": "x", "loginType": "normal" });
            let request = Request::post(LOGIN)
                .header("x-envoy-external-address", &address)
                .header("x-forwarded-for", address)
                .body(Body::from(body.to_string()))
                .unwrap();
            if app.send_as(peer, request).await.status == 429 {
                *refused += 1;
            }
        }
    }
    assert!(refused[0] >= 10, "{refused:?}");
    assert_eq!(refused[1], 0, "of an Envoy each address is its own");
}

#[tokio::test]
async fn a_password_is_exchanged_for_a_filters_token_for_an_envoy_alone() {
    let app = TestApp::new().await;
    let request = || {
        Request::post("/oauth/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-cubegate-exchange", "basic")
            .body(Body::from(
                "grant_type=password&username=jeff&password=jeffPass123",
            ))
            .unwrap()
    };
    let answer = app.send_as(&envoy(), request()).await;
    assert_eq!(json_of(&answer).get("refresh_token"), None);
    let answer = app.send_as(&other(), request()).await;
    assert!(json_of(&answer)["refresh_token"].is_string());
}

#[tokio::test]
async fn a_connection_whose_certificate_is_about_to_end_is_closed_with_an_answer() {
    let app = TestApp::new().await;
    let request = || Request::get("/healthz").body(Body::empty()).unwrap();
    assert_eq!(
        app.send_as(&envoy(), request()).await.header("connection"),
        ""
    );
    let mut peer = envoy();
    if let Some(envoy) = &mut peer.envoy {
        envoy.close_after = SystemTime::now() - Duration::from_secs(1);
    }
    let answer = app.send_as(&peer, request()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("connection")),
        (200, "close")
    );
}
