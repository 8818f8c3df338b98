//! Who is logged in, and how administrators end that.

use serde_json::{Value, json};

use super::{Answer, TestApp};

const KEY: &str = "/api/v1/cube/key";
const SESSIONS: &str = "/api/v1/cube/user/jeff/sessions";

type Bearer = [(&'static str, String); 1];

fn bearer(token: &str) -> Bearer {
    [("authorization", format!("Bearer {token}"))]
}

impl TestApp {
    /// The token of a login by cookie.
    async fn by_cookie(&self, agent: &str) -> Bearer {
        let body = json!({ "name": "jeff", "password": "jeffPass123", "loginType": "normal" });
        let headers = [
            ("user-agent", agent.to_owned()),
            ("x-envoy-external-address", "203.0.113.9".to_owned()),
        ];
        let path = "/api/v1/cube/login";
        let answer = self.send("POST", path, &headers, body.to_string()).await;
        let cookie = answer.header("set-cookie");
        let (_, rest) = cookie.split_once("Bearer+").unwrap();
        bearer(rest.split_once(';').unwrap().0)
    }

    /// Access and refresh token of a login at `/oauth/token`.
    async fn by_oauth(&self) -> (Bearer, String) {
        let form = "grant_type=password&username=jeff&password=jeffPass123";
        let body: Value = serde_json::from_str(&self.form_of(form).await.body).unwrap();
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        (bearer(&text("access_token")), text("refresh_token"))
    }

    async fn form_of(&self, body: &str) -> Answer {
        let headers = [
            (
                "content-type",
                "application/x-www-form-urlencoded".to_owned(),
            ),
            ("user-agent", "ks".to_owned()),
        ];
        self.send("POST", "/oauth/token", &headers, body.to_owned())
            .await
    }

    async fn is_good(&self, token: &Bearer) -> bool {
        self.send("GET", KEY, token, "").await.status == 200
    }

    async fn sessions(&self) -> Vec<Value> {
        let admin = [self.bearer("admin").await];
        let answer = self.send("GET", SESSIONS, &admin, "").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["items"].as_array().unwrap().clone()
    }

    async fn end(&self, path: &str) -> Answer {
        let admin = [self.bearer("admin").await];
        self.send("DELETE", path, &admin, "").await
    }
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one() {
    let app = TestApp::new().await;
    let first = app.by_cookie("Firefox").await;
    app.pass(10);
    let (second, refresh) = app.by_oauth().await;
    app.pass(10);
    let third = app.by_cookie("curl").await;
    let listed = app.sessions().await;
    let shown: Vec<_> = listed
        .iter()
        .map(|item| (item["kind"].clone(), item["userAgent"].clone()))
        .collect();
    let expected = [("cookie", "curl"), ("oauth", "ks"), ("cookie", "Firefox")];
    let expected = expected.map(|(kind, agent)| (json!(kind), json!(agent)));
    assert_eq!(shown, expected);
    assert_eq!(listed[2]["address"], json!("203.0.113.9"));
    assert_eq!(listed[2]["beganAt"], json!("2023-11-14T22:13:20Z"));
    assert_eq!(listed[2]["endsAt"], json!("2023-11-15T10:13:20Z"));

    let id = |at: usize| listed[at]["id"].as_str().unwrap().to_owned();
    assert_eq!(app.end(&format!("{SESSIONS}/{}", id(2))).await.status, 200);
    assert!(!app.is_good(&first).await && app.is_good(&third).await);
    assert_eq!(app.end(&format!("{SESSIONS}/{}", id(1))).await.status, 200);
    assert!(!app.is_good(&second).await && app.is_good(&third).await);
    let form = format!("grant_type=refresh_token&refresh_token={refresh}");
    assert_eq!(app.form_of(&form).await.status, 400);
    assert_eq!(app.sessions().await.len(), 1);
    // One that is over, and one of somebody else.
    for (user, id) in [("jeff", id(1)), ("admin", id(0))] {
        let path = format!("/api/v1/cube/user/{user}/sessions/{id}");
        app.end(&path).await.assert_refused(
            400,
            &format!("bad request. user {user} has no session {id}."),
        );
    }
    assert!(app.is_good(&third).await);
}

#[tokio::test]
async fn all_sessions_of_a_user_end_with_all_of_its_tokens() {
    let app = TestApp::new().await;
    let tokens = [
        app.by_cookie("a").await,
        app.by_oauth().await.0,
        bearer(&app.token("jeff").await),
    ];
    assert_eq!(app.end(SESSIONS).await.status, 200);
    for token in &tokens {
        assert!(!app.is_good(token).await);
    }
    assert_eq!(app.sessions().await, Vec::<Value>::new());
    assert!(app.is_good(&app.by_cookie("b").await).await);
    assert_eq!(app.sessions().await.len(), 1);
}

#[tokio::test]
async fn a_session_that_is_over_is_not_listed() {
    let app = TestApp::new().await;
    let cookie = app.by_cookie("a").await;
    app.by_oauth().await;
    let logout = app.send("POST", "/api/v1/cube/logout", &cookie, "").await;
    assert_eq!(logout.status, 200);
    assert_eq!(app.sessions().await.len(), 1);
    app.pass(14_400);
    assert_eq!(app.sessions().await, Vec::<Value>::new());
}
