//! Kubeconfigs as sessions, and tokens for one cluster.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_domain::KeyAttributes;
use cubegate_token::{Claims, KeyScope, UnverifiedToken};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{Answer, START, TestApp};

const KUBECONFIGS: &str = "/api/v1/cube/user/kubeconfigs";
const SESSIONS: &str = "/api/v1/cube/user/jeff/sessions";
const WHOAMI: &str = "/api/v1/cube/whoami";
const CLUSTERS: &str = "/api/v1/cube/whoami/clusters";
const TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

type Bearer = [(&'static str, String); 1];

fn bearer(token: &str) -> Bearer {
    [("authorization", format!("Bearer {token}"))]
}

impl TestApp {
    /// With these clusters.
    async fn with_clusters(names: &[&str]) -> Self {
        let app = Self::new().await;
        for name in names {
            let url = format!("https://{name}.example:6443");
            app.add_cluster(cubegate_testing::cluster(name, &url)).await;
        }
        app
    }

    /// The tokens of a kubeconfig, in the order of its contexts.
    async fn kubeconfig_tokens(&self, by: &Bearer, query: &str) -> Vec<String> {
        let path = format!("{KUBECONFIGS}{query}");
        let answer = self.send("GET", &path, by, "").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let text = STANDARD.decode(answer.json().as_str().unwrap()).unwrap();
        let document: Value = serde_json::from_slice(&text).unwrap();
        let users = document["users"].as_array().unwrap();
        let token = |user: &Value| user["user"]["token"].as_str().unwrap().to_owned();
        users.iter().map(token).collect()
    }

    async fn jeffs(&self) -> Bearer {
        bearer(&self.token("jeff").await)
    }

    async fn jeffs_sessions(&self) -> Vec<Value> {
        let answer = self.send("GET", SESSIONS, &self.jeffs().await, "").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["items"].as_array().unwrap().clone()
    }

    /// Whether a token stands for anybody, whatever it is good for.
    async fn stands(&self, token: &str) -> bool {
        self.send("GET", WHOAMI, &bearer(token), "").await.status == 200
    }

    fn claims_of(&self, token: &str) -> Claims {
        let token = UnverifiedToken::new(token);
        let now = self.state.clock.now();
        self.state.issuer.verify(&token, now).unwrap()
    }

    /// What comes of a token of jeff's key with this scope and end, and the key.
    async fn token_of_key(&self, attributes: KeyAttributes) -> (String, String) {
        let (store, now) = (&self.state.store, self.state.clock.now());
        let pair = store.create_key_with("jeff", attributes, now).await;
        let access_key = pair.unwrap().access_key;
        let key = store.get_key(&access_key).await.unwrap().unwrap();
        let user = store.get_user("jeff").await.unwrap().unwrap();
        let issued = self.state.issuer.issue_from_key(&user, &key, now);
        (issued.unwrap().token, access_key)
    }

    async fn exchange_token(&self, token: &str, rest: &str) -> Answer {
        let headers = [(
            "content-type",
            "application/x-www-form-urlencoded".to_owned(),
        )];
        let body = format!(
            "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token={token}{rest}"
        );
        self.send("POST", "/oauth/token", &headers, body).await
    }
}

#[tokio::test]
async fn a_kubeconfig_is_one_session_and_ends_with_all_of_its_contexts() {
    let app = TestApp::with_clusters(&["a", "b"]).await;
    let mut by = app.jeffs().await.to_vec();
    by.push(("user-agent", "kubeconfig-tool".to_owned()));
    by.push(("x-envoy-external-address", "203.0.113.9".to_owned()));
    let answer = app.send("GET", KUBECONFIGS, &by, "").await;
    assert_eq!(answer.status, 200);
    let others = app.kubeconfig_tokens(&app.jeffs().await, "").await;
    app.pass(1);
    let tokens = app.kubeconfig_tokens(&app.jeffs().await, "").await;
    let listed = app.jeffs_sessions().await;
    assert_eq!(listed.len(), 3);
    assert_eq!(
        listed.iter().map(|item| &item["kind"]).collect::<Vec<_>>(),
        ["kubeconfig"; 3]
    );
    let first = listed
        .iter()
        .find(|item| item["userAgent"] == json!("kubeconfig-tool"))
        .unwrap();
    assert_eq!(first["address"], json!("203.0.113.9"));
    assert_eq!(first["endsAt"], json!("2023-11-15T22:13:20Z"));

    let session = listed[0]["id"].as_str().unwrap();
    assert_eq!(tokens.len(), 2);
    for token in &tokens {
        assert_eq!(app.claims_of(token).session.as_deref(), Some(session));
        assert!(app.stands(token).await);
    }
    let path = format!("{SESSIONS}/{session}");
    let ended = app.send("DELETE", &path, &app.jeffs().await, "").await;
    assert_eq!(ended.status, 200, "{}", ended.body);
    for token in &tokens {
        assert!(!app.stands(token).await);
    }
    for token in &others {
        assert!(app.stands(token).await);
    }
    // Longer than any login's token would live.
    app.pass(80_000);
    assert!(!app.stands(&tokens[0]).await && app.stands(&others[0]).await);
    let now = app.state.clock.now();
    let refused = app.state.store.list_revoked_sessions(None, now).await;
    assert_eq!(refused.unwrap().len(), 1);
}

#[tokio::test]
async fn a_kubeconfig_is_made_again_under_its_session() {
    let app = TestApp::with_clusters(&["a"]).await;
    let first = app.kubeconfig_tokens(&app.jeffs().await, "").await;
    let session = app.claims_of(&first[0]).session.unwrap();
    app.pass(3_600);
    let again = format!("?session={session}");
    let second = app.kubeconfig_tokens(&app.jeffs().await, &again).await;
    let claims = app.claims_of(&second[0]);
    assert_eq!(claims.session.as_ref(), Some(&session));
    assert_eq!(claims.expires_at - claims.issued_at, 86_400);
    let listed = app.jeffs_sessions().await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["beganAt"], json!("2023-11-14T22:13:20Z"));
    assert_eq!(listed[0]["endsAt"], json!("2023-11-15T23:13:20Z"));
    // What was made before lasts as long as it did.
    assert!(app.stands(&first[0]).await);
    app.pass(86_400 - 3_600 + 31);
    assert!(!app.stands(&first[0]).await && app.stands(&second[0]).await);

    // A login is none, and neither is one that is nobody's, another's or over.
    let refused = |id: &str| format!("bad request. user jeff has no kubeconfig {id}.");
    app.send(
        "DELETE",
        &format!("{SESSIONS}/{session}"),
        &app.jeffs().await,
        "",
    )
    .await;
    let admin = [app.bearer("admin").await];
    let path = format!("{KUBECONFIGS}?session={session}");
    app.send("GET", &path, &app.jeffs().await, "")
        .await
        .assert_refused(400, &refused(&session));
    app.send("GET", &path, &admin, "").await.assert_refused(
        400,
        &format!("bad request. user admin has no kubeconfig {session}."),
    );
    assert!(app.jeffs_sessions().await.is_empty());
}

#[tokio::test]
async fn a_kubeconfig_by_a_keys_token_is_listed_while_it_is_good_and_made_again_by_that_key() {
    let app = TestApp::with_clusters(&["a"]).await;
    let own = app.kubeconfig_tokens(&app.jeffs().await, "").await;
    let own = app.claims_of(&own[0]).session.unwrap();
    let (token, access_key) = app.token_of_key(KeyAttributes::default()).await;
    let tokens = app.kubeconfig_tokens(&bearer(&token), "").await;
    let session = app.claims_of(&tokens[0]).session.unwrap();
    let again = app
        .kubeconfig_tokens(&bearer(&token), &format!("?session={session}"))
        .await;
    // It would outlive its key.
    app.send(
        "GET",
        &format!("{KUBECONFIGS}?session={own}"),
        &bearer(&token),
        "",
    )
    .await
    .assert_refused(
        400,
        &format!("bad request. user jeff has no kubeconfig {own}."),
    );
    assert_eq!(app.jeffs_sessions().await.len(), 2);
    let (store, now) = (&app.state.store, app.state.clock.now());
    let until = app.state.revoked_until(now);
    store.delete_key(&access_key, None, until).await.unwrap();
    assert!(!app.stands(&tokens[0]).await && !app.stands(&again[0]).await);
    let listed = app.jeffs_sessions().await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["id"], json!(own));
}

#[tokio::test]
async fn logins_do_not_push_kubeconfigs_out_of_the_list() {
    let app = TestApp::with_clusters(&["a"]).await;
    app.kubeconfig_tokens(&app.jeffs().await, "").await;
    let store = &app.state.store;
    for number in 0..101 {
        app.pass(1);
        let login = cubegate_store::Login {
            session: format!("s{number}"),
            kind: cubegate_store::LoginKind::Oauth,
            began_at: app.state.clock.now(),
            ends_at: app.state.clock.now() + time::Duration::hours(1),
            address: None,
            user_agent: String::new(),
        };
        store.note_login("jeff", &login).await.unwrap();
    }
    let listed = app.jeffs_sessions().await;
    assert_eq!(listed.len(), 101);
    assert_eq!(listed[100]["kind"], json!("kubeconfig"));
}

#[tokio::test]
async fn a_token_is_exchanged_for_one_that_is_for_one_cluster_and_ends_with_it() {
    let app = TestApp::with_clusters(&["a", "b"]).await;
    let form = "grant_type=password&username=jeff&password=jeffPass123";
    let headers = [(
        "content-type",
        "application/x-www-form-urlencoded".to_owned(),
    )];
    let login = app
        .send("POST", "/oauth/token", &headers, form.to_owned())
        .await;
    let login: Value = serde_json::from_str(&login.body).unwrap();
    let wide = login["access_token"].as_str().unwrap();
    app.pass(60);
    let answer = app
        .exchange_token(wide, &format!("&subject_token_type={TYPE}&audience=a"))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["token_type"], json!("Bearer"));
    assert_eq!(body["issued_token_type"], json!(TYPE));
    assert_eq!(body["expires_in"], json!(7_140));
    assert_eq!(body.get("refresh_token"), None);
    let narrow = body["access_token"].as_str().unwrap();
    let (wide_claims, claims) = (app.claims_of(wide), app.claims_of(narrow));
    assert_eq!(claims.scope.unwrap().clusters, ["a"]);
    assert_eq!(claims.expires_at, wide_claims.expires_at);
    assert_eq!(claims.session, wide_claims.session);
    assert_eq!(claims.generation, wide_claims.generation);
    assert_ne!(claims.id, wide_claims.id);

    // It is for that cluster alone.
    let own = app
        .send("GET", "/api/v1/cube/key", &bearer(narrow), "")
        .await;
    assert_eq!(own.status, 403);
    let clusters = |answer: Answer| answer.json();
    assert_eq!(
        clusters(app.send("GET", CLUSTERS, &bearer(narrow), "").await),
        json!({ "total": 1, "items": ["a"], "host": "a" })
    );
    assert_eq!(
        clusters(app.send("GET", CLUSTERS, &bearer(wide), "").await),
        json!({ "total": 2, "items": ["a", "b"], "host": "a" })
    );
    let other = format!("&subject_token_type={TYPE}&audience=b");
    app.exchange_token(narrow, &other).await.assert_oauth_error(
        400,
        "invalid_target",
        "The audience is no cluster that the subject_token is good for.",
    );
    let session = wide_claims.session.unwrap();
    app.send(
        "DELETE",
        &format!("{SESSIONS}/{session}"),
        &app.jeffs().await,
        "",
    )
    .await;
    assert!(!app.stands(narrow).await);
    app.exchange_token(wide, &other).await.assert_oauth_error(
        400,
        "invalid_request",
        "The subject_token is expired, revoked or invalid.",
    );
}

#[tokio::test]
async fn what_comes_of_a_bounded_keys_token_has_its_bounds() {
    let app = TestApp::with_clusters(&["a", "b"]).await;
    let scope = KeyScope {
        clusters: vec!["a".to_owned(), "gone".to_owned()],
        namespaces: vec!["shop".to_owned()],
        verbs: vec!["get".to_owned()],
    };
    let end = OffsetDateTime::from_unix_timestamp(START + 600).unwrap();
    let (wide, access_key) = app
        .token_of_key(KeyAttributes {
            scope: scope.clone(),
            expires_at: Some(end),
            ..KeyAttributes::default()
        })
        .await;
    let rest = |cluster: &str| format!("&subject_token_type={TYPE}&audience={cluster}");
    for cluster in ["b", "gone", "c"] {
        assert_eq!(app.exchange_token(&wide, &rest(cluster)).await.status, 400);
    }
    let answer = app.exchange_token(&wide, &rest("a")).await;
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    let claims = app.claims_of(body["access_token"].as_str().unwrap());
    assert_eq!(
        claims.scope,
        Some(KeyScope {
            clusters: vec!["a".to_owned()],
            ..scope
        })
    );
    assert_eq!(claims.access_key, Some(access_key));
    assert_eq!(claims.expires_at, u64::try_from(START + 600).unwrap());
    let listed = app.send("GET", CLUSTERS, &bearer(&wide), "").await;
    assert_eq!(listed.json()["items"], json!(["a"]));
}

#[tokio::test]
async fn an_exchange_that_asks_for_something_else_is_refused() {
    let app = TestApp::with_clusters(&["a"]).await;
    let token = app.token("jeff").await;
    let kind = format!("&subject_token_type={TYPE}");
    for rest in [
        String::new(),
        kind.clone(),
        "&audience=a".to_owned(),
        "&audience=a&subject_token_type=urn:ietf:params:oauth:token-type:jwt".to_owned(),
        format!("{kind}&audience=a&audience=b"),
        format!("{kind}&audience=a&scope=x"),
        format!("{kind}&audience=a&resource=https://x"),
        format!("{kind}&audience=a&actor_token=x"),
        format!(
            "{kind}&audience=a&requested_token_type=urn:ietf:params:oauth:token-type:refresh_token"
        ),
    ] {
        let answer = app.exchange_token(&token, &rest).await;
        assert_eq!(answer.status, 400, "{rest}");
        assert!(answer.body.contains("invalid_request"), "{}", answer.body);
    }
    let rest = format!("{kind}&audience=a&requested_token_type={TYPE}");
    assert_eq!(app.exchange_token(&token, &rest).await.status, 200);
    let nobody = app
        .exchange_token("x.y.z", &format!("{kind}&audience=a"))
        .await;
    assert_eq!(nobody.status, 400);
}
