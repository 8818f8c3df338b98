use cubegate_testing::{cluster, path_of, serve};
use serde_json::{Value, json};

use super::{Discoverer, Discovery, DiscoveryError};

mod look;
mod marks;
mod nulls;

async fn discover(answer: fn(&str) -> (u16, String)) -> Result<Discovery, DiscoveryError> {
    let cluster = cluster("member-1", &serve(answer));
    let found = Discoverer::new(&cluster).unwrap().discover().await;
    found.map(|(discovery, _)| discovery)
}

/// The paths of a plural name, in their order.
fn paths(discovery: &Discovery, plural: &str) -> Vec<String> {
    let resources = discovery.resources();
    let entries = resources.get(plural).into_iter().flatten();
    entries.map(|entry| entry.path.clone()).collect()
}

fn resource(name: &str, kind: &str, namespaced: bool, verbs: &[&str]) -> Value {
    json!({ "name": name, "singularName": "", "kind": kind, "namespaced": namespaced, "verbs": verbs })
}

fn resources(of: &[Value]) -> (u16, String) {
    let body = json!({ "kind": "APIResourceList", "groupVersion": "x", "resources": of });
    (200, body.to_string())
}

/// The groups of a server of the old kind; the first version is preferred.
fn groups(of: &[(&str, &[&str])]) -> (u16, String) {
    let groups = of.iter().map(|(name, versions)| {
        let version =
            |one: &&str| json!({ "groupVersion": format!("{name}/{one}"), "version": one });
        // The order of the list is no preference.
        let listed: Vec<_> = versions.iter().rev().map(version).collect();
        json!({ "name": name, "versions": listed, "preferredVersion": version(&versions[0]) })
    });
    let groups: Vec<_> = groups.collect();
    (
        200,
        json!({ "kind": "APIGroupList", "groups": groups }).to_string(),
    )
}

const ALL: &[&str] = &["create", "get", "list", "watch"];

/// As Kubernetes 1.20 with a few more groups; `metrics.k8s.io` is away.
fn old_server(head: &str) -> (u16, String) {
    let path = path_of(head);
    match path {
        "/api" => (
            200,
            json!({ "kind": "APIVersions", "versions": ["v1"] }).to_string(),
        ),
        "/apis" => groups(&[
            ("aaa.example", &["v1"]),
            ("metrics.k8s.io", &["v1beta1"]),
            ("extensions", &["v1beta1"]),
            ("networking.k8s.io", &["v1", "v1beta1"]),
            ("batch", &["v1", "v1beta1"]),
            ("gone.example", &["v1"]),
        ]),
        "/api/v1" => resources(&[
            resource("pods", "Pod", true, ALL),
            resource("pods/log", "Pod", true, &["get"]),
            resource("pods/status", "Pod", true, ALL),
            resource("nodes", "Node", false, ALL),
            resource("bindings", "Binding", true, &["create"]),
        ]),
        "/apis/aaa.example/v1" => resources(&[
            resource("pods", "Pod", true, ALL),
            resource("ingresses", "Ingress", true, ALL),
            resource("../../secrets", "Secret", true, ALL),
            resource("odd", "\"<b>", true, ALL),
        ]),
        "/apis/extensions/v1beta1" | "/apis/networking.k8s.io/v1beta1" => {
            resources(&[resource("ingresses", "Ingress", true, ALL)])
        }
        "/apis/networking.k8s.io/v1" => resources(&[resource("ingresses", "Ingress", true, ALL)]),
        "/apis/batch/v1" => resources(&[resource("jobs", "Job", true, ALL)]),
        "/apis/batch/v1beta1" => resources(&[
            resource("cronjobs", "CronJob", true, ALL),
            resource("jobs", "Job", true, ALL),
        ]),
        "/apis/metrics.k8s.io/v1beta1" => (503, "service unavailable".to_owned()),
        _ => (404, "404 page not found".to_owned()),
    }
}

#[tokio::test]
async fn the_groups_of_an_old_server_are_read_one_by_one() {
    let discovery = discover(old_server).await.unwrap();
    assert_eq!(
        paths(&discovery, "pods"),
        ["/api/v1", "/apis/aaa.example/v1"]
    );
    let pods = &discovery.resources()["pods"][0];
    assert_eq!((pods.kind.as_str(), pods.namespaced), ("Pod", true));
    assert!(!discovery.resources()["nodes"][0].namespaced);
    assert_eq!(
        paths(&discovery, "ingresses"),
        [
            "/apis/networking.k8s.io/v1",
            "/apis/extensions/v1beta1",
            "/apis/aaa.example/v1"
        ],
        "Kubernetes itself first, of each group what it prefers"
    );
    assert_eq!(paths(&discovery, "jobs"), ["/apis/batch/v1"]);
    assert_eq!(
        paths(&discovery, "cronjobs"),
        ["/apis/batch/v1beta1"],
        "the preferred version has none"
    );
}

#[tokio::test]
async fn only_names_that_can_be_listed_are_resources() {
    let resources = discover(old_server).await.unwrap().resources();
    let names: Vec<_> = resources.keys().map(String::as_str).collect();
    assert_eq!(names, ["cronjobs", "ingresses", "jobs", "nodes", "pods"]);
}

#[tokio::test]
async fn a_group_that_is_away_is_as_it_was_and_one_that_is_gone_is_gone() {
    let discovery = discover(old_server).await.unwrap();
    assert_eq!(discovery.unreachable(), ["metrics.k8s.io/v1beta1"]);
    let earlier = discover(|head| match path_of(head) {
        "/apis/metrics.k8s.io/v1beta1" => resources(&[
            resource("pods", "PodMetrics", true, &["get", "list"]),
            resource("nodes", "NodeMetrics", false, &["get", "list"]),
        ]),
        "/apis/gone.example/v1" => resources(&[resource("ghosts", "Ghost", true, ALL)]),
        _ => old_server(head),
    })
    .await
    .unwrap();
    assert_eq!(
        paths(&earlier, "nodes"),
        ["/api/v1", "/apis/metrics.k8s.io/v1beta1"]
    );
    let discovery = discovery.or_from(&earlier);
    assert!(discovery.unreachable().is_empty());
    assert_eq!(
        paths(&discovery, "pods"),
        [
            "/api/v1",
            "/apis/aaa.example/v1",
            "/apis/metrics.k8s.io/v1beta1"
        ]
    );
    assert!(paths(&discovery, "ghosts").is_empty());
}

/// As Kubernetes 1.30.
fn new_server(head: &str) -> (u16, String) {
    let of = |resource: &str, kind: &str, scope: &str| {
        json!({
            "resource": resource, "singularResource": "", "scope": scope, "verbs": ALL,
            "responseKind": { "group": "", "version": "", "kind": kind },
            "subresources": [{ "subresource": "status", "verbs": ["get"] }],
        })
    };
    let version = |version: &str, freshness: &str, resources: &[Value]| json!({ "version": version, "freshness": freshness, "resources": resources });
    let items = if head.starts_with("GET /api ") {
        json!([{ "versions": [version("v1", "Current", &[of("nodes", "Node", "Cluster")])] }])
    } else if head.starts_with("GET /apis ") {
        json!([
            { "metadata": { "name": "metrics.k8s.io" }, "versions": [version("v1beta1", "Stale", &[])] },
            { "metadata": { "name": "example.com" }, "versions": [
                version("v2", "Current", &[of("widgets", "Widget", "Namespaced")]),
                version("v1", "Current", &[of("widgets", "Widget", "Namespaced"), of("nodes", "Node", "Cluster")]),
            ] },
        ])
    } else {
        return (404, head.to_owned());
    };
    assert!(head.contains("as=APIGroupDiscoveryList"), "{head}");
    let body = json!({ "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": items });
    (200, body.to_string())
}

#[tokio::test]
async fn a_new_server_tells_all_in_two_documents() {
    let discovery = discover(new_server).await.unwrap();
    assert_eq!(
        paths(&discovery, "nodes"),
        ["/api/v1", "/apis/example.com/v1"]
    );
    assert_eq!(paths(&discovery, "widgets"), ["/apis/example.com/v2"]);
    assert!(discovery.resources()["widgets"][0].namespaced);
    assert_eq!(discovery.unreachable(), ["metrics.k8s.io/v1beta1"]);
}

#[tokio::test]
async fn what_does_not_tell_its_resources_fails_in_words() {
    let refused = discover(|_| (401, "{}".to_owned())).await.unwrap_err();
    assert!(
        matches!(refused, DiscoveryError::Refused { status: 401, .. }),
        "{refused:?}"
    );
    let nothing = discover(|_| (404, String::new())).await.unwrap_err();
    assert_eq!(nothing, DiscoveryError::NoKubernetes);
    let page = discover(|_| (200, "<html>".to_owned())).await.unwrap_err();
    assert!(
        matches!(page, DiscoveryError::NoDocument { .. }),
        "{page:?}"
    );
    let empty = discover(|_| (200, "{}".to_owned())).await.unwrap_err();
    assert!(
        matches!(empty, DiscoveryError::NoDocument { .. }),
        "{empty:?}"
    );
    let long = discover(|_| (200, " ".repeat((8 << 20) + 1)))
        .await
        .unwrap_err();
    assert!(matches!(long, DiscoveryError::TooLong { .. }), "{long:?}");
    let dead = Discoverer::new(&cluster("dead", "http://127.0.0.1:1")).unwrap();
    let dead = dead.discover().await.unwrap_err();
    assert!(matches!(dead, DiscoveryError::NoAnswer { .. }), "{dead:?}");
}

/// A core with pods, and groups with these resources each.
fn large_server(head: &str, versions: &[&str], each: usize) -> (u16, String) {
    match path_of(head) {
        "/api" => (200, json!({ "versions": ["v1"] }).to_string()),
        "/apis" => groups(&[("a.example", versions)]),
        "/api/v1" => resources(&[resource("pods", "Pod", true, ALL)]),
        _ => {
            let many: Vec<_> = (0..each)
                .map(|n| resource(&format!("r{n}"), "R", true, ALL))
                .collect();
            resources(&many)
        }
    }
}

#[tokio::test]
async fn no_more_resources_are_kept_than_there_may_be() {
    let many = discover(|head| large_server(head, &["v1"], 5_000)).await;
    let many = many.unwrap();
    assert!(many.leaves_out());
    let resources = many.resources();
    assert_eq!(resources.len(), 4_000);
    assert!(resources.contains_key("pods"));
    // The same ones of several versions are one.
    let many = discover(|head| large_server(head, &["v3", "v2", "v1"], 3_999)).await;
    let many = many.unwrap();
    assert!(!many.leaves_out());
    assert_eq!(many.resources().len(), 4_000);
    let kept = many.versions.iter().flat_map(|version| &version.resources);
    assert_eq!(kept.flatten().count(), 4_000);
}

#[tokio::test]
async fn readings_that_go_wrong_in_turns_do_not_add_up() {
    let mut last = Discovery::default();
    for answers in [
        |head: &str| one_of_two(head, "/apis/a.example/v1"),
        |head: &str| one_of_two(head, "/apis/b.example/v1"),
    ] {
        last = discover(answers).await.unwrap().or_from(&last);
    }
    assert!(last.leaves_out());
    assert_eq!(last.resources().len(), 4_000);
    let kept = last.versions.iter().flat_map(|version| &version.resources);
    assert_eq!(kept.flatten().count(), 4_000);
}

/// Two groups, of which one is away.
fn one_of_two(head: &str, there: &str) -> (u16, String) {
    match path_of(head) {
        "/apis" => groups(&[("a.example", &["v1"]), ("b.example", &["v1"])]),
        path if path == there => {
            let letter = path.chars().nth(6).unwrap();
            let many: Vec<_> = (0..3_000)
                .map(|n| resource(&format!("{letter}{n}"), "R", true, ALL))
                .collect();
            resources(&many)
        }
        "/api" => (404, String::new()),
        _ => (503, String::new()),
    }
}

#[tokio::test]
async fn a_reading_has_an_end_however_many_documents_there_are() {
    let endless = discover(|head| match path_of(head) {
        "/api" => (200, json!({ "versions": ["v1"] }).to_string()),
        "/apis" => {
            let names: Vec<_> = (0..100).map(|n| format!("g{n}.example")).collect();
            let all: Vec<(&str, &[&str])> = names
                .iter()
                .map(|name| (name.as_str(), &["v1"][..]))
                .collect();
            groups(&all)
        }
        _ => {
            let (_, body) = resources(&[resource("pods", "Pod", true, ALL)]);
            (200, format!("{body}{}", " ".repeat(4 << 20)))
        }
    })
    .await;
    assert_eq!(endless, Err(DiscoveryError::TooMuch));
}
