//! `POST /oauth/token`: what it gives, and every refusal.

use cubegate_domain::UserState;
use cubegate_store::ProfileChange;
use cubegate_token::UnverifiedToken;

use super::super::vectors::mint;
use super::*;
use crate::{Throttle, ThrottleSettings};

#[tokio::test]
async fn a_password_gives_two_tokens() {
    let app = TestApp::new().await;
    let answer = app.form(TOKEN, PASSWORD).await;
    let [access, refresh] = answer.tokens();
    // In KubeSphere's order.
    let order = ["access_token", "token_type", "refresh_token", "expires_in"];
    let at = order.map(|name| answer.body.find(&format!("\"{name}\"")).unwrap());
    assert!(at.is_sorted(), "{}", answer.body);
    let body = answer.oauth();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 7200);
    assert_eq!(body.as_object().unwrap().len(), 4);

    let claims = app
        .state
        .issuer
        .verify(&UnverifiedToken::new(&access), app.state.clock.now())
        .unwrap();
    assert_eq!(claims.user, "jeff");
    assert_eq!(claims.expires_at - claims.issued_at, 7200);
    assert!(claims.session.is_some());
    assert!(app.takes(&access).await);
    // A refresh token is none to call with.
    assert!(!app.takes(&refresh).await);
    let user = app.state.store.get_user("jeff").await.unwrap().unwrap();
    assert_eq!(user.last_login_at, Some(app.state.clock.now()));
}

#[tokio::test]
async fn the_documented_call_works_in_all_its_spellings() {
    let app = TestApp::new().await;
    let charset = "application/x-www-form-urlencoded; charset=UTF-8";
    for (path, content_type) in [
        ("/oauth/token", charset),
        ("/oauth/token/", "Application/X-WWW-Form-Urlencoded"),
        ("/oauth/token?grant_type=nonsense", charset),
    ] {
        let headers = [
            ("content-type", content_type.to_owned()),
            ("accept", "*/*".to_owned()),
            // What a console may still have does not matter here.
            ("authorization", "Bearer stale".to_owned()),
        ];
        let answer = app.send("POST", path, &headers, PASSWORD).await;
        assert_eq!(answer.status, 200, "{path} {content_type}");
    }
}

#[tokio::test]
async fn each_refusal_has_its_documented_answer() {
    let app = TestApp::new().await;
    let wrong = ("invalid_grant", "Invalid username or password.");
    let refresh = ("invalid_grant", "The refresh token is invalid or expired.");
    let grant = (
        "unsupported_grant_type",
        "The provided grant_type is not supported.",
    );
    for (body, (error, description)) in [
        ("grant_type=password&username=jeff&password=wrong", wrong),
        (
            "grant_type=password&username=zed&password=jeffPass123",
            wrong,
        ),
        ("grant_type=password&username=jeff&password=", wrong),
        ("grant_type=password&username=&password=x", wrong),
        (
            "grant_type=password",
            ("invalid_request", "username is missing."),
        ),
        (
            "grant_type=password&user=jeff&password=jeffPass123",
            ("invalid_request", "username is missing."),
        ),
        (
            "grant_type=password&username=jeff",
            ("invalid_request", "password is missing."),
        ),
        (
            "grant_type=password&username=jeff&username=zed&password=x",
            ("invalid_request", "username is given more than once."),
        ),
        ("grant_type=password&username=locked&password=wrong", wrong),
        (
            "grant_type=password&username=locked&password=lockedPass1",
            ("invalid_grant", "Account suspended."),
        ),
        (
            "grant_type=password&username=jeff&password=jeffPass123&provider=ldap",
            (
                "invalid_request",
                "The identity provider is not known here; leave the parameter provider out.",
            ),
        ),
        ("", ("invalid_request", "grant_type is missing.")),
        (
            "username=admin&password=x",
            ("invalid_request", "grant_type is missing."),
        ),
        (
            "grant_type=&username=admin&password=x",
            ("invalid_request", "grant_type is missing."),
        ),
        (
            "grant_type=password&grant_type=password",
            ("invalid_request", "grant_type is given more than once."),
        ),
        (
            "grant_type=Password&username=jeff&password=jeffPass123",
            grant,
        ),
        ("grant_type=otp", grant),
        ("grant_type=client_credentials", grant),
        (
            "grant_type=refresh_token",
            ("invalid_request", "refresh_token is missing."),
        ),
        ("grant_type=refresh_token&refresh_token=a.b.c", refresh),
        ("grant_type=refresh_token&refresh_token=%FF", refresh),
        (
            "grant_type=authorization_code",
            (
                "invalid_request",
                "The authorization code is empty or missing.",
            ),
        ),
        (
            "grant_type=code&code=",
            (
                "invalid_request",
                "The authorization code is empty or missing.",
            ),
        ),
        (
            "grant_type=authorization_code&code=abc",
            ("invalid_request", "Redirect URI is not allowed."),
        ),
        (
            "grant_type=authorization_code&code=abc&redirect_uri=https%3A%2F%2Fevil.example",
            ("invalid_request", "Redirect URI is not allowed."),
        ),
    ] {
        let answer = app
            .send_in_vain("POST", TOKEN, &[form_header()], body)
            .await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.body);
        answer.assert_oauth_error(400, error, description);
    }
}

#[tokio::test]
async fn what_is_no_form_post_is_refused_as_a_router_does() {
    let app = TestApp::new().await;
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        let path = "/oauth/token?grant_type=password&username=jeff&password=jeffPass123";
        app.send_in_vain(method, path, &[], "")
            .await
            .assert_text(405, "405: Method Not Allowed");
    }
    assert_eq!(app.send("HEAD", TOKEN, &[], "").await.status, 405);
    for content_type in ["application/json", "text/plain", "multipart/form-data", ""] {
        let headers = [("content-type", content_type.to_owned())];
        app.send_in_vain("POST", TOKEN, &headers, PASSWORD)
            .await
            .assert_text(415, "415: Unsupported Media Type");
    }
    app.send_in_vain("POST", TOKEN, &[], PASSWORD)
        .await
        .assert_text(415, "415: Unsupported Media Type");
    let too_long = "a".repeat(crate::router::MAX_BODY_BYTES + 1);
    assert_eq!(app.form(TOKEN, too_long).await.status, 413);
    for path in ["/oauth", "/oauth/", "/oauth/nope", "/oauth/token/x"] {
        app.send_in_vain("GET", path, &[], "")
            .await
            .assert_text(404, "404: Page Not Found");
    }
}

#[tokio::test]
async fn a_password_in_the_url_is_not_looked_at() {
    let app = TestApp::new().await;
    app.form(&format!("{TOKEN}?{PASSWORD}"), "")
        .await
        .assert_oauth_error(400, "invalid_request", "grant_type is missing.");
}

#[tokio::test]
async fn other_tokens_do_not_refresh() {
    let app = TestApp::with(mk_hs256_issuer(), |_| {}).await;
    let [access, _] = app.log_in().await;
    let fixed = json!({ "username": "admin", "token_type": "static_token", "exp": START + 3600 });
    let forged = json!({
        "username": "admin", "token_type": "refresh_token", "sid": "s", "jti": "r-i",
        "exp": START + 3600
    });
    for token in [
        access,
        mint("HS256", &fixed, SECRET),
        // Well signed, but never issued.
        mint("HS256", &forged, SECRET),
    ] {
        app.refresh(&token).await.assert_oauth_error(
            400,
            "invalid_grant",
            "The refresh token is invalid or expired.",
        );
    }
}

#[tokio::test]
async fn a_user_who_is_gone_or_disabled_does_not_refresh() {
    let app = TestApp::with(mk_hs256_issuer(), |_| {}).await;
    let [_, refresh] = app.log_in().await;
    let forbid = app.state.store.set_user_state(
        "jeff",
        UserState::Forbidden,
        app.state.revoked_until(app.state.clock.now()),
    );
    forbid.await.unwrap();
    app.refresh(&refresh)
        .await
        .assert_oauth_error(400, "invalid_grant", "Account suspended.");
    let ghost = json!({
        "username": "ghost", "token_type": "refresh_token", "sid": "s", "jti": "r-i",
        "exp": START + 3600
    });
    app.refresh(&mint("HS256", &ghost, SECRET))
        .await
        .assert_oauth_error(400, "invalid_grant", "Authenticated user does not exist.");
}

#[tokio::test]
async fn the_filter_gets_a_short_token_and_nothing_to_refresh() {
    let app = TestApp::new().await;
    let headers = [form_header(), ("x-cubegate-exchange", "basic".to_owned())];
    let answer = app.send_in_vain("POST", TOKEN, &headers, PASSWORD).await;
    assert_eq!(answer.status, 200);
    let body = answer.oauth();
    assert_eq!(body.get("refresh_token"), None);
    assert_eq!(body["expires_in"], 120);
    let access = body["access_token"].as_str().unwrap();
    assert!(app.takes(access).await);
    app.pass(151);
    assert!(!app.takes(access).await);
}

#[tokio::test]
async fn a_user_may_be_named_by_the_email_address() {
    let app = TestApp::new().await;
    let set_email = async |user: &str, email: &str| {
        let change = ProfileChange {
            email: Some(email.to_owned()),
            ..ProfileChange::default()
        };
        app.state.store.change_profile(user, &change).await.unwrap();
    };
    let log_in = async |name: &str| {
        let body = format!("grant_type=password&username={name}&password=jeffPass123");
        app.form(TOKEN, body).await
    };
    let wrong = (400, "invalid_grant", "Invalid username or password.");
    let email = "jeff%40example.com";
    let refused = log_in(email).await;
    refused.assert_oauth_error(wrong.0, wrong.1, wrong.2);

    set_email("jeff", "jeff@example.com").await;
    let [access, _] = log_in(email).await.tokens();
    let headers = [("authorization", format!("Bearer {access}"))];
    let info = app.send("GET", "/oauth/userinfo", &headers, "").await;
    assert_eq!(info.oauth()["sub"], "jeff");
    assert_eq!(info.oauth()["email"], "jeff@example.com");

    let [access, _] = log_in("JEFF%40example.COM").await.tokens();
    assert!(!access.is_empty());
    // A user of that name comes before one with that address.
    set_email("jeff", "other@example.com").await;
    app.add_user("other@example.com", "otherPass1", UserState::Normal, &[])
        .await;
    let refused = log_in("other%40example.com").await;
    refused.assert_oauth_error(wrong.0, wrong.1, wrong.2);
}

#[tokio::test]
async fn guesses_by_name_and_by_address_count_for_one_user() {
    let app = TestApp::with(mk_issuer(), |state| {
        let settings = ThrottleSettings {
            lock_failures: 2,
            ..ThrottleSettings::default()
        };
        state.throttle = Throttle::new(&settings).into();
    })
    .await;
    let change = ProfileChange {
        email: Some("jeff@example.com".to_owned()),
        ..ProfileChange::default()
    };
    app.state
        .store
        .change_profile("jeff", &change)
        .await
        .unwrap();
    for name in ["jeff", "jeff%40example.com"] {
        let body = format!("grant_type=password&username={name}&password=wrong");
        assert_eq!(app.form(TOKEN, body).await.status, 400);
    }
    let answer = app.form(TOKEN, PASSWORD).await;
    answer.assert_oauth_error(429, "invalid_grant", "Rate limit exceeded.");
}
