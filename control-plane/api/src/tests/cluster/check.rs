//! A cluster that is tried before it is added.

use cubegate_audit::AuditClass;
use cubegate_testing::{path_of, serve};
use serde_json::json;

use super::{CLUSTERS, KUBECONFIG, SYSTEM_CA, with_loopback};
use crate::tests::TestApp;

const CHECK: &str = "/api/v1/cube/clusters/check";

#[tokio::test]
async fn a_cluster_is_tried_and_nothing_is_kept() {
    let app = with_loopback().await;
    let admin = [app.bearer("admin").await];
    let server = serve(|head| {
        match path_of(head) {
        "/version" => (
            200,
            json!({ "major": "1", "minor": "20", "gitVersion": "v1.20.4", "gitCommit": "",
                "gitTreeState": "", "buildDate": "", "goVersion": "", "compiler": "", "platform": "" })
            .to_string(),
        ),
        _ => (404, String::new()),
    }
    });
    let kubeconfig = KUBECONFIG.replace("http://127.0.0.1:1", &server);
    for name in ["", "a"] {
        let body = json!({ "name": name, "kubeconfig": kubeconfig, "context": "plain" });
        let answer = app
            .send_in_vain("POST", CHECK, &admin, body.to_string())
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let said = answer.json();
        assert_eq!(said["server"], json!(server));
        assert_eq!(said["version"], json!("v1.20.4"));
        assert_eq!(said["contexts"], json!(["main", "plain"]));
        let warning = said["warnings"][0].as_str().unwrap();
        assert!(warning.contains("plain HTTP"), "{warning}");
        assert!(!answer.body.contains("s3cret"), "{}", answer.body);
        let record = app.recorded().await;
        assert_eq!(
            (record.verb.as_str(), record.class),
            ("check", AuditClass::Traffic)
        );
        assert_eq!(record.cluster.unwrap_or_default(), name);
    }
}

#[tokio::test]
async fn it_is_refused_in_the_words_of_adding_it() {
    cubegate_member::trust_system_ca(SYSTEM_CA.into());
    let app = with_loopback().await;
    let admin = [app.bearer("admin").await];
    let taken = app.mk_cluster("taken");
    app.add_cluster(taken).await;
    let none = KUBECONFIG.replace("current-context: main", "");
    let file = KUBECONFIG.replace("token: s3cret-token", "tokenFile: /etc/passwd");
    let link_local = KUBECONFIG.replace("10.0.0.1", "169.254.169.254");
    for (name, kubeconfig, context) in [
        ("a", KUBECONFIG, Some("plain")),
        ("a", KUBECONFIG, Some("x")),
        ("A_b", KUBECONFIG, Some("plain")),
        ("taken", KUBECONFIG, Some("plain")),
        ("a", " ", None),
        ("a", "s3cret: [", None),
        ("a", &none, None),
        ("a", &file, None),
        ("a", &link_local, None),
    ] {
        let body = json!({ "name": name, "kubeconfig": kubeconfig, "context": context });
        let refused = async |path: &str| {
            let answer = app
                .send_in_vain("POST", path, &admin, body.to_string())
                .await;
            assert_eq!(answer.status, 400, "{}", answer.body);
            answer.body
        };
        assert_eq!(refused(CHECK).await, refused(CLUSTERS).await);
    }
    app.send_in_vain("POST", CHECK, &admin, "{")
        .await
        .assert_refused(400, "Body format invalid.");
}

#[tokio::test]
async fn a_try_is_no_business_of_another_site_or_another_user() {
    let app = TestApp::new().await;
    let (_, token) = app.bearer("admin").await;
    let token = token.strip_prefix("Bearer ").unwrap();
    let strange = [
        ("cookie", format!("Authorization=Bearer+{token}")),
        ("origin", "https://evil.example".to_owned()),
    ];
    app.send_in_vain("POST", CHECK, &strange, "{}")
        .await
        .assert_refused(403, "Forbidden.");
    let jeff = [app.bearer("jeff").await];
    app.send_in_vain("POST", CHECK, &jeff, "{}")
        .await
        .assert_refused(403, "Forbidden.");
}
