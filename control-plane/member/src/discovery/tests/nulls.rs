//! `null`, which Go writes for every list, map and struct that is empty.

use super::*;

/// What a server answers whose groups hold one entry that may be odd, beside `deployments`.
async fn beside(groups: &Value, versions: fn(&str) -> Option<String>) -> Discovery {
    let groups = groups.to_string();
    let server = serve(move |head| match path_of(head) {
        "/api" => (
            200,
            json!({ "kind": "APIVersions", "versions": null }).to_string(),
        ),
        "/apis" => (200, groups.clone()),
        path => match versions(path) {
            Some(body) => (200, body),
            None => (404, String::new()),
        },
    });
    let discoverer = Discoverer::new(&cluster("member-1", &server)).unwrap();
    discoverer.discover().await.unwrap().0
}

/// Returns the document with `null` in the place of each value behind this pointer, one by one.
fn each_nulled(document: &Value, behind: &str) -> Vec<(String, Value)> {
    fn places(value: &Value, at: &str, found: &mut Vec<String>) {
        let inner: Vec<(String, &Value)> = match value {
            Value::Object(members) => members.iter().map(|(k, v)| (k.clone(), v)).collect(),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(n, v)| (n.to_string(), v))
                .collect(),
            _ => Vec::new(),
        };
        for (key, value) in inner {
            let place = format!("{at}/{key}");
            found.push(place.clone());
            places(value, &place, found);
        }
    }
    let mut found = vec![behind.to_owned()];
    places(document.pointer(behind).unwrap(), behind, &mut found);
    let nulled = found.into_iter().map(|place| {
        let mut document = document.clone();
        *document.pointer_mut(&place).unwrap() = Value::Null;
        (place, document)
    });
    nulled.collect()
}

#[tokio::test]
async fn a_null_in_the_one_document_drops_its_entry_alone() {
    let resource = |resource: &str, kind: &str| {
        json!({
            "resource": resource, "singularResource": "x", "shortNames": ["y"], "categories": ["all"],
            "scope": "Namespaced", "verbs": ["list"],
            "responseKind": { "group": "", "version": "", "kind": kind },
            "subresources": [{ "subresource": "status", "responseKind": { "kind": "S" }, "verbs": ["get"] }],
        })
    };
    let group = |name: &str, resources: Value| {
        json!({
            "metadata": { "name": name, "creationTimestamp": null },
            "versions": [{ "version": "v1", "freshness": "Current", "resources": resources }],
        })
    };
    let document = json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {},
        "items": [
            group("apps", json!([resource("deployments", "Deployment")])),
            group("odd.example", json!([resource("oddities", "Oddity"), resource("plain", "Plain")])),
        ],
    });
    for (place, document) in each_nulled(&document, "/items/1") {
        let discovery = beside(&document, |_| None).await;
        assert_eq!(
            paths(&discovery, "deployments"),
            ["/apis/apps/v1"],
            "{place}"
        );
        assert_eq!(discovery.unreachable(), [""; 0], "{place}");
        // What is odd is one resource: its neighbour stays.
        if place.starts_with("/items/1/versions/0/resources/0") {
            assert_eq!(
                paths(&discovery, "plain"),
                ["/apis/odd.example/v1"],
                "{place}"
            );
        }
        // A group without a name is not the core.
        assert!(
            paths(&discovery, "plain")
                .iter()
                .all(|path| path.starts_with("/apis/odd"))
        );
    }
}

#[tokio::test]
async fn a_null_in_the_documents_of_an_old_server_drops_its_entry_alone() {
    let version = json!({ "groupVersion": "odd.example/v1", "version": "v1" });
    let document = json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": [
        { "name": "apps", "versions": [{ "groupVersion": "apps/v1", "version": "v1" }] },
        { "name": "odd.example", "versions": [version], "preferredVersion": version },
    ] });
    let versions = |path: &str| match path {
        "/apis/apps/v1" => Some(resources(&[resource("deployments", "Deployment", true, ALL)]).1),
        "/apis/odd.example/v1" => Some(r#"{"kind":"APIResourceList","resources":null}"#.to_owned()),
        _ => None,
    };
    for (place, document) in each_nulled(&document, "/groups/1") {
        let discovery = beside(&document, versions).await;
        assert_eq!(
            paths(&discovery, "deployments"),
            ["/apis/apps/v1"],
            "{place}"
        );
        assert_eq!(discovery.unreachable(), [""; 0], "{place}");
    }
    let none = beside(&json!({ "kind": "APIGroupList", "groups": null }), |_| None).await;
    assert_eq!(none, Discovery::default());
}

#[tokio::test]
async fn a_null_in_the_resources_of_a_version_drops_its_entry_alone() {
    let document = json!({ "kind": "APIResourceList", "groupVersion": "apps/v1", "resources": [
        resource("deployments", "Deployment", true, ALL),
        resource("oddities", "Oddity", true, ALL),
    ] });
    for (place, document) in each_nulled(&document, "/resources/1") {
        let discovery = {
            let body = document.to_string();
            let server = serve(move |head| match path_of(head) {
                "/apis" => groups(&[("apps", &["v1"])]),
                "/apis/apps/v1" => (200, body.clone()),
                _ => (404, String::new()),
            });
            let discoverer = Discoverer::new(&cluster("member-1", &server)).unwrap();
            discoverer.discover().await.unwrap().0
        };
        assert_eq!(
            paths(&discovery, "deployments"),
            ["/apis/apps/v1"],
            "{place}"
        );
        assert_eq!(discovery.unreachable(), [""; 0], "{place}");
    }
}
