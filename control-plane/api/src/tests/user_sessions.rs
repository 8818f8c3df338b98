//! Who is logged in, and how that is ended.

use cubegate_domain::UserState;
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

#[tokio::test]
async fn users_see_and_end_their_own_sessions_and_nobody_elses() {
    let app = TestApp::new().await;
    let (first, second) = (app.by_cookie("a").await, app.by_cookie("b").await);
    app.add_user("bob", "bobPass123", UserState::Normal, &[])
        .await;
    let listed = app.send("GET", SESSIONS, &second, "").await.json();
    assert_eq!(listed["total"], json!(2));
    let items = listed["items"].as_array().unwrap();
    let of_first = items.iter().find(|item| item["userAgent"] == json!("a"));
    let one = format!("{SESSIONS}/{}", of_first.unwrap()["id"].as_str().unwrap());

    let bob = [app.bearer("bob").await];
    for (method, path) in [("GET", SESSIONS), ("DELETE", SESSIONS), ("DELETE", &one)] {
        let refused = app.send_in_vain(method, path, &bob, "").await;
        refused.assert_refused(403, "Forbidden.");
        // And does not learn who exists.
        let ghost = path.replace("jeff", "ghost");
        let refused = app.send_in_vain(method, &ghost, &bob, "").await;
        refused.assert_refused(403, "Forbidden.");
    }
    assert_eq!(app.sessions().await.len(), 2);

    assert_eq!(app.send("DELETE", &one, &second, "").await.status, 200);
    assert!(!app.is_good(&first).await && app.is_good(&second).await);
    assert_eq!(app.send("DELETE", SESSIONS, &second, "").await.status, 200);
    assert!(!app.is_good(&second).await);
    assert!(app.is_good(&app.by_cookie("c").await).await);
}

#[tokio::test]
async fn a_cookie_that_ends_its_own_session_is_not_renewed_to_a_good_one() {
    for path in [SESSIONS.to_owned(), format!("{SESSIONS}/ID")] {
        let app = TestApp::new().await;
        let [(_, token)] = app.by_cookie("a").await;
        let token = token.strip_prefix("Bearer ").unwrap();
        let cookie = [("cookie", format!("Authorization=Bearer+{token}"))];
        let id = app.sessions().await[0]["id"].as_str().unwrap().to_owned();
        app.pass(120);
        // A page of another site cannot do it.
        let strange = [
            cookie[0].clone(),
            ("origin", "https://evil.example".to_owned()),
        ];
        let path = path.replace("ID", &id);
        let refused = app.send_in_vain("DELETE", &path, &strange, "").await;
        refused.assert_refused(403, "Forbidden.");
        let ended = app.send("DELETE", &path, &cookie, "").await;
        assert_eq!(ended.status, 200, "{}", ended.body);
        let renewed = ended.header("set-cookie").split_once(';');
        let cookie = renewed.map_or(cookie[0].1.clone(), |(cookie, _)| cookie.to_owned());
        let answer = app.send("GET", KEY, &[("cookie", cookie)], "").await;
        assert_eq!(answer.status, 401, "{path}");
    }
}
