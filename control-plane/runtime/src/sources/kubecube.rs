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
