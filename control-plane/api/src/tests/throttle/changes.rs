//! Changes of one user, and tokens of one key.

use serde_json::json;

use super::{assert_kubecube_429, mk_app, settings};
use crate::ThrottleSettings;
use crate::tests::mk_pair;

#[tokio::test]
async fn changes_have_a_rate_by_user_and_administrators_none() {
    let app = mk_app(ThrottleSettings {
        changes_per_user: 2,
        ..settings()
    })
    .await;
    let rename = async |by: &str, user: &str| {
        let bearer = [app.bearer(by).await];
        let path = format!("/api/v1/cube/user/{user}");
        let body = json!({ "spec": { "displayName": "x" } }).to_string();
        app.send("PUT", &path, &bearer, body).await
    };
    for _ in 0..2 {
        assert_eq!(rename("jeff", "jeff").await.status, 200);
    }
    assert_kubecube_429(&rename("jeff", "jeff").await);
    for _ in 0..5 {
        assert_eq!(rename("admin", "jeff").await.status, 200);
    }
    // To read is no change.
    let bearer = [app.bearer("jeff").await];
    assert_eq!(
        app.send("GET", "/api/v1/cube/key", &bearer, "")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn who_knows_only_the_name_of_a_key_keeps_its_owner_from_no_token() {
    let app = mk_app(ThrottleSettings {
        tokens_per_user: 2,
        ..settings()
    })
    .await;
    let [access_key, secret_key] = mk_pair("12");
    let ask = async |secret: &str, address: &str| {
        let path = format!("/api/v1/cube/key/token?accessKey={access_key}&secretKey={secret}");
        let headers = [("x-envoy-external-address", address.to_owned())];
        app.send("GET", &path, &headers, "").await
    };
    for _ in 0..2 {
        assert_eq!(ask("guess", "203.0.113.1").await.status, 400);
    }
    assert_kubecube_429(&ask("guess", "203.0.113.1").await);
    for _ in 0..2 {
        assert_eq!(ask(&secret_key, "203.0.113.1").await.status, 200);
    }
    assert_kubecube_429(&ask(&secret_key, "203.0.113.2").await);
}
