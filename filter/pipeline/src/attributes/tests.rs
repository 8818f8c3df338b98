use proptest::prelude::*;

use super::*;

fn read(method: &str, url: &str) -> Result<Attributes, Ambiguous> {
    match url.split_once('?') {
        Some((path, query)) => Attributes::of(method, path, Some(query)),
        None => Attributes::of(method, url, None),
    }
}

/// `verb group namespace resource/subresource name`, `-` for what is empty.
fn told(method: &str, url: &str) -> String {
    let or = |text: &str| {
        if text.is_empty() {
            "-".to_owned()
        } else {
            text.to_owned()
        }
    };
    match read(method, url) {
        Ok(Attributes::Resource(it)) => format!(
            "{} {} {} {}/{} {}",
            or(it.verb),
            or(&it.group),
            or(&it.namespace),
            or(&it.resource),
            or(&it.subresource),
            or(&it.name)
        ),
        Ok(Attributes::NonResource { verb, path }) => format!("{verb} {path}"),
        Err(Ambiguous) => "ambiguous".to_owned(),
    }
}

/// The cases of upstream's own `TestGetAPIRequestInfo`, and what else matters here.
#[test]
fn requests_are_read_as_the_api_server_reads_them() {
    for (method, url, expected) in [
        ("GET", "/api/v1/namespaces", "list - - namespaces/- -"),
        (
            "GET",
            "/api/v1/namespaces/other",
            "get - other namespaces/- other",
        ),
        (
            "GET",
            "/api/v1/namespaces/other/pods",
            "list - other pods/- -",
        ),
        (
            "GET",
            "/api/v1/namespaces/other/pods/foo",
            "get - other pods/- foo",
        ),
        (
            "HEAD",
            "/api/v1/namespaces/other/pods/foo",
            "get - other pods/- foo",
        ),
        ("GET", "/api/v1/pods", "list - - pods/- -"),
        ("HEAD", "/api/v1/pods", "list - - pods/- -"),
        ("POST", "/api/v1/pods", "create - - pods/- -"),
        (
            "POST",
            "/api/v1/namespaces/other/pods/p/exec",
            "create - other pods/exec p",
        ),
        (
            "GET",
            "/api/v1/namespaces/other/pods/p/exec",
            "get - other pods/exec p",
        ),
        (
            "PUT",
            "/api/v1/namespaces/other/finalize",
            "update - other namespaces/finalize other",
        ),
        (
            "PUT",
            "/api/v1/namespaces/other/status",
            "update - other namespaces/status other",
        ),
        (
            "GET",
            "/api/v1/proxy/namespaces/other/pods/foo/x",
            "proxy - other pods/- foo",
        ),
        ("GET", "/api/v1/watch/pods", "watch - - pods/- -"),
        (
            "GET",
            "/api/v1/watch/namespaces/other/pods",
            "watch - other pods/- -",
        ),
        (
            "GET",
            "/api/v1/watch/namespaces/other",
            "watch - other namespaces/- other",
        ),
        ("GET", "/api/v1/pods?watch=true", "watch - - pods/- -"),
        ("GET", "/api/v1/pods?watch=", "watch - - pods/- -"),
        ("GET", "/api/v1/pods?watch", "watch - - pods/- -"),
        ("GET", "/api/v1/pods?watch=no", "watch - - pods/- -"),
        ("GET", "/api/v1/pods?%77atch=1", "watch - - pods/- -"),
        ("GET", "/api/v1/pods?watch=false", "list - - pods/- -"),
        (
            "GET",
            "/api/v1/pods?watch=False&watch=true",
            "list - - pods/- -",
        ),
        ("GET", "/api/v1/pods?watch=0", "list - - pods/- -"),
        ("GET", "/api/v1/pods?watch=%zz", "list - - pods/- -"),
        (
            "GET",
            "/api/v1/namespaces/a/pods/p?watch=true",
            "get - a pods/- p",
        ),
        ("PATCH", "/api/v1/namespaces/a/pods/p", "patch - a pods/- p"),
        (
            "DELETE",
            "/api/v1/namespaces/a/pods/p",
            "delete - a pods/- p",
        ),
        (
            "DELETE",
            "/api/v1/namespaces/a/pods",
            "deletecollection - a pods/- -",
        ),
        (
            "DELETE",
            "/api/v1/pods?fieldSelector=metadata.name%3Dx",
            "deletecollection - - pods/- -",
        ),
        ("OPTIONS", "/api/v1/namespaces/a/pods", "- - a pods/- -"),
        ("get", "/api/v1/namespaces/a/pods", "- - a pods/- -"),
        (
            "GET",
            "/apis/apps/v1/namespaces/a/deployments/d/scale",
            "get apps a deployments/scale d",
        ),
        (
            "GET",
            "/apis/apps/v1/watch/deployments",
            "watch apps - deployments/- -",
        ),
        (
            "GET",
            "/apis/metrics.k8s.io/v1beta1/nodes",
            "list metrics.k8s.io - nodes/- -",
        ),
        ("GET", "//api/v1/pods/", "list - - pods/- -"),
        ("GET", "/api/v1/%6eamespaces/a/pods", "list - a pods/- -"),
        (
            "GET",
            "/api/v1/namespaces/watch/pods",
            "list - watch pods/- -",
        ),
        (
            "GET",
            "/api/v1/namespaces/a/services/s/proxy//x//y",
            "get - a services/proxy s",
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
    let name = |selector: &str| match Attributes::of(
        "GET",
        "/api/v1/namespaces",
        Some(&format!("fieldSelector={selector}")),
    ) {
        Ok(Attributes::Resource(it)) => it.name,
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
fn what_can_be_read_in_two_ways_is_told() {
    for url in [
        "/api/v1//pods",
        "/api//v1/pods",
        "/apis//v1/pods/x",
        "/api/v1/namespaces//pods",
        "/api/v1/namespaces/a//pods",
        "/api/v1/namespaces/a/pods//log",
        "/api/v1/watch",
        "/api/v1/proxy",
        "/apis/apps/v1/watch/",
        "/api/v1/pods?x=1;watch=1",
    ] {
        assert_eq!(told("GET", url), "ambiguous", "{url}");
    }
    // The query does not matter there.
    assert_eq!(told("GET", "/api/v1/nodes/n?x=;"), "get - - nodes/- n");
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
        let _ = Attributes::of(&method, &path, query.as_deref());
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
        if let Ok(Attributes::Resource(it)) = Attributes::of(method, &path, query.as_deref()) {
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
        let Ok(Attributes::Resource(it)) = Attributes::of("GET", &path, None) else {
            return Err(TestCaseError::fail(path));
        };
        prop_assert_eq!(it.verb, if name.is_some() { "get" } else { "list" });
        prop_assert_eq!(it.group, group);
        prop_assert_eq!(it.namespace, namespace.unwrap_or_default());
        prop_assert_eq!(it.resource, resource);
        prop_assert_eq!(it.name, name.unwrap_or_default());
    }
}
