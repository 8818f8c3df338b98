use cubegate_domain::{ADMIN_GROUP, UserState};
use serde_json::json;

use super::vectors::{mint, plain};
use super::{SECRET, START, TestApp};

const KEY: &str = "/api/v1/cube/key";

#[tokio::test]
async fn our_own_token_is_taken_from_header_and_cookie() {
    let app = TestApp::new().await;
    let token = app.token("jeff").await;
    for (name, value) in [
        ("authorization", format!("bearer {token}")),
        ("cookie", format!("a=b; Authorization=Bearer+{token}")),
    ] {
        assert_eq!(app.send("GET", KEY, &[(name, value)], "").await.status, 200);
    }
}

#[tokio::test]
async fn a_bad_header_is_not_rescued_by_a_good_cookie() {
    let app = TestApp::new().await;
    let cookie = (
        "cookie",
        format!("Authorization=Bearer+{}", app.token("jeff").await),
    );
    let headers = [("authorization", "Bearer  x".to_owned()), cookie.clone()];
    app.send("GET", KEY, &headers, "")
        .await
        .assert_refused(401, "Authenticate failed.");
    let headers = [("authorization", "Bearer x".to_owned()), cookie];
    app.send("GET", KEY, &headers, "")
        .await
        .assert_refused(401, "Token invalid.");
}

#[tokio::test]
async fn without_a_credential_nothing_but_the_open_paths_answers() {
    let app = TestApp::new().await;
    for (method, path) in [
        ("GET", "/api/v1/cube/key/create"),
        ("POST", "/api/v1/cube/key/create"),
        ("GET", KEY),
        (
            "DELETE",
            "/api/v1/cube/key?accessKey=11111111111111111111111111111111",
        ),
        ("GET", "/api/v1/cube/clusters"),
        ("POST", "/api/v1/cube/clusters"),
        ("DELETE", "/api/v1/cube/clusters/a"),
        ("GET", "/api/v1/cube/login"),
        ("PUT", KEY),
        ("HEAD", "/api/v1/cube/key/create"),
        ("OPTIONS", KEY),
        ("GET", "/api/v1/cube"),
        ("GET", "/api/v1/cube/"),
        ("POST", "/api/v1/warden/nope"),
    ] {
        let answer = app.send_in_vain(method, path, &[], "").await;
        assert_eq!(answer.status, 401, "{method} {path}");
        if method != "HEAD" {
            answer.assert_refused(401, "Authenticate failed.");
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_plain_text_for_those_who_may_know() {
    let app = TestApp::new().await;
    let bearer = app.bearer("jeff").await;
    for (method, path) in [
        ("GET", "/api/v1/cube/nope"),
        ("PATCH", KEY),
        ("GET", "/api/v1/cube/login"),
        ("HEAD", "/api/v1/cube/key/create"),
        ("HEAD", "/api/v1/cube/key/create/"),
        ("GET", "/api/v1/cube/proxy/clusters/pivot-cluster"),
        ("GET", "/api/v1/cube/nope/"),
        ("PATCH", "/api/v1/cube/key/"),
    ] {
        let answer = app
            .send_in_vain(method, path, std::slice::from_ref(&bearer), "")
            .await;
        assert_eq!(answer.status, 404, "{method} {path}");
        assert_eq!(answer.header("content-type"), "text/plain");
        if method != "HEAD" {
            assert_eq!(answer.body, "404 page not found");
        }
    }
}

#[tokio::test]
async fn a_user_who_is_disabled_or_gone_is_refused_at_once() {
    let app = TestApp::hs256().await;
    let token = mint("HS256", &plain("ghost", START + 3600), SECRET);
    let ghost = ("authorization", format!("Bearer {token}"));
    app.send("GET", KEY, &[ghost], "")
        .await
        .assert_refused(401, "Token invalid.");

    let jeff = app.bearer("jeff").await;
    assert_eq!(
        app.send("GET", KEY, std::slice::from_ref(&jeff), "")
            .await
            .status,
        200
    );
    app.state
        .store
        .set_user_state(
            "jeff",
            UserState::Forbidden,
            app.state.revoked_until(app.state.clock.now()),
        )
        .await
        .unwrap();
    app.send_in_vain("GET", "/api/v1/cube/key/create", &[jeff], "")
        .await
        .assert_refused(401, "Token invalid.");
}

#[tokio::test]
async fn a_token_ends() {
    let app = TestApp::new().await;
    let bearer = app.bearer("jeff").await;
    app.pass(3600);
    assert_eq!(
        app.send("GET", KEY, std::slice::from_ref(&bearer), "")
            .await
            .status,
        200
    );
    app.pass(31);
    app.send("GET", KEY, &[bearer], "")
        .await
        .assert_refused(401, "Token invalid.");
}

#[tokio::test]
async fn a_token_without_an_end_or_by_another_hand_is_refused() {
    let app = TestApp::hs256().await;
    let mut endless = plain("admin", 0);
    endless.as_object_mut().unwrap().remove("exp");
    for token in [
        mint("HS256", &endless, SECRET),
        mint(
            "HS256",
            &plain("admin", START + 3600),
            "another-secret-of-16",
        ),
        mint("HS256", &plain("system:admin", START + 3600), SECRET),
        "a.b.c".to_owned(),
        "é".to_owned(),
    ] {
        let headers = [("authorization", format!("Bearer {token}"))];
        let answer = app.send("GET", KEY, &headers, "").await;
        assert_eq!(answer.status, 401, "{token}");
    }
}

#[tokio::test]
async fn the_right_of_an_administrator_is_the_databases_not_the_tokens() {
    let app = TestApp::hs256().await;
    app.add_user("chief", "chiefPass123", UserState::Normal, &[ADMIN_GROUP])
        .await;
    let bearer = |user: &str, groups: &[&str]| {
        let payload = json!({
            "UserInfo": { "username": user, "groups": groups },
            "exp": START + 3600
        });
        let token = mint("HS256", &payload, SECRET);
        [("authorization", format!("Bearer {token}"))]
    };
    let says_so = bearer("jeff", &["kubecube", ADMIN_GROUP]);
    app.send("GET", "/api/v1/cube/clusters", &says_so, "")
        .await
        .assert_refused(403, "Forbidden.");
    let is_one = bearer("chief", &["kubecube"]);
    assert_eq!(
        app.send("GET", "/api/v1/cube/clusters", &is_one, "")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_user_who_is_imported_anew_has_to_log_in_anew() {
    let app = TestApp::hs256().await;
    let headers = [app.bearer("jeff").await];
    assert_eq!(app.send("GET", KEY, &headers, "").await.status, 200);
    app.add_user("jeff", "another-password", UserState::Normal, &[])
        .await;
    app.send("GET", KEY, &headers, "")
        .await
        .assert_refused(401, "Token invalid.");
}

#[tokio::test]
async fn a_write_by_cookie_from_another_site_is_refused() {
    let app = TestApp::new().await;
    let token = app.token("admin").await;
    let cookie = ("cookie", format!("Authorization=Bearer+{token}"));
    let bearer = ("authorization", format!("Bearer {token}"));
    let writes = [
        ("GET", "/api/v1/cube/key/create"),
        ("POST", "/api/v1/cube/key/create"),
        (
            "DELETE",
            "/api/v1/cube/key?accessKey=11111111111111111111111111111111",
        ),
        ("POST", "/api/v1/cube/clusters"),
        ("DELETE", "/api/v1/cube/clusters/a"),
    ];
    let foreign = [
        ("sec-fetch-site", "cross-site".to_owned()),
        ("origin", "https://evil.example".to_owned()),
        ("origin", "null".to_owned()),
    ];
    for (method, path) in writes {
        for header in &foreign {
            let headers = [cookie.clone(), header.clone()];
            app.send_in_vain(method, path, &headers, "")
                .await
                .assert_refused(403, "Forbidden.");
        }
    }
    // Reads are not writes, programs are not browsers, and our own pages are ours.
    let create = "/api/v1/cube/key/create";
    let read = app
        .send("GET", KEY, &[cookie.clone(), foreign[0].clone()], "")
        .await;
    assert_eq!(read.status, 200);
    let program = app
        .send("GET", create, &[bearer, foreign[1].clone()], "")
        .await;
    assert_eq!(program.status, 200);
    let own = ("origin", "https://gw.example".to_owned());
    let site = ("sec-fetch-site", "same-origin".to_owned());
    assert_eq!(
        app.send("POST", create, &[cookie, own, site], "")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_misspelt_parameter_of_our_own_is_told_to_whoever_has_a_token() {
    let app = TestApp::new().await;
    let path = "/api/v1/cube/audit?usr=jeff";
    app.send_in_vain("GET", path, &[], "")
        .await
        .assert_refused(401, "Authenticate failed.");
    let admin = [app.bearer("admin").await];
    app.send_in_vain("GET", path, &admin, "")
        .await
        .assert_refused(
            400,
            "bad request. there is no parameter \"usr\"; \"user\" may be meant.",
        );
    // KubeCube passes over what it does not know.
    let answer = app
        .send("GET", "/api/v1/cube/key?usr=jeff", &admin, "")
        .await;
    assert_eq!(answer.status, 200);
}
