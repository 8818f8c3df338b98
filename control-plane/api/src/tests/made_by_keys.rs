//! What the token of a key may make at the gateway, and how long that is good.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_api_types::cube::message;
use cubegate_domain::KeyAttributes;
use cubegate_token::KeyScope;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{START, TestApp};

const CREATE: &str = "/api/v1/cube/key/create";
const KEY: &str = "/api/v1/cube/key";
const KUBECONFIG: &str = "/api/v1/cube/user/kubeconfigs";

type Bearer = [(&'static str, String); 1];

fn bearer(token: &str) -> Bearer {
    [("authorization", format!("Bearer {token}"))]
}

impl TestApp {
    /// A token of a new key of jeff's, and the key.
    async fn of_new_key(&self, attributes: KeyAttributes) -> (Bearer, String) {
        let store = &self.state.store;
        let now = self.state.clock.now();
        let pair = store
            .create_key_with("jeff", attributes, now)
            .await
            .unwrap();
        (self.of_key(&pair.access_key).await, pair.access_key)
    }

    async fn of_key(&self, access_key: &str) -> Bearer {
        let store = &self.state.store;
        let key = store.get_key(access_key).await.unwrap().unwrap();
        let user = store.get_user("jeff").await.unwrap().unwrap();
        let now = self.state.clock.now();
        let issued = self.state.issuer.issue_from_key(&user, &key, now);
        bearer(&issued.unwrap().token)
    }

    /// A key that is made with this token.
    async fn make(&self, by: &Bearer) -> String {
        let answer = self.send("POST", CREATE, by, "").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["accessKey"].as_str().unwrap().to_owned()
    }

    /// The token of a kubeconfig that is made with this token.
    async fn kubeconfig(&self, by: &Bearer) -> Bearer {
        let cluster = cubegate_testing::cluster("member-1", "https://10.1.2.3:6443");
        self.add_cluster(cluster).await;
        let answer = self.send("GET", KUBECONFIG, by, "").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let text: String = serde_json::from_str(&answer.body).unwrap();
        let config: Value = serde_json::from_slice(&STANDARD.decode(text).unwrap()).unwrap();
        bearer(config["users"][0]["user"]["token"].as_str().unwrap())
    }

    async fn status(&self, by: &Bearer) -> u16 {
        self.send("GET", KEY, by, "").await.status.as_u16()
    }

    async fn is_there(&self, access_key: &str) -> bool {
        self.state
            .store
            .get_key(access_key)
            .await
            .unwrap()
            .is_some()
    }
}

fn ending(seconds: i64) -> KeyAttributes {
    KeyAttributes {
        expires_at: Some(OffsetDateTime::from_unix_timestamp(START + seconds).unwrap()),
        ..KeyAttributes::default()
    }
}

#[tokio::test]
async fn a_key_with_an_end_makes_nothing() {
    let app = TestApp::new().await;
    let scoped = KeyAttributes {
        scope: KeyScope {
            clusters: vec!["member-1".to_owned()],
            ..KeyScope::default()
        },
        ..KeyAttributes::default()
    };
    for attributes in [ending(25), scoped] {
        let (by, _) = app.of_new_key(attributes).await;
        for (method, path) in [("GET", CREATE), ("POST", CREATE), ("GET", KUBECONFIG)] {
            app.send_in_vain(method, path, &by, "")
                .await
                .assert_refused(403, message::BOUNDED_KEY);
        }
        let answer = app.send("GET", "/oauth/userinfo", &by, "").await;
        assert_eq!(answer.status, 403);
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(
            body,
            json!({ "error": "insufficient_scope", "error_description": message::BOUNDED_KEY })
        );
    }
}

#[tokio::test]
async fn a_key_takes_no_other_key_over() {
    let app = TestApp::new().await;
    let (by, own) = app.of_new_key(KeyAttributes::default()).await;
    let (_, other) = app.of_new_key(KeyAttributes::default()).await;
    let made = app.make(&by).await;
    let at = |path: &str, key: &str| format!("{KEY}{path}?accessKey={key}");
    for (method, path, body) in [
        ("POST", at("/rotate", &other), ""),
        ("PUT", at("", &other), r#"{"name":"mine"}"#),
    ] {
        app.send_in_vain(method, &path, &by, body)
            .await
            .assert_refused(403, message::OTHER_KEY);
    }
    for key in [&made, &own] {
        let path = at("", key);
        let update = app.send("PUT", &path, &by, r#"{"name":"mine"}"#);
        assert_eq!(update.await.status, 200);
    }
    assert_eq!(
        app.send("DELETE", &at("", &made), &by, "").await.status,
        200
    );
    assert_eq!(app.send("DELETE", &at("", &own), &by, "").await.status, 200);
    // To delete one gives nobody anything, and KubeCube's clients do it.
    let (by, _) = app.of_new_key(KeyAttributes::default()).await;
    assert_eq!(
        app.send("DELETE", &at("", &other), &by, "").await.status,
        200
    );
}

/// Each bound that a key can have, alone.
fn bounds() -> [KeyAttributes; 4] {
    let names = || vec!["a".to_owned()];
    let scoped = |scope: KeyScope| KeyAttributes {
        scope,
        ..KeyAttributes::default()
    };
    [
        ending(25),
        scoped(KeyScope {
            clusters: names(),
            ..KeyScope::default()
        }),
        scoped(KeyScope {
            namespaces: names(),
            ..KeyScope::default()
        }),
        scoped(KeyScope {
            verbs: vec!["get".to_owned()],
            ..KeyScope::default()
        }),
    ]
}

#[tokio::test]
async fn the_gateways_own_api_knows_no_token_of_a_bounded_key() {
    let app = TestApp::new().await;
    for bound in bounds() {
        let (by, _) = app.of_new_key(bound.clone()).await;
        for (method, path) in [
            ("GET", "/oauth/userinfo"),
            ("GET", "/oauth/logout"),
            ("POST", KUBECONFIG),
            ("POST", CREATE),
        ] {
            let answer = app.send(method, path, &by, "").await;
            assert_eq!(answer.status, 403, "{bound:?} {path}: {}", answer.body);
            assert!(
                answer.body.contains(message::BOUNDED_KEY),
                "{}",
                answer.body
            );
        }
    }
}

#[tokio::test]
async fn nobody_is_told_whose_the_token_of_a_bounded_key_is() {
    let app = TestApp::new().await;
    let (unbounded, _) = app.of_new_key(KeyAttributes::default()).await;
    let review = |by: &Bearer| {
        let token = by[0].1.strip_prefix("Bearer ").unwrap();
        json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
            "spec": { "token": token },
        })
        .to_string()
    };
    // A user has at most five keys.
    let mut bounded = Vec::new();
    for bound in bounds() {
        bounded.push((app.of_new_key(bound.clone()).await.0, bound));
    }
    for path in ["/api/v1/warden/authenticate", "/oauth/authenticate"] {
        let answer = app.send("POST", path, &[], review(&unbounded)).await;
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(body["status"]["authenticated"], json!(true), "{path}");
        for (bounded, bound) in &bounded {
            let answer = app.send("POST", path, &[], review(bounded)).await;
            let told = &answer.body;
            assert!(!told.contains("true"), "{bound:?} {path} {told}");
            assert!(!told.contains("jeff"), "{bound:?} {path} {told}");
        }
    }
}

#[tokio::test]
async fn what_a_key_has_made_goes_with_it() {
    let app = TestApp::new().await;
    let (by, key) = app.of_new_key(KeyAttributes::default()).await;
    let made = app.make(&by).await;
    let grandchild = app.make(&app.of_key(&made).await).await;
    let kubeconfig = app.kubeconfig(&by).await;
    let of_grandchild = app.of_key(&grandchild).await;
    let other = app.make(&[app.bearer("jeff").await]).await;
    // It is for its cluster only, but good.
    assert_eq!(app.status(&kubeconfig).await, 403);

    let listed = app.send("GET", KEY, &by, "").await.json();
    let maker = |access_key: &str| {
        let items = listed["items"].as_array().unwrap();
        let item = items
            .iter()
            .find(|item| item["metadata"]["name"] == access_key);
        item.unwrap()["spec"]["madeBy"].clone()
    };
    assert_eq!(maker(&made), json!(key));
    assert_eq!(maker(&grandchild), json!(made));
    assert_eq!(maker(&other), Value::Null);

    let path = format!("{KEY}?accessKey={key}");
    let owner = [app.bearer("jeff").await];
    assert_eq!(app.send("DELETE", &path, &owner, "").await.status, 200);
    for gone in [&key, &made, &grandchild] {
        assert!(!app.is_there(gone).await);
    }
    assert!(app.is_there(&other).await);
    for dead in [&by, &kubeconfig, &of_grandchild] {
        assert_eq!(app.status(dead).await, 401);
    }
}

#[tokio::test]
async fn what_a_key_has_made_gets_its_end() {
    let app = TestApp::new().await;
    let (by, key) = app.of_new_key(KeyAttributes::default()).await;
    let made = app.make(&by).await;
    let grandchild = app.make(&app.of_key(&made).await).await;
    let of_grandchild = app.of_key(&grandchild).await;
    let kubeconfig = app.kubeconfig(&by).await;
    let owner = [app.bearer("jeff").await];
    let update = async |key: &str, end: Value| {
        let path = format!("{KEY}?accessKey={key}");
        let body = json!({ "expiresAt": end }).to_string();
        app.send("PUT", &path, &owner, body).await
    };
    // 100 s from the start of the test.
    let end = "2023-11-14T22:15:00Z";
    assert_eq!(update(&key, json!(end)).await.status, 200);
    for dead in [&by, &kubeconfig, &of_grandchild] {
        assert_eq!(app.status(dead).await, 401);
    }
    for access_key in [&made, &grandchild] {
        let key = app.state.store.get_key(access_key).await.unwrap().unwrap();
        assert_eq!(key.attributes.expires_at, ending(100).expires_at);
        update(access_key, Value::Null).await.assert_refused(
            400,
            "The key was made with the token of another one, which ends at 2023-11-14T22:15:00Z; it cannot end later.",
        );
    }
    // Sooner is its own affair, and so is what was not made by it.
    assert_eq!(
        update(&made, json!("2023-11-14T22:14:00Z")).await.status,
        200
    );
    let other = app.make(&owner).await;
    assert_eq!(update(&other, Value::Null).await.status, 200);
}
