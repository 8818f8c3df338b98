use serde_json::json;

use super::*;

fn scope(namespaces: &[&str], verbs: &[&str]) -> KeyScope {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    KeyScope {
        clusters: vec![],
        namespaces: owned(namespaces),
        verbs: owned(verbs),
    }
}

fn scoped() -> ClusterScoped {
    let entry = |path: &str, namespaced: bool| ResourceEntry {
        path: path.to_owned(),
        kind: String::new(),
        namespaced,
    };
    ClusterScoped::of(&BTreeMap::from([
        ("nodes".to_owned(), vec![entry("/api/v1", false)]),
        ("pods".to_owned(), vec![entry("/api/v1", true)]),
        (
            "clusterroles".to_owned(),
            vec![entry("/apis/rbac.authorization.k8s.io/v1", false)],
        ),
    ]))
}

/// What is left of a rule, as JSON.
fn left(scope: &KeyScope, rule: Value) -> Value {
    let rule: ResourceRule = serde_json::from_value(rule).unwrap();
    serde_json::to_value(cut(scope, &rule, &scoped())).unwrap()
}

fn left_of_paths(scope: &KeyScope, verbs: &[&str], urls: &[&str]) -> Option<Value> {
    let rule = json!({ "verbs": verbs, "nonResourceURLs": urls });
    let rule = serde_json::from_value(rule).unwrap();
    cut_paths(scope, rule).map(|rule| serde_json::to_value(rule).unwrap())
}

#[test]
fn verbs_are_those_of_both() {
    let reading = scope(&[], &["get", "list"]);
    let rule = |verbs: &[&str]| json!({ "verbs": verbs, "apiGroups": ["apps"], "resources": ["deployments"] });
    assert_eq!(
        left(&reading, rule(&["list", "delete"])),
        json!([rule(&["list"])])
    );
    assert_eq!(
        left(&reading, rule(&["*"])),
        json!([rule(&["get", "list"])])
    );
    assert_eq!(left(&reading, rule(&["delete"])), json!([]));
    let any = scope(&["shop"], &[]);
    assert_eq!(
        left(&any, rule(&["get", "impersonate", "*"])),
        json!([rule(&["get", "*"])])
    );
}

#[test]
fn what_is_in_no_namespace_is_left_out_but_the_namespaces_themselves() {
    let shop = scope(&["shop", "bar"], &["get", "create"]);
    let resources = json!([
        "pods",
        "nodes",
        "nodes/status",
        "namespaces",
        "namespaces/status"
    ]);
    assert_eq!(
        left(
            &shop,
            json!({ "verbs": ["*"], "apiGroups": [""], "resources": resources })
        ),
        json!([
            { "verbs": ["get", "create"], "apiGroups": [""], "resources": ["pods", "namespaces/status"] },
            { "verbs": ["get"], "apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["shop", "bar"] },
        ])
    );
    let named = |name: &str| json!({ "verbs": ["get"], "apiGroups": [""], "resources": ["namespaces"], "resourceNames": [name] });
    assert_eq!(left(&shop, named("bar")), json!([named("bar")]));
    assert_eq!(left(&shop, named("other")), json!([]));
    let everything =
        json!({ "verbs": ["get"], "apiGroups": ["*"], "resources": ["*", "clusterroles"] });
    assert_eq!(
        left(&shop, everything),
        json!([{ "verbs": ["get"], "apiGroups": ["*"], "resources": ["*"] }])
    );
}

#[test]
fn a_connection_takes_create_of_the_scope_whatever_its_verb() {
    let rule = json!({ "verbs": ["get", "create"], "apiGroups": [""], "resources": ["pods/exec", "pods/log"] });
    assert_eq!(
        left(&scope(&[], &["get"]), rule.clone()),
        json!([{ "verbs": ["get"], "apiGroups": [""], "resources": ["pods/log"] }])
    );
    assert_eq!(
        left(&scope(&[], &["create"]), rule),
        json!([
            { "verbs": ["create"], "apiGroups": [""], "resources": ["pods/log"] },
            { "verbs": ["get", "create"], "apiGroups": [""], "resources": ["pods/exec"] },
        ])
    );
}

#[test]
fn reviews_of_oneself_stay_and_those_of_others_go() {
    let rule = json!({
        "verbs": ["create"], "apiGroups": ["authorization.k8s.io"],
        "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews", "subjectaccessreviews"],
    });
    assert_eq!(
        left(&scope(&["shop"], &["get"]), rule),
        json!([{
            "verbs": ["create"], "apiGroups": ["authorization.k8s.io"],
            "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
        }])
    );
}

#[test]
fn paths_are_left_as_the_verbs_and_discovery_allow() {
    let reading = scope(&[], &["get"]);
    assert_eq!(
        left_of_paths(&reading, &["get", "head", "post"], &["/metrics"]),
        Some(json!({ "verbs": ["get", "head"], "nonResourceURLs": ["/metrics"] }))
    );
    assert_eq!(left_of_paths(&reading, &["post"], &["/metrics"]), None);
    assert_eq!(
        left_of_paths(&reading, &["*"], &["*"]),
        Some(json!({ "verbs": ["get", "head"], "nonResourceURLs": ["*"] }))
    );
    let shop = scope(&["shop"], &[]);
    assert_eq!(
        left_of_paths(&shop, &["get"], &["/metrics", "/api/*", "/version/"]),
        Some(json!({ "verbs": ["get"], "nonResourceURLs": ["/api/*", "/version/"] }))
    );
    let all = left_of_paths(&shop, &["*"], &["/*"]).unwrap();
    let urls = all["nonResourceURLs"].as_array().unwrap();
    assert!(urls.contains(&json!("/apis/*")) && !urls.contains(&json!("/*")));
}
