//! Whole resources, as Envoy gets them.

use std::time::Duration;

use insta::assert_yaml_snapshot;

use super::rendered::rendered;
use super::*;

use ResourceType::{Cluster as Clusters, ExtensionConfig, Listener, RouteConfiguration, Secret};

/// What there is of a member.
fn of_member(cluster: Cluster) -> serde_json::Value {
    let snapshot = mk_state(vec![cluster])
        .snapshot(&mut Made::default())
        .unwrap();
    rendered(&snapshot, &[Clusters, Secret])
}

#[test]
fn a_member_with_a_client_certificate() {
    assert_yaml_snapshot!(of_member(mk_cluster(
        "m",
        "https://10.0.0.1:6443",
        certificate()
    )));
}

#[test]
fn a_member_with_a_token_and_a_name_of_its_own() {
    let token = ClusterCredential::BearerToken("TOKEN".to_owned());
    let mut cluster = mk_cluster("m", "https://10.0.0.1:6443", token);
    cluster.tls.server_name = Some("kubernetes".to_owned());
    assert_yaml_snapshot!(of_member(cluster));
}

#[test]
fn a_member_that_the_systems_cas_prove() {
    let mut cluster = mk_cluster("m", "https://api.example", ClusterCredential::None);
    cluster.tls.ca_pem = None;
    assert_yaml_snapshot!(of_member(cluster));
}

#[test]
fn a_member_in_clear() {
    let cluster = mk_cluster("m", "http://127.0.0.1:8001", ClusterCredential::None);
    assert_yaml_snapshot!(of_member(cluster));
}

#[test]
fn the_listener() {
    let snapshot = mk_state(Vec::new()).snapshot(&mut Made::default()).unwrap();
    assert_yaml_snapshot!(rendered(&snapshot, &[Listener]));
}

#[test]
fn the_listener_in_clear_behind_load_balancers() {
    let mut state = mk_state(Vec::new());
    state.listener = ListenerSettings {
        certificate: None,
        times: ConnectionTimes {
            idle: Duration::from_secs(1),
            request: Duration::from_secs(2),
            send: Duration::from_millis(3_500),
            lifetime: Duration::from_secs(4),
        },
        trusted_hops: 2,
        proxy_protocol: ["10.0.0.0/8", "fd00::/8"]
            .map(|range| range.parse().unwrap())
            .to_vec(),
        access_log: AccessLog {
            target: AccessLogTarget::File("/logs/access.log".to_owned()),
            format: AccessLogFormat::Json,
        },
        traces: Some(TraceSettings {
            host: "collector.example".to_owned(),
            port: 4317,
            tls: true,
            percent: 1.5,
        }),
        ..state.listener
    };
    assert_yaml_snapshot!(rendered(
        &state.snapshot(&mut Made::default()).unwrap(),
        &[Listener, Clusters]
    ));
}

#[test]
fn the_routes() {
    let mut state = mk_state(Vec::new());
    state.passes.accepted = vec![state.passes.current.clone()];
    assert_yaml_snapshot!(rendered(
        &state.snapshot(&mut Made::default()).unwrap(),
        &[RouteConfiguration]
    ));
}

#[test]
fn the_filter_and_its_document() {
    let pods = ResourceEntry {
        path: "/api/v1".to_owned(),
        kind: "Pod".to_owned(),
        namespaced: true,
    };
    let known: Resources = [("pods".to_owned(), vec![pods])].into();
    let mut state = mk_state(vec![
        mk_cluster("m", "https://10.0.0.1:6443/k8s/c1", certificate()),
        mk_cluster("clear", "http://127.0.0.1:80", ClusterCredential::None),
    ]);
    state.resources = ["m", "gone"]
        .map(|name| (name.to_owned(), Arc::new(known.clone())))
        .into();
    state.host_cluster = Some("m".to_owned());
    state.cors_origins = ["https://console.example".to_owned()].into();
    assert_yaml_snapshot!(rendered(
        &state.snapshot(&mut Made::default()).unwrap(),
        &[ExtensionConfig]
    ));
}

#[test]
fn the_filter_under_kubecubes_secret() {
    let mut state = mk_state(Vec::new());
    state.tokens = TokenKeys::Hs256 {
        secret_env: "CUBEGATE_JWT_HS256_SECRET".to_owned(),
    };
    assert_yaml_snapshot!(rendered(
        &state.snapshot(&mut Made::default()).unwrap(),
        &[ExtensionConfig]
    ));
}
