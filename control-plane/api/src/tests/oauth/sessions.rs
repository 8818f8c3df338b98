//! Sessions: refresh, reuse, logout, revocation.

use super::super::vectors::mint;
use super::*;

const REFUSED: (u16, &str, &str) = (
    400,
    "invalid_grant",
    "The refresh token is invalid or expired.",
);

#[track_caller]
fn assert_refused(answer: &Answer) {
    answer.assert_oauth_error(REFUSED.0, REFUSED.1, REFUSED.2);
}

#[tokio::test]
async fn a_refresh_replaces_both_tokens() {
    let app = TestApp::new().await;
    let [access, refresh] = app.log_in().await;
    app.pass(60);
    let answer = app.refresh(&refresh).await;
    let [new_access, new_refresh] = answer.tokens();
    assert_eq!(answer.oauth()["expires_in"], 7200);
    assert!(!app.takes(&access).await);
    assert!(app.takes(&new_access).await);
    assert_ne!(refresh, new_refresh);
    // At once it is only too late.
    assert_refused(&app.refresh(&refresh).await);
    assert!(app.takes(&new_access).await);
    app.refresh(&new_refresh).await.tokens();
}

#[tokio::test]
async fn a_refresh_token_that_comes_again_ends_its_session_and_no_other() {
    let app = TestApp::new().await;
    let [other, _] = app.log_in().await;
    let [_, stolen] = app.log_in().await;
    let [access, refresh] = app.refresh(&stolen).await.tokens();
    app.pass(5);
    assert_refused(&app.refresh(&stolen).await);
    assert!(app.takes(&access).await);
    app.pass(1);
    assert_refused(&app.refresh(&stolen).await);
    assert!(!app.takes(&access).await);
    assert_refused(&app.refresh(&refresh).await);
    assert!(app.takes(&other).await);
}

#[tokio::test]
async fn a_refresh_token_expires() {
    let app = TestApp::new().await;
    let [access, refresh] = app.log_in().await;
    app.pass(7231);
    assert!(!app.takes(&access).await);
    app.pass(14_400 - 7231 - 1);
    app.refresh(&refresh).await.tokens();

    let [_, refresh] = app.log_in().await;
    app.pass(14_400);
    assert_refused(&app.refresh(&refresh).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_refreshes_at_the_same_time_one_wins() {
    let app = std::sync::Arc::new(TestApp::new().await);
    let [_, refresh] = app.log_in().await;
    let tries: Vec<_> = (0..50)
        .map(|_| {
            let (app, refresh) = (app.clone(), refresh.clone());
            tokio::spawn(async move { app.refresh(&refresh).await })
        })
        .collect();
    let mut won = Vec::new();
    for attempt in tries {
        let answer = attempt.await.unwrap();
        if answer.status == 200 {
            won.push(answer.tokens());
        } else {
            assert_refused(&answer);
        }
    }
    let [[access, refresh]] = won.as_slice() else {
        panic!("{} have won", won.len());
    };
    // A client that races with itself keeps its session.
    assert!(app.takes(access).await);
    app.refresh(refresh).await.tokens();
}

#[tokio::test]
async fn without_multiple_login_the_last_session_is_the_only_one() {
    let app = TestApp::with(mk_issuer(), |state| {
        change_oauth(state, |oauth| oauth.multiple_login = false);
    })
    .await;
    let admin = app.token("admin").await;
    let [first, first_refresh] = app.log_in().await;
    let [second, second_refresh] = app.log_in().await;
    assert!(!app.takes(&first).await);
    assert!(app.takes(&second).await);
    assert_refused(&app.refresh(&first_refresh).await);
    let [third, _] = app.refresh(&second_refresh).await.tokens();
    assert!(!app.takes(&second).await);
    assert!(app.takes(&third).await);
    assert!(app.takes(&admin).await);

    // With it they all stay.
    let app = TestApp::new().await;
    let [first, _] = app.log_in().await;
    let [second, _] = app.log_in().await;
    assert!(app.takes(&first).await && app.takes(&second).await);
}

async fn log_out(app: &TestApp, token: &str, query: &str) -> Answer {
    let headers = [("authorization", format!("Bearer {token}"))];
    let path = format!("/oauth/logout{query}");
    app.send("GET", &path, &headers, "").await
}

#[tokio::test]
async fn a_logout_ends_the_session_of_its_token() {
    let app = TestApp::new().await;
    let [access, refresh] = app.log_in().await;
    let [other, _] = app.log_in().await;
    let answer = log_out(&app, &access, "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.oauth(), json!({ "message": "success" }));
    assert!(!app.takes(&access).await);
    assert_refused(&app.refresh(&refresh).await);
    assert!(app.takes(&other).await);
    // Twice, and by nobody at all, is as good.
    for answer in [
        log_out(&app, &access, "").await,
        app.send_in_vain("GET", "/oauth/logout", &[], "").await,
    ] {
        assert_eq!(answer.oauth(), json!({ "message": "success" }));
    }
    // A token of no session goes alone.
    let token = app.token("jeff").await;
    log_out(&app, &token, "").await;
    assert!(!app.takes(&token).await);
    assert!(app.takes(&other).await);
}

#[tokio::test]
async fn a_static_token_logs_nobody_out() {
    let app = TestApp::with(mk_hs256_issuer(), |_| {}).await;
    let fixed = json!({ "username": "admin", "token_type": "static_token", "exp": START + 3600 });
    let token = mint("HS256", &fixed, SECRET);
    assert_eq!(log_out(&app, &token, "").await.status, 200);
    assert!(app.takes(&token).await);
}

#[tokio::test]
async fn a_logout_leads_only_where_it_may() {
    let app = TestApp::with(mk_issuer(), |state| {
        change_oauth(state, |oauth| {
            oauth.logout_redirects = vec!["https://app.example/bye".to_owned()];
        });
    })
    .await;
    let [access, _] = app.log_in().await;
    for target in [
        "https%3A%2F%2Fevil.example%2F",
        "https%3A%2F%2Fapp.example%2Fbye%2F..%2Fx",
        "https%3A%2F%2Fapp.example%2Fbyebye",
    ] {
        let query = format!("?post_logout_redirect_uri={target}&state=s");
        log_out(&app, &access, &query).await.assert_oauth_error(
            400,
            "invalid_request",
            "Redirect URI is not allowed.",
        );
    }
    assert!(app.takes(&access).await);
    let query = "?post_logout_redirect_uri=https%3A%2F%2Fapp.example%2Fbye&state=a%26b";
    let answer = log_out(&app, &access, query).await;
    assert_eq!(answer.status, 302);
    assert_eq!(
        answer.header("location"),
        "https://app.example/bye?state=a%26b"
    );
    assert!(!app.takes(&access).await);
}

#[tokio::test]
async fn a_token_is_taken_back() {
    let app = TestApp::new().await;
    let revoke = async |token: &str| {
        let answer = app
            .form("/oauth/revoke", format!("token={token}&token_type_hint=x"))
            .await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""));
    };
    // An access token alone,
    let [access, refresh] = app.log_in().await;
    revoke(&access).await;
    assert!(!app.takes(&access).await);
    let [access, refresh] = app.refresh(&refresh).await.tokens();
    // a refresh token with its session,
    revoke(&refresh).await;
    assert!(!app.takes(&access).await);
    assert_refused(&app.refresh(&refresh).await);
    // and what is none.
    revoke("x.y.z").await;

    app.form("/oauth/revoke", "").await.assert_oauth_error(
        400,
        "invalid_request",
        "token is missing.",
    );
    app.form("/oauth/revoke", "token=x&client_id=zzz&client_secret=x")
        .await
        .assert_oauth_error(
            400,
            "invalid_client",
            "The provided client_id is invalid or does not exist.",
        );
    app.send("GET", "/oauth/revoke", &[], "")
        .await
        .assert_text(405, "405: Method Not Allowed");
}

#[tokio::test]
async fn the_database_holds_no_token() {
    let app = TestApp::new().await;
    let [access, refresh] = app.log_in().await;
    app.refresh(&refresh).await.tokens();
    app.state.store.close().await;
    let file = std::fs::read(app.state.store.database().file().unwrap()).unwrap();
    for token in [access, refresh] {
        let signature = token.rsplit('.').next().unwrap().as_bytes().to_vec();
        assert!(!file.windows(signature.len()).any(|part| part == signature));
    }
}
