use proptest::prelude::*;

use super::*;

fn scope(namespaces: &[&str], verbs: &[&str]) -> KeyScope {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    KeyScope {
        clusters: vec![],
        namespaces: owned(namespaces),
        verbs: owned(verbs),
    }
}

fn asked<'a>(method: &'a str, url: &'a str, upgrade: bool) -> Asked<'a> {
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (url, None),
    };
    Asked {
        method,
        path,
        query,
        upgrade,
    }
}

fn at(scope: &KeyScope, method: &str, url: &str) -> Result<(), OutOfScope> {
    check(scope, &asked(method, url, false))
}

/// Of the scope of the test below.
fn no_namespace() -> OutOfScope {
    OutOfScope::NoNamespace(vec!["a".to_owned(), "b".to_owned()])
}

#[test]
fn a_scope_without_bounds_bounds_nothing() {
    let free = scope(&[], &[]);
    assert_eq!(at(&free, "TRACE", "/api/v1//nodes?;"), Ok(()));
}

#[test]
fn namespaces_bound_what_is_in_them_and_shut_out_the_rest() {
    let bound = scope(&["a", "b"], &[]);
    for (method, url) in [
        ("GET", "/api/v1/namespaces/a/pods"),
        ("POST", "/apis/apps/v1/namespaces/b/deployments"),
        ("DELETE", "/api/v1/namespaces/a/pods"),
        ("GET", "/api/v1/watch/namespaces/a/pods"),
        ("GET", "/api/v1/namespaces/a/pods/p/exec"),
        ("GET", "/api/v1/namespaces/a"),
        ("GET", "/api/v1/namespaces/a/status"),
        ("GET", "/api/v1/namespaces?fieldSelector=metadata.name%3Da"),
        (
            "GET",
            "/api/v1/namespaces?fieldSelector=metadata.name%3Da&watch=1",
        ),
        ("GET", "/"),
        ("GET", "/api"),
        ("HEAD", "/apis/apps/v1"),
        ("GET", "/apis/"),
        ("GET", "/version/"),
        ("GET", "/openapi/v2"),
        ("GET", "/readyz"),
    ] {
        assert_eq!(at(&bound, method, url), Ok(()), "{method} {url}");
    }
    for (method, url, why) in [
        ("GET", "/api/v1/namespaces/c/pods", OutOfScope::Namespace),
        (
            "GET",
            "/api/v1/%6eamespaces/%63/pods",
            OutOfScope::Namespace,
        ),
        ("GET", "/api/v1/namespaces/c", OutOfScope::Namespace),
        ("GET", "/api/v1/watch/namespaces/c", OutOfScope::Namespace),
        (
            "GET",
            "/api/v1/namespaces?fieldSelector=metadata.name%3Dc",
            OutOfScope::Namespace,
        ),
        ("GET", "/api/v1/namespaces", no_namespace()),
        (
            "GET",
            "/api/v1/namespaces?fieldSelector=metadata.name!%3Da",
            no_namespace(),
        ),
        ("GET", "/api/v1/pods", no_namespace()),
        (
            "GET",
            "/api/v1/pods?fieldSelector=metadata.namespace%3Da",
            no_namespace(),
        ),
        ("GET", "/api/v1/watch/pods", no_namespace()),
        ("GET", "/api/v1/nodes/a", no_namespace()),
        ("POST", "/api/v1/namespaces", no_namespace()),
        ("DELETE", "/api/v1/namespaces/a", no_namespace()),
        ("PUT", "/api/v1/namespaces/a/finalize", no_namespace()),
        ("GET", "/apis/other/v1/namespaces/a", no_namespace()),
        ("GET", "/metrics", no_namespace()),
        ("GET", "/logs/", no_namespace()),
        ("GET", "/apisx", no_namespace()),
        ("POST", "/version", no_namespace()),
        ("GET", "/api/v1/namespaces/a//pods", OutOfScope::Ambiguous),
    ] {
        assert_eq!(at(&bound, method, url), Err(why), "{method} {url}");
    }
}

#[test]
fn verbs_bound_what_is_done() {
    let reads = scope(&[], &["get", "list"]);
    for url in [
        "/api/v1/pods",
        "/api/v1/nodes/n",
        "/version",
        "/metrics",
        "/api/v1/namespaces/a/pods/p/log?follow=true",
    ] {
        assert_eq!(at(&reads, "GET", url), Ok(()), "{url}");
    }
    for (method, url, why) in [
        ("GET", "/api/v1/pods?watch=1", OutOfScope::Verb("watch")),
        ("GET", "/api/v1/watch/pods", OutOfScope::Verb("watch")),
        (
            "POST",
            "/api/v1/namespaces/a/pods",
            OutOfScope::Verb("create"),
        ),
        (
            "PUT",
            "/api/v1/namespaces/a/pods/p",
            OutOfScope::Verb("update"),
        ),
        (
            "PATCH",
            "/api/v1/namespaces/a/pods/p",
            OutOfScope::Verb("patch"),
        ),
        (
            "DELETE",
            "/api/v1/namespaces/a/pods/p",
            OutOfScope::Verb("delete"),
        ),
        (
            "DELETE",
            "/api/v1/namespaces/a/pods",
            OutOfScope::Verb("deletecollection"),
        ),
        (
            "GET",
            "/api/v1/namespaces/a/pods/p/exec",
            OutOfScope::Verb("create"),
        ),
        (
            "GET",
            "/api/v1/namespaces/a/pods/p/attach",
            OutOfScope::Verb("create"),
        ),
        (
            "GET",
            "/api/v1/namespaces/a/pods/p/portforward",
            OutOfScope::Verb("create"),
        ),
        (
            "DELETE",
            "/api/v1/namespaces/a/services/s/proxy/x",
            OutOfScope::Verb("create"),
        ),
        (
            "GET",
            "/api/v1/nodes/n/proxy/logs",
            OutOfScope::Verb("create"),
        ),
        ("GET", "/api/v1/proxy/nodes/n", OutOfScope::Verb("create")),
        ("POST", "/version", OutOfScope::Verb("create")),
        ("OPTIONS", "/api/v1/pods", OutOfScope::Method),
        ("OPTIONS", "/version", OutOfScope::Method),
        ("GET", "/api/v1/pods?x=1;watch=1", OutOfScope::Ambiguous),
    ] {
        assert_eq!(at(&reads, method, url), Err(why), "{method} {url}");
    }
    assert_eq!(
        at(&scope(&[], &["list"]), "GET", "/version"),
        Err(OutOfScope::Verb("get"))
    );
    let creates = scope(&[], &["create"]);
    assert_eq!(
        at(&creates, "GET", "/api/v1/namespaces/a/pods/p/exec"),
        Ok(())
    );
}

#[test]
fn a_tunnel_takes_create_by_whatever_name_it_goes() {
    let reads = scope(&[], &["get", "watch"]);
    let console =
        "/apis/subresources.kubevirt.io/v1/namespaces/a/virtualmachineinstances/v/console";
    for (url, allowed) in [
        (console, Err(OutOfScope::Verb("create"))),
        ("/x", Err(OutOfScope::Verb("create"))),
        ("/api/v1/pods?watch=1", Ok(())),
        ("/api/v1/namespaces/a/pods/p/log", Ok(())),
    ] {
        assert_eq!(check(&reads, &asked("GET", url, true)), allowed, "{url}");
    }
}

proptest! {
    /// Whatever a request looks like: what leaves under a bound on namespaces is in
    /// one of them, the Namespace itself for reading, or discovery.
    #[test]
    fn nothing_leaves_that_is_in_another_namespace(
        method in proptest::sample::select(vec!["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "X"]),
        path in "(/(api|apis|v1|apps|namespaces|watch|proxy|a|c|pods|status|%61|)){0,8}",
        query in proptest::option::of("(watch|fieldSelector|x)=(1|metadata.name%3D[ac])?(&|;)?"),
        upgrade: bool,
    ) {
        let bound = scope(&["a"], &["get", "list", "create"]);
        let asked = Asked { method, path: &path, query: query.as_deref(), upgrade };
        if check(&bound, &asked).is_ok() {
            match RequestInfo::of(method, &path, query.as_deref()) {
                Ok(RequestInfo::Resource(it)) => {
                    let is_it = it.resource == "namespaces" && it.name == "a";
                    prop_assert!(it.namespace == "a" || is_it, "{it:?}");
                    prop_assert!(!is_it || ["get", "list"].contains(&it.verb));
                    prop_assert!(["get", "list", "create", "proxy", "watch", "update", "patch", "delete",
                        "deletecollection", ""].contains(&it.verb));
                }
                Ok(RequestInfo::NonResource { verb, .. }) => {
                    prop_assert!(["get", "head"].contains(&verb.as_str()));
                }
                Err(Ambiguous(_)) => prop_assert!(false),
            }
        }
    }
}
