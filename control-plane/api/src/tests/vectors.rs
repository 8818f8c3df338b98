//! The recorded exchanges of the groups auth, login and key, in their order.

use std::collections::HashMap;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;

use super::{SECRET, START, TestApp};

#[derive(Deserialize)]
struct Vector {
    id: String,
    method: String,
    path: String,
    headers: HashMap<String, String>,
    body: String,
    save_as: Option<String>,
    target: Value,
}

/// A token as any holder of `secret` can write it.
pub(super) fn mint(algorithm: &str, payload: &Value, secret: &str) -> String {
    let header = json!({ "alg": algorithm, "typ": "JWT" }).to_string();
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload.to_string())
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    let signature = mac.finalize().into_bytes();
    let signature = if algorithm == "none" {
        String::new()
    } else {
        URL_SAFE_NO_PAD.encode(signature)
    };
    format!("{signed}.{signature}")
}

/// KubeCube's plain payload.
pub(super) fn plain(user: &str, expires_at: i64) -> Value {
    json!({ "UserInfo": { "username": user, "groups": ["kubecube"] }, "exp": expires_at })
}

/// What the vectors' placeholders stand for.
fn fill(text: &str, saved: &HashMap<String, Value>) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (placeholder, after) = after.split_once("}}").unwrap();
        let (kind, name) = placeholder.split_once(':').unwrap();
        let good = plain(name, START + 3600);
        let value = match kind {
            "token" => mint("HS256", &good, SECRET),
            "expired" => mint("HS256", &plain(name, START - 3600), SECRET),
            "hs512" => mint("HS512", &good, SECRET),
            "none" => mint("none", &good, SECRET),
            "nbf" => {
                let mut payload = good;
                payload["nbf"] = json!(START + 3000);
                mint("HS256", &payload, SECRET)
            }
            "empty" => mint("HS256", &plain("", START + 3600), SECRET),
            "ak" => saved[name]["accessKey"].as_str().unwrap().to_owned(),
            "sk" => saved[name]["secretKey"].as_str().unwrap().to_owned(),
            _ => panic!("placeholder {placeholder}"),
        };
        filled += before;
        filled += &value;
        rest = after;
    }
    filled + rest
}

/// Takes out what differs by nature: times, tokens, counters of the original's
/// fake API server, and fields that only users made over REST have (a later issue).
fn comparable(id: &str, mut body: Value) -> Value {
    if id.contains("/login-") && body["kind"] == "User" {
        assert!(body["status"]["lastLoginTime"].is_string(), "{id}");
        body["status"]["lastLoginTime"] = json!("<TIME>");
        body["status"]["lastLoginIP"] = json!("<IP>");
        body["metadata"]["resourceVersion"] = json!("<N>");
        body["metadata"]
            .as_object_mut()
            .unwrap()
            .remove("annotations");
        body["spec"].as_object_mut().unwrap().remove("language");
    }
    for secret in ["token", "accessKey", "secretKey"] {
        if body.get(secret).is_some() {
            body[secret] = json!(format!("<{secret}>"));
        }
    }
    body
}

#[tokio::test]
async fn every_recorded_exchange_is_answered_as_targeted() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("vectors.json")).unwrap();
    let app = TestApp::hs256().await;
    app.add_user("dd", "abcdefg1", cubegate_domain::UserState::Normal, &[])
        .await;
    let mut saved = HashMap::new();
    for Vector {
        id,
        method,
        path,
        headers,
        body,
        save_as,
        target,
    } in vectors
    {
        let path = fill(&path, &saved);
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), fill(value, &saved)))
            .collect();
        let answer = app.send(&method, &path, &headers, body).await;

        assert_eq!(
            json!(answer.status.as_u16()),
            target["status"],
            "{id}: {}",
            answer.body
        );
        if let Some(expected) = target.get("json") {
            assert_eq!(
                comparable(&id, answer.json()),
                comparable(&id, expected.clone()),
                "{id}"
            );
        }
        if let Some(text) = target.get("text") {
            assert_eq!(json!(answer.body), *text, "{id}");
        }
        if let Some(list) = target.get("list") {
            let items = answer.json()["items"].as_array().unwrap().clone();
            let names: Vec<_> = items
                .iter()
                .map(|item| item["metadata"]["name"].clone())
                .collect();
            assert_eq!(json!(names), list["names"], "{id}");
            assert!(answer.json().get("total").is_none(), "{id}");
        }
        for (name, value) in target["headers"].as_object().into_iter().flatten() {
            let got = answer.header(name);
            if name == "Set-Cookie" {
                let (jwt, attributes) = got.split_once(';').unwrap();
                assert!(jwt.starts_with("Authorization=Bearer+eyJ"), "{id}");
                assert_eq!(
                    attributes,
                    " Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"
                );
            } else {
                assert_eq!(json!(got), *value, "{id}: {name}");
            }
        }
        for absent in target["json_absent"].as_array().into_iter().flatten() {
            let pointer = format!("/{}", absent.as_str().unwrap().replace('.', "/"));
            assert_eq!(answer.json().pointer(&pointer), None, "{id}");
        }
        if answer.status == StatusCode::OK
            && let Some(name) = save_as
        {
            saved.insert(name, answer.json());
        }
    }
}
