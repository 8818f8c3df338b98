//! `kubectl get`, which asks for a Table.

use super::*;

const KUBECTL: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
const CUBE: &str = "/api/v1/cube/proxy/clusters/pivot-cluster/api/v1/namespaces/a/pods";
const KUBE: &str = "/clusters/pivot-cluster/api/v1/namespaces/a/pods";

fn upstream(path: &str, accept: &str) -> (Option<String>, Option<String>) {
    let world = World::new();
    let bearer = format!("Bearer {}", world.token("jeff", &[]));
    let (_, host, _) = world.send(
        "GET",
        path,
        &[("authorization", &bearer), ("accept", accept)],
    );
    (host.request_header(":path"), host.request_header("accept"))
}

#[test]
fn a_table_with_our_parameters_stays_a_table_and_becomes_ours() {
    for path in [CUBE, KUBE] {
        let (path, accept) = upstream(
            &format!("{path}?pageSize=2&includeObject=Metadata"),
            KUBECTL,
        );
        // Without `limit`: rows are counted, and their order is checked, nowhere.
        assert_eq!(
            path.as_deref(),
            Some("/base/api/v1/namespaces/a/pods?includeObject=Metadata&pretty=false")
        );
        assert_eq!(
            accept.as_deref(),
            Some("application/json;as=Table;v=v1;g=meta.k8s.io,application/json")
        );
    }
    let older = "application/json;as=Table;v=v1beta1;g=meta.k8s.io";
    let (_, accept) = upstream(&format!("{KUBE}?pageSize=2"), older);
    assert_eq!(
        accept.as_deref(),
        Some("application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json")
    );
}

#[test]
fn a_table_without_our_parameters_is_not_touched() {
    for path in [CUBE, KUBE] {
        for query in [
            "",
            "?limit=500",
            "?isFilter=false&pageSize=2",
            "?labelSelector=a",
        ] {
            let (path, accept) = upstream(&format!("{path}{query}"), KUBECTL);
            assert_eq!(path, Some(format!("/base/api/v1/namespaces/a/pods{query}")));
            assert_eq!(accept.as_deref(), Some(KUBECTL));
        }
    }
}

#[test]
fn other_forms_are_not_touched_even_with_our_parameters() {
    for accept in [
        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
        "application/vnd.kubernetes.protobuf, application/json",
        "application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io,application/json",
        "application/cbor",
        "application/yaml",
    ] {
        let (path, sent) = upstream(&format!("{KUBE}?pageSize=2"), accept);
        assert_eq!(
            path.as_deref(),
            Some("/base/api/v1/namespaces/a/pods?pageSize=2")
        );
        assert_eq!(sent.as_deref(), Some(accept));
    }
}
