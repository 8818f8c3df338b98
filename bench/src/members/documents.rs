//! What a member answers.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use anyhow::{Context as _, Result};
use cubegate_tests::Kube;
use serde_json::{Value, json};

/// How much the old servers' OpenAPI document has; nobody is to read it.
const OPENAPI_BYTES: usize = 3_700_000;

/// How a server tells what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A document each version, as before Kubernetes 1.26.
    ByVersion,
    /// Two documents with all, and ETags.
    Whole,
}

/// The documents of discovery of a server, by path.
#[derive(Debug, Clone)]
pub struct Documents {
    shape: Shape,
    by_path: BTreeMap<String, Document>,
}

#[derive(Debug, Clone)]
struct Document {
    body: Vec<u8>,
    tag: Option<String>,
}

// === impl Documents ===

impl Documents {
    /// Records those of a real server, which tells each version by itself.
    ///
    /// # Errors
    /// One that does not answer, or is of another kind.
    pub async fn record(kube: &Kube, shape: Shape) -> Result<Self> {
        let mut documents = BTreeMap::new();
        for path in ["/version", "/api", "/apis", "/api/v1"] {
            documents.insert(path.to_owned(), kube.get(path).await?.json()?);
        }
        let groups = documents
            .get("/apis")
            .and_then(|apis| apis["groups"].as_array());
        let versions: Vec<String> = groups
            .context("no groups")?
            .iter()
            .flat_map(|group| group["versions"].as_array().into_iter().flatten())
            .filter_map(|version| Some(format!("/apis/{}", version["groupVersion"].as_str()?)))
            .collect();
        for path in versions {
            let document = kube.get(&path).await?.json()?;
            documents.insert(path, document);
        }
        Ok(Self::of(shape, &documents))
    }

    /// The same with one more group of one resource, as after a new CustomResourceDefinition.
    ///
    /// # Errors
    /// None of a server of the old shape.
    pub fn with_group(&self, group: &str, plural: &str) -> Result<Self> {
        let mut documents = BTreeMap::new();
        for (path, document) in &self.by_path {
            let parsed = serde_json::from_slice(&document.body);
            documents.insert(path.clone(), parsed.unwrap_or(Value::Null));
        }
        documents.retain(|path, _| path != OPENAPI);
        let version = json!({ "groupVersion": format!("{group}/v1"), "version": "v1" });
        let more = json!({ "name": group, "versions": [version], "preferredVersion": version });
        let resources = json!({
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{group}/v1"),
            "resources": [{
                "name": plural, "singularName": "", "namespaced": true, "kind": "Added",
                "verbs": ["get", "list", "watch"],
            }],
        });
        let groups = documents
            .get_mut("/apis")
            .and_then(|apis| apis["groups"].as_array_mut());
        groups.context("no groups")?.push(more);
        documents.insert(format!("/apis/{group}/v1"), resources);
        Ok(Self::of(self.shape, &documents))
    }

    fn of(shape: Shape, documents: &BTreeMap<String, Value>) -> Self {
        let mut by_path: BTreeMap<String, Document> = documents
            .iter()
            .map(|(path, document)| {
                let body = document.to_string().into_bytes();
                (path.clone(), Document { body, tag: None })
            })
            .collect();
        let all = tag_of(&documents.values().map(Value::to_string).collect::<String>());
        match shape {
            Shape::ByVersion => {
                let body = vec![b' '; OPENAPI_BYTES];
                by_path.insert(
                    OPENAPI.to_owned(),
                    Document {
                        body,
                        tag: Some(all),
                    },
                );
            }
            Shape::Whole => {
                for (path, is_core) in [("/api", true), ("/apis", false)] {
                    let body = whole(documents, is_core).to_string();
                    let tag = Some(tag_of(&body));
                    let body = body.into_bytes();
                    by_path.insert(path.to_owned(), Document { body, tag });
                }
            }
        }
        Self { shape, by_path }
    }

    /// The answer to a request with this head.
    pub fn answer(&self, head: &str) -> Vec<u8> {
        let path = head.split(' ').nth(1).unwrap_or_default();
        let path = path.split('?').next().unwrap_or_default();
        let Some(Document { body, tag }) = self.by_path.get(path) else {
            return answer("404 Not Found", "", b"404 page not found\n");
        };
        let tag_line = tag.as_ref().map(|tag| format!("etag: {tag}\r\n"));
        let tag_line = tag_line.unwrap_or_default();
        let known = field(head, "if-none-match");
        if known.is_some() && known == tag.as_deref() {
            return answer("304 Not Modified", &tag_line, b"");
        }
        match (field(head, "range"), body.get(..1)) {
            (Some("bytes=0-0"), Some(first)) if tag.is_some() => {
                answer("206 Partial Content", &tag_line, first)
            }
            _ => answer("200 OK", &tag_line, body),
        }
    }
}

const OPENAPI: &str = "/openapi/v2";

fn answer(status: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let length = match status.starts_with("304") {
        true => String::new(),
        false => format!("content-length: {}\r\n", body.len()),
    };
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{length}{fields}\r\n");
    [head.as_bytes(), body].concat()
}

/// The value of a header.
fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    let (_, value) = lines.find(|(field, _)| field.eq_ignore_ascii_case(name))?;
    Some(value)
}

fn tag_of(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

/// `APIGroupDiscoveryList` of the same resources.
fn whole(documents: &BTreeMap<String, Value>, is_core: bool) -> Value {
    let version = |path: &str, name: &Value| {
        let list = documents
            .get(path)
            .and_then(|list| list["resources"].as_array());
        let resources: Vec<Value> = list
            .into_iter()
            .flatten()
            .filter(|resource| {
                !resource["name"]
                    .as_str()
                    .is_some_and(|name| name.contains('/'))
            })
            .map(|resource| {
                let scope = match resource["namespaced"].as_bool() {
                    Some(true) => "Namespaced",
                    _ => "Cluster",
                };
                json!({
                    "resource": resource["name"], "singularResource": resource["singularName"],
                    "responseKind": { "group": "", "version": "", "kind": resource["kind"] },
                    "scope": scope, "verbs": resource["verbs"],
                })
            })
            .collect();
        json!({ "version": name, "freshness": "Current", "resources": resources })
    };
    let items: Vec<Value> = if is_core {
        vec![json!({ "metadata": {}, "versions": [version("/api/v1", &json!("v1"))] })]
    } else {
        let groups = documents
            .get("/apis")
            .and_then(|apis| apis["groups"].as_array());
        let groups = groups.into_iter().flatten().map(|group| {
            let versions = group["versions"].as_array().into_iter().flatten();
            let versions: Vec<Value> = versions
                .map(|one| {
                    let path =
                        format!("/apis/{}", one["groupVersion"].as_str().unwrap_or_default());
                    version(&path, &one["version"])
                })
                .collect();
            json!({ "metadata": { "name": group["name"] }, "versions": versions })
        });
        groups.collect()
    };
    json!({ "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items })
}
