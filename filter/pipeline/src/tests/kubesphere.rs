//! KubeSphere's paths: lists, objects and refusals.

mod own_clusters;
mod refusals;

use super::*;

const RESOURCES: &str = r#"{
    "nodes":[{"path":"/api/v1","kind":"Node","namespaced":false}],
    "pods":[{"path":"/api/v1","kind":"Pod","namespaced":true}],
    "users":[{"path":"/apis/iam.kubesphere.io/v1alpha2","kind":"User","namespaced":false}]}"#;
const KAPIS: &str = "/kapis/resources.kubesphere.io/v1alpha3";
const JSON: [(&str, &str); 2] = [(":status", "200"), ("content-type", "application/json")];
const NODES: &[u8] = br#"{"kind":"NodeList","apiVersion":"v1","metadata":{},"items":[
    {"metadata":{"name":"a","creationTimestamp":"2020-01-01T00:00:00Z"}},
    {"metadata":{"name":"b","creationTimestamp":"2021-01-01T00:00:00Z"}}]}"#;

impl World {
    /// A gateway that knows what its cluster has, which is the host.
    fn with_resources(resources: &str) -> Self {
        let world = Self::new();
        let document = world.document.replacen(
            r#""upstream":"#,
            &format!(r#""resources":{resources},"upstream":"#),
            1,
        );
        Self { document, ..world }.push("host_cluster", r#""pivot-cluster""#)
    }
}

fn world() -> World {
    World::with_resources(RESOURCES)
}

#[test]
fn a_list_is_asked_of_the_host_clusters_api_server() {
    let world = world();
    for (path, upstream) in [
        ("/nodes?limit=1", "/base/api/v1/nodes?pretty=false"),
        (
            "/namespaces/demo/pods?labelSelector=a%3Db&watch=true&nodeName=n",
            "/base/api/v1/namespaces/demo/pods?labelSelector=a%3Db&pretty=false",
        ),
        ("/nodes/a?watch=true", "/base/api/v1/nodes/a"),
    ] {
        let (_, host, flow) = world.send_as_jeff("GET", &format!("{KAPIS}{path}"));
        assert_eq!(flow, Flow::Continue, "{path}");
        assert_eq!(host.request_header(":path").as_deref(), Some(upstream));
        assert_eq!(
            host.request_header("impersonate-user").as_deref(),
            Some("jeff")
        );
        assert_eq!(
            host.request_header("accept-encoding").as_deref(),
            Some("identity")
        );
        let noted = host.note.borrow().clone().unwrap();
        assert_eq!(noted.cluster.as_deref(), Some("pivot-cluster"));
        assert!(noted.path.unwrap().starts_with("/api/v1/"));
    }
}

#[test]
fn the_page_is_kubespheres() {
    let world = world();
    for path in [
        "/kapis/resources.kubesphere.io/v1alpha3/nodes?limit=1",
        "/kapis/resources.kubesphere.io/v1alpha3/nodes/?limit=1",
        "/clusters/host/kapis/resources.kubesphere.io/v1alpha3/nodes?limit=1",
        "/clusters/pivot-cluster/kapis/resources.kubesphere.io/v1alpha3/nodes?limit=1",
        "/kapis/clusters/pivot-cluster/resources.kubesphere.io/v1alpha3/nodes?limit=1",
    ] {
        let (mut exchange, host, _) = world.send_as_jeff("GET", path);
        let page = host.answer(&mut exchange, &JSON, &[NODES]);
        assert_eq!(
            String::from_utf8(page).unwrap(),
            r#"{"items":[{"metadata":{"name":"b","creationTimestamp":"2021-01-01T00:00:00Z"}}],"totalItems":2}"#,
            "{path}"
        );
    }
    assert_eq!(world.gateway.answers.memory.held(), 0);
}

#[test]
fn a_large_list_is_read_by_its_keys_here_too() {
    let world = world();
    let list = "cluster/p/api/v1/nodes?pretty=false";
    let large = |lesson: &mut crate::pushdown::Lesson| lesson.bytes = 1 << 30;
    world.gateway.answers.learned.learn(list, large);
    let path = format!("{KAPIS}/nodes?limit=1&name=b");
    let (mut exchange, host, _) = world.send_as_jeff("GET", &path);
    let accept = host.request_header("accept").unwrap();
    assert!(accept.contains("PartialObjectMetadataList"), "{accept}");
    let keys = br#"{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{},"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}"#;
    host.answer(&mut exchange, &JSON, &[keys, b""]);
    assert_eq!(
        host.asked(),
        ["/base/api/v1/nodes?pretty=false&fieldSelector=metadata.name%3Db"]
    );
    let found = r#"{"kind":"NodeList","apiVersion":"v1","metadata":{},"items":[{"metadata":{"name":"b"},"n":1}]}"#;
    host.answer_call(&mut exchange, 0, "200", found);
    assert_eq!(
        host.page(),
        r#"{"items":[{"metadata":{"name":"b"},"n":1}],"totalItems":1}"#
    );
}

#[test]
fn the_pods_of_a_service_are_those_that_it_selects() {
    const SERVICES: &str = r#"{"kind":"ServiceList","items":[{"metadata":{"name":"web","namespace":"demo"},"spec":{"selector":{"app":"web"}}},{"metadata":{"name":"web","namespace":"x"},"spec":{}}]}"#;
    const PODS: &[u8] = br#"{"kind":"PodList","items":[{"metadata":{"name":"a","namespace":"demo","labels":{"app":"web"}}},{"metadata":{"name":"b","namespace":"demo"}},{"metadata":{"name":"c","namespace":"x","labels":{"app":"web"}}}]}"#;
    let world = world();
    for (path, asked, upstream) in [
        (
            "/pods",
            "/base/api/v1/services?fieldSelector=metadata.name%3Dweb",
            "/base/api/v1/pods?pretty=false",
        ),
        (
            "/namespaces/demo/pods",
            "/base/api/v1/namespaces/demo/services?fieldSelector=metadata.name%3Dweb",
            "/base/api/v1/namespaces/demo/pods?pretty=false",
        ),
    ] {
        let path = format!("{KAPIS}{path}?serviceName=web");
        let (mut exchange, host, flow) = world.send_as_jeff("GET", &path);
        assert_eq!(flow, Flow::Pause);
        assert!(host.reply.borrow().is_none());
        assert_eq!(host.asked(), [asked]);
        let call = host.calls.borrow()[0].clone();
        assert_eq!(call.headers.get_str("impersonate-user"), Some("jeff"));
        host.answer_call(&mut exchange, 0, "200", SERVICES);
        assert_eq!(host.resumed.get(), 1);
        assert_eq!(host.request_header(":path").as_deref(), Some(upstream));
        host.calls.take();
        let page = host.answer(&mut exchange, &JSON, &[PODS]);
        assert_eq!(
            String::from_utf8(page).unwrap(),
            r#"{"items":[{"metadata":{"name":"a","namespace":"demo","labels":{"app":"web"}}}],"totalItems":1}"#
        );
    }
    assert_eq!(world.gateway.answers.memory.held(), 0);
}

#[test]
fn services_that_cannot_be_read_end_the_request() {
    let world = world();
    let path = format!("{KAPIS}/namespaces/demo/pods?serviceName=a,b");
    for (status, body, expected) in [
        ("500", "{}", 500),
        (
            "429",
            r#"{"kind":"Status","message":"slow down","code":429}"#,
            429,
        ),
        ("503", "upstream connect error", 502),
        ("200", "[]", 502),
        ("401", "{}", 502),
        (
            "403",
            r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"services is forbidden: User \"jeff\" cannot list resource \"services\"","reason":"Forbidden","code":403}"#,
            403,
        ),
    ] {
        let (mut exchange, host, _) = world.send_as_jeff("GET", &path);
        assert!(host.asked()[0].ends_with("metadata.name%3Da%5C%2Cb"));
        host.answer_call(&mut exchange, 0, status, body);
        assert_eq!(host.refusal().0, expected, "{status}");
        assert_eq!(host.resumed.get(), 0);
    }
    assert_eq!(world.gateway.answers.memory.held(), 0);
}

#[test]
fn an_object_goes_through_as_it_is() {
    let world = world();
    let (mut exchange, host, _) = world.send_as_jeff("GET", &format!("{KAPIS}/nodes/a"));
    let node = br#"{"metadata":{"name":"a"},"n":9007199254740993}"#;
    assert_eq!(host.answer(&mut exchange, &JSON, &[node]), node);
    assert!(host.reply.borrow().is_none());
}

#[test]
fn secrets_are_in_no_object_and_no_list() {
    const USER: &str = r#"{"metadata":{"name":"a"},"spec":{"email":"e","password":"$2a$10$x"}}"#;
    let world = world();
    for at in 0..USER.len() {
        let (mut exchange, host, _) = world.send_as_jeff("GET", &format!("{KAPIS}/users/a"));
        let (left, right) = USER.as_bytes().split_at(at);
        let user = host.answer(&mut exchange, &JSON, &[left, right, b""]);
        assert_eq!(user, br#"{"metadata":{"name":"a"},"spec":{"email":"e"}}"#);
    }
    let (mut exchange, host, _) = world.send_as_jeff("GET", &format!("{KAPIS}/users"));
    let list = format!(r#"{{"kind":"UserList","items":[{USER}]}}"#);
    let page = host.answer(&mut exchange, &JSON, &[list.as_bytes()]);
    assert_eq!(
        page,
        br#"{"items":[{"metadata":{"name":"a"},"spec":{"email":"e"}}],"totalItems":1}"#
    );
    assert_eq!(world.gateway.answers.memory.held(), 0);
}

#[test]
fn what_cannot_be_cleared_of_secrets_does_not_go_out() {
    let world = world();
    let path = format!("{KAPIS}/users/a");
    for (head, body) in [
        (&JSON, r#"{"spec":{"password":"#),
        (
            &[(":status", "200"), ("content-type", "text/plain")],
            r#"{"spec":{"password":"x"}}"#,
        ),
    ] {
        let (mut exchange, host, _) = world.send_as_jeff("GET", &path);
        host.answer(&mut exchange, head, &[body.as_bytes()]);
        let (status, told) = host.refusal();
        assert_eq!(status, 502);
        assert!(!told.contains("password"), "{told}");
    }
    let world = World::with_limits(r#"{"list":{"max_item_bytes":64}}"#);
    let small = world.document.replacen(
        r#""upstream":"#,
        &format!(r#""resources":{RESOURCES},"upstream":"#),
        1,
    );
    let world = World {
        document: small,
        ..world
    }
    .push("host_cluster", r#""pivot-cluster""#);
    let (mut exchange, host, _) = world.send_as_jeff("GET", &path);
    host.answer(&mut exchange, &JSON, &[&[b' '; 65], b"{}"]);
    assert_eq!(host.refusal().0, 502);
    assert_eq!(world.gateway.answers.memory.held(), 0);
}

#[test]
fn what_is_public_is_the_control_planes_without_a_credential() {
    let world = world();
    for path in ["/version", "/openapi/v2", "/openapi/v3"] {
        let (_, host, _) = world.send("GET", path, &[]);
        let cluster = host.request_header("x-cubegate-cluster");
        assert_eq!(cluster.as_deref(), Some("control-plane"), "{path}");
        let (_, host, _) = world.send_as_jeff("GET", path);
        let cluster = host.request_header("x-cubegate-cluster");
        assert_eq!(cluster.as_deref(), Some("cluster/p"), "{path}");
    }
}

#[test]
fn identity_headers_of_other_servers_are_not_forwarded() {
    let world = world();
    let bearer = format!("Bearer {}", world.token("jeff", &[]));
    let (_, host, _) = world.send(
        "GET",
        "/api/v1/nodes",
        &[
            ("authorization", &bearer),
            ("x-kubesphere-authorization", "Bearer x"),
            ("x-kubesphere-rawquery", "a=b"),
        ],
    );
    assert_eq!(host.request_header("x-kubesphere-authorization"), None);
    assert_eq!(host.request_header("x-kubesphere-rawquery"), None);
    assert_eq!(host.request_header("authorization"), None);
}
