//! Snapshots of small states. Whether Envoy takes them is proven end to end.

mod revocations;
mod routes;

use std::sync::Arc;

use cubegate_domain::{ApiServer, Cluster, ClusterCredential, ClusterTls, Scheme};
use cubegate_filter_config::{
    DOCUMENT_FILTER_NAME, FILTER_NAME, FilterConfig, Limits, ResourceEntry, Resources, TokenKeys,
};
use envoy_types::pb::envoy::extensions::filters::http::wasm::v3::Wasm;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3 as tls;
use envoy_types::pb::envoy::extensions::upstreams::http::v3::HttpProtocolOptions;
use envoy_types::pb::envoy::extensions::wasm::v3 as wasm;
use envoy_types::pb::google::protobuf::StringValue;
use prost::Message as _;
use time::OffsetDateTime;

use crate::{
    AccessLogTarget, ConnectionTimes, FilterModule, GatewayState, ListenerSettings, ResourceType,
    RoutePasses, ServingCertificate, Snapshot, member_of, proto,
};

fn mk_cluster(name: &str, host: &str, credential: ClusterCredential) -> Cluster {
    Cluster {
        name: name.parse().unwrap(),
        server: ApiServer {
            scheme: Scheme::Https,
            host: host.to_owned(),
            port: 6443,
            path_prefix: String::new(),
        },
        tls: ClusterTls {
            ca_pem: Some("CA-PEM".to_owned()),
            server_name: None,
        },
        credential,
        created_at: OffsetDateTime::UNIX_EPOCH,
    }
}

fn mk_state(clusters: Vec<Cluster>) -> GatewayState {
    GatewayState {
        clusters,
        host_cluster: None,
        resources: Default::default(),
        system_ca: Some("SYSTEM-CA".into()),
        tokens: TokenKeys::Ed25519 {
            issuer: "cubegate".to_owned(),
            keys: [].into(),
        },
        cors_origins: Default::default(),
        limits: Limits::default(),
        passes: RoutePasses {
            current: "0b".to_owned(),
            accepted: ["0a", "0b", "0c"].map(str::to_owned).to_vec(),
        },
        module: FilterModule::File("/data/filter/abc.wasm".to_owned()),
        listener: ListenerSettings {
            host: "127.0.0.1".to_owned(),
            port: 30443,
            certificate: Some(ServingCertificate {
                certificate_pem: "LISTENER-CRT".to_owned(),
                key_pem: "LISTENER-KEY".to_owned(),
            }),
            times: ConnectionTimes::default(),
            trusted_hops: 0,
            proxy_protocol: Vec::new(),
            access_log: AccessLogTarget::Stdout,
        },
    }
}

fn certificate() -> ClusterCredential {
    ClusterCredential::ClientCertificate {
        certificate_pem: "CLIENT-CRT".to_owned(),
        key_pem: "CLIENT-KEY".to_owned(),
    }
}

fn names(snapshot: &Snapshot, kind: ResourceType) -> Vec<String> {
    snapshot
        .all(kind)
        .map(|(name, _)| name.to_owned())
        .collect()
}

fn cluster(snapshot: &Snapshot, name: &str) -> proto::Cluster {
    let resource = snapshot.get(ResourceType::Cluster, name).unwrap();
    proto::Cluster::decode(resource.any.value.as_slice()).unwrap()
}

fn protocol_options(cluster: &proto::Cluster) -> HttpProtocolOptions {
    let any = cluster
        .typed_extension_protocol_options
        .values()
        .next()
        .unwrap();
    HttpProtocolOptions::decode(any.value.as_slice()).unwrap()
}

fn upstream_tls(cluster: &proto::Cluster) -> tls::UpstreamTlsContext {
    let socket = cluster.transport_socket.as_ref().unwrap();
    let Some(proto::transport_socket::ConfigType::TypedConfig(any)) = &socket.config_type else {
        panic!("no typed configuration");
    };
    tls::UpstreamTlsContext::decode(any.value.as_slice()).unwrap()
}

#[test]
fn a_member_has_two_clusters_and_its_secrets() {
    let snapshot = mk_state(vec![mk_cluster("m", "10.0.0.1", certificate())])
        .snapshot()
        .unwrap();
    assert_eq!(
        names(&snapshot, ResourceType::Cluster),
        ["cluster/m", "cluster/m/http1"]
    );
    assert_eq!(
        names(&snapshot, ResourceType::Secret),
        ["cluster/m/ca", "cluster/m/client", "listener/certificate"]
    );
    let auto = protocol_options(&cluster(&snapshot, "cluster/m"));
    let http1 = protocol_options(&cluster(&snapshot, "cluster/m/http1"));
    assert!(format!("{auto:?}").contains("AutoConfig"));
    assert!(format!("{http1:?}").contains("ExplicitHttpConfig"));
}

#[test]
fn each_resource_of_a_member_tells_its_name() {
    let snapshot = mk_state(vec![mk_cluster("m.1", "10.0.0.1", certificate())])
        .snapshot()
        .unwrap();
    for kind in [ResourceType::Cluster, ResourceType::Secret] {
        for name in names(&snapshot, kind) {
            let own = (name != "listener/certificate").then_some("m.1");
            assert_eq!(member_of(&name), own, "{name}");
        }
    }
}

#[test]
fn no_secret_stands_outside_a_secret() {
    let snapshot = mk_state(vec![
        mk_cluster("a", "10.0.0.1", certificate()),
        mk_cluster(
            "b",
            "b.example",
            ClusterCredential::BearerToken("TOKEN-OF-B".to_owned()),
        ),
    ])
    .snapshot()
    .unwrap();
    for kind in ResourceType::ALL
        .into_iter()
        .filter(|kind| *kind != ResourceType::Secret)
    {
        for (name, resource) in snapshot.all(kind) {
            let text = String::from_utf8_lossy(&resource.any.value).into_owned();
            for secret in ["CLIENT-KEY", "TOKEN-OF-B", "LISTENER-KEY"] {
                assert!(!text.contains(secret), "{secret} in {kind:?} {name}");
            }
        }
    }
}

#[test]
fn a_token_is_put_in_by_envoy_and_a_certificate_by_tls() {
    let token = ClusterCredential::BearerToken("t".to_owned());
    let snapshot = mk_state(vec![
        mk_cluster("cert", "10.0.0.1", certificate()),
        mk_cluster("token", "10.0.0.2", token),
    ])
    .snapshot()
    .unwrap();
    let by_token = cluster(&snapshot, "cluster/token");
    let filters: Vec<_> = protocol_options(&by_token)
        .http_filters
        .into_iter()
        .map(|filter| filter.name)
        .collect();
    assert_eq!(
        filters,
        [
            "envoy.filters.http.credential_injector",
            "envoy.filters.http.upstream_codec"
        ]
    );
    let common = upstream_tls(&by_token).common_tls_context.unwrap();
    assert!(common.tls_certificate_sds_secret_configs.is_empty());

    let by_certificate = cluster(&snapshot, "cluster/cert");
    assert!(protocol_options(&by_certificate).http_filters.is_empty());
    let common = upstream_tls(&by_certificate).common_tls_context.unwrap();
    assert_eq!(
        common.tls_certificate_sds_secret_configs[0].name,
        "cluster/cert/client"
    );
}

#[test]
fn an_api_server_must_show_the_name_in_the_kubeconfig() {
    let mut renamed = mk_cluster("renamed", "10.0.0.3", ClusterCredential::None);
    renamed.tls.server_name = Some("kubernetes".to_owned());
    let snapshot = mk_state(vec![
        mk_cluster("address", "10.0.0.1", ClusterCredential::None),
        mk_cluster("name", "api.example", ClusterCredential::None),
        renamed,
    ])
    .snapshot()
    .unwrap();
    let sni = |name: &str| upstream_tls(&cluster(&snapshot, name)).sni;
    assert_eq!(sni("cluster/address"), "");
    assert_eq!(sni("cluster/name"), "api.example");
    assert_eq!(sni("cluster/renamed"), "kubernetes");
    for name in ["address", "name", "renamed"] {
        let context = upstream_tls(&cluster(&snapshot, &format!("cluster/{name}")));
        let validation = format!(
            "{:?}",
            context.common_tls_context.unwrap().validation_context_type
        );
        assert!(
            validation.contains("match_typed_subject_alt_names: [SubjectAltNameMatcher"),
            "{name}"
        );
        assert!(validation.contains(&format!("cluster/{name}/ca")), "{name}");
    }
}

#[test]
fn an_api_server_without_a_ca_is_proven_by_the_systems_or_left_out() {
    let mut public = mk_cluster("public", "api.example", ClusterCredential::None);
    public.tls.ca_pem = None;
    let mut state = mk_state(vec![
        public,
        mk_cluster("own", "10.0.0.1", ClusterCredential::None),
    ]);
    let snapshot = state.snapshot().unwrap();
    let validation = format!("{:?}", upstream_tls(&cluster(&snapshot, "cluster/public")));
    assert!(validation.contains("system/ca"), "{validation}");
    assert!(
        validation.contains("Exact(\"api.example\")"),
        "{validation}"
    );
    let secrets = names(&snapshot, ResourceType::Secret);
    assert_eq!(
        secrets,
        ["cluster/own/ca", "listener/certificate", "system/ca"]
    );

    state.system_ca = None;
    let snapshot = state.snapshot().unwrap();
    assert_eq!(
        names(&snapshot, ResourceType::Cluster),
        ["cluster/own", "cluster/own/http1"]
    );
}

#[test]
fn a_cluster_in_clear_has_no_tls() {
    let mut clear = mk_cluster("clear", "127.0.0.1", ClusterCredential::None);
    clear.server.scheme = Scheme::Http;
    let snapshot = mk_state(vec![clear]).snapshot().unwrap();
    assert_eq!(cluster(&snapshot, "cluster/clear").transport_socket, None);
    assert_eq!(
        names(&snapshot, ResourceType::Secret),
        ["listener/certificate"]
    );
}

#[test]
fn equal_states_make_equal_snapshots_and_a_new_cluster_changes_only_what_it_must() {
    let one = || mk_cluster("one", "10.0.0.1", certificate());
    let before = mk_state(vec![one()]).snapshot().unwrap();
    assert_eq!(before, mk_state(vec![one()]).snapshot().unwrap());

    let two = mk_cluster("two", "10.0.0.2", certificate());
    let after = mk_state(vec![one(), two]).snapshot().unwrap();
    let version = |snapshot: &Snapshot, kind, name: &str| {
        snapshot
            .get(kind, name)
            .map(|resource| resource.version.clone())
    };
    for kind in ResourceType::ALL {
        for (name, resource) in before.all(kind) {
            let same = version(&after, kind, name) == Some(resource.version.clone());
            assert_eq!(same, name != "cubegate-config", "{kind:?} {name}");
        }
    }
}

fn plugin_of(snapshot: &Snapshot, name: &str) -> wasm::PluginConfig {
    let resource = snapshot.get(ResourceType::ExtensionConfig, name).unwrap();
    let extension = proto::TypedExtensionConfig::decode(resource.any.value.as_slice()).unwrap();
    let wasm = Wasm::decode(extension.typed_config.unwrap().value.as_slice()).unwrap();
    wasm.config.unwrap()
}

fn document(snapshot: &Snapshot) -> FilterConfig {
    let plugin = plugin_of(snapshot, DOCUMENT_FILTER_NAME);
    let document = plugin.configuration.unwrap();
    let document = StringValue::decode(document.value.as_slice()).unwrap();
    FilterConfig::from_json(document.value.as_bytes()).unwrap()
}

#[test]
fn the_filter_gets_its_document_and_holds_headers() {
    let snapshot = mk_state(vec![mk_cluster("m", "10.0.0.1", certificate())])
        .snapshot()
        .unwrap();
    let [filter, bringer] =
        [FILTER_NAME, DOCUMENT_FILTER_NAME].map(|name| plugin_of(&snapshot, name));
    assert_eq!(
        filter
            .allow_on_headers_stop_iteration
            .map(|flag| flag.value),
        Some(true)
    );
    // Envoy keeps what is here for every stream.
    assert_eq!(filter.configuration, None);
    assert_eq!(filter.vm, bringer.vm, "they share no memory");
    let config = document(&snapshot);
    assert_eq!(config.clusters["m"].upgrade_upstream, "cluster/m/http1");
    assert_eq!(config.clusters["m"].authority, "10.0.0.1:6443");
    assert!(config.clusters["m"].resources.is_empty());
    assert_eq!(config.host_cluster, None);
}

#[test]
fn the_filter_is_told_what_clusters_have_and_which_is_the_host() {
    let pods = ResourceEntry {
        path: "/api/v1".to_owned(),
        kind: "Pod".to_owned(),
        namespaced: true,
    };
    let known: Resources = [("pods".to_owned(), vec![pods])].into();
    let mut state = mk_state(vec![mk_cluster("m", "10.0.0.1", certificate())]);
    state.resources = [
        ("m".to_owned(), Arc::new(known.clone())),
        ("gone".to_owned(), Arc::new(known.clone())),
    ]
    .into();
    state.host_cluster = Some("m".to_owned());
    state.cors_origins = ["https://console.example".to_owned()].into();
    let config = document(&state.snapshot().unwrap());
    assert_eq!(config.clusters.len(), 1);
    assert_eq!(config.clusters["m"].resources, known);
    assert_eq!(config.host_cluster.as_deref(), Some("m"));
    assert_eq!(config.cors_origins, state.cors_origins);
    state.host_cluster = Some("gone".to_owned());
    let config = document(&state.snapshot().unwrap());
    assert_eq!(config.host_cluster, None);
}

#[test]
fn kubecubes_secret_is_named_and_not_told() {
    let mut state = mk_state(Vec::new());
    state.tokens = TokenKeys::Hs256 {
        secret_env: "CUBEGATE_JWT_HS256_SECRET".to_owned(),
    };
    let snapshot = state.snapshot().unwrap();
    let resource = snapshot
        .get(ResourceType::ExtensionConfig, "cubegate")
        .unwrap();
    let text = String::from_utf8_lossy(&resource.any.value).into_owned();
    assert!(text.contains("CUBEGATE_JWT_HS256_SECRET"));
}
