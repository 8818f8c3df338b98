//! The API server behind the KubeSphere vectors: a small Kubernetes API with the objects
//! that `environment.kubesphere` describes. `admin` may do all, everybody else nothing.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use cubegate_tests::fixture::{Response, Seen};
use http::header::CONTENT_TYPE;
use http_body_util::Full;
use hyper::body::Bytes;
use serde_json::{Value, json};

/// A resource of the API.
struct Resource {
    path: &'static str,
    plural: &'static str,
    kind: &'static str,
    namespaced: bool,
}

const fn resource(
    path: &'static str,
    plural: &'static str,
    kind: &'static str,
    namespaced: bool,
) -> Resource {
    Resource {
        path,
        plural,
        kind,
        namespaced,
    }
}

/// All of them. `unauth` is where the gateway's own credential is not taken.
const RESOURCES: [Resource; 7] = [
    resource("/api/v1", "nodes", "Node", false),
    resource("/api/v1", "namespaces", "Namespace", false),
    resource("/api/v1", "pods", "Pod", true),
    resource("/api/v1", "secrets", "Secret", true),
    resource("/apis/apps/v1", "deployments", "Deployment", true),
    resource("/apis/iam.kubesphere.io/v1alpha2", "users", "User", false),
    resource("/apis/odd.example/v1", "unauth", "Unauth", false),
];

/// The API and what is in it, by plural name.
pub(super) struct Kubernetes {
    objects: BTreeMap<&'static str, Vec<Value>>,
}

/// What a path means: a resource, a namespace and a name.
type Place<'a> = (&'static Resource, Option<&'a str>, Option<&'a str>);

// === impl Kubernetes ===

impl Kubernetes {
    pub(super) fn new(environment: &Value) -> Result<Self> {
        let read = |name: &str, make: fn(&Value) -> Value| -> Result<Vec<Value>> {
            let described = environment[name].as_array().context("no objects")?;
            Ok(described.iter().map(make).collect())
        };
        let objects = [
            ("nodes", read("nodes", node)?),
            ("namespaces", read("namespaces", namespace)?),
            ("pods", read("pods(demo)", pod)?),
            ("secrets", read("secrets(demo)", secret)?),
            ("deployments", read("deployments", deployment)?),
            ("users", read("users", user)?),
        ];
        Ok(Self {
            objects: objects.into(),
        })
    }

    /// The answer, and its body.
    pub(super) fn answer(&self, request: &Seen) -> Result<(Response, Bytes)> {
        if let Some(document) = discovery(&request.path) {
            return whole(200, &document);
        }
        let Some(place) = place(&request.path) else {
            return whole(
                404,
                &status(
                    404,
                    "NotFound",
                    "the server could not find the requested resource",
                    &json!({}),
                ),
            );
        };
        let (resource, namespace, name) = place;
        if resource.plural == "unauth" {
            return whole(
                401,
                &status(401, "Unauthorized", "Unauthorized", &json!({})),
            );
        }
        let user = request
            .headers("impersonate-user")
            .next()
            .unwrap_or_default();
        if user != "admin" {
            return whole(403, &forbidden(user, place));
        }
        if request.method != "GET" {
            return whole(
                200,
                &json!({ "method": request.method, "path": request.path }),
            );
        }
        let objects = self.objects.get(resource.plural).into_iter().flatten();
        let mut objects = objects.filter(|object| {
            namespace.is_none_or(|namespace| object["metadata"]["namespace"] == namespace)
        });
        let Some(name) = name else {
            let (version, items) = (version(resource), objects.collect::<Vec<_>>());
            return whole(
                200,
                &json!({
                    "kind": format!("{}List", resource.kind), "apiVersion": version,
                    "metadata": { "resourceVersion": "1" }, "items": items,
                }),
            );
        };
        match objects.find(|object| object["metadata"]["name"] == name) {
            Some(object) => whole(200, object),
            None => {
                let message = format!("{} \"{name}\" not found", whole_name(resource));
                let details = details(resource, Some(name));
                whole(404, &status(404, "NotFound", &message, &details))
            }
        }
    }
}

fn whole(status: u16, body: &Value) -> Result<(Response, Bytes)> {
    let body = Bytes::from(body.to_string());
    let response = http::Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "application/json")
        // As every answer of an API server's that is an error.
        .header("x-content-type-options", "nosniff");
    Ok((response.body(Full::new(body.clone()))?, body))
}

/// The documents of discovery, in the form that every version knows.
fn discovery(path: &str) -> Option<Value> {
    let groups = RESOURCES
        .iter()
        .filter_map(|it| it.path.strip_prefix("/apis/"));
    match path {
        "/api" => return Some(json!({ "kind": "APIVersions", "versions": ["v1"] })),
        "/apis" => {
            let mut listed = Vec::new();
            for (name, version) in groups.filter_map(|group| group.split_once('/')) {
                let version =
                    json!({ "groupVersion": format!("{name}/{version}"), "version": version });
                listed.push(
                    json!({ "name": name, "versions": [version], "preferredVersion": version }),
                );
            }
            return Some(json!({ "kind": "APIGroupList", "groups": listed }));
        }
        _ => {}
    }
    let resources: Vec<_> = RESOURCES
        .iter()
        .filter(|resource| resource.path == path)
        .map(|it| {
            json!({ "name": it.plural, "kind": it.kind, "namespaced": it.namespaced, "verbs": ["get", "list"] })
        })
        .collect();
    (!resources.is_empty()).then(|| json!({ "kind": "APIResourceList", "resources": resources }))
}

fn place(path: &str) -> Option<Place<'_>> {
    RESOURCES.iter().find_map(|resource| {
        let rest = path.strip_prefix(resource.path)?.strip_prefix('/')?;
        let segments: Vec<&str> = rest.split('/').collect();
        match *segments.as_slice() {
            [plural] if plural == resource.plural => Some((resource, None, None)),
            [plural, name] if plural == resource.plural && !resource.namespaced => {
                Some((resource, None, Some(name)))
            }
            ["namespaces", namespace, plural] if plural == resource.plural => {
                Some((resource, Some(namespace), None))
            }
            ["namespaces", namespace, plural, name] if plural == resource.plural => {
                Some((resource, Some(namespace), Some(name)))
            }
            _ => None,
        }
    })
}

fn group(resource: &Resource) -> &'static str {
    let group = resource.path.strip_prefix("/apis/");
    group
        .and_then(|it| it.split('/').next())
        .unwrap_or_default()
}

fn version(resource: &Resource) -> &'static str {
    let path = resource.path;
    path.strip_prefix("/apis/")
        .or_else(|| path.strip_prefix("/api/"))
        .unwrap_or_default()
}

/// `deployments.apps`
fn whole_name(resource: &Resource) -> String {
    match group(resource) {
        "" => resource.plural.to_owned(),
        group => format!("{}.{group}", resource.plural),
    }
}

fn details(resource: &Resource, name: Option<&str>) -> Value {
    let mut details = json!({ "kind": resource.plural });
    for (field, value) in [("name", name), ("group", Some(group(resource)))] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            details[field] = json!(value);
        }
    }
    details
}

/// What Kubernetes' RBAC says, of the resource that it was asked for.
fn forbidden(user: &str, (resource, namespace, name): Place<'_>) -> Value {
    let (plural, whole_name) = (resource.plural, whole_name(resource));
    let (what, verb) = match name {
        Some(name) => (format!("{whole_name} \"{name}\""), "get"),
        None => (whole_name, "list"),
    };
    let place = match namespace {
        Some(namespace) => format!("in the namespace \"{namespace}\""),
        None => "at the cluster scope".to_owned(),
    };
    let message = format!(
        "{what} is forbidden: User \"{user}\" cannot {verb} resource \"{plural}\" in API group \"{}\" {place}",
        group(resource)
    );
    status(403, "Forbidden", &message, &details(resource, name))
}

fn status(code: u16, reason: &str, message: &str, details: &Value) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "details": details, "code": code,
    })
}

/// Name and time of creation, and what else is described of an object's metadata.
fn metadata(described: &Value, created: &str) -> Value {
    let mut metadata = json!({
        "name": described["name"],
        "uid": format!("uid-{}", text(&described["name"])),
        "creationTimestamp": created,
    });
    for name in ["labels", "annotations"] {
        if described[name].is_object() {
            metadata[name] = described[name].clone();
        }
    }
    // `Application shop app-uid`
    if let Some(owner) = described["owner"].as_str() {
        let words: Vec<_> = owner.split(' ').collect();
        metadata["ownerReferences"] =
            json!([{ "apiVersion": "", "kind": words[0], "name": words[1], "uid": words[2] }]);
    }
    metadata
}

/// Of something in a namespace, which was created on a day.
fn namespaced(described: &Value, namespace: &str) -> Value {
    let created = format!("{}T00:00:00Z", text(&described["created"]));
    let mut metadata = metadata(described, &created);
    metadata["namespace"] = json!(namespace);
    metadata
}

fn node(described: &Value) -> Value {
    let condition = |kind: &str, name: &str| {
        let status = described[name].as_str()?;
        Some(json!({ "type": kind, "status": status }))
    };
    let conditions: Vec<_> = [
        condition("Ready", "ready"),
        condition("MemoryPressure", "memoryPressure"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut spec = json!({});
    if described["unschedulable"] == true {
        spec["unschedulable"] = json!(true);
    }
    json!({
        "metadata": metadata(described, text(&described["creationTimestamp"])),
        "spec": spec,
        "status": { "conditions": conditions },
    })
}

fn namespace(described: &Value) -> Value {
    let mut metadata = metadata(described, "2021-01-01T00:00:00Z");
    if let Some((name, value)) = described["label"]
        .as_str()
        .and_then(|it| it.split_once('='))
    {
        metadata["labels"] = json!({ name: value });
    }
    json!({ "metadata": metadata, "spec": {}, "status": { "phase": described["phase"] } })
}

fn pod(described: &Value) -> Value {
    json!({
        "metadata": namespaced(described, "demo"),
        "spec": { "nodeName": described["node"] },
        "status": { "phase": described["phase"] },
    })
}

fn secret(described: &Value) -> Value {
    json!({ "metadata": namespaced(described, "demo"), "type": described["type"] })
}

/// As the recording's fake objects are: a real one has a kind and a version besides.
fn deployment(described: &Value) -> Value {
    let name = text(&described["name"]);
    let mut metadata = namespaced(described, text(&described["ns"]));
    metadata["annotations"] = json!({ "kubesphere.io/alias-name": format!("Alias {name}") });
    let mut status = json!({});
    for (field, count) in [("replicas", "replicas"), ("readyReplicas", "ready")] {
        if described[count] != 0 {
            status[field] = described[count].clone();
        }
    }
    json!({
        "metadata": metadata,
        "spec": {
            "replicas": described["replicas"],
            "selector": null,
            "template": { "metadata": { "creationTimestamp": null }, "spec": { "containers": null } },
            "strategy": {},
        },
        "status": status,
    })
}

fn user(described: &Value) -> Value {
    let name = text(&described["name"]);
    json!({
        "metadata": metadata(&json!({ "name": name }), "2020-01-01T00:00:00Z"),
        "spec": { "email": format!("{name}@example.com"), "password": "$2a$04$a-hash-of-bcrypt" },
        "status": { "state": described["state"] },
    })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
