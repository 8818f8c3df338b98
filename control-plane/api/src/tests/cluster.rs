mod check;
mod state;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_member::{AddressPolicy, trust_system_ca};
use cubegate_token::Ed25519Signer;
use serde_json::json;

use super::TestApp;
use crate::{DEFAULT_TOKEN_LIFETIME, Issuer};

const CLUSTERS: &str = "/api/v1/cube/clusters";

const KUBECONFIG: &str = "
current-context: main
contexts: [{name: main, context: {cluster: c, user: u}}, {name: plain, context: {cluster: p, user: u}}]
clusters:
- {name: c, cluster: {server: 'https://10.0.0.1:6443'}}
- {name: p, cluster: {server: 'http://127.0.0.1:1'}}
users: [{name: u, user: {token: s3cret-token}}]
";

/// Where Debian keeps its bundle, which proves the servers of [`KUBECONFIG`].
const SYSTEM_CA: &str = "/etc/ssl/certs/ca-certificates.crt";

/// An application whose operator lets clusters be on loopback.
async fn with_loopback() -> TestApp {
    let issuer =
        Issuer::ed25519(Ed25519Signer::generate("cubegate"), DEFAULT_TOKEN_LIFETIME).unwrap();
    TestApp::with(issuer, |state| {
        let loopback = vec!["127.0.0.0/8".parse().unwrap()];
        let own = vec!["127.0.0.1:9901".parse().unwrap()];
        state.cluster_addresses = AddressPolicy::new(loopback, own).into();
    })
    .await
}

fn mk_body(name: &str, kubeconfig: &str) -> String {
    json!({ "name": name, "kubeconfig": kubeconfig, "check": false }).to_string()
}

#[tokio::test]
async fn clusters_are_for_administrators() {
    let app = TestApp::new().await;
    let jeff = [app.bearer("jeff").await];
    for (method, path) in [
        ("GET", CLUSTERS),
        ("POST", CLUSTERS),
        ("DELETE", "/api/v1/cube/clusters/a"),
    ] {
        let answer = app
            .send_in_vain(method, path, &jeff, mk_body("a", KUBECONFIG))
            .await;
        answer.assert_refused(403, "Forbidden.");
    }
}

#[tokio::test]
async fn a_cluster_is_added_listed_and_removed() {
    trust_system_ca(SYSTEM_CA.into());
    let app = TestApp::new().await;
    let admin = [app.bearer("admin").await];
    let listed = app.send("GET", CLUSTERS, &admin, "").await;
    assert_eq!(listed.json(), json!({ "items": [], "total": 0 }));

    let revision = app.state.store.revision().await.unwrap();
    let added = app
        .send("POST", CLUSTERS, &admin, mk_body("member-1", KUBECONFIG))
        .await;
    assert_eq!(
        (added.status.as_u16(), added.json()),
        (200, json!({ "message": "success" }))
    );
    assert!(
        app.state.store.revision().await.unwrap() > revision,
        "Envoys must hear of it"
    );
    let encoded = STANDARD.encode(KUBECONFIG);
    let added = app
        .send("POST", CLUSTERS, &admin, mk_body("a", &encoded))
        .await;
    assert_eq!(added.status, 200, "{}", added.body);

    let listed = app.send("GET", CLUSTERS, &admin, "").await;
    let item = |name: &str| {
        json!({
            "name": name,
            "server": "https://10.0.0.1:6443",
            "createdAt": "2023-11-14T22:13:20Z",
            "host": name == "member-1",
            "status": "unknown",
            "reason": "",
            "since": "2023-11-14T22:13:20Z",
            "version": "",
            "source": "api",
            "envoys": { "connected": 0, "waiting": 0, "refused": [] },
        })
    };
    assert_eq!(
        listed.json(),
        json!({ "items": [item("a"), item("member-1")], "total": 2 })
    );
    assert!(!listed.body.contains("s3cret"));

    let path = format!("{CLUSTERS}/a");
    let removed = app.send("DELETE", &path, &admin, "").await;
    assert_eq!(
        (removed.status.as_u16(), removed.json()),
        (200, json!({ "message": "success" }))
    );
    app.send_in_vain("DELETE", &path, &admin, "")
        .await
        .assert_refused(400, "cluster a not found.");
    app.send_in_vain("DELETE", "/api/v1/cube/clusters/a%25bc", &admin, "")
        .await
        .assert_refused(400, "cluster a%bc not found.");
}

#[tokio::test]
async fn another_context_and_a_warning() {
    let app = with_loopback().await;
    let admin = [app.bearer("admin").await];
    let body = json!({ "name": "p", "kubeconfig": KUBECONFIG, "context": "plain", "check": false });
    let added = app
        .send("POST", CLUSTERS, &admin, body.to_string())
        .await
        .json();
    assert_eq!(added["message"], json!("success"));
    assert!(
        added["warnings"][0]
            .as_str()
            .unwrap()
            .contains("plain HTTP"),
        "{added}"
    );
    let cluster = app.state.store.get_cluster("p").await.unwrap().unwrap();
    assert_eq!(cluster.server.to_string(), "http://127.0.0.1:1");
}

#[tokio::test]
async fn an_existing_name_is_refused() {
    trust_system_ca(SYSTEM_CA.into());
    let app = TestApp::new().await;
    let admin = [app.bearer("admin").await];
    app.send("POST", CLUSTERS, &admin, mk_body("a", KUBECONFIG))
        .await;
    let other = KUBECONFIG.replace("10.0.0.1", "10.0.0.2");
    app.send_in_vain("POST", CLUSTERS, &admin, mk_body("a", &other))
        .await
        .assert_refused(400, "cluster a exists.");
}

#[tokio::test]
async fn a_bad_request_is_refused_in_words() {
    let app = TestApp::new().await;
    let admin = [app.bearer("admin").await];
    let file = KUBECONFIG.replace("token: s3cret-token", "tokenFile: /etc/passwd");
    let cases = [
        ("{".to_owned(), "Body format invalid."),
        (r#"{"name":1}"#.to_owned(), "Body format invalid."),
        (mk_body("", KUBECONFIG), "Param name is missing."),
        (mk_body("a", "\n"), "Param kubeconfig is missing."),
        (
            mk_body("A_b", KUBECONFIG),
            "the cluster name \"A_b\" must have",
        ),
        (mk_body("a", "s3cret: ["), "not valid YAML or JSON"),
        (mk_body("a", &file), "points to a file"),
        (
            json!({ "name": "a", "kubeconfig": KUBECONFIG, "context": "x" }).to_string(),
            "no context \"x\"; it holds: main, plain",
        ),
    ];
    for (body, sentence) in cases {
        let answer = app.send_in_vain("POST", CLUSTERS, &admin, body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["code"].clone()),
            (400, json!(400))
        );
        assert!(
            answer.json()["message"]
                .as_str()
                .unwrap()
                .contains(sentence),
            "{}",
            answer.body
        );
        assert!(!answer.body.contains("s3cret"), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_refused_unless_the_check_is_off() {
    let app = with_loopback().await;
    let admin = [app.bearer("admin").await];
    let body = json!({ "name": "p", "kubeconfig": KUBECONFIG, "context": "plain" }).to_string();
    app.send_in_vain("POST", CLUSTERS, &admin, body).await.assert_refused(
        400,
        "http://127.0.0.1:1 refuses connections; check the port and that the API server is running",
    );
}

#[tokio::test]
async fn what_only_the_gateway_reaches_is_no_cluster() {
    let to = |server: &str| mk_body("evil", &KUBECONFIG.replace("https://10.0.0.1:6443", server));
    let app = TestApp::new().await;
    let admin = [app.bearer("admin").await];
    for (server, part) in [
        ("http://10.0.0.1:8080", "is spoken to in clear"),
        ("https://127.0.0.1:6443", "a loopback address"),
        ("https://localhost:6443", "a loopback address"),
        ("https://169.254.169.254", "a link-local address"),
        ("https://[::ffff:169.254.169.254]", "a link-local address"),
        (
            "https://nowhere.invalid",
            "the name nowhere.invalid is not found",
        ),
    ] {
        let answer = app.send_in_vain("POST", CLUSTERS, &admin, to(server)).await;
        assert_eq!(answer.status, 400, "{server}: {}", answer.body);
        let message = answer.json()["message"].clone();
        assert!(
            message.as_str().unwrap().contains(part),
            "{server}: {message}"
        );
    }
    let app = with_loopback().await;
    let admin = [app.bearer("admin").await];
    let own = app.send_in_vain("POST", CLUSTERS, &admin, to("http://127.0.0.1:9901"));
    own.await.assert_refused(
        400,
        "127.0.0.1 leads to 127.0.0.1:9901, where the gateway itself listens; it is no cluster",
    );
    let other = app.send("POST", CLUSTERS, &admin, to("http://127.0.0.1:9902"));
    assert_eq!(other.await.status, 200);
}
