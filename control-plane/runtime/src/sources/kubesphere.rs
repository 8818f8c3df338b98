//! KubeSphere's clusters: `clusters.cluster.kubesphere.io` of its host cluster.

use cubegate_member::ObjectKind;
use kube::api::DynamicObject;
use serde_json::Value;

use super::kubecube::in_base64;
use super::objects::{Reached, Shape};

/// The label of the object that means the cluster where it is. Its value is empty.
const HOST: &str = "cluster-role.kubesphere.io/host";

/// As its `api/cluster/v1alpha1` has them.
pub(super) const SHAPE: Shape = Shape {
    kind: ObjectKind {
        group: "cluster.kubesphere.io",
        version: "v1alpha1",
        plural: "clusters",
        kind: "Cluster",
    },
    read,
};

fn read(object: &DynamicObject) -> Reached {
    let labels = object.metadata.labels.as_ref();
    // It is registered, or it could not be read here. The kubeconfig in it is that of
    // KubeSphere's own pod.
    if labels.is_some_and(|labels| labels.contains_key(HOST)) {
        return Reached::PassedOver;
    }
    let field = |name| object.data.pointer(name);
    // Go leaves out what is false, and version 4 means nothing by it any more: only who writes
    // it there means it.
    if field("/spec/enable").and_then(Value::as_bool) == Some(false) {
        return Reached::PassedOver;
    }
    let kubeconfig = field("/spec/connection/kubeconfig").and_then(Value::as_str);
    let kubeconfig = kubeconfig.unwrap_or_default();
    let kind = field("/spec/connection/type").and_then(Value::as_str);
    if kubeconfig.is_empty() && kind == Some("proxy") {
        return Reached::Not(
            "it has no kubeconfig yet: its agent has not connected to KubeSphere's proxy"
                .to_owned(),
        );
    }
    in_base64(kubeconfig)
}
