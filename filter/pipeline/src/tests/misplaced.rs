//! Parameters of lists where there is no list.

use super::*;

const FORMS: [&str; 2] = [
    "/api/v1/cube/proxy/clusters/pivot-cluster",
    "/clusters/pivot-cluster",
];
const MAPS: &str = "/api/v1/namespaces/a/configmaps";

/// Returns what a request is refused with, in both shapes; `None` if it goes on in both.
fn refusal(method: &str, path: &str, headers: &[(&str, &str)]) -> Option<String> {
    let world = World::new();
    let bearer = format!("Bearer {}", world.token("jeff", &[]));
    let mut more = vec![("authorization", bearer.as_str())];
    more.extend(headers);
    let [cube, kube] = FORMS.map(|form| {
        let (_, host, flow) = world.send(method, &format!("{form}{path}"), &more);
        (flow == Flow::Pause).then(|| {
            assert_eq!(host.calls.borrow().len(), 0);
            let (status, body) = host.refusal();
            assert_eq!(status, 400, "{method} {path}: {body}");
            body
        })
    });
    let (Some(cube), Some(kube)) = (&cube, &kube) else {
        assert_eq!(cube, kube, "{method} {path}");
        return None;
    };
    let cube: serde_json::Value = serde_json::from_str(cube).unwrap();
    let kube: serde_json::Value = serde_json::from_str(kube).unwrap();
    assert_eq!(kube["kind"], "Status");
    assert_eq!(cube["message"], kube["message"]);
    kube["message"].as_str().map(str::to_owned)
}

#[test]
fn a_deletion_is_never_wider_than_it_was_meant() {
    for parameter in [
        "selector",
        "filter",
        "fields",
        "strip",
        "count",
        "sort",
        "sortName",
        "sortOrder",
        "sortFunc",
        "pageSize",
        "pageNum",
    ] {
        for query in [
            format!("{parameter}=a"),
            format!("dryRun=All&{parameter}"),
            // No value, none that can be read, and one that stands behind a semicolon.
            format!("{parameter}=%zz"),
            format!("a=b;{parameter}=c"),
            format!("isFilter=false&{parameter}=a"),
        ] {
            let why = refusal("DELETE", &format!("{MAPS}?{query}"), &[]).unwrap();
            assert!(
                why.starts_with(&format!("The parameter {parameter} ")),
                "{why}"
            );
            assert!(why.contains("labelSelector and fieldSelector"), "{why}");
        }
    }
    for query in [
        "",
        "?labelSelector=a%3Db",
        "?fieldSelector=a%3Db&limit=5",
        "?isFilter=true",
    ] {
        assert_eq!(
            refusal("DELETE", &format!("{MAPS}{query}"), &[]),
            None,
            "{query}"
        );
    }
}

#[test]
fn no_write_takes_a_parameter_of_lists() {
    for method in ["POST", "PUT", "PATCH", "DELETE", "ODD"] {
        for path in [
            MAPS,
            "/api/v1/namespaces/a/configmaps/b",
            "/api/v1/namespaces/a/pods/p/exec",
            "/apis/example.org/v1/things",
            "/api/v1//configmaps",
            "/api/v1/watch/configmaps",
        ] {
            let why = refusal(method, &format!("{path}?command=x&pageSize=1"), &[]);
            assert!(
                why.unwrap().starts_with("The parameter pageSize "),
                "{path}"
            );
            assert_eq!(refusal(method, &format!("{path}?command=x"), &[]), None);
        }
    }
}

#[test]
fn what_is_an_applications_is_left_to_it() {
    for path in [
        "/api/v1/namespaces/a/services/web:80/proxy/items",
        "/api/v1/namespaces/a/pods/p/proxy",
        "/api/v1/nodes/n/proxy/stats",
        "/api/v1/proxy/namespaces/a/services/web/items",
    ] {
        for method in ["GET", "POST", "DELETE", "HEAD"] {
            let path = format!("{path}?filter=a&selector=b&count=c&watch=true&pageSize=x");
            assert_eq!(refusal(method, &path, &[]), None, "{method} {path}");
        }
    }
}

#[test]
fn what_kubecube_does_not_know_is_refused_wherever_it_means_nothing() {
    let object = "/api/v1/namespaces/a/pods/p";
    for parameter in ["filter=a", "sort=a", "fields=a", "strip=spec", "count=only"] {
        for path in [
            object,
            &format!("{object}/log"),
            "/version",
            "/api",
            "/metrics",
        ] {
            let why = refusal("GET", &format!("{path}?{parameter}"), &[]).unwrap();
            assert!(why.contains("this path is none of a list"), "{why}");
        }
        let list = format!("{MAPS}?{parameter}");
        let protobuf = (
            "accept",
            "application/vnd.kubernetes.protobuf,application/json",
        );
        for (method, path, headers) in [
            ("GET", &list, vec![protobuf]),
            ("GET", &format!("{list}&follow=true"), vec![]),
            ("HEAD", &list, vec![]),
        ] {
            let why = refusal(method, path, &headers).unwrap();
            assert!(why.contains("application/json"), "{why}");
        }
    }
    // KubeCube's own clients send these to all of it, and are answered.
    for path in [object, MAPS, "/version"] {
        for method in ["GET", "HEAD"] {
            let path = format!("{path}?selector=a=b&pageSize=1&sortName=c");
            assert_eq!(refusal(method, &path, &[]), None, "{method} {path}");
        }
    }
    // Whoever switches it off has switched it off.
    assert_eq!(
        refusal("GET", &format!("{MAPS}?isFilter=false&filter=a"), &[]),
        None
    );
}

#[test]
fn a_page_is_of_the_whole_list_and_never_of_a_chunk() {
    let world = World::new();
    for form in FORMS {
        let path = format!("{form}{MAPS}?filter=a&limit=500&labelSelector=x");
        let (_, host, flow) = world.send_as_jeff("GET", &path);
        assert_eq!(flow, Flow::Continue);
        let path = host.request_header(":path");
        let expected = format!("/base{MAPS}?labelSelector=x&pretty=false");
        assert_eq!(path, Some(expected));
    }
    for ours in [
        "filter=a",
        "count=only",
        "selector=a",
        "pageSize=1",
        "isFilter=true",
    ] {
        let why = refusal("GET", &format!("{MAPS}?{ours}&limit=5&continue=x"), &[]).unwrap();
        let name = ours.split('=').next().unwrap();
        assert!(why.starts_with("The parameter continue "), "{why}");
        assert!(why.contains(&format!("and {name} is")), "{why}");
    }
    // Without ours it is between the client and the API server.
    assert_eq!(
        refusal("GET", &format!("{MAPS}?limit=5&continue=x"), &[]),
        None
    );
}

#[test]
fn on_kubecubes_paths_capitals_are_told_and_not_passed_over() {
    let world = World::new();
    for (method, query, name, meant) in [
        ("GET", "pagesize=5", "pagesize", "pageSize"),
        ("GET", "limit=5&sortname=a", "sortname", "sortName"),
        ("GET", "isfilter=false", "isfilter", "isFilter"),
        ("GET", "watch=true&Filter=a", "Filter", "filter"),
        ("DELETE", "SELECTOR=a", "SELECTOR", "selector"),
    ] {
        let path = format!("{}{MAPS}?{query}", FORMS[0]);
        let (_, host, flow) = world.send_as_jeff(method, &path);
        assert_eq!(flow, Flow::Pause, "{path}");
        let (status, body) = host.refusal();
        assert_eq!(status, 400);
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        let sentence = format!(
            "There is no parameter {name:?} of lists; {meant:?} is meant, and capitals count. Write it so, or take it out."
        );
        assert_eq!(body["message"], sentence);
        // An API server's, should it have one.
        let path = format!("{}{MAPS}?{query}", FORMS[1]);
        let (_, _, flow) = world.send_as_jeff(method, &path);
        assert_eq!(flow, Flow::Continue, "{path}");
    }
    for path in [
        format!("{MAPS}?isFilter=false&pagesize=5"),
        format!("{MAPS}?fieldselector=a&pagesiz=5"),
        format!("{MAPS}/a?pagesize=5"),
        "/api/v1/namespaces/a/services/web/proxy/?pagesize=5".to_owned(),
    ] {
        assert_eq!(refusal("GET", &path, &[]), None, "{path}");
    }
}
