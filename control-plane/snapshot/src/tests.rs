//! Snapshots of small states. Whether Envoy takes them is proven end to end.

mod parts;
mod rendered;
mod resources;
mod revocations;
mod routes;

use std::sync::Arc;

use cubegate_domain::{Cluster, ClusterCredential};
use cubegate_filter_config::{
    DOCUMENT_FILTER_NAME, FILTER_NAME, FilterConfig, FilterLimits, PartKind, ResourceEntry,
    Resources, TokenKeys,
};
use envoy_types::pb::envoy::extensions::filters::http::wasm::v3::Wasm;
use envoy_types::pb::envoy::extensions::wasm::v3 as wasm;
use envoy_types::pb::google::protobuf::{BytesValue, StringValue};
use prost::Message as _;

use crate::{
    AccessLog, AccessLogFormat, AccessLogTarget, ConnectionTimes, FilterModule, GatewayState,
    ListenerSettings, Made, ResourceType, RoutePasses, ServingCertificate, Snapshot, TraceSettings,
    member_of, proto,
};

fn mk_cluster(name: &str, server: &str, credential: ClusterCredential) -> Cluster {
    let mut cluster = cubegate_testing::cluster(name, server);
    cluster.tls.ca_pem = Some("CA-PEM".to_owned());
    cluster.credential = credential;
    cluster
}

fn mk_state(clusters: Vec<Cluster>) -> GatewayState {
    GatewayState {
        clusters: clusters.into_iter().map(Arc::new).collect(),
        host_cluster: None,
        resources: Default::default(),
        unreachable: Default::default(),
        system_ca: Some("SYSTEM-CA".into()),
        tokens: TokenKeys::Ed25519 {
            issuer: "cubegate".to_owned(),
            keys: [].into(),
        },
        cors_origins: Default::default(),
        no_impersonation: false,
        no_host_paths: false,
        limits: FilterLimits::default(),
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
            access_log: AccessLog {
                target: AccessLogTarget::Stdout,
                format: AccessLogFormat::Text,
            },
            traces: None,
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
        .map(|(name, _)| name.to_string())
        .collect()
}

#[test]
fn each_resource_of_a_member_tells_its_name() {
    let snapshot = mk_state(vec![mk_cluster(
        "m.1",
        "https://10.0.0.1:6443",
        certificate(),
    )])
    .snapshot(&mut Made::default())
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
        mk_cluster("a", "https://10.0.0.1:6443", certificate()),
        mk_cluster(
            "b",
            "https://b.example",
            ClusterCredential::BearerToken("TOKEN-OF-B".to_owned()),
        ),
    ])
    .snapshot(&mut Made::default())
    .unwrap();
    for kind in ResourceType::ALL
        .into_iter()
        .filter(|kind| *kind != ResourceType::Secret)
    {
        for (name, resource) in snapshot.all(kind) {
            let text = String::from_utf8_lossy(&resource.value).into_owned();
            for secret in ["CLIENT-KEY", "TOKEN-OF-B", "LISTENER-KEY"] {
                assert!(!text.contains(secret), "{secret} in {kind:?} {name}");
            }
        }
    }
}

#[test]
fn an_api_server_without_a_ca_is_left_out_where_the_system_has_none() {
    let mut public = mk_cluster("public", "https://api.example", ClusterCredential::None);
    public.tls.ca_pem = None;
    let own = mk_cluster("own", "https://10.0.0.1:6443", ClusterCredential::None);
    let mut state = mk_state(vec![public, own]);
    let clusters = |state: &GatewayState| {
        names(
            &state.snapshot(&mut Made::default()).unwrap(),
            ResourceType::Cluster,
        )
    };
    assert_eq!(clusters(&state), ["cluster/own", "cluster/public"]);
    state.system_ca = None;
    assert_eq!(clusters(&state), ["cluster/own"]);
}

#[test]
fn equal_states_make_equal_snapshots_and_a_new_cluster_changes_only_what_it_must() {
    let one = || mk_cluster("one", "https://10.0.0.1:6443", certificate());
    let before = mk_state(vec![one()])
        .snapshot(&mut Made::default())
        .unwrap();
    assert_eq!(
        before,
        mk_state(vec![one()])
            .snapshot(&mut Made::default())
            .unwrap()
    );

    let two = mk_cluster("two", "https://10.0.0.2:6443", certificate());
    let after = mk_state(vec![one(), two])
        .snapshot(&mut Made::default())
        .unwrap();
    let version = |snapshot: &Snapshot, kind, name: &str| {
        snapshot
            .get(kind, name)
            .map(|resource| resource.version.clone())
    };
    for kind in ResourceType::ALL {
        for (name, resource) in before.all(kind) {
            let same = version(&after, kind, name) == Some(resource.version.clone());
            let part = PartKind::of_member("two").filter_name();
            assert_eq!(same, **name != *part, "{kind:?} {name}");
        }
    }
}

fn plugin_of(snapshot: &Snapshot, name: &str) -> wasm::PluginConfig {
    let resource = snapshot.get(ResourceType::ExtensionConfig, name).unwrap();
    let extension = proto::TypedExtensionConfig::decode(resource.value.as_ref()).unwrap();
    let wasm = Wasm::decode(extension.typed_config.unwrap().value.as_slice()).unwrap();
    wasm.config.unwrap()
}

fn document(snapshot: &Snapshot) -> FilterConfig {
    let plugin = plugin_of(snapshot, DOCUMENT_FILTER_NAME);
    let document = plugin.configuration.unwrap();
    let document = StringValue::decode(document.value.as_slice()).unwrap();
    FilterConfig::from_json(document.value.as_bytes()).unwrap()
}

fn frame_of(plugin: wasm::PluginConfig) -> Vec<u8> {
    let configuration = plugin.configuration.unwrap();
    let bytes = BytesValue::decode(configuration.value.as_slice()).unwrap();
    bytes.value
}

#[test]
fn the_filter_shares_its_vm_with_its_document_and_its_data_with_the_carrier() {
    let snapshot = mk_state(Vec::new()).snapshot(&mut Made::default()).unwrap();
    let vm = |name: &str| match plugin_of(&snapshot, name).vm.unwrap() {
        wasm::plugin_config::Vm::VmConfig(vm) => vm,
    };
    let filter = vm(FILTER_NAME);
    assert_eq!(vm(DOCUMENT_FILTER_NAME), filter);
    for kind in PartKind::all() {
        let carrier = vm(&kind.filter_name());
        assert_eq!(carrier.vm_id, filter.vm_id);
        assert_eq!(carrier.runtime, filter.runtime);
    }
}

#[test]
fn a_host_cluster_that_is_not_there_is_none() {
    let mut state = mk_state(vec![mk_cluster(
        "m",
        "https://10.0.0.1:6443",
        certificate(),
    )]);
    for (host, told) in [("m", Some("m")), ("gone", None)] {
        state.host_cluster = Some(host.to_owned());
        let document = document(&state.snapshot(&mut Made::default()).unwrap());
        assert_eq!(document.host_cluster.as_deref(), told);
    }
}
