use super::*;

fn entry(path: &str, kind: &str, namespaced: bool) -> ResourceEntry {
    ResourceEntry {
        path: path.to_owned(),
        kind: kind.to_owned(),
        namespaced,
    }
}

fn resources() -> BTreeMap<String, Vec<ResourceEntry>> {
    [
        ("nodes", vec![entry("/api/v1", "Node", false)]),
        ("namespaces", vec![entry("/api/v1", "Namespace", false)]),
        (
            "deployments",
            vec![entry("/apis/apps/v1", "Deployment", true)],
        ),
        ("users", vec![entry("/apis/iam/v1", "User", false)]),
        (
            "things",
            vec![
                entry("/apis/a.example/v1", "Thing", true),
                entry("/apis/b.example/v1", "Thing", false),
            ],
        ),
    ]
    .map(|(plural, entries)| (plural.to_owned(), entries))
    .into()
}

fn path(of: &str) -> Result<String, Missing> {
    resolve(&format!("{VERSION}{of}"), &resources()).map(|request| request.path)
}

#[test]
fn a_resource_is_found_by_its_plural() {
    for (asked, upstream) in [
        ("nodes", "/api/v1/nodes"),
        ("nodes/", "/api/v1/nodes"),
        ("nodes/n%31", "/api/v1/nodes/n%31"),
        ("n%6fdes", "/api/v1/nodes"),
        ("namespaces", "/api/v1/namespaces"),
        ("namespaces/demo", "/api/v1/namespaces/demo"),
        ("deployments", "/apis/apps/v1/deployments"),
        (
            "namespaces/demo/deployments",
            "/apis/apps/v1/namespaces/demo/deployments",
        ),
        (
            "namespaces/demo/deployments/web/",
            "/apis/apps/v1/namespaces/demo/deployments/web",
        ),
    ] {
        assert_eq!(path(asked).as_deref(), Ok(upstream), "{asked}");
    }
}

#[test]
fn of_equal_names_the_first_one_that_fits_is_meant() {
    for (asked, upstream) in [
        ("things", "/apis/a.example/v1/things"),
        ("things/x", "/apis/b.example/v1/things/x"),
        (
            "namespaces/d/things",
            "/apis/a.example/v1/namespaces/d/things",
        ),
    ] {
        assert_eq!(path(asked).as_deref(), Ok(upstream), "{asked}");
    }
}

#[test]
fn what_is_not_there_is_missing() {
    for (asked, why) in [
        ("foos", Missing::Resource),
        ("foos/x", Missing::Resource),
        ("Nodes", Missing::Resource),
        ("namespaces/demo/nodes", Missing::Resource),
        ("namespaces/demo/namespaces", Missing::Resource),
        ("deployments/web", Missing::Resource),
        ("", Missing::Page),
        ("/", Missing::Page),
        ("nodes//", Missing::Page),
        ("nodes/a/b", Missing::Page),
        ("namespaces//pods", Missing::Page),
        ("namespaces/a/pods/b/log", Missing::Page),
    ] {
        assert_eq!(path(asked), Err(why), "{asked}");
    }
    let nothing_known = resolve(&format!("{VERSION}nodes"), &BTreeMap::new());
    assert_eq!(nothing_known, Err(Missing::Discovery));
    let older = resolve(
        "/kapis/resources.kubesphere.io/v1alpha2/nodes",
        &resources(),
    );
    assert_eq!(older, Err(Missing::Page));
}

#[test]
fn secrets_are_left_out_and_all_else_stays() {
    let users = resolve(&format!("{VERSION}users/a"), &resources()).unwrap();
    assert_eq!(users.kind, "User");
    let item = concat!(
        r#"{"metadata":{"annotations":{"a":"b","#,
        r#""kubectl.kubernetes.io/last-applied-configuration":"{}"}},"#,
        r#""spec":{"email":"e","password":"$2a$"}}"#
    );
    assert_eq!(
        users.projection.apply(item.as_bytes()).unwrap(),
        r#"{"metadata":{"annotations":{"a":"b"}},"spec":{"email":"e"}}"#.as_bytes()
    );
    let nodes = resolve(&format!("{VERSION}nodes"), &resources()).unwrap();
    assert!(nodes.projection.is_identity());
}

#[test]
fn what_is_asked_is_told_as_of_the_api_itself() {
    let of = |path: &str| {
        let found = resolve(&format!("{VERSION}{path}"), &resources());
        found.unwrap().asked
    };
    let node = of("nodes/node1");
    assert_eq!((node.verb, node.name.as_str()), ("get", "node1"));
    assert_eq!(node.group, "resources.kubesphere.io");
    let things = of("namespaces/demo/things/");
    assert_eq!((things.verb, things.namespace.as_str()), ("list", "demo"));
}
