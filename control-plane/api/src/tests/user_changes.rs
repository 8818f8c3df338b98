//! What users and administrators change, and what nobody may.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use cubegate_domain::{ADMIN_GROUP, UserState};
use futures::{StreamExt as _, stream};
use serde_json::json;

use super::TestApp;

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
async fn who_is_disabled_while_a_body_arrives_changes_nothing() {
    let app = TestApp::new().await;
    app.add_user("second", "Admin123456", UserState::Normal, &[ADMIN_GROUP])
        .await;
    let late = stream::iter([r#"{"spec":{"#, r#""displayName":"changed"}}"#]).then(async |part| {
        tokio::time::sleep(Duration::from_millis(600)).await;
        Ok::<_, Infallible>(part)
    });
    let bearer = [app.bearer("second").await];
    let change = app.send(
        "PUT",
        "/api/v1/cube/user/jeff",
        &bearer,
        Body::from_stream(late),
    );
    let disable = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let until = app.state.clock.now() + Duration::from_hours(1);
        let store = &app.state.store;
        store
            .set_user_state("second", UserState::Forbidden, until)
            .await
            .unwrap();
    };
    let (answer, ()) = tokio::join!(change, disable);
    assert_eq!(answer.status, 401, "{}", answer.body);
    let jeff = app.state.store.get_user("jeff").await.unwrap().unwrap();
    assert_ne!(jeff.display_name, "changed");
}
