//! What tokens of bounded access keys may be used for.

use cubegate_token::KeyScope;

use super::push_down::list;
use super::*;

const CUBE: &str = "/api/v1/cube/proxy/clusters/pivot-cluster";
const KUBE: &str = "/clusters/pivot-cluster";
const JSON: [(&str, &str); 2] = [(":status", "200"), ("content-type", "application/json")];

fn scope(clusters: &[&str], namespaces: &[&str], verbs: &[&str]) -> KeyScope {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    KeyScope {
        clusters: owned(clusters),
        namespaces: owned(namespaces),
        verbs: owned(verbs),
    }
}

fn send(world: &World, scope: KeyScope, method: &str, path: &str) -> (Exchange, MockHost, Flow) {
    let token = world.sign(&Claims {
        scope: Some(scope),
        ..claims("jeff", &[])
    });
    let bearer = format!("Bearer {token}");
    world.send(method, path, &[("authorization", &bearer)])
}

#[test]
fn a_request_beyond_the_scope_is_refused_in_the_shape_of_its_path() {
    let world = World::new();
    let bound = || scope(&["pivot-cluster"], &["a"], &["get", "list"]);
    let refusal = |method: &str, path: &str| {
        let (_, host, flow) = send(&world, bound(), method, path);
        assert_eq!(flow, Flow::Pause, "{method} {path}");
        assert_eq!(host.request_header("impersonate-user"), None);
        host.refusal()
    };
    assert_eq!(
        refusal("GET", &format!("{CUBE}/api/v1/namespaces/b/pods")),
        (
            403,
            r#"{"code":403,"message":"The access key of this token is not for this namespace."}"#
                .into()
        )
    );
    let (status, body) = refusal("DELETE", &format!("{KUBE}/api/v1/namespaces/a/pods"));
    assert_eq!(status, 403);
    assert_eq!(
        body,
        r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"The access key of this token does not allow the verb deletecollection.","reason":"Forbidden","code":403}"#
    );
    assert_eq!(refusal("GET", &format!("{KUBE}/api/v1/nodes")).0, 403);
    for path in [CUBE, KUBE] {
        let path = format!("{path}/api/v1/namespaces/a/pods");
        let (_, _, flow) = send(&world, bound(), "GET", &path);
        assert_eq!(flow, Flow::Continue);
    }
}

#[test]
fn a_cluster_beyond_the_scope_is_refused_whether_it_exists_or_not() {
    let world = World::new();
    for cluster in ["pivot-cluster", "nope"] {
        let path = format!("/api/v1/cube/proxy/clusters/{cluster}/version");
        let (_, host, _) = send(&world, scope(&["other"], &[], &[]), "GET", &path);
        let message = "This token is for the cluster other alone; the kubeconfig that the gateway gives has one for each.";
        assert_eq!(
            host.refusal(),
            (403, format!(r#"{{"code":403,"message":"{message}"}}"#))
        );
        let both = scope(&["other", "another"], &[], &[]);
        let (_, host, _) = send(&world, both, "GET", &path);
        let message = "The access key of this token is not for this cluster.";
        assert_eq!(
            host.refusal(),
            (403, format!(r#"{{"code":403,"message":"{message}"}}"#))
        );
    }
}

#[test]
fn a_path_without_a_cluster_is_told_from_one_with_another() {
    let world = World::new();
    for path in ["/api/v1/namespaces/x/configmaps/same", "/apis"] {
        let (_, host, _) = send(&world, scope(&["member-1"], &[], &[]), "DELETE", path);
        let (status, body) = host.refusal();
        assert_eq!(status, 403);
        assert!(body.contains("write /clusters/member-1/api"), "{body}");
    }
}

#[test]
fn an_upgrade_is_bounded_as_what_it_opens() {
    let world = World::new();
    let token = world.sign(&Claims {
        scope: Some(scope(&[], &[], &["get"])),
        ..claims("jeff", &[])
    });
    let bearer = format!("Bearer {token}");
    let path = format!("{KUBE}/api/v1/namespaces/a/pods/p/exec?command=sh");
    let more = [
        ("authorization", bearer.as_str()),
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
    ];
    let (_, host, flow) = world.send("GET", &path, &more);
    assert_eq!(flow, Flow::Pause);
    assert_eq!(host.refusal().0, 403);
}

#[test]
fn the_gateways_own_calls_stay_in_the_namespace_that_was_asked() {
    let world = World::new();
    let name = "cluster/p/api/v1/namespaces/a/pods?pretty=false";
    let large = |world: &World| {
        let learn = |lesson: &mut crate::pushdown::Lesson| lesson.bytes = 1 << 30;
        world.gateway.answers.learned.learn(name, learn);
    };
    large(&world);
    let path =
        format!("{KUBE}/api/v1/namespaces/a/pods?sortName=metadata.name&sortOrder=desc&pageSize=1");
    let keys = list("", &["x", "y"])
        .replace("PodList", "PartialObjectMetadataList")
        .replace(r#","n":1.0"#, "");
    let bound = || scope(&[], &["a"], &["list"]);

    let (mut exchange, host, _) = send(&world, bound(), "GET", &path);
    host.answer(&mut exchange, &JSON, &[keys.as_bytes(), b""]);
    assert!(host.asked()[0].starts_with("/base/api/v1/namespaces/a/pods?"));

    // A server that says what is in another namespace does not get there.
    let foreign = keys.replace(r#""namespace":"a""#, r#""namespace":"b""#);
    let (mut exchange, host, _) = send(&world, bound(), "GET", &path);
    host.answer(&mut exchange, &JSON, &[foreign.as_bytes(), b""]);
    assert_eq!(
        host.asked(),
        ["/base/api/v1/namespaces/a/pods?pretty=false"]
    );
}
