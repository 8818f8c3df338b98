//! The whole router on a real database, one request at a time.

mod audit;
mod auth;
mod cluster;
mod cookie;
mod http;
mod kapis_clusters;
mod key;
mod key_attributes;
mod keys;
mod kubeconfigs;
mod login;
mod made_by_keys;
mod matrix;
mod oauth;
mod peer;
mod throttle;
mod user;
mod user_changes;
mod user_sessions;
mod vectors;
mod warden;
mod whoami;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use cubegate_domain::{ADMIN_GROUP, Cluster, UserState};
use cubegate_store::{ImportedKey, NewUser};
use cubegate_token::{Ed25519Signer, Hs256Secret};
use serde_json::Value;
use tempfile::TempDir;
use time::OffsetDateTime;
use tower::ServiceExt as _;

use crate::{
    AppState, Clock, DEFAULT_TOKEN_LIFETIME, EnvoyPeer, Issuer, Metrics, OauthSettings, Peer,
    PublicGateway, Throttle, ThrottleSettings, router,
};

/// The shared secret of the recorded vectors.
const SECRET: &str = "56F0D8DB90241C6E";

/// The time at which every test begins.
const START: i64 = 1_700_000_000;

/// An application with the users and keys of the recorded vectors.
struct TestApp {
    router: Router,
    state: AppState,
    seconds: Arc<AtomicI64>,
    records: tokio::sync::Mutex<TestRecords>,
    _folder: Arc<TempDir>,
}

/// What the application answered.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

/// An Envoy, as requests come from one.
fn envoy() -> Peer {
    Peer {
        address: "127.0.0.1:5000".parse().unwrap(),
        envoy: Some(EnvoyPeer {
            node: "edge".to_owned(),
            close_after: SystemTime::now() + Duration::from_hours(1),
        }),
    }
}

/// A key pair of the vectors: each half is one of two digits, repeated.
fn mk_pair(digits: &str) -> [String; 2] {
    let mut halves = digits.chars().map(|digit| digit.to_string().repeat(32));
    [halves.next().unwrap(), halves.next().unwrap()]
}

/// Where records come to, and which of the database's were looked at.
struct TestRecords {
    queue: cubegate_audit::Queue,
    seen: BTreeSet<String>,
}

// === impl TestApp ===

impl TestApp {
    /// With tokens of our own.
    async fn new() -> Self {
        let signer = Ed25519Signer::generate("cubegate");
        Self::with(
            Issuer::ed25519(signer, DEFAULT_TOKEN_LIFETIME).unwrap(),
            |_| {},
        )
        .await
    }

    /// With KubeCube's shared secret.
    async fn hs256() -> Self {
        let secret = Hs256Secret::new(SECRET).unwrap();
        Self::with(Issuer::hs256(secret, DEFAULT_TOKEN_LIFETIME), |_| {}).await
    }

    async fn with(issuer: Issuer, change: impl FnOnce(&mut AppState)) -> Self {
        let (store, folder) = cubegate_testing::store().await;
        let seconds = Arc::new(AtomicI64::new(START));
        let told = Arc::clone(&seconds);
        let clock = Clock::new(move || {
            OffsetDateTime::from_unix_timestamp(told.load(Ordering::Relaxed)).unwrap()
        });
        let (audit, records) = cubegate_audit::channel(1_000);
        let mut state = AppState {
            metrics: Metrics::default(),
            store,
            audit,
            issuer: Arc::new(issuer),
            clock,
            plain_http: false,
            session_lifetime: Duration::from_hours(12),
            public: Arc::new(PublicGateway {
                url: "https://gw.example:30443".to_owned(),
                ca_pem: Some("-- a CA --".to_owned()),
                kubeconfig_lifetime: Duration::from_secs(86_400),
            }),
            oauth: Arc::new(OauthSettings::default()),
            throttle: Arc::new(Throttle::new(&ThrottleSettings::default())),
            cors_origins: Arc::default(),
            cluster_addresses: Arc::default(),
            documents: tokio::sync::watch::Sender::default().subscribe(),
            clusters: tokio::sync::watch::Sender::default().subscribe(),
        };
        change(&mut state);
        let app = Self {
            router: router(state.clone(), Router::new()),
            state,
            seconds,
            records: tokio::sync::Mutex::new(TestRecords {
                queue: records,
                seen: BTreeSet::new(),
            }),
            _folder: Arc::new(folder),
        };
        app.add_user("admin", "Admin123456", UserState::Normal, &[ADMIN_GROUP])
            .await;
        app.add_user("jeff", "jeffPass123", UserState::Normal, &[])
            .await;
        app.add_user("locked", "lockedPass1", UserState::Forbidden, &[])
            .await;
        for (digits, user) in [("12", "admin"), ("34", "ghost"), ("56", "locked")] {
            let [access_key, secret_key] = mk_pair(digits);
            let key = ImportedKey {
                access_key,
                secret_key,
                user: user.to_owned(),
            };
            app.state
                .store
                .import_key(&key, app.state.clock.now())
                .await
                .unwrap();
        }
        app
    }

    /// The same with another state, as a new process would have it.
    fn restarted(&self, mut state: AppState) -> Self {
        let (audit, records) = cubegate_audit::channel(1_000);
        state.audit = audit;
        Self {
            router: router(state.clone(), Router::new()),
            state,
            seconds: Arc::clone(&self.seconds),
            records: tokio::sync::Mutex::new(TestRecords {
                queue: records,
                seen: BTreeSet::new(),
            }),
            _folder: Arc::clone(&self._folder),
        }
    }

    /// A cluster that asks for no credential.
    fn mk_cluster(&self, name: &str) -> Cluster {
        Cluster {
            created_at: self.state.clock.now(),
            ..cubegate_testing::cluster(name, "http://127.0.0.1:1")
        }
    }

    async fn add_cluster(&self, cluster: Cluster) {
        self.state.store.add_cluster(&cluster, false).await.unwrap();
    }

    async fn add_user(&self, name: &str, password: &str, state: UserState, groups: &[&str]) {
        let user = NewUser {
            name: name.to_owned(),
            // The recorded admin is called so.
            display_name: (name == "admin").then(|| "ADMIN".to_owned()),
            password: password.to_owned(),
            state,
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        };
        self.state
            .store
            .import_user(user, self.state.clock.now())
            .await
            .unwrap();
    }

    fn pass(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    /// A token of the application's own for a user who exists.
    async fn token(&self, user: &str) -> String {
        let user = self.state.store.get_user(user).await.unwrap().unwrap();
        self.state
            .issuer
            .issue(&user, self.state.clock.now())
            .unwrap()
            .token
    }

    /// The header of `token`.
    async fn bearer(&self, user: &str) -> (&'static str, String) {
        (
            "authorization",
            format!("Bearer {}", self.token(user).await),
        )
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "gw.example");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        self.send_as(&envoy(), request.body(body.into()).unwrap())
            .await
    }

    /// A request over a connection of this peer's.
    async fn send_as(&self, peer: &Peer, mut request: Request<Body>) -> Answer {
        request.extensions_mut().insert(ConnectInfo(peer.clone()));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// Like `send`, for a request that must change nothing at all.
    async fn send_in_vain(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: impl Into<Body>,
    ) -> Answer {
        let before = self.everything().await;
        let answer = self.send(method, path, headers, body).await;
        assert_eq!(
            self.everything().await,
            before,
            "{method} {path} changed something"
        );
        answer
    }

    /// All that the database says, as text.
    async fn everything(&self) -> String {
        let store = &self.state.store;
        format!(
            "{:?}\n{:?}\n{:?}\n{}",
            store.list_users().await.unwrap(),
            store.list_all_keys().await.unwrap(),
            store.list_clusters().await.unwrap(),
            store.revision().await.unwrap()
        )
    }
}

// === impl Answer ===

impl Answer {
    fn json(&self) -> Value {
        assert_eq!(
            self.header("content-type"),
            "application/json; charset=utf-8"
        );
        serde_json::from_str(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts a refusal in the documented shape.
    #[track_caller]
    fn assert_refused(&self, code: u16, message: &str) {
        assert_eq!(self.status.as_u16(), code, "{}", self.body);
        assert_eq!(
            self.json(),
            serde_json::json!({ "code": code, "message": message })
        );
    }
}
