//! Users over the API.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_domain::{ApiServer, Cluster, ClusterCredential, ClusterTls, Scheme, UserState};
use cubegate_token::UnverifiedToken;
use serde_json::{Value, json};

use super::{Answer, TestApp};

const USER: &str = "/api/v1/cube/user";

impl TestApp {
    async fn by(&self, user: &str, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [self.bearer(user).await];
        self.send(method, &format!("{USER}{path}"), &headers, body.to_string())
            .await
    }

    async fn login_of(&self, name: &str, password: &str) -> u16 {
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
async fn a_password_is_changed_by_its_owner_who_knows_the_old_one() {
    let app = TestApp::new().await;
    let body =
        |name, old, new| json!({ "userName": name, "originPassword": old, "newPassword": new });
    for (by, body, code, message) in [
        ("jeff", json!("x"), 400, "Body format invalid."),
        (
            "jeff",
            body("jeff", "jeffPass123", "short"),
            400,
            "Param password value invalid.",
        ),
        (
            "jeff",
            body("jeff", "x", "newPass123"),
            401,
            "Username or password is wrong.",
        ),
        // Whoever it is of, and whether the old one is right: it is not told.
        ("jeff", body("zed", "x", "newPass123"), 403, "Forbidden."),
        ("jeff", body("admin", "x", "newPass123"), 403, "Forbidden."),
        (
            "jeff",
            body("admin", "Admin123456", "newPass123"),
            403,
            "Forbidden.",
        ),
        (
            "admin",
            body("zed", "x", "newPass123"),
            400,
            "User not exist.",
        ),
        (
            "admin",
            body("jeff", "x", "newPass123"),
            401,
            "Username or password is wrong.",
        ),
    ] {
        app.by(by, "PUT", "/pwd", &body)
            .await
            .assert_refused(code, message);
    }
    for (by, old, new) in [
        ("jeff", "jeffPass123", "newPass123"),
        ("admin", "newPass123", "newPass124"),
    ] {
        let good = body("jeff", old, new);
        assert_eq!(app.by(by, "PUT", "/pwd", &good).await.status, 200);
        assert_eq!(app.login_of("jeff", new).await, 200);
        assert_eq!(app.login_of("jeff", old).await, 401);
    }
}

#[tokio::test]
async fn a_token_alone_does_not_change_its_users_password() {
    let app = TestApp::new().await;
    let change = |old: Option<&str>| {
        let mut spec = json!({ "displayName": "X", "password": "newPass123" });
        if let Some(old) = old {
            spec["originPassword"] = json!(old);
        }
        json!({ "spec": spec })
    };
    for old in [None, Some("")] {
        app.by("jeff", "PUT", "/jeff", &change(old)).await.assert_refused(
            400,
            "bad request. a new password needs the present one: give it as spec.originPassword, or use PUT /user/pwd.",
        );
    }
    app.by("jeff", "PUT", "/jeff", &change(Some("wrong")))
        .await
        .assert_refused(401, "Username or password is wrong.");
    let jeff = app.state.store.get_user("jeff").await.unwrap().unwrap();
    assert_eq!(jeff.display_name, "jeff");
    let good = change(Some("jeffPass123"));
    assert_eq!(app.by("jeff", "PUT", "/jeff", &good).await.status, 200);
    assert_eq!(app.login_of("jeff", "newPass123").await, 200);
    assert_eq!(app.login_of("jeff", "jeffPass123").await, 401);
}

#[tokio::test]
async fn an_email_address_is_one_users_only() {
    let app = TestApp::new().await;
    let email = |email: &str| json!({ "spec": { "email": email } });
    let taken = "bad request. another user has this e-mail address; give another one.";
    let alice = email("alice@corp.example");
    assert_eq!(app.by("admin", "PUT", "/admin", &alice).await.status, 200);
    for other in ["alice@corp.example", "Alice@Corp.EXAMPLE"] {
        let other = json!({ "spec": { "email": other, "displayName": "X" } });
        app.by("jeff", "PUT", "/jeff", &other)
            .await
            .assert_refused(400, taken);
    }
    let jeff = app.state.store.get_user("jeff").await.unwrap().unwrap();
    assert_eq!((&*jeff.display_name, &*jeff.profile.email), ("jeff", ""));
    let new = json!({
        "metadata": { "name": "bob" },
        "spec": { "password": "bobPass12", "email": "ALICE@corp.example" }
    });
    app.by("admin", "POST", "/", &new)
        .await
        .assert_refused(400, taken);
    // The own one may be said again, and another way.
    let again = email("ALICE@corp.example");
    assert_eq!(app.by("admin", "PUT", "/admin", &again).await.status, 200);
    // None is nobody's.
    for name in ["one", "two"] {
        let new = json!({ "metadata": { "name": name }, "spec": { "password": "onePass12" } });
        assert_eq!(app.by("admin", "POST", "/", &new).await.status, 200);
    }
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
        name: "member-1".parse().unwrap(),
        server: ApiServer {
            scheme: Scheme::Https,
            host: "10.1.2.3".to_owned(),
            port: 6443,
            path_prefix: String::new(),
        },
        tls: ClusterTls {
            ca_pem: None,
            server_name: None,
        },
        credential: ClusterCredential::BearerToken("the gateway's own".to_owned()),
        created_at: app.state.clock.now(),
    };
    app.state.store.add_cluster(&cluster, false).await.unwrap();
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
        json!({ "cluster": "member-1", "user": "jeff" })
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
