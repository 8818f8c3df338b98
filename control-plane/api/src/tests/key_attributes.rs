//! Names, expiry, scopes and rotation of keys.

use cubegate_api_types::cube::message;
use cubegate_token::{Claims, UnverifiedToken};
use serde_json::{Value, json};

use super::{Answer, TestApp, mk_pair};

const CREATE: &str = "/api/v1/cube/key/create";
const KEY: &str = "/api/v1/cube/key";
const TOKEN: &str = "/api/v1/cube/key/token";
const WARDEN: &str = "/api/v1/warden/authenticate";

/// A key pair of jeff's.
struct Pair {
    access_key: String,
    secret_key: String,
}

impl TestApp {
    async fn jeff(&self) -> [(&'static str, String); 1] {
        [self.bearer("jeff").await]
    }

    async fn make_key(&self, body: &Value) -> Pair {
        let body = body.to_string();
        let answer = self.send("POST", CREATE, &self.jeff().await, body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answer = answer.json();
        let half = |name: &str| answer[name].as_str().unwrap().to_owned();
        Pair {
            access_key: half("accessKey"),
            secret_key: half("secretKey"),
        }
    }

    async fn exchange(&self, pair: &Pair) -> Answer {
        let path = format!(
            "{TOKEN}?accessKey={}&secretKey={}",
            pair.access_key, pair.secret_key
        );
        self.send("GET", &path, &[], "").await
    }

    async fn key_token(&self, pair: &Pair) -> String {
        let answer = self.exchange(pair).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    fn claims(&self, token: &str) -> Claims {
        let token = UnverifiedToken::new(token);
        let now = self.state.clock.now();
        self.state.issuer.verify(&token, now).unwrap()
    }

    async fn listed(&self) -> Value {
        let answer = self.send("GET", KEY, &self.jeff().await, "").await;
        answer.json()["items"][0]["spec"].clone()
    }

    async fn update(&self, pair: &Pair, body: &Value) -> Answer {
        let path = format!("{KEY}?accessKey={}", pair.access_key);
        self.send("PUT", &path, &self.jeff().await, body.to_string())
            .await
    }

    async fn rotate(&self, pair: &Pair, body: &str) -> Answer {
        let path = format!("{KEY}/rotate?accessKey={}", pair.access_key);
        self.send("POST", &path, &self.jeff().await, body.to_owned())
            .await
    }

    /// What a member's API server hears about a token.
    async fn is_authenticated(&self, token: &str) -> bool {
        let body = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": { "token": token },
        });
        let answer = self.send("POST", WARDEN, &[], body.to_string()).await;
        answer.json()["status"]["authenticated"] == json!(true)
    }
}

#[tokio::test]
async fn what_is_said_at_the_creation_is_listed_and_in_the_tokens() {
    let app = TestApp::new().await;
    app.add_cluster(app.mk_cluster("member-1")).await;
    let scope =
        json!({ "clusters": ["member-1"], "namespaces": ["shop"], "verbs": ["get", "list"] });
    let pair = app
        .make_key(&json!({
            "name": "ci",
            "description": "Deploys the shop.",
            "expiresAt": "2023-11-14T22:43:20+00:00",
            "scope": scope,
        }))
        .await;
    assert_eq!(
        app.listed().await,
        json!({
            "user": "jeff",
            "lastUsedTime": null,
            "name": "ci",
            "description": "Deploys the shop.",
            "expiresAt": "2023-11-14T22:43:20Z",
            "scope": scope,
        })
    );
    let token = app.key_token(&pair).await;
    let claims = app.claims(&token);
    assert_eq!(serde_json::to_value(claims.scope).unwrap(), scope);
    // Half an hour, and not the usual one.
    assert_eq!(claims.expires_at - claims.issued_at, 1_800);
    // It could make itself a key without bounds, or be shown to a member directly.
    let bearer = [("authorization", format!("Bearer {token}"))];
    app.send_in_vain("POST", CREATE, &bearer, "")
        .await
        .assert_refused(403, message::BOUNDED_KEY);
    assert!(!app.is_authenticated(&token).await);

    app.pass(1_800);
    app.exchange(&pair)
        .await
        .assert_refused(400, "key has expired.");
    // Who has no secret of it learns nothing.
    let guess = Pair {
        secret_key: "x".to_owned(),
        ..pair
    };
    app.exchange(&guess)
        .await
        .assert_refused(400, "secretkey and accesskey not match.");
}

#[tokio::test]
async fn a_key_is_made_as_kubecubes_unless_something_else_is_said() {
    let app = TestApp::new().await;
    for body in ["", " \n", "null", "{}"] {
        let answer = app.send("GET", CREATE, &app.jeff().await, body).await;
        assert_eq!(answer.status, 200, "{body:?} {}", answer.body);
    }
    assert_eq!(
        app.listed().await,
        json!({ "user": "jeff", "lastUsedTime": null })
    );
}

#[tokio::test]
async fn what_cannot_be_is_refused_in_a_sentence() {
    let app = TestApp::new().await;
    let pair = app.make_key(&json!({})).await;
    let cases = [
        ("[]", "Body format invalid."),
        ("{", "Body format invalid."),
        ("name=ci", "Body format invalid."),
        ("{}{}", "Body format invalid."),
        (
            r#"{"scope":{"namespace":["a"]}}"#,
            "bad request. unknown field `namespace`, expected one of `clusters`, `namespaces`, `verbs` at line 1 column 21.",
        ),
        (
            r#"{"expiresAt":"tomorrow"}"#,
            "bad request. expiresAt must be a time as 2030-01-31T12:00:00Z, or null.",
        ),
        (
            r#"{"expiresAt":"2023-11-14T22:13:20Z"}"#,
            "A key must expire in the future; leave the time out for one that does not.",
        ),
        (
            r#"{"name":"a\u0007"}"#,
            "The name of a key must have at most 64 bytes and no control characters.",
        ),
        (
            r#"{"scope":{"verbs":["GET"]}}"#,
            r#""GET" in the scope is none of the verbs get, list, watch, create, update, patch, delete, deletecollection."#,
        ),
    ];
    let update = format!("{KEY}?accessKey={}", pair.access_key);
    for (body, message) in cases {
        for (method, path) in [("POST", CREATE), ("GET", CREATE), ("PUT", &update)] {
            app.send_in_vain(method, path, &app.jeff().await, body)
                .await
                .assert_refused(400, message);
        }
    }
    let long = format!(r#"{{"{}":1}}"#, "é".repeat(300));
    let answer = app.send("POST", CREATE, &app.jeff().await, long).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.len() < 300, "{}", answer.body);
    app.update(&pair, &json!({})).await.assert_refused(
        400,
        "bad request. say what is to be changed: name, description, expiresAt or scope.",
    );
}

#[tokio::test]
async fn another_scope_or_expiry_takes_the_tokens_back_and_another_name_does_not() {
    let app = TestApp::new().await;
    app.add_cluster(app.mk_cluster("member-1")).await;
    let pair = app.make_key(&json!({ "name": "ci" })).await;
    let changes = [
        (json!({ "name": "cd", "description": "x" }), true),
        (json!({ "scope": null, "expiresAt": null }), true),
        (json!({ "expiresAt": "2030-01-01T00:00:00Z" }), false),
        (json!({ "expiresAt": null }), false),
        (json!({ "scope": { "clusters": ["member-1"] } }), false),
        (json!({ "scope": null }), false),
    ];
    for (change, good) in changes {
        let token = app.key_token(&pair).await;
        let bearer = [("authorization", format!("Bearer {token}"))];
        let answer = app.update(&pair, &change).await;
        assert_eq!(answer.json(), json!({ "message": "success" }), "{change}");
        let status = app.send("GET", KEY, &bearer, "").await.status;
        assert_eq!(status, if good { 200 } else { 401 }, "{change}");
        // The next one is good at once.
        let next = app.key_token(&pair).await;
        assert!(app.claims(&next).key_epoch > app.claims(&token).key_epoch || good);
    }
    let spec = app.listed().await;
    assert_eq!(
        (&spec["name"], &spec["description"]),
        (&json!("cd"), &json!("x"))
    );
    assert!(spec.get("scope").is_none() && spec.get("expiresAt").is_none());
}

#[tokio::test]
async fn a_key_for_a_cluster_that_there_is_not_is_refused() {
    let app = TestApp::new().await;
    app.add_cluster(app.mk_cluster("member-1")).await;
    let pair = app.make_key(&json!({ "name": "ci" })).await;
    let wrong = json!({ "scope": { "clusters": ["member-1", "mebmer-1"] } });
    app.update(&pair, &wrong)
        .await
        .assert_refused(400, "cluster mebmer-1 not found.");
    app.send("POST", CREATE, &app.jeff().await, wrong.to_string())
        .await
        .assert_refused(400, "cluster mebmer-1 not found.");
    assert!(app.listed().await.get("scope").is_none());
}

#[tokio::test]
async fn only_ones_own_key_is_changed() {
    let app = TestApp::new().await;
    let path = |path: &str| format!("{path}?accessKey={}", mk_pair("12")[0]);
    for (method, path, body) in [
        ("PUT", path(KEY), r#"{"name":"mine"}"#),
        ("POST", path("/api/v1/cube/key/rotate"), ""),
    ] {
        app.send_in_vain(method, &path, &app.jeff().await, body)
            .await
            .assert_refused(400, "key and user not match.");
        let unknown = path.replace(&mk_pair("12")[0], "zzz");
        app.send_in_vain(method, &unknown, &app.jeff().await, body)
            .await
            .assert_refused(400, "key not exist.");
        let mut from_elsewhere = vec![("origin", "https://evil.example".to_owned())];
        let token = app.token("admin").await;
        from_elsewhere.push(("cookie", format!("Authorization=Bearer+{token}")));
        app.send_in_vain(method, &path, &from_elsewhere, body)
            .await
            .assert_refused(403, "Forbidden.");
    }
}

#[tokio::test]
async fn secrets_overlap_after_a_rotation() {
    let app = TestApp::new().await;
    let first = app.make_key(&json!({ "name": "ci" })).await;
    let token = app.key_token(&first).await;
    let answer = app.rotate(&first, "").await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let answer = answer.json();
    assert_eq!(answer["accessKey"], json!(first.access_key));
    assert_eq!(answer["oldSecretUntil"], json!("2023-11-15T22:13:20Z"));
    let second = Pair {
        access_key: first.access_key.clone(),
        secret_key: answer["secretKey"].as_str().unwrap().to_owned(),
    };
    assert_eq!(
        app.listed().await["oldSecretUntil"],
        answer["oldSecretUntil"]
    );
    app.key_token(&second).await;
    app.key_token(&first).await;
    assert!(app.is_authenticated(&token).await);

    app.pass(86_400);
    app.exchange(&first)
        .await
        .assert_refused(400, "secretkey and accesskey not match.");
    let token = app.key_token(&second).await;
    assert_eq!(app.listed().await.get("oldSecretUntil"), None);

    // Somebody else has it.
    let answer = app.rotate(&second, r#"{"overlapSeconds":0}"#).await.json();
    assert_eq!(answer.get("oldSecretUntil"), None);
    app.exchange(&second)
        .await
        .assert_refused(400, "secretkey and accesskey not match.");
    assert!(!app.is_authenticated(&token).await);
    let third = Pair {
        secret_key: answer["secretKey"].as_str().unwrap().to_owned(),
        ..first
    };
    assert!(app.is_authenticated(&app.key_token(&third).await).await);
    app.rotate(&third, r#"{"overlapSeconds":2592001}"#)
        .await
        .assert_refused(400, "bad request. overlapSeconds must be at most 2592000.");
}

#[tokio::test]
async fn a_use_is_listed_at_once() {
    let app = TestApp::new().await;
    let pair = app.make_key(&json!({})).await;
    app.pass(7);
    app.key_token(&pair).await;
    assert_eq!(
        app.listed().await["lastUsedTime"],
        json!("2023-11-14T22:13:27Z")
    );
}

#[tokio::test]
async fn changes_of_keys_are_recorded() {
    let app = TestApp::new().await;
    let pair = app.make_key(&json!({})).await;
    app.update(&pair, &json!({ "name": "ci" })).await;
    app.rotate(&pair, "").await;
    let mut told = Vec::new();
    for _ in 0..3 {
        let record = app.recorded().await;
        assert_eq!(record.resource.as_deref(), Some("keys"));
        assert_eq!(record.name.as_ref(), Some(&pair.access_key));
        told.push(record.verb);
    }
    // All of them are of the same second.
    told.sort_unstable();
    assert_eq!(told, ["create", "rotate", "update"]);
}
