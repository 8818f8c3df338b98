use proptest::prelude::*;

use super::*;

fn read(method: &str, url: &str) -> Result<RequestInfo, Ambiguous> {
    match url.split_once('?') {
        Some((path, query)) => RequestInfo::of(method, path, Some(query)),
        None => RequestInfo::of(method, url, None),
    }
}

/// `verb group/version namespace resource/subresource name`, `-` for what is empty.
fn in_words(info: RequestInfo) -> String {
    let or = |text: &str| {
        if text.is_empty() {
            "-".to_owned()
        } else {
            text.to_owned()
        }
    };
    match info {
        RequestInfo::Resource(it) => format!(
            "{} {}/{} {} {}/{} {}",
            or(it.verb),
            or(&it.group),
            or(&it.version),
            or(&it.namespace),
            or(&it.resource),
            or(&it.subresource),
            or(&it.name)
        ),
        RequestInfo::NonResource { verb, path } => format!("{verb} {path}"),
    }
}

fn told(method: &str, url: &str) -> String {
    match read(method, url) {
        Ok(info) => in_words(info),
        Err(Ambiguous(_)) => "ambiguous".to_owned(),
    }
}

/// In the manner of Kubernetes' own `TestGetAPIRequestInfo`, and what else matters here.
#[test]
fn requests_are_read_as_the_api_server_reads_them() {
    for (method, url, expected) in [
        ("GET", "/api/v1/namespaces", "list -/v1 - namespaces/- -"),
        (
            "GET",
            "/api/v1/namespaces/other",
            "get -/v1 other namespaces/- other",
        ),
        (
            "GET",
            "/api/v1/namespaces/other/pods",
            "list -/v1 other pods/- -",
        ),
        (
            "GET",
            "/api/v1/namespaces/other/pods/foo",
            "get -/v1 other pods/- foo",
        ),
        (
            "HEAD",
            "/api/v1/namespaces/other/pods/foo",
            "get -/v1 other pods/- foo",
        ),
        ("GET", "/api/v1/pods", "list -/v1 - pods/- -"),
        ("HEAD", "/api/v1/pods", "list -/v1 - pods/- -"),
        ("POST", "/api/v1/pods", "create -/v1 - pods/- -"),
        (
            "POST",
            "/api/v1/namespaces/other/pods/p/exec",
            "create -/v1 other pods/exec p",
        ),
        (
            "GET",
            "/api/v1/namespaces/other/pods/p/exec",
            "get -/v1 other pods/exec p",
        ),
        (
            "PUT",
            "/api/v1/namespaces/other/finalize",
            "update -/v1 other namespaces/finalize other",
        ),
        (
            "PUT",
            "/api/v1/namespaces/other/status",
            "update -/v1 other namespaces/status other",
        ),
        (
            "GET",
            "/api/v1/proxy/namespaces/other/pods/foo/x",
            "proxy -/v1 other pods/- foo",
        ),
        ("GET", "/api/v1/watch/pods", "watch -/v1 - pods/- -"),
        (
            "GET",
            "/api/v1/watch/namespaces/other/pods",
            "watch -/v1 other pods/- -",
        ),
        (
            "GET",
            "/api/v1/watch/namespaces/other",
            "watch -/v1 other namespaces/- other",
        ),
        ("GET", "/api/v1/pods?watch=true", "watch -/v1 - pods/- -"),
        ("GET", "/api/v1/pods?watch=", "watch -/v1 - pods/- -"),
        ("GET", "/api/v1/pods?watch", "watch -/v1 - pods/- -"),
        ("GET", "/api/v1/pods?watch=no", "watch -/v1 - pods/- -"),
        ("GET", "/api/v1/pods?%77atch=1", "watch -/v1 - pods/- -"),
        ("GET", "/api/v1/pods?watch=false", "list -/v1 - pods/- -"),
        (
            "GET",
            "/api/v1/pods?watch=False&watch=true",
            "list -/v1 - pods/- -",
        ),
        ("GET", "/api/v1/pods?watch=0", "list -/v1 - pods/- -"),
        ("GET", "/api/v1/pods?watch=%zz", "list -/v1 - pods/- -"),
        (
            "GET",
            "/api/v1/namespaces/a/pods/p?watch=true",
            "get -/v1 a pods/- p",
        ),
        (
            "PATCH",
            "/api/v1/namespaces/a/pods/p",
            "patch -/v1 a pods/- p",
        ),
        (
            "DELETE",
            "/api/v1/namespaces/a/pods/p",
            "delete -/v1 a pods/- p",
        ),
        (
            "DELETE",
            "/api/v1/namespaces/a/pods",
            "deletecollection -/v1 a pods/- -",
        ),
        (
            "DELETE",
            "/api/v1/pods?fieldSelector=metadata.name%3Dx",
            "deletecollection -/v1 - pods/- -",
        ),
        ("OPTIONS", "/api/v1/namespaces/a/pods", "- -/v1 a pods/- -"),
        ("get", "/api/v1/namespaces/a/pods", "- -/v1 a pods/- -"),
        (
            "GET",
            "/apis/apps/v1/namespaces/a/deployments/d/scale",
            "get apps/v1 a deployments/scale d",
        ),
        (
            "GET",
            "/apis/apps/v1/watch/deployments",
            "watch apps/v1 - deployments/- -",
        ),
        (
            "GET",
            "/apis/metrics.k8s.io/v1beta1/nodes",
            "list metrics.k8s.io/v1beta1 - nodes/- -",
        ),
        ("GET", "//api/v1/pods/", "list -/v1 - pods/- -"),
        ("GET", "/api/v1/%6eamespaces/a/pods", "list -/v1 a pods/- -"),
        (
            "GET",
            "/api/v1/namespaces/watch/pods",
            "list -/v1 watch pods/- -",
        ),
        (
            "GET",
            "/api/v1/namespaces/a/services/s/proxy//x//y",
            "get -/v1 a services/proxy s",
        ),
    ] {
        assert_eq!(told(method, url), expected, "{method} {url}");
    }
}

#[test]
fn other_paths_are_of_no_resource() {
    for path in [
        "/",
        "/api",
        "/api/",
        "/api/v1",
        "/apis",
        "/apis/apps",
        "/apis/apps/v1",
        "/apis/apps/v1/",
        "/version",
        "/openapi/v3/apis/apps/v1",
        "/healthz",
        "/API/v1/pods",
        "/metrics",
    ] {
        assert_eq!(told("GET", path), format!("get {path}"));
    }
    assert_eq!(told("POST", "/logs"), "post /logs");
}

#[test]
fn a_field_selector_names_the_object_if_it_requires_the_name() {
    let name = |selector: &str| match RequestInfo::of(
        "GET",
        "/api/v1/namespaces",
        Some(&format!("fieldSelector={selector}")),
    ) {
        Ok(RequestInfo::Resource(it)) => it.name,
        other => panic!("{other:?}"),
    };
    for selector in [
        "metadata.name%3Da",
        "metadata.name=a",
        "metadata.name==a",
        "metadata.name%3D%3Da",
        "status.phase%3DActive,metadata.name%3Da",
        "metadata.name%3Da,",
        "metadata.name%3Da&fieldSelector=metadata.name%3Db",
    ] {
        assert_eq!(name(selector), "a", "{selector}");
    }
    for selector in [
        "",
        "metadata.name!%3Da",
        "metadata.name%3D",
        "metadata.name%3Da%2Cmetadata.name",
        "metadata.name%3Da%3Db",
        "metadata.name%3Da%5C",
        "metadata.name%3D..",
        "metadata.name%3Da%2Fb",
        "Metadata.name%3Da",
        "%zz&fieldSelector=",
        "&fieldSelector=metadata.name%3Da",
        // The comma is a part of the value.
        "spec.x%3Da%5C,metadata.name%3Da",
    ] {
        assert_eq!(name(selector), "", "{selector}");
    }
}

#[test]
fn what_can_be_read_in_two_ways_is_told_with_what_kubernetes_makes_of_it() {
    for (url, expected) in [
        ("/api/v1//pods", "get -/v1 - -/- pods"),
        ("/api//v1/pods", "get -/- - v1/- pods"),
        ("/apis//v1/pods/x", "get -/v1 - pods/- x"),
        ("/api/v1/namespaces//pods", "list -/v1 - pods/- -"),
        ("/api/v1/namespaces/a//pods", "get -/v1 a -/- pods"),
        ("/api/v1/namespaces/a/pods//log", "list -/v1 a pods/log -"),
        ("/api/v1/watch", "get /api/v1/watch"),
        ("/api/v1/proxy", "get /api/v1/proxy"),
        ("/apis/apps/v1/watch/", "get /apis/apps/v1/watch/"),
        ("/api/v1/pods?x=1;watch=1", "list -/v1 - pods/- -"),
        ("/api/v1/pods?x=;&watch=1", "watch -/v1 - pods/- -"),
    ] {
        match read("GET", url) {
            Err(Ambiguous(info)) => assert_eq!(in_words(*info), expected, "{url}"),
            Ok(info) => panic!("{url}: {info:?}"),
        }
    }
    // The query does not matter there.
    assert_eq!(told("GET", "/api/v1/nodes/n?x=;"), "get -/v1 - nodes/- n");
}

#[test]
fn kubesphere_has_one_more_root_of_apis() {
    const PODS: &str = "/kapis/resources.kubesphere.io/v1alpha3/namespaces/a/pods/";
    assert_eq!(told("GET", PODS), format!("get {PODS}"));
    let read = RequestInfo::of_kubesphere("GET", PODS, Some("watch=1")).unwrap();
    assert_eq!(
        in_words(read),
        "watch resources.kubesphere.io/v1alpha3 a pods/- -"
    );
    for path in ["/kapis/version", "/api/v1", "/version"] {
        let read = RequestInfo::of_kubesphere("GET", path, None).unwrap();
        assert_eq!(in_words(read), format!("get {path}"));
    }
    let core = RequestInfo::of_kubesphere("GET", "/api/v1/pods", None);
    assert_eq!(core, RequestInfo::of("GET", "/api/v1/pods", None));
}

fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::sample::select(vec![
            "api", "apis", "v1", "apps", "namespaces", "watch", "proxy", "pods", "status", "finalize",
            "exec", "", "%6e", "a", "%", "%ff", "\u{e4}",
        ]).prop_map(str::to_owned),
        1 => "[a-z%/.;]{0,6}",
    ]
}

proptest! {
    #[test]
    fn nothing_panics(method in "\\PC{0,8}", path in "\\PC*", query in proptest::option::of("\\PC*")) {
        let _ = RequestInfo::of(&method, &path, query.as_deref());
    }

    /// What is said of a resource is what stands in the path: a namespace that is
    /// told is behind `namespaces`, and a path that says no namespace has none.
    #[test]
    fn a_namespace_is_the_one_behind_namespaces(
        method in proptest::sample::select(vec!["GET", "PUT", "POST", "DELETE", "PATCH", "TRACE"]),
        segments in proptest::collection::vec(segment(), 0..9),
        query in proptest::option::of("(watch|fieldSelector|x)?=?(true|metadata.name%3Da|;)?&?"),
    ) {
        let path = format!("/{}", segments.join("/"));
        let decoded: Vec<String> = path
            .trim_matches('/')
            .split('/')
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect();
        if let Ok(RequestInfo::Resource(it)) = RequestInfo::of(method, &path, query.as_deref()) {
            let behind = decoded.windows(2).any(|two| two[0] == "namespaces" && two[1] == it.namespace);
            prop_assert!(it.namespace.is_empty() || behind);
            prop_assert!(!it.resource.is_empty());
            prop_assert!(it.namespace.is_empty() || ["api", "apis"].contains(&decoded[0].as_str()));
            // A name that stands in the path is never taken for a collection.
            if ["list", "deletecollection"].contains(&it.verb) {
                prop_assert_eq!(it.subresource, "");
            }
        }
    }

    /// A path made by rule is read as what it was made of.
    #[test]
    fn a_path_made_of_parts_is_read_as_those_parts(
        group in "[a-z]{0,5}",
        namespace in proptest::option::of("[a-z]{1,5}"),
        resource in "[a-z]{2,6}s",
        name in proptest::option::of("[a-z]{1,5}"),
    ) {
        prop_assume!(!["namespaces", "status", "watchs"].contains(&resource.as_str()));
        let mut path = match group.as_str() {
            "" => "/api/v1".to_owned(),
            group => format!("/apis/{group}/v1"),
        };
        if let Some(namespace) = &namespace {
            path.push_str(&format!("/namespaces/{namespace}"));
        }
        path.push_str(&format!("/{resource}"));
        if let Some(name) = &name {
            path.push_str(&format!("/{name}"));
        }
        let Ok(RequestInfo::Resource(it)) = RequestInfo::of("GET", &path, None) else {
            return Err(TestCaseError::fail(path));
        };
        prop_assert_eq!(it.verb, if name.is_some() { "get" } else { "list" });
        prop_assert_eq!(it.group, group);
        prop_assert_eq!(it.namespace, namespace.unwrap_or_default());
        prop_assert_eq!(it.resource, resource);
        prop_assert_eq!(it.name, name.unwrap_or_default());
    }
}
