//! Users over the API.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_domain::{Cluster, ClusterCredential, UserState};
use cubegate_token::UnverifiedToken;
use serde_json::{Value, json};

use super::{Answer, TestApp};

const USER: &str = "/api/v1/cube/user";

impl TestApp {
    pub(super) async fn by(&self, user: &str, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [self.bearer(user).await];
        self.send(method, &format!("{USER}{path}"), &headers, body.to_string())
            .await
    }

    pub(super) async fn login_of(&self, name: &str, password: &str) -> u16 {
        let body = json!({ "name": name, "password": password, "loginType": "normal" });
        let answer = self
            .send("POST", "/api/v1/cube/login", &[], body.to_string())
            .await;
        answer.status.as_u16()
    }
}

fn mk_body(name: &str, password: &str) -> Value {
    json!({ "metadata": { "name": name }, "spec": { "password": password } })
}

#[tokio::test]
async fn a_user_is_made_with_kubecubes_defaults_and_can_log_in() {
    let app = TestApp::new().await;
    let answer = app
        .by("admin", "POST", "/", &mk_body("bob", "  bobPass12 "))
        .await;
    assert_eq!(answer.json(), json!({ "message": "success" }));
    assert_eq!(app.login_of("bob", "  bobPass12 ").await, 401);
    let body = json!({ "name": "bob", "password": "bobPass12", "loginType": "normal" });
    let login = app
        .send("POST", "/api/v1/cube/login", &[], body.to_string())
        .await
        .json();
    assert_eq!(
        login["metadata"],
        json!({ "name": "bob", "resourceVersion": "2", "creationTimestamp": null,
                "annotations": { "kubecube.io/sync": "true" } })
    );
    assert_eq!(
        login["spec"],
        json!({ "displayName": "bob", "language": "zh", "loginType": "normal", "state": "normal" })
    );
}

#[tokio::test]
async fn a_new_user_is_checked_in_kubecubes_order() {
    let app = TestApp::new().await;
    for (body, message) in [
        (json!([]), "Body format invalid."),
        (json!({ "metadata": { "name": 1 } }), "Body format invalid."),
        (json!(null), "Param name is missing."),
        (
            json!({ "metadata": { "name": "" }, "spec": null }),
            "Param name is missing.",
        ),
        (
            json!({ "metadata": { "name": "jeff" } }),
            "name jeff exists.",
        ),
        (
            json!({ "metadata": { "name": "bob" } }),
            "Param password is missing.",
        ),
        (mk_body("bob", "   "), "Param password is missing."),
        (mk_body("bob", "abc1234"), "Param password value invalid."),
        (
            mk_body("system:admin", "bobPass12"),
            "Param name value invalid.",
        ),
        (
            json!({ "metadata": { "name": "bob" }, "spec": { "password": "bobPass12", "phone": "1", "email": "x" } }),
            "Param phone value invalid.",
        ),
        (
            json!({ "metadata": { "name": "bob" }, "spec": { "password": "bobPass12", "email": "x" } }),
            "Param email value invalid.",
        ),
        (
            json!({ "metadata": { "name": "bob" }, "spec": { "password": "bobPass12", "state": "gone" } }),
            "Param state value invalid.",
        ),
    ] {
        app.by("admin", "POST", "/", &body)
            .await
            .assert_refused(400, message);
    }
    assert_eq!(app.state.store.list_users().await.unwrap().len(), 3);
    // Without the slash it is another path.
    let near = app
        .by("admin", "POST", "", &mk_body("bob", "bobPass12"))
        .await;
    assert_eq!(near.status, 307);
    assert_eq!(near.header("location"), "/api/v1/cube/user/");
    let over = app.by("admin", "GET", "/", &json!(null)).await;
    assert_eq!(over.header("location"), USER);
}

#[tokio::test]
async fn the_list_has_kubecubes_items_and_pages() {
    let app = TestApp::new().await;
    let spec = json!({ "password": "bobPass12", "email": "b@c.org", "phone": "18816212224", "displayName": "Bob J." });
    let body = json!({ "metadata": { "name": "bob" }, "spec": spec });
    assert_eq!(app.by("admin", "POST", "/", &body).await.status, 200);
    let list = |query: &'static str| app.by("admin", "GET", query, &Value::Null);

    let bob = list("?query=J.").await.json();
    assert_eq!(
        bob,
        json!({ "total": 1, "items": [{
            "name": "bob",
            "spec": { "displayName": "Bob J.", "email": "b@c.org", "phone": "18816212224",
                      "language": "zh", "loginType": "normal", "state": "normal" },
            "status": {},
        }] })
    );
    for (query, names, total) in [
        ("", vec!["admin", "bob", "jeff", "locked"], 4),
        ("?pageSize=1&pageNum=2", vec!["bob"], 4),
        (
            "?sortName=name&sortOrder=desc",
            vec!["locked", "jeff", "bob", "admin"],
            4,
        ),
        ("?query=zzz", vec![], 0),
        ("?query=LOCKED", vec![], 0),
        ("?query=admin&pageSize=-1", vec!["admin"], 1),
        ("?selector=spec.state=forbidden", vec!["locked"], 1),
    ] {
        let page = list(query).await.json();
        let got: Vec<_> = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["name"].as_str().unwrap())
            .collect();
        assert_eq!(
            (got, page["total"].as_u64().unwrap()),
            (names, total),
            "{query}"
        );
        assert!(!page.to_string().contains("argon2"));
    }
}

#[tokio::test]
async fn users_change_themselves_and_only_administrators_change_states() {
    let app = TestApp::new().await;
    let change = json!({ "spec": { "displayName": "J", "email": "j@k.org", "state": "normal" } });
    assert_eq!(app.by("jeff", "PUT", "/jeff", &change).await.status, 200);
    let jeff = app.state.store.get_user("jeff").await.unwrap().unwrap();
    assert_eq!(
        (&*jeff.display_name, &*jeff.profile.email),
        ("J", "j@k.org")
    );

    let off = json!({ "spec": { "state": "forbidden" } });
    app.by("jeff", "PUT", "/jeff", &off)
        .await
        .assert_refused(403, "Forbidden.");
    app.by("jeff", "PUT", "/admin", &change)
        .await
        .assert_refused(403, "Forbidden.");
    app.by("admin", "PUT", "/zed", &change)
        .await
        .assert_refused(400, "User not exist.");
    let half = json!({ "spec": { "displayName": "X", "password": "short" } });
    app.by("jeff", "PUT", "/jeff", &half)
        .await
        .assert_refused(400, "Param password value invalid.");
    let jeff = app.state.store.get_user("jeff").await.unwrap().unwrap();
    assert_eq!(jeff.display_name, "J");

    let token = [app.bearer("jeff").await];
    assert_eq!(app.by("admin", "PUT", "/jeff", &off).await.status, 200);
    app.send("GET", "/api/v1/cube/key", &token, "")
        .await
        .assert_refused(401, "Token invalid.");
    assert_eq!(app.login_of("jeff", "jeffPass123").await, 400);
    let on = json!({ "spec": { "state": "normal", "password": "another-1" } });
    assert_eq!(app.by("admin", "PUT", "/jeff", &on).await.status, 200);
    assert_eq!(app.login_of("jeff", "another-1").await, 200);
}

#[tokio::test]
async fn nobody_but_administrators_learns_who_there_is() {
    let app = TestApp::new().await;
    for (user, name, is_valid) in [
        ("admin", "jeff", true),
        ("admin", "zed", false),
        ("jeff", "jeff", true),
    ] {
        let answer = app
            .by(user, "GET", &format!("/valid/{name}"), &Value::Null)
            .await;
        assert_eq!(answer.json(), json!({ "isValid": is_valid }));
    }
    for path in ["/valid/zed", "/valid/admin", "", "/kubeconfigs?user=admin"] {
        app.by("jeff", "GET", path, &Value::Null)
            .await
            .assert_refused(403, "Forbidden.");
    }
}

#[tokio::test]
async fn a_kubeconfig_leads_through_the_gateway_for_a_while() {
    let app = TestApp::new().await;
    let cluster = Cluster {
        credential: ClusterCredential::BearerToken("the gateway's own".to_owned()),
        ..cubegate_testing::cluster("member-1", "https://10.1.2.3:6443")
    };
    app.add_cluster(cluster).await;
    let answer = app
        .by("jeff", "GET", "/kubeconfigs", &Value::Null)
        .await
        .json();
    let text = STANDARD.decode(answer.as_str().unwrap()).unwrap();
    let document: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(
        document["clusters"],
        json!([{ "name": "member-1", "cluster": {
            "server": "https://gw.example:30443/clusters/member-1",
            "certificate-authority-data": STANDARD.encode("-- a CA --"),
        } }])
    );
    assert_eq!(document["current-context"], "member-1");
    assert_eq!(
        document["contexts"][0]["context"],
        json!({ "cluster": "member-1", "user": "jeff@member-1" })
    );
    assert!(!String::from_utf8(text).unwrap().contains("own"));

    let token = document["users"][0]["user"]["token"].as_str().unwrap();
    let claims = app
        .state
        .issuer
        .verify(
            &UnverifiedToken::new(token.to_owned()),
            app.state.clock.now(),
        )
        .unwrap();
    assert_eq!(claims.user, "jeff");
    assert_eq!(claims.expires_at - claims.issued_at, 86_400);

    assert_eq!(
        app.by("admin", "GET", "/kubeconfigs?user=jeff", &Value::Null)
            .await
            .status,
        200
    );
    app.by("admin", "GET", "/kubeconfigs?user=locked", &Value::Null)
        .await
        .assert_refused(400, "User is disabled.");
    app.by("admin", "GET", "/kubeconfigs?user=zed", &Value::Null)
        .await
        .assert_refused(400, "User not exist.");
    let state = app.state.store.set_user_state(
        "jeff",
        UserState::Forbidden,
        app.state.revoked_until(app.state.clock.now()),
    );
    state.await.unwrap();
    let header = [("authorization", format!("Bearer {token}"))];
    app.send("GET", "/api/v1/cube/key", &header, "")
        .await
        .assert_refused(401, "Token invalid.");
}
