//! The registered clusters in KubeSphere's form.

use cubegate_domain::{ClusterCredential, KeyAttributes};
use cubegate_token::KeyScope;
use serde_json::{Value, json};

use super::TestApp;

const CLUSTERS: &str = "/kapis/resources.kubesphere.io/v1alpha3/clusters";

impl TestApp {
    async fn with_three_clusters() -> Self {
        let app = Self::new().await;
        for name in ["alpha", "beta", "gamma"] {
            let mut cluster = app.mk_cluster(name);
            cluster.credential = ClusterCredential::BearerToken("s3cret".to_owned());
            app.add_cluster(cluster).await;
            app.pass(60);
        }
        app
    }

    /// A token of a key of jeff's with this scope.
    async fn bounded(&self, scope: KeyScope) -> [(&'static str, String); 1] {
        let now = self.state.clock.now();
        let store = &self.state.store;
        let attributes = KeyAttributes {
            scope,
            ..KeyAttributes::default()
        };
        let pair = store.create_key_with("jeff", attributes, now).await;
        let key = store.get_key(&pair.unwrap().access_key).await.unwrap();
        let user = store.get_user("jeff").await.unwrap().unwrap();
        let token = self.state.issuer.issue_from_key(&user, &key.unwrap(), now);
        [("authorization", format!("Bearer {}", token.unwrap().token))]
    }

    async fn names(&self, query: &str, headers: &[(&str, String)]) -> (Vec<String>, u64) {
        let path = format!("{CLUSTERS}{query}");
        let answer = self.send("GET", &path, headers, "").await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let page: Value = serde_json::from_str(&answer.body).unwrap();
        let items = page["items"].as_array().unwrap().iter();
        let names = items.map(|item| item["metadata"]["name"].as_str().unwrap().to_owned());
        (names.collect(), page["totalItems"].as_u64().unwrap())
    }
}

#[tokio::test]
async fn clusters_are_listed_in_kubespheres_form_and_without_credentials() {
    let app = TestApp::with_three_clusters().await;
    let jeff = [app.bearer("jeff").await];
    let answer = app
        .send("GET", &format!("{CLUSTERS}/?limit=1&page=3"), &jeff, "")
        .await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(!answer.body.contains("s3cret"), "{}", answer.body);
    let page: Value = serde_json::from_str(&answer.body).unwrap();
    let one = json!({
        "kind": "Cluster",
        "apiVersion": "cluster.kubesphere.io/v1alpha1",
        "metadata": {
            "name": "alpha",
            "labels": { "cluster-role.kubesphere.io/host": "" },
            "creationTimestamp": "2023-11-14T22:13:20Z",
        },
        "spec": {
            "enable": true,
            "connection": { "type": "direct", "kubernetesAPIEndpoint": "http://127.0.0.1:1" },
        },
        "status": { "conditions": [
            {
                "type": "Initialized", "status": "True", "reason": "Registered",
                "message": "The cluster is registered at the gateway.",
            },
            {
                "type": "Ready", "status": "Unknown", "reason": "NotLookedAt",
                "message": "The gateway has not looked at the cluster yet; ask it, or see /api/v1/cube/clusters/info.",
            },
        ] },
    });
    assert_eq!(page, json!({ "items": [one], "totalItems": 3 }));
    let answer = app
        .send("GET", &format!("{CLUSTERS}/alpha"), &jeff, "")
        .await;
    assert_eq!(serde_json::from_str::<Value>(&answer.body).unwrap(), one);
    let answer = app
        .send("GET", &format!("{CLUSTERS}/nope"), &jeff, "")
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_str()),
        (404, "Cluster \"nope\" not found\n")
    );
}

#[tokio::test]
async fn kubespheres_parameters_count() {
    let app = TestApp::with_three_clusters().await;
    let jeff = [app.bearer("jeff").await];
    for (query, names, total) in [
        ("", &["gamma", "beta", "alpha"][..], 3),
        ("?sortBy=name&ascending=true&limit=2", &["alpha", "beta"], 3),
        ("?limit=2&page=2", &["alpha"], 3),
        ("?limit=0", &[], 3),
        ("?name=et", &["beta"], 1),
        ("?names=alpha,gamma", &["gamma", "alpha"], 2),
        (
            "?labelSelector=cluster-role.kubesphere.io/host",
            &["alpha"],
            1,
        ),
        (
            "?labelSelector=!cluster-role.kubesphere.io/host",
            &["gamma", "beta"],
            2,
        ),
    ] {
        let (found, of) = app.names(query, &jeff).await;
        assert_eq!(
            (found.iter().map(String::as_str).collect::<Vec<_>>(), of),
            (names.to_vec(), total),
            "{query}"
        );
    }
    let answer = app
        .send("GET", &format!("{CLUSTERS}?labelSelector=a%20b"), &jeff, "")
        .await;
    assert_eq!(answer.status, 400);
    assert!(
        answer
            .body
            .starts_with("the parameter labelSelector cannot be read"),
        "{}",
        answer.body
    );
    assert_eq!(app.send("POST", CLUSTERS, &jeff, "").await.status, 405);
}

#[tokio::test]
async fn a_bounded_key_sees_the_clusters_that_it_is_for() {
    let app = TestApp::with_three_clusters().await;
    let of_two = app
        .bounded(KeyScope {
            clusters: vec!["gamma".to_owned(), "alpha".to_owned(), "gone".to_owned()],
            namespaces: vec!["shop".to_owned()],
            verbs: vec!["get".to_owned()],
        })
        .await;
    assert_eq!(
        app.names("", &of_two).await,
        (vec!["gamma".to_owned(), "alpha".to_owned()], 2)
    );
    let answer = app
        .send("GET", &format!("{CLUSTERS}/beta"), &of_two, "")
        .await;
    assert_eq!(answer.status, 404);
    let of_all = app
        .bounded(KeyScope {
            verbs: vec!["get".to_owned()],
            ..KeyScope::default()
        })
        .await;
    assert_eq!(app.names("", &of_all).await.1, 3);
}

#[tokio::test]
async fn nobody_without_a_good_token_gets_a_list() {
    let app = TestApp::with_three_clusters().await;
    let token = app.token("jeff").await;
    for headers in [
        vec![],
        vec![("authorization", "Bearer a.b.c".to_owned())],
        vec![app.bearer("locked").await],
        // Cookies are for KubeCube's paths.
        vec![("cookie", format!("Authorization=Bearer+{token}"))],
    ] {
        let answer = app.send_in_vain("GET", CLUSTERS, &headers, "").await;
        assert_eq!(answer.status, 401);
        let status: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(
            (&status["kind"], &status["message"]),
            (&json!("Status"), &json!("Unauthorized"))
        );
    }
}
