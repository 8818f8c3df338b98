//! How clusters are, as the list shows it.

use std::time::Duration;

use cubegate_domain::{Cluster, ClusterSource};
use cubegate_token::Ed25519Signer;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::sync::watch;

use super::CLUSTERS;
use crate::tests::{START, TestApp};
use crate::{ClusterState, ClusterStates, DEFAULT_TOKEN_LIFETIME, Issuer};

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(START + seconds).unwrap()
}

#[tokio::test]
async fn each_cluster_tells_what_was_seen_of_it_last() {
    let states = watch::Sender::new(ClusterStates::new());
    let issuer =
        Issuer::ed25519(Ed25519Signer::generate("cubegate"), DEFAULT_TOKEN_LIFETIME).unwrap();
    let told = states.subscribe();
    let app = TestApp::with(issuer, |state| state.clusters = told).await;
    for (name, source) in [
        ("a", ClusterSource::Cli),
        ("b", ClusterSource::Api),
        ("c", ClusterSource::Unknown),
    ] {
        let cluster = app.mk_cluster(name);
        app.add_cluster(Cluster { source, ..cluster }).await;
    }
    let mut good = ClusterState::unknown(at(0), Some(at(86_400)));
    let latency = Some(Duration::from_micros(2_100));
    good.looked(latency, Some("v1.20.4".to_owned()), None, at(1));
    let mut bad = good.clone();
    let reason = "http://127.0.0.1:1 refuses connections".to_owned();
    bad.looked(None, None, Some(reason.clone()), at(60));
    states.send_replace([("a".to_owned(), good), ("b".to_owned(), bad)].into());

    let admin = [app.bearer("admin").await];
    // KubeSphere's clients learn whether, and not why.
    let path = "/kapis/resources.kubesphere.io/v1alpha3/clusters?sortBy=name&ascending=true";
    let listed = app.send("GET", path, &admin, "").await;
    let listed: Value = serde_json::from_str(&listed.body).unwrap();
    let ready = listed["items"].as_array().unwrap().iter().map(|item| {
        let ready = &item["status"]["conditions"][1];
        assert!(
            !ready["message"]
                .as_str()
                .unwrap()
                .contains("refuses connections")
        );
        [&ready["status"], &ready["reason"]].map(|value| value.as_str().unwrap().to_owned())
    });
    let expected = [
        ["True", "Normal"],
        ["False", "Abnormal"],
        ["Unknown", "NotLookedAt"],
    ];
    assert_eq!(ready.collect::<Vec<_>>(), expected);
    let listed = app.send("GET", CLUSTERS, &admin, "").await.json();
    let shown: Vec<_> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(own)
        .collect();
    let expected = [
        json!({
            "host": true, "status": "normal", "reason": "", "since": "2023-11-14T22:13:21Z",
            "version": "v1.20.4", "latencyMs": 3,
            "credentialExpiresAt": "2023-11-15T22:13:20Z", "source": "cli",
        }),
        json!({
            "host": false, "status": "abnormal", "reason": reason,
            "since": "2023-11-14T22:14:20Z", "version": "v1.20.4",
            "credentialExpiresAt": "2023-11-15T22:13:20Z", "source": "api",
        }),
        // Nobody has looked at it yet.
        json!({
            "host": false, "status": "unknown", "reason": "", "since": "2023-11-14T22:13:20Z",
            "version": "", "source": "",
        }),
    ];
    assert_eq!(shown, expected);
}

/// What is said of the cluster beside where it is and what Envoys make of it.
fn own(item: &Value) -> Value {
    let mut item = item.clone();
    let fields = item.as_object_mut().unwrap();
    for field in ["name", "server", "createdAt", "envoys"] {
        fields.remove(field).unwrap();
    }
    item
}
