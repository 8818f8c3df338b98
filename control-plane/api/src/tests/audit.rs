//! What is recorded, what is not, and who may read it.

mod search;

use std::time::Duration;

use cubegate_audit::{AuditClass, Record, Source};
use cubegate_store::{AuditOrder, AuditRange};
use serde_json::{Value, json};
use sqlx::any::AnyConnectOptions;
use sqlx::{ConnectOptions as _, Executor as _};
use tokio::time::timeout;

use super::{TestApp, mk_pair};

const AUDIT: &str = "/api/v1/cube/audit";

impl TestApp {
    /// The next record, in the queue or in the database; there must be one.
    pub(super) async fn recorded(&self) -> Record {
        let mut records = self.records.lock().await;
        let next = async {
            loop {
                if let Ok(row) = timeout(Duration::from_millis(50), records.queue.next()).await {
                    return row.unwrap().record;
                }
                for (id, record) in self.kept_records().await {
                    if records.seen.insert(id) {
                        return record;
                    }
                }
            }
        };
        let record = timeout(Duration::from_secs(5), next)
            .await
            .expect("a record");
        serde_json::from_str(&record).unwrap()
    }

    /// From now on no record can be kept.
    async fn break_audit(&self) {
        let file = self.state.store.database().file().unwrap();
        let options: AnyConnectOptions = format!("sqlite://{}", file.display()).parse().unwrap();
        let mut connection = options.connect().await.unwrap();
        connection
            .execute("DROP TABLE audit_records")
            .await
            .unwrap();
    }

    /// All records in the database.
    async fn kept_records(&self) -> Vec<(String, String)> {
        let all = AuditRange::default();
        let order = AuditOrder::OldestFirst;
        let store = &self.state.store;
        store.read_audit(&all, order, 0, 10_000).await.unwrap()
    }

    /// Nothing is recorded. A request of which something is comes after it, so
    /// that there is nothing to wait for.
    async fn nothing_recorded(&self) {
        self.send("DELETE", "/api/v1/cube/key", &[], "").await;
        let next = self.recorded().await;
        assert_eq!(next.resource.as_deref(), Some("keys"), "{next:?}");
        assert_eq!(next.status, Some(401), "{next:?}");
    }

    /// Puts records into the database, one a second from [`super::START`] on.
    async fn keep_records(&self, count: i64) {
        let rows: Vec<_> = (0..count)
            .map(|second| {
                let time = self.state.clock.now() + Duration::from_secs(second.unsigned_abs());
                let mut record = Record::new(Source::Gateway, time, "list");
                record.user = Some("jeff".to_owned());
                record.name = Some(format!("n{second}"));
                record.into_row()
            })
            .collect();
        self.state.store.add_audit_rows(&rows).await.unwrap();
        let seen = &mut self.records.lock().await.seen;
        seen.extend(rows.into_iter().map(|row| row.id));
    }
}

fn login(name: &str, password: &str) -> String {
    json!({ "name": name, "password": password, "loginType": "normal" }).to_string()
}

#[tokio::test]
async fn a_login_that_fails_is_recorded_with_the_user_that_there_is() {
    let app = TestApp::new().await;
    let path = "/api/v1/cube/login?next=secret-in-the-query";
    let from = [
        ("x-forwarded-for", "203.0.113.7".to_owned()),
        ("x-request-id", "r1".to_owned()),
    ];
    app.send("POST", path, &from, login("jeff", "wrong-password"))
        .await;
    let record = app.recorded().await;
    assert_eq!(record.source, Source::Api);
    assert_eq!(record.user.as_deref(), Some("jeff"));
    assert_eq!((record.verb.as_str(), record.status), ("login", Some(401)));
    assert_eq!(record.resource.as_deref(), Some("sessions"));
    assert_eq!(record.client.as_deref(), Some("203.0.113.7"));
    assert_eq!(record.request_id.as_deref(), Some("r1"));
    assert_eq!(record.path.as_deref(), Some("/api/v1/cube/login"));
    assert!(record.bytes_out > 0);
    let row = record.into_row().record;
    assert!(
        !row.contains("wrong-password") && !row.contains("secret-in"),
        "{row}"
    );

    app.send(
        "POST",
        "/api/v1/cube/login",
        &[],
        login("a password of mine", "x"),
    )
    .await;
    let record = app.recorded().await;
    assert_eq!((record.user.clone(), record.status), (None, Some(401)));
    assert!(!record.into_row().record.contains("password of mine"));
}

#[tokio::test]
async fn a_login_is_recorded_without_its_cookie() {
    let app = TestApp::new().await;
    let answer = app
        .send(
            "POST",
            "/api/v1/cube/login",
            &[],
            login("jeff", "jeffPass123"),
        )
        .await;
    let cookie = answer.header("set-cookie").to_owned();
    let record = app.recorded().await;
    assert_eq!(
        (record.user.as_deref(), record.status),
        (Some("jeff"), Some(200))
    );
    let row = record.into_row().record;
    let token = cookie.split(['+', ';']).nth(1).unwrap();
    assert!(token.len() > 50 && !row.contains(token));
}

#[tokio::test]
async fn keys_are_recorded_by_name_and_never_by_secret() {
    let app = TestApp::new().await;
    let jeff = [app.bearer("jeff").await];
    let pair = app
        .send("GET", "/api/v1/cube/key/create", &jeff, "")
        .await
        .json();
    let [access, secret] =
        ["accessKey", "secretKey"].map(|half| pair[half].as_str().unwrap().to_owned());
    let record = app.recorded().await;
    assert_eq!(record.user.as_deref(), Some("jeff"));
    assert_eq!(
        (record.verb.as_str(), record.resource.as_deref()),
        ("create", Some("keys"))
    );
    assert_eq!(record.name.as_deref(), Some(access.as_str()));
    assert!(record.token_id.is_some());
    assert!(!record.into_row().record.contains(&secret));

    let path = format!("/api/v1/cube/key/token?accessKey={access}&secretKey={secret}");
    let token = app.send("GET", &path, &[], "").await.json();
    let record = app.recorded().await;
    assert_eq!(
        (record.verb.as_str(), record.resource.as_deref()),
        ("create", Some("tokens"))
    );
    assert_eq!(record.key.as_deref(), Some(access.as_str()));
    assert_eq!(record.user.as_deref(), Some("jeff"));
    let row = record.into_row().record;
    assert!(!row.contains(&secret) && !row.contains(token["token"].as_str().unwrap()));

    // The halves are easily mistaken for one another.
    let path = format!("/api/v1/cube/key/token?accessKey={secret}&secretKey={access}");
    app.send("GET", &path, &[], "").await;
    let record = app.recorded().await;
    assert_eq!((record.key.clone(), record.status), (None, Some(400)));
    assert!(!record.into_row().record.contains(&secret));

    app.send(
        "DELETE",
        &format!("/api/v1/cube/key?accessKey={access}"),
        &jeff,
        "",
    )
    .await;
    let record = app.recorded().await;
    assert_eq!(
        (record.verb.as_str(), record.name.as_deref()),
        ("delete", Some(access.as_str()))
    );
}

#[tokio::test]
async fn a_wrong_secret_is_recorded_under_its_key() {
    let app = TestApp::new().await;
    let [access_key, _] = mk_pair("12");
    let path = format!("/api/v1/cube/key/token?accessKey={access_key}&secretKey=guess-1");
    app.send("GET", &path, &[], "").await;
    let record = app.recorded().await;
    assert_eq!(
        (record.key.as_deref(), record.status),
        (Some(access_key.as_str()), Some(400))
    );
    assert!(!record.into_row().record.contains("guess-1"));
}

#[tokio::test]
async fn changes_of_users_are_recorded_by_name() {
    let app = TestApp::new().await;
    let admin = [app.bearer("admin").await];
    let body = json!({ "metadata": { "name": "new" }, "spec": { "password": "newPass123" } });
    app.send("POST", "/api/v1/cube/user/", &admin, body.to_string())
        .await;
    let record = app.recorded().await;
    assert_eq!(record.status, Some(200));
    assert_eq!(
        (record.verb.as_str(), record.name.as_deref()),
        ("create", Some("new"))
    );
    assert!(!record.into_row().record.contains("newPass123"));
    let body =
        json!({ "userName": "jeff", "originPassword": "guess-1234", "newPassword": "other-1234" });
    app.send("PUT", "/api/v1/cube/user/pwd", &admin, body.to_string())
        .await;
    let record = app.recorded().await;
    assert_eq!(
        (record.user.as_deref(), record.name.as_deref()),
        (Some("admin"), Some("jeff"))
    );
    let row = record.into_row().record;
    assert!(
        !row.contains("guess-1234") && !row.contains("other-1234"),
        "{row}"
    );
}

#[tokio::test]
async fn clusters_are_recorded_without_their_kubeconfig() {
    let app = TestApp::new().await;
    let admin = [app.bearer("admin").await];
    let body = json!({ "name": "a", "kubeconfig": "s3cret", "check": false }).to_string();
    app.send("POST", "/api/v1/cube/clusters", &admin, body)
        .await;
    let record = app.recorded().await;
    assert_eq!(
        (record.cluster.as_deref(), record.status),
        (Some("a"), Some(400))
    );
    assert!(!record.into_row().record.contains("s3cret"));
    app.send("DELETE", "/api/v1/cube/clusters/a", &admin, "")
        .await;
    let record = app.recorded().await;
    assert_eq!(
        (record.verb.as_str(), record.name.as_deref()),
        ("delete", Some("a"))
    );
    assert_eq!(record.cluster.as_deref(), Some("a"));
}

#[tokio::test]
async fn refusals_are_recorded_and_good_reads_are_not() {
    let app = TestApp::new().await;
    let jeff = [app.bearer("jeff").await];
    app.send("GET", "/api/v1/cube/key", &jeff, "").await;
    app.send("GET", "/healthz", &[], "").await;
    app.send("POST", "/nothing/here", &jeff, "").await;
    app.send("POST", "/api/v1/cube/login/", &[], "").await;
    // Who asks so asks for every request of somebody else.
    let review =
        r#"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"x"}}"#;
    for path in ["/api/v1/warden/authenticate", "/oauth/authenticate/"] {
        app.send("POST", path, &[], review).await;
    }
    app.nothing_recorded().await;
    // KubeSphere's paths are the same with a slash at the end.
    app.send("GET", "/oauth/logout/", &[], "").await;
    let record = app.recorded().await;
    assert_eq!((record.verb.as_str(), record.status), ("logout", Some(200)));
    app.send("GET", "/api/v1/cube/clusters", &jeff, "").await;
    let record = app.recorded().await;
    assert_eq!(
        (record.user.as_deref(), record.status),
        (Some("jeff"), Some(403))
    );
    let bad = [("authorization", "Bearer x.y.z".to_owned())];
    app.send("GET", "/api/v1/cube/key", &bad, "").await;
    let record = app.recorded().await;
    assert_eq!((record.user, record.status), (None, Some(401)));
    app.send("GET", "/api/v1/cube/nothing", &[], "").await;
    let record = app.recorded().await;
    assert_eq!((record.verb.as_str(), record.status), ("get", Some(401)));
    assert_eq!(record.resource, None);
}

#[tokio::test]
async fn logins_at_oauth_are_recorded_with_their_user() {
    let app = TestApp::new().await;
    let form = [(
        "content-type",
        "application/x-www-form-urlencoded".to_owned(),
    )];
    let token = async |body: &str| {
        app.send("POST", "/oauth/token", &form, body.to_owned())
            .await
    };
    let wrong = token("grant_type=password&username=jeff&password=wr0ng-one").await;
    let record = app.recorded().await;
    assert_eq!(record.user.as_deref(), Some("jeff"));
    assert_eq!(record.status, Some(wrong.status.as_u16()));
    assert!(record.status >= Some(400), "{record:?}");
    assert!(!record.into_row().record.contains("wr0ng-one"));

    let right = token("grant_type=password&username=jeff&password=jeffPass123").await;
    let right: Value = serde_json::from_str(&right.body).unwrap();
    let record = app.recorded().await;
    assert_eq!(
        (record.user.as_deref(), record.status),
        (Some("jeff"), Some(200))
    );
    assert_eq!(
        (record.verb.as_str(), record.resource.as_deref()),
        ("create", Some("tokens"))
    );
    let mut rows = record.into_row().record;

    let refresh = right["refresh_token"].as_str().unwrap();
    token(&format!("grant_type=refresh_token&refresh_token={refresh}")).await;
    let record = app.recorded().await;
    assert_eq!(
        (record.user.as_deref(), record.status),
        (Some("jeff"), Some(200))
    );
    rows.push_str(&record.into_row().record);
    for part in [refresh, right["access_token"].as_str().unwrap()] {
        assert!(!rows.contains(part.split('.').nth(2).unwrap()), "{rows}");
    }
}

#[tokio::test]
async fn a_change_is_recorded_before_it_is_answered_and_a_login_too() {
    let app = TestApp::new().await;
    let jeff = [app.bearer("jeff").await];
    let created = app.send("GET", "/api/v1/cube/key/create", &jeff, "").await;
    let kept = app.kept_records().await;
    let access = created.json()["accessKey"].as_str().unwrap().to_owned();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(kept[0].1.contains(&access), "{kept:?}");
    let body = login("jeff", "jeffPass123");
    app.send("POST", "/api/v1/cube/login", &[], body).await;
    app.send("GET", "/api/v1/cube/user/kubeconfigs?user=jeff", &jeff, "")
        .await;
    assert_eq!(app.kept_records().await.len(), 3);
    let classes = [AuditClass::Change, AuditClass::Traffic];
    let mut counts = Vec::new();
    for class in classes {
        counts.push(app.state.store.count_audit_class(class).await.unwrap());
    }
    assert_eq!(counts, [3, 0]);
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_done() {
    let app = TestApp::new().await;
    let jeff = [app.bearer("jeff").await];
    app.break_audit().await;
    let answer = app.send("GET", "/api/v1/cube/key/create", &jeff, "").await;
    assert_eq!(answer.status.as_u16(), 500, "{}", answer.body);
    assert_eq!(app.state.store.list_keys("jeff").await.unwrap().len(), 0);
    let answer = app
        .send(
            "POST",
            "/api/v1/cube/login",
            &[],
            login("jeff", "jeffPass123"),
        )
        .await;
    assert_eq!(answer.status.as_u16(), 500, "{}", answer.body);
    assert_eq!(answer.header("set-cookie"), "");
    let path = "/api/v1/cube/user/kubeconfigs?user=jeff";
    let answer = app.send("GET", path, &jeff, "").await;
    assert_eq!(answer.status.as_u16(), 500, "{}", answer.body);
    // What changes nothing goes on.
    let answer = app.send("GET", "/api/v1/cube/key", &jeff, "").await;
    assert_eq!(answer.status.as_u16(), 200);
}
