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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reached(labels: &Value, spec: &Value) -> Reached {
        let object = json!({
            "apiVersion": "cluster.kubesphere.io/v1alpha1", "kind": "Cluster",
            "metadata": { "name": "c", "labels": labels }, "spec": spec,
        });
        read(&serde_json::from_value(object).unwrap())
    }

    fn sentence(spec: &Value) -> String {
        match reached(&json!({}), spec) {
            Reached::Not(sentence) => sentence,
            Reached::By(_) | Reached::PassedOver => String::new(),
        }
    }

    #[test]
    fn a_member_is_reached_by_its_kubeconfig_whatever_its_connection_is() {
        for kind in ["direct", "proxy", ""] {
            for enable in [json!(true), json!(null)] {
                let spec = json!({ "enable": enable, "connection": { "type": kind, "kubeconfig": "YQ==" } });
                let by = reached(&json!({}), &spec);
                assert!(matches!(by, Reached::By(text) if text == "a"), "{spec}");
            }
        }
    }

    #[test]
    fn the_host_and_what_is_switched_off_are_passed_over() {
        let connection = json!({ "type": "direct", "kubeconfig": "YQ==" });
        let host = json!({ "cluster-role.kubesphere.io/host": "" });
        let spec = json!({ "enable": true, "connection": connection });
        assert!(matches!(reached(&host, &spec), Reached::PassedOver));
        let spec = json!({ "enable": false, "connection": connection });
        assert!(matches!(reached(&json!({}), &spec), Reached::PassedOver));
    }

    #[test]
    fn what_is_no_kubeconfig_is_told_without_quoting_it() {
        let waits = sentence(&json!({ "connection": { "type": "proxy", "token": "s3cret" } }));
        assert!(waits.contains("its agent has not connected"), "{waits}");
        let none = sentence(&json!({ "connection": { "type": "direct" } }));
        assert_eq!(none, "it has no kubeconfig yet");
        for wrong in [json!("s3cret!"), json!("/w==")] {
            let told = sentence(&json!({ "connection": { "kubeconfig": wrong } }));
            assert_eq!(told, "its kubeconfig is no text in base64");
        }
        for odd in [
            json!(null),
            json!([]),
            json!("s3cret"),
            json!({ "connection": [1] }),
        ] {
            assert_eq!(sentence(&odd), "it has no kubeconfig yet", "{odd}");
        }
    }
}
