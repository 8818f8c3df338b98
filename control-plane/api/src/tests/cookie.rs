//! The cookie of a login: it slides, ends, and is taken away.

use std::sync::Arc;
use std::time::Duration;

use cubegate_token::{Claims, UnverifiedToken};
use serde_json::json;

use super::{Answer, TestApp};
use crate::{DEFAULT_TOKEN_LIFETIME, Issuer};

const LOGIN: &str = "/api/v1/cube/login";
const LOGOUT: &str = "/api/v1/cube/logout";
const KEY: &str = "/api/v1/cube/key";

impl TestApp {
    /// The token of a new login.
    async fn cookie_login(&self, user: &str, password: &str) -> String {
        let body = json!({ "name": user, "password": password, "loginType": "normal" });
        let answer = self.send("POST", LOGIN, &[], body.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.cookie().unwrap().0
    }

    async fn jeffs_login(&self) -> String {
        self.cookie_login("jeff", "jeffPass123").await
    }

    async fn with_cookie(&self, method: &str, path: &str, token: &str) -> Answer {
        let cookie = [("cookie", format!("Authorization=Bearer+{token}"))];
        self.send(method, path, &cookie, "").await
    }

    fn says(&self, token: &str) -> Claims {
        let token = UnverifiedToken::new(token);
        let now = self.state.clock.now();
        self.state.issuer.verify(&token, now).unwrap()
    }
}

impl Answer {
    /// Token and age of the cookie that is set.
    fn cookie(&self) -> Option<(String, u64)> {
        let all = self.headers.get_all("set-cookie").iter();
        let all: Vec<_> = all.map(|value| value.to_str().unwrap()).collect();
        let rest = all.first()?.strip_prefix("Authorization=Bearer+")?;
        assert_eq!(all[1..], [format!("__Host-{}", all[0])]);
        let (token, rest) = rest.split_once("; Path=/; Max-Age=").unwrap();
        let (age, rest) = rest.split_once("; ").unwrap();
        assert_eq!(rest, "HttpOnly; Secure; SameSite=Lax");
        Some((token.to_owned(), age.parse().unwrap()))
    }
}

#[tokio::test]
async fn a_cookie_slides_while_it_is_used_and_never_beyond_the_longest_time() {
    let app = TestApp::with(ed25519(), |state| {
        state.session_lifetime = Duration::from_secs(9_000);
    })
    .await;
    let mut token = app.jeffs_login().await;
    let first = app.says(&token);
    // It is young yet.
    app.pass(59);
    let answer = app.with_cookie("GET", KEY, &token).await;
    assert_eq!((answer.status.as_u16(), answer.cookie()), (200, None));
    for (passed, age) in [(3_000, 3_600), (3_000, 2_941), (2_900, 41)] {
        app.pass(passed);
        let answer = app.with_cookie("GET", KEY, &token).await;
        assert_eq!(answer.status, 200);
        let (next, max_age) = answer.cookie().unwrap();
        assert_eq!(max_age, age);
        let says = app.says(&next);
        assert_ne!(says.id, first.id);
        assert_eq!(says.session, first.session);
        assert_eq!(says.authenticated_at, first.authenticated_at);
        token = next;
    }
    // Clocks may differ by 30 s.
    app.pass(72);
    let answer = app.with_cookie("GET", KEY, &token).await;
    answer.assert_refused(401, "Token invalid.");
}

#[tokio::test]
async fn nothing_else_is_renewed() {
    let app = TestApp::new().await;
    let token = app.jeffs_login().await;
    let other = app.token("jeff").await;
    app.pass(600);
    let bearer = [("authorization", format!("Bearer {token}"))];
    let answer = app.send("GET", KEY, &bearer, "").await;
    assert_eq!((answer.status.as_u16(), answer.cookie()), (200, None));
    // A token that is of no login, in a cookie.
    let answer = app.with_cookie("GET", KEY, &other).await;
    assert_eq!((answer.status.as_u16(), answer.cookie()), (200, None));
    // Another site uses the cookie.
    let foreign = [
        ("cookie", format!("Authorization=Bearer+{token}")),
        ("origin", "https://evil.example".to_owned()),
    ];
    let answer = app
        .send("POST", "/api/v1/cube/key/create", &foreign, "")
        .await;
    assert_eq!((answer.status.as_u16(), answer.cookie()), (403, None));
    // What fails for another reason renews it, as in KubeCube.
    let answer = app.with_cookie("DELETE", KEY, &token).await;
    assert_eq!(answer.status, 400);
    assert!(answer.cookie().is_some());
}

#[tokio::test]
async fn a_logout_ends_all_tokens_of_the_login_and_takes_the_cookie_away() {
    let app = TestApp::new().await;
    let token = app.jeffs_login().await;
    let elsewhere = app.jeffs_login().await;
    app.pass(600);
    let (renewed, _) = app.with_cookie("GET", KEY, &token).await.cookie().unwrap();
    let answer = app.with_cookie("POST", LOGOUT, &renewed).await;
    assert_eq!(answer.json(), json!({ "message": "success" }));
    let gone = "Authorization=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax";
    assert_eq!(answer.header("set-cookie"), gone);
    for ended in [&token, &renewed] {
        let answer = app.with_cookie("GET", KEY, ended).await;
        answer.assert_refused(401, "Token invalid.");
        assert_eq!(answer.cookie(), None);
    }
    assert_eq!(app.with_cookie("GET", KEY, &elsewhere).await.status, 200);
    // Nobody is logged out already.
    for headers in [vec![], vec![("authorization", "Bearer junk".to_owned())]] {
        let answer = app.send_in_vain("POST", LOGOUT, &headers, "").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("set-cookie"), gone);
    }
}

#[tokio::test]
async fn a_logout_takes_a_token_back_that_is_of_no_login() {
    let app = TestApp::new().await;
    let [one, other] = [app.bearer("jeff").await, app.bearer("jeff").await];
    let answer = app
        .send("POST", LOGOUT, std::slice::from_ref(&one), "")
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(app.send("GET", KEY, &[one], "").await.status, 401);
    assert_eq!(app.send("GET", KEY, &[other], "").await.status, 200);
}

#[tokio::test]
async fn another_site_logs_nobody_out() {
    let app = TestApp::new().await;
    let token = app.jeffs_login().await;
    let foreign = [
        ("cookie", format!("Authorization=Bearer+{token}")),
        ("sec-fetch-site", "cross-site".to_owned()),
    ];
    let answer = app.send_in_vain("POST", LOGOUT, &foreign, "").await;
    answer.assert_refused(403, "Forbidden.");
    assert_eq!(app.with_cookie("GET", KEY, &token).await.status, 200);
}

#[tokio::test]
async fn another_site_logs_nobody_in() {
    let app = TestApp::with(ed25519(), |state| {
        state.cors_origins = Arc::new(["https://console.example".to_owned()].into());
    })
    .await;
    let body = json!({ "name": "jeff", "password": "jeffPass123", "loginType": "normal" });
    let log_in = async |headers: &[(&str, String)]| {
        let mut all = vec![("content-type", "text/plain".to_owned())];
        all.extend_from_slice(headers);
        app.send("POST", LOGIN, &all, body.to_string()).await
    };
    let header = |name: &'static str, value: &str| (name, value.to_owned());
    for foreign in [
        header("sec-fetch-site", "cross-site"),
        header("sec-fetch-site", "same-site"),
        header("origin", "https://evil.example"),
        header("origin", "null"),
    ] {
        let answer = log_in(std::slice::from_ref(&foreign)).await;
        answer.assert_refused(403, "Forbidden.");
        assert_eq!(answer.header("set-cookie"), "", "{foreign:?}");
    }
    for good in [
        vec![],
        vec![header("sec-fetch-site", "same-origin")],
        vec![header("origin", "https://gw.example")],
        // Whose pages may call.
        vec![
            header("origin", "https://console.example"),
            header("sec-fetch-site", "same-site"),
        ],
    ] {
        assert_eq!(log_in(&good).await.status, 200, "{good:?}");
    }
}

#[tokio::test]
async fn a_cookie_that_a_neighbour_has_planted_does_not_count() {
    let app = TestApp::new().await;
    let (own, planted) = (app.jeffs_login().await, app.token("admin").await);
    for cookie in [
        format!("Authorization=Bearer+{planted}; __Host-Authorization=Bearer+{own}"),
        format!("__Host-Authorization=Bearer+{own}; Authorization=Bearer+{planted}"),
    ] {
        let answer = app
            .send("GET", "/api/v1/cube/user", &[("cookie", cookie)], "")
            .await;
        answer.assert_refused(403, "Forbidden.");
    }
}

#[tokio::test]
async fn without_tls_there_is_one_cookie() {
    let app = TestApp::with(ed25519(), |state| state.plain_http = true).await;
    let body = json!({ "name": "jeff", "password": "jeffPass123", "loginType": "normal" });
    let answer = app.send("POST", LOGIN, &[], body.to_string()).await;
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies.len(), 1);
    assert!(!answer.header("set-cookie").contains("Secure"));
}

fn ed25519() -> Issuer {
    let signer = cubegate_token::Ed25519Signer::generate("cubegate");
    Issuer::ed25519(signer, DEFAULT_TOKEN_LIFETIME).unwrap()
}
