//! The lists of KubeSphere's vectors: what its handlers answered over the
//! objects that the file's `environment` describes.

use std::collections::BTreeMap;

use cubegate_list::{Finished, Limits, ListEngine, Progress, kubesphere};
use serde_json::{Value, json};

use super::{FILE, name};

const LISTS: &str = "/kapis/resources.kubesphere.io/v1alpha3/";

#[test]
fn kubesphere_lists_are_answered_as_the_vectors_say() {
    let file = std::fs::read_to_string(FILE).expect(FILE);
    let file: Value = serde_json::from_str(&file).unwrap();
    let environment = &file["environment"]["kubesphere"];
    let mut run = BTreeMap::new();
    for vector in file["vectors"].as_array().unwrap() {
        let request = &vector["request"];
        let path = request["path"].as_str().unwrap();
        let (Some(path), Some(wanted)) = (path.strip_prefix(LISTS), vector["target"].get("list"))
        else {
            continue;
        };
        if vector["system"] != "kubesphere" || request["method"] != "GET" {
            continue;
        }
        assert_eq!(vector["target"]["status"], 200);
        let (path, raw_query) = path.split_once('?').unwrap_or((path, ""));
        let segments: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        let (resource, namespace) = match segments[..] {
            ["namespaces", namespace, resource] => (resource, Some(namespace)),
            [resource] => (resource, None),
            _ => panic!("{path}"),
        };
        let answer = answer(
            resource,
            raw_query,
            &items(environment, resource, namespace),
        );
        let names: Vec<Value> = answer["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(name)
            .collect();
        let id = &vector["id"];
        assert_eq!(json!(names), wanted["names"], "{id}");
        assert_eq!(answer["totalItems"], wanted["totalItems"], "{id}");
        assert_eq!(answer.as_object().unwrap().len(), 2, "{id}");
        *run.entry(vector["group"].as_str().unwrap()).or_insert(0) += 1;
    }
    assert_eq!(run, BTreeMap::from([("oauth", 3), ("resources", 52)]));
}

fn answer(resource: &str, raw_query: &str, items: &[Value]) -> Value {
    let request = kubesphere::parse(resource, raw_query, &[]);
    assert!(request.decides_page());
    let body = json!({"kind": "List", "metadata": {"resourceVersion": "1"}, "items": items});
    let mut engine = ListEngine::new(request.query.unwrap(), Limits::default());
    for chunk in body.to_string().as_bytes().chunks(7) {
        assert_eq!(engine.push(chunk), Ok(Progress::Held));
    }
    match engine.finish().unwrap() {
        Finished::Page(page) => serde_json::from_slice(&page).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// The objects of a resource, as the API server would list them.
fn items(environment: &Value, resource: &str, namespace: Option<&str>) -> Vec<Value> {
    let all = |name: &str| environment[name].as_array().unwrap().clone();
    match (resource, namespace) {
        ("nodes", None) => all("nodes").iter().map(node).collect(),
        ("deployments", namespace) => all("deployments")
            .iter()
            .filter(|item| namespace.is_none_or(|namespace| item["ns"] == namespace))
            .map(deployment)
            .collect(),
        ("namespaces", None) => all("namespaces").iter().map(a_namespace).collect(),
        ("pods", Some("demo")) => all("pods(demo)").iter().map(pod).collect(),
        ("secrets", Some("demo")) => all("secrets(demo)").iter().map(secret).collect(),
        other => panic!("{other:?}"),
    }
}

fn node(item: &Value) -> Value {
    let conditions: Vec<Value> = [("Ready", "ready"), ("MemoryPressure", "memoryPressure")]
        .into_iter()
        .filter_map(|(kind, key)| Some(json!({"type": kind, "status": item.get(key)?})))
        .collect();
    json!({
        "metadata": {
            "name": item["name"],
            "creationTimestamp": item["creationTimestamp"],
            "labels": item["labels"],
            "annotations": item["annotations"],
        },
        "spec": {"unschedulable": item["unschedulable"]},
        "status": {"conditions": conditions},
    })
}

fn deployment(item: &Value) -> Value {
    json!({
        "metadata": metadata(item),
        "spec": {"replicas": item["replicas"]},
        "status": {"replicas": item["replicas"], "readyReplicas": item["ready"]},
    })
}

fn a_namespace(item: &Value) -> Value {
    json!({"metadata": metadata(item), "status": {"phase": item["phase"]}})
}

fn pod(item: &Value) -> Value {
    json!({
        "metadata": metadata(item),
        "spec": {"nodeName": item["node"]},
        "status": {"phase": item["phase"]},
    })
}

fn secret(item: &Value) -> Value {
    json!({"metadata": metadata(item), "type": item["type"]})
}

fn metadata(item: &Value) -> Value {
    let mut metadata = json!({
        "name": item["name"],
        "namespace": item["ns"],
        "labels": item["labels"],
    });
    if let Some(day) = item["created"].as_str() {
        metadata["creationTimestamp"] = json!(format!("{day}T00:00:00Z"));
    }
    if let Some(owner) = item["owner"].as_str() {
        let parts: Vec<&str> = owner.split(' ').collect();
        metadata["ownerReferences"] =
            json!([{"kind": parts[0], "name": parts[1], "uid": parts[2]}]);
    }
    metadata
}
