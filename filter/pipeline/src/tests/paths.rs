//! Which paths reach an API server, and for how long.

use super::*;

const CUBE: &str = "/api/v1/cube/proxy/clusters/pivot-cluster";
const KUBE: &str = "/clusters/pivot-cluster";

#[test]
fn what_no_api_server_has_goes_nowhere() {
    let world = World::new();
    for path in ["/config_dump", "/quitquitquit", "/", "/latest/meta-data/"] {
        for method in ["GET", "POST"] {
            let (_, host, flow) = world.send_as_jeff(method, &format!("{CUBE}{path}"));
            assert_eq!(flow, Flow::Pause, "{path}");
            let (status, body) = host.refusal();
            assert_eq!(status, 404);
            assert!(body.starts_with(r#"{"code":404,"message":"#), "{body}");

            let (_, host, flow) = world.send_as_jeff(method, &format!("{KUBE}{path}"));
            assert_eq!(flow, Flow::Pause, "{path}");
            let (status, body) = host.refusal();
            assert_eq!(status, 404);
            assert!(body.contains(r#""reason":"NotFound""#), "{body}");
        }
    }
    // Who asks comes first.
    let (_, host, _) = world.send("GET", &format!("{CUBE}/config_dump"), &[]);
    assert_eq!(host.refusal().0, 401);
    for path in ["/version", "/readyz", "/api/v1/pods", "/apis/a/v1/b"] {
        for form in [CUBE, KUBE] {
            let (_, _, flow) = world.send_as_jeff("GET", &format!("{form}{path}"));
            assert_eq!(flow, Flow::Continue, "{form}{path}");
        }
    }
}

#[test]
fn a_stand_in_for_an_api_server_gets_what_kubecube_passes_by_its_paths_alone() {
    let world = World::new();
    let entry = world
        .document
        .replace("\"path_prefix\"", "\"any_path\":true,\"path_prefix\"");
    let gateway = world.compile(&entry).unwrap();
    let world = World {
        gateway: Rc::new(gateway),
        ..world
    };
    let (_, _, flow) = world.send_as_jeff("PUT", &format!("{CUBE}/echo"));
    assert_eq!(flow, Flow::Continue);
    let (_, host, _) = world.send_as_jeff("PUT", &format!("{KUBE}/echo"));
    assert_eq!(host.refusal().0, 404);
    for path in ["/quitquitquit", "/quit%71uitquit", "/%6Catest/meta-data/"] {
        let (_, host, _) = world.send_as_jeff("POST", &format!("{CUBE}{path}"));
        assert_eq!(host.refusal().0, 404, "{path}");
    }
}

#[test]
fn a_watch_with_a_parameter_of_lists_is_refused_and_not_unfiltered() {
    let world = World::new();
    for query in [
        "watch=true&selector=metadata.name=a",
        "watch&filter=metadata.name=a",
        "pageSize=3&selector=a&watch=1",
        "isFilter=true&watch=true&fields=metadata.name",
        // What one server reads as a watch and another does not.
        "watch=true&selector=metadata.name=a&x=;",
        "selector=metadata.name=a&watch=true;x",
        "selector=metadata.name=a&x=1;watch=true",
        "watch=false&watch=true&filter=a;b",
    ] {
        let (_, host, flow) = world.send_as_jeff("GET", &format!("{CUBE}/api/v1/pods?{query}"));
        assert_eq!(flow, Flow::Pause, "{query}");
        let (status, body) = host.refusal();
        assert_eq!(status, 400);
        assert!(
            body.starts_with(r#"{"code":400,"message":"The parameter "#),
            "{body}"
        );
        let (_, host, _) = world.send_as_jeff("GET", &format!("{KUBE}/api/v1/pods?{query}"));
        let (status, body) = host.refusal();
        assert_eq!(status, 400);
        assert!(body.contains(r#""reason":"BadRequest""#), "{body}");
    }
    let legacy = format!("{KUBE}/api/v1/watch/pods?selector=a=b");
    let (_, host, _) = world.send_as_jeff("GET", &legacy);
    assert!(
        host.refusal()
            .1
            .contains("The parameter selector is for lists")
    );
}

#[test]
fn what_a_watch_may_say_still_goes_upstream() {
    let world = World::new();
    for path in [
        "/api/v1/pods?watch=true",
        "/api/v1/pods?watch=true&labelSelector=a%3Db&limit=5",
        "/api/v1/pods?isFilter=false&watch=true&selector=a=b",
        "/api/v1/pods?isFilter=true&watch=true",
        // These choose none of the events.
        "/api/v1/pods?watch=true&pageSize=3&pageNum=2",
        "/api/v1/pods?watch=true&sortName=metadata.name&sortOrder=desc&sortFunc=string",
        "/api/v1/pods?watch=false&selector=a=b",
        "/api/v1/pods?selector=a=b&x=watch;",
        "/api/v1/pods?watch=true&x=;",
        // Of an object or an application it is nothing of ours.
        "/api/v1/namespaces/a/pods/p/log?follow=true&selector=a",
        "/api/v1/namespaces/a/services/s/proxy/x?watch=true&filter=a",
    ] {
        for form in [CUBE, KUBE] {
            let (_, host, flow) = world.send_as_jeff("GET", &format!("{form}{path}"));
            assert_eq!(flow, Flow::Continue, "{path}");
            if path.contains("watch=true") || path.contains("follow") {
                let class = host.request_header("x-cubegate-class");
                assert_eq!(class.as_deref(), Some("stream"), "{path}");
            }
        }
    }
}

#[test]
fn an_export_of_the_control_plane_has_as_long_as_it_takes() {
    let world = World::new();
    for (path, class) in [
        ("/api/v1/cube/audit?format=jsonl", "export"),
        ("/api/v1/cube/audits", "unary"),
        ("/api/v1/cube/user", "unary"),
    ] {
        let (_, host, _) = world.send_as_jeff("GET", path);
        let found = host.request_header("x-cubegate-class");
        assert_eq!(found.as_deref(), Some(class), "{path}");
    }
}
