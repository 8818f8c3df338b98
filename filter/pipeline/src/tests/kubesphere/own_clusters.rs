//! KubeSphere's list of clusters, which the control plane answers unless the host cluster does.

use super::*;

const CLUSTERS: &str = "/kapis/resources.kubesphere.io/v1alpha3/clusters";
const PODS: &str = r#""pods":[{"path":"/api/v1","kind":"Pod","namespaced":true}]"#;

fn world(clusters_of: &str) -> World {
    World::with_resources(&format!(
        r#"{{{PODS},"clusters":[{{"path":"/apis/{clusters_of}/v1alpha1","kind":"Cluster","namespaced":false}}]}}"#
    ))
}

#[test]
fn clusters_are_the_gateways_own_unless_the_host_is_a_kubesphere() {
    let own = [
        World::with_resources(&format!("{{{PODS}}}")),
        world("cluster.x-k8s.io"),
        world("cluster.kubecube.io"),
        // Without a host cluster.
        World::new(),
    ];
    for (world, what) in own
        .iter()
        .zip(["plain", "cluster API", "KubeCube", "no host"])
    {
        for path in ["", "/", "/member-1", "?limit=1&name=a"] {
            let path = format!("{CLUSTERS}{path}");
            let (_, host, flow) = world.send_as_jeff("GET", &path);
            assert_eq!(flow, Flow::Continue, "{what} {path}");
            let header = |name| host.request_header(name);
            assert_eq!(header(":path").as_deref(), Some(path.as_str()), "{what}");
            assert_eq!(
                header("x-cubegate-cluster").as_deref(),
                Some("control-plane")
            );
            assert!(header("authorization").unwrap().starts_with("Bearer ey"));
            assert_eq!(header("impersonate-user"), None);
            // The control plane makes the record.
            assert!(host.note.borrow().is_none());
        }
    }
    let sphere = world("cluster.kubesphere.io");
    for (path, upstream) in [
        (
            "",
            "/base/apis/cluster.kubesphere.io/v1alpha1/clusters?pretty=false",
        ),
        ("/a", "/base/apis/cluster.kubesphere.io/v1alpha1/clusters/a"),
    ] {
        let (_, host, _) = sphere.send_as_jeff("GET", &format!("{CLUSTERS}{path}"));
        assert_eq!(host.request_header(":path").as_deref(), Some(upstream));
    }
}

#[test]
fn they_are_listed_where_paths_without_a_cluster_are_switched_off() {
    let world = World::with_resources(&format!("{{{PODS}}}")).push("no_host_paths", "true");
    let (_, host, flow) = world.send_as_jeff("GET", CLUSTERS);
    assert_eq!(flow, Flow::Continue, "{:?}", host.reply.borrow());
}

#[test]
fn what_is_not_exactly_that_list_is_a_clusters() {
    let world = World::with_resources(&format!("{{{PODS}}}"));
    for path in [
        "/clusters/pivot-cluster/kapis/resources.kubesphere.io/v1alpha3/clusters",
        "/kapis/resources.kubesphere.io/v1alpha3/namespaces/a/clusters",
        "/kapis/resources.kubesphere.io/v1alpha3/clusters/a/b",
        "/kapis/resources.kubesphere.io/v1alpha2/clusters",
    ] {
        let (_, host, flow) = world.send_as_jeff("GET", path);
        assert_eq!(flow, Flow::Pause, "{path}");
        assert_eq!(host.refusal().0, 404, "{path}");
    }
    // It is not known yet whether the host is a KubeSphere.
    let (_, host, _) = World::with_resources("{}").send_as_jeff("GET", CLUSTERS);
    assert_eq!(host.refusal().0, 503);
}

#[test]
fn who_asks_is_found_out_before() {
    let world = World::with_resources(&format!("{{{PODS}}}"));
    let (_, host, _) = world.send("GET", CLUSTERS, &[]);
    let (status, body) = host.refusal();
    assert_eq!(status, 403);
    assert!(body.contains("system:anonymous"), "{body}");
    let (_, host, _) = world.send("GET", CLUSTERS, &[("authorization", "Bearer a.b.c")]);
    assert_eq!(host.refusal().0, 401);
    let bearer = format!("Bearer {}", world.token("jeff", &[]));
    let bearer = ("authorization", bearer.as_str());
    for (method, more, status) in [
        ("POST", None, 405),
        ("GET", Some(("accept", "text/html")), 406),
        ("GET", Some(("impersonate-user", "admin")), 400),
    ] {
        let headers: Vec<_> = [bearer].into_iter().chain(more).collect();
        let (_, host, _) = world.send(method, CLUSTERS, &headers);
        assert_eq!(host.refusal().0, status, "{method} {more:?}");
    }
}

#[test]
fn a_bounded_key_that_is_not_for_the_host_asks_as_well() {
    let world = World::with_resources(&format!("{{{PODS}}}"));
    let token = world.sign(&Claims {
        access_key: Some("k".to_owned()),
        scope: Some(cubegate_token::KeyScope {
            clusters: vec!["elsewhere".to_owned()],
            ..cubegate_token::KeyScope::default()
        }),
        ..claims("jeff", &[])
    });
    let bearer = format!("Bearer {token}");
    let (_, host, flow) = world.send("GET", CLUSTERS, &[("authorization", &bearer)]);
    assert_eq!(flow, Flow::Continue);
    assert_eq!(host.request_header("authorization"), Some(bearer));
}

#[test]
fn a_password_is_redeemed_and_never_passed_on() {
    let world = World::with_resources(&format!("{{{PODS}}}"));
    let password = ("authorization", "Basic amVmZjpwYXNz");
    let (mut exchange, host, flow) = world.send("GET", CLUSTERS, &[password]);
    assert_eq!(flow, Flow::Pause);
    let token = world.token("jeff", &[]);
    let granted = format!(r#"{{"access_token":"{token}"}}"#);
    host.answer_call(&mut exchange, 0, "200", &granted);
    assert_eq!(host.resumed.get(), 1);
    let bearer = Some(format!("Bearer {token}"));
    assert_eq!(host.request_header("authorization"), bearer);
    // Remembered.
    let (_, host, flow) = world.send("GET", CLUSTERS, &[password, ("cookie", "a=b")]);
    assert_eq!(flow, Flow::Continue);
    assert_eq!(host.request_header("authorization"), bearer);
    assert_eq!(host.request_header("cookie"), None);
}
