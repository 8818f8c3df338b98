//! What the filter is told of the clusters, and the listener by which it is told.

use cubegate_filter_config::{Carried, DiscoveryPart, Frame, MembersPart};
use envoy_types::pb::envoy::config::listener::v3::{Listener, filter};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;

use super::*;

fn part_of(snapshot: &Snapshot, kind: PartKind) -> Vec<u8> {
    let frame = frame_of(plugin_of(snapshot, &kind.filter_name()));
    Frame::parse(&frame).unwrap().document.to_vec()
}

#[test]
fn members_of_equal_resources_share_a_table() {
    let pods = ResourceEntry {
        path: "/api/v1".to_owned(),
        kind: "Pod".to_owned(),
        namespaced: true,
    };
    let known: Resources = [("pods".to_owned(), vec![pods])].into();
    let mut state = mk_state(vec![
        mk_cluster("a", "https://10.0.0.1:6443/k8s/c1", certificate()),
        mk_cluster("b", "https://10.0.0.2:6443", certificate()),
        mk_cluster("clear", "http://127.0.0.1:80", ClusterCredential::None),
    ]);
    state.unreachable = ["b".to_owned()].into();
    state.resources = ["a", "b", "gone"]
        .map(|name| (name.to_owned(), Arc::new(known.clone())))
        .into();
    let snapshot = state.snapshot(&mut Made::default()).unwrap();
    let member = |name: &str| {
        let part = part_of(&snapshot, PartKind::of_member(name));
        let mut part = MembersPart::from_json(&part).unwrap();
        part.members.remove(name).unwrap()
    };
    let (a, b, clear) = (member("a"), member("b"), member("clear"));
    assert_eq!(
        (a.authority.as_str(), a.path_prefix.as_str()),
        ("10.0.0.1:6443", "/k8s/c1")
    );
    assert!(!a.any_path && clear.any_path);
    assert!(!a.unreachable && b.unreachable);
    assert_eq!(clear.discovery, None);
    assert_eq!(a.discovery, b.discovery);
    let id = a.discovery.unwrap();
    let part = part_of(&snapshot, PartKind::of_table(&id));
    assert_eq!(
        DiscoveryPart::from_json(&part).unwrap().tables,
        [(id, known)].into()
    );
    let tables = PartKind::all().filter_map(|kind| match kind {
        PartKind::Discovery(_) => DiscoveryPart::from_json(&part_of(&snapshot, kind)).ok(),
        PartKind::Members(_) => None,
    });
    assert_eq!(tables.map(|part| part.tables.len()).sum::<usize>(), 1);
}

#[test]
fn documents_come_by_a_listener_that_binds_no_port() {
    let snapshot = mk_state(Vec::new()).snapshot(&mut Made::default()).unwrap();
    let listener = snapshot.get(ResourceType::Listener, "documents").unwrap();
    let listener = Listener::decode(listener.value.as_ref()).unwrap();
    assert_eq!(listener.bind_to_port.map(|bind| bind.value), Some(false));
    let manager = match &listener.filter_chains[0].filters[0].config_type {
        Some(filter::ConfigType::TypedConfig(manager)) => Some(manager),
        _ => None,
    };
    let manager = manager.unwrap();
    let manager = HttpConnectionManager::decode(manager.value.as_slice()).unwrap();
    let names: Vec<_> = manager
        .http_filters
        .iter()
        .map(|filter| filter.name.as_str())
        .collect();
    let carried: Vec<_> = Carried::all().map(Carried::filter_name).collect();
    assert_eq!(carried.len(), 105);
    assert_eq!(names[..105], carried);
    assert_eq!(
        names[105..],
        [DOCUMENT_FILTER_NAME, "envoy.filters.http.router"]
    );
}

/// A snapshot for an Envoy far away holds the filter's code twice, whatever it is told.
#[test]
fn the_filters_code_does_not_travel_with_what_changes_often() {
    let mut state = mk_state(Vec::new());
    state.module = FilterModule::Inline(Arc::new(vec![7; 1 << 20]));
    let snapshot = state.snapshot(&mut Made::default()).unwrap();
    for kind in PartKind::all() {
        let resource = snapshot.get(ResourceType::ExtensionConfig, &kind.filter_name());
        let bytes = resource.unwrap().value.len();
        assert!(bytes < 900, "{kind:?} has {bytes} bytes");
    }
}

/// What was made before is used again, and makes no difference.
#[test]
fn what_stays_as_it_is_is_not_made_again() {
    let mut made = Made::default();
    let clusters = |number: u8| {
        let named = |at| mk_cluster(&format!("m{at}"), "https://10.0.0.1:6443", certificate());
        (0..number).map(named).collect()
    };
    let before = mk_state(clusters(3)).snapshot(&mut made).unwrap();
    let after = mk_state(clusters(4)).snapshot(&mut made).unwrap();
    let fresh = mk_state(clusters(4)).snapshot(&mut Made::default());
    assert_eq!(after, fresh.unwrap());
    let mut shared = 0;
    for kind in [
        ResourceType::Secret,
        ResourceType::Cluster,
        ResourceType::ExtensionConfig,
    ] {
        for (name, resource) in before.all(kind) {
            let again = after.get(kind, name).unwrap();
            shared += usize::from(Arc::ptr_eq(again, resource));
        }
    }
    // Of three members a cluster and two secrets each, all parts but one, and the filter with what
    // brings its document.
    assert_eq!(shared, 3 * 3 + 71 + 2);
}

#[test]
fn the_time_waits_for_no_cluster() {
    let mut snapshot = mk_state(Vec::new()).snapshot(&mut Made::default()).unwrap();
    let time = crate::clock(1_764_500_000);
    assert!(time.stands_alone);
    snapshot.insert_clock(Arc::new(time));
    let frame = frame_of(plugin_of(&snapshot, "cubegate-clock"));
    assert_eq!(Frame::parse(&frame).unwrap().document, b"1764500000");
}
