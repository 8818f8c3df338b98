//! The webhook for members' API servers, and what is not served.

use cubegate_domain::UserState;
use serde_json::{Value, json};

use super::{Answer, TestApp};

const WARDEN: &str = "/api/v1/warden/authenticate";

impl TestApp {
    async fn review(&self, version: &str, token: &str) -> Answer {
        let body = json!({
            "apiVersion": format!("authentication.k8s.io/{version}"),
            "kind": "TokenReview",
            "spec": { "token": token, "audiences": ["https://kubernetes.default.svc"] },
        });
        self.send("POST", WARDEN, &[], body.to_string()).await
    }
}

#[tokio::test]
async fn a_token_of_ours_is_authenticated_while_its_user_may_log_in() {
    let app = TestApp::new().await;
    let token = app.token("jeff").await;
    for version in ["v1", "v1beta1"] {
        assert_eq!(
            app.review(version, &token).await.json(),
            json!({
                "apiVersion": format!("authentication.k8s.io/{version}"),
                "kind": "TokenReview",
                "status": {
                    "authenticated": true,
                    "user": { "username": "jeff", "uid": "jeff", "groups": ["kubecube"] },
                },
            })
        );
    }
    let nobody = json!({ "authenticated": false });
    for bad in ["", "x", &format!("{token}x")] {
        assert_eq!(app.review("v1", bad).await.json()["status"], nobody);
    }
    let until = app.state.revoked_until(app.state.clock.now());
    let store = &app.state.store;
    let off = store.set_user_state("jeff", UserState::Forbidden, until);
    off.await.unwrap();
    assert_eq!(app.review("v1", &token).await.json()["status"], nobody);
}

#[tokio::test]
async fn what_is_no_token_review_is_refused() {
    let app = TestApp::new().await;
    app.review("v2", "x")
        .await
        .assert_refused(400, "Body format invalid.");
    for body in [
        "",
        "{}",
        "[]",
        r#"{"apiVersion":"authentication.k8s.io/v1","kind":"Pod"}"#,
    ] {
        app.send("POST", WARDEN, &[], body)
            .await
            .assert_refused(400, "Body format invalid.");
    }
}

#[tokio::test]
async fn what_is_not_served_says_first_what_is_wrong_with_it() {
    let app = TestApp::new().await;
    app.add_cluster(app.mk_cluster("member-1")).await;
    let admin = [app.bearer("admin").await];
    let extend = |method: &'static str, path: &'static str| {
        let path = format!("/api/v1/cube/extend/clusters/{path}");
        let (app, admin) = (&app, &admin);
        async move { app.send(method, &path, admin, "").await }
    };
    extend("GET", "nope/namespaces/demo/pods")
        .await
        .assert_refused(400, "cluster nope not found.");
    extend("GET", "member-1/namespaces/demo/foo")
        .await
        .assert_refused(400, "resource type param error.");
    extend("PUT", "member-1/namespaces/demo/pods")
        .await
        .assert_refused(400, "not match http method.");
    for (method, path) in [
        ("GET", "member-1/namespaces/demo/pods"),
        ("POST", "member-1/namespaces/demo/externalAccess/web"),
        ("POST", "member-1/yaml/deploy"),
    ] {
        let answer = extend(method, path).await;
        assert_eq!(
            (answer.status.as_u16(), &*answer.body),
            (404, "404 page not found")
        );
    }
    // One that does not answer is listed all the same.
    let info: Value = app
        .send("GET", "/api/v1/cube/clusters/info", &admin, "")
        .await
        .json();
    assert_eq!(info["total"], 1);
    assert_eq!(info["items"][0]["status"], "abnormal");
    assert_eq!(info["items"][0]["isMemberCluster"], false);
    app.send(
        "GET",
        "/api/v1/cube/clusters/resources?cluster=member-1",
        &admin,
        "",
    )
    .await
    .assert_refused(502, "server error.");
}
