//! KubeCube's clusters: `clusters.cluster.kubecube.io` of the pivot cluster.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_member::ObjectKind;
use kube::api::DynamicObject;
use serde_json::Value;

use super::objects::{Reached, Shape};

/// As its `pkg/apis/cluster/v1` has them.
pub(super) const SHAPE: Shape = Shape {
    kind: ObjectKind {
        group: "cluster.kubecube.io",
        version: "v1",
        plural: "clusters",
        kind: "Cluster",
    },
    read,
};

fn read(object: &DynamicObject) -> Reached {
    let field = |name| object.data.pointer(name);
    // That of the pivot cluster, where it is read, and which is registered therefore. Go leaves
    // out what is false.
    if field("/spec/isMemberCluster").and_then(Value::as_bool) != Some(true) {
        return Reached::PassedOver;
    }
    // It was written in both ways.
    let kubeconfig = field("/spec/kubeconfig").or_else(|| field("/spec/kubeConfig"));
    in_base64(kubeconfig.and_then(Value::as_str).unwrap_or_default())
}

/// A field of bytes.
pub(super) fn in_base64(text: &str) -> Reached {
    if text.is_empty() {
        return Reached::Not("it has no kubeconfig yet".to_owned());
    }
    let bytes = STANDARD.decode(text.trim()).ok();
    match bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(kubeconfig) => Reached::By(kubeconfig),
        None => Reached::Not("its kubeconfig is no text in base64".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reached(spec: &Value) -> Reached {
        let object = json!({
            "apiVersion": "cluster.kubecube.io/v1", "kind": "Cluster",
            "metadata": { "name": "c" }, "spec": spec,
        });
        read(&serde_json::from_value(object).unwrap())
    }

    #[test]
    fn a_member_is_reached_by_its_kubeconfig_however_the_field_is_written() {
        for field in ["kubeconfig", "kubeConfig"] {
            let by = reached(&json!({ "isMemberCluster": true, field: "YQ==" }));
            assert!(matches!(by, Reached::By(text) if text == "a"), "{field}");
        }
        let waits = reached(&json!({ "isMemberCluster": true }));
        assert!(matches!(waits, Reached::Not(sentence) if sentence == "it has no kubeconfig yet"));
    }

    #[test]
    fn the_pivot_cluster_is_passed_over() {
        for spec in [
            json!({ "isMemberCluster": false, "kubeconfig": "YQ==" }),
            json!({ "kubeconfig": "YQ==" }),
            json!([]),
        ] {
            assert!(matches!(reached(&spec), Reached::PassedOver), "{spec}");
        }
    }
}
