//! What a caller with a bounded key asks of a cluster about itself.

use cubegate_token::KeyScope;
use serde_json::{Value, json};

use super::*;

const GROUP: &str = "/clusters/pivot-cluster/apis/authorization.k8s.io/v1";
const CUBE: &str = "/api/v1/cube/proxy/clusters/pivot-cluster/apis/authorization.k8s.io/v1";
const JSON: (&str, &str) = ("content-type", "application/json");

fn scope(namespaces: &[&str], verbs: &[&str]) -> KeyScope {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    KeyScope {
        clusters: vec![],
        namespaces: owned(namespaces),
        verbs: owned(verbs),
    }
}

fn reading_in_shop() -> KeyScope {
    scope(&["shop"], &["get", "list"])
}

fn token(world: &World, scope: KeyScope) -> String {
    world.sign(&Claims {
        scope: Some(scope),
        ..claims("jeff", &[])
    })
}

/// Sends a review with this body, in two pieces.
fn review(
    world: &World,
    scope: KeyScope,
    path: &str,
    more: &[(&str, &str)],
    body: &[u8],
) -> (Exchange, MockHost, Flow) {
    let bearer = format!("Bearer {}", token(world, scope));
    let mut headers = vec![("authorization", bearer.as_str())];
    headers.extend_from_slice(more);
    let (mut exchange, host, flow) = world.send("POST", path, &headers);
    if flow == Flow::Continue || host.reply.borrow().is_some() {
        return (exchange, host, flow);
    }
    let half = body.len() / 2;
    assert_eq!(exchange.on_request_body(&host, half, false), Flow::Pause);
    host.request_body.replace(body.to_vec());
    let flow = exchange.on_request_body(&host, body.len(), true);
    (exchange, host, flow)
}

fn access(spec: &Value) -> Vec<u8> {
    let review = json!({ "kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "spec": spec });
    serde_json::to_vec(&review).unwrap()
}

/// What the scope says to this question; nothing: it is the cluster's to answer.
fn asked(scope: &KeyScope, spec: &Value) -> Option<String> {
    let world = World::new();
    let path = format!("{GROUP}/selfsubjectaccessreviews");
    let (_, host, flow) = review(&world, scope.clone(), &path, &[JSON], &access(spec));
    if flow == Flow::Continue {
        assert_eq!(
            host.request_header("impersonate-user").as_deref(),
            Some("jeff")
        );
        return None;
    }
    let (status, body) = host.refusal();
    assert_eq!(status, 201, "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["kind"], "SelfSubjectAccessReview");
    assert_eq!(body["spec"], *spec);
    assert_eq!(body["status"]["allowed"], false);
    Some(body["status"]["reason"].as_str().unwrap().to_owned())
}

#[test]
fn a_question_within_the_scope_is_the_clusters_to_answer() {
    let on = |verb: &str, namespace: &str, resource: &str| json!({ "resourceAttributes": { "verb": verb, "namespace": namespace, "resource": resource } });
    let shop = reading_in_shop();
    for (scope, spec) in [
        (&shop, on("list", "shop", "pods")),
        (&shop, on("get", "shop", "*")),
        (
            &shop,
            json!({ "resourceAttributes": { "verb": "get", "resource": "namespaces", "name": "shop", "group": null } }),
        ),
        (
            &shop,
            json!({ "nonResourceAttributes": { "verb": "get", "path": "/version" } }),
        ),
        (
            &shop,
            json!({ "resourceAttributes": { "verb": "create", "group": "authorization.k8s.io", "resource": "selfsubjectaccessreviews" } }),
        ),
        (&scope(&["shop"], &[]), on("*", "shop", "pods")),
        (&scope(&[], &["delete"]), on("delete", "", "nodes")),
        (
            &scope(&[], &["create"]),
            json!({ "resourceAttributes": { "verb": "get", "resource": "pods", "subresource": "exec" } }),
        ),
        // The API server says what is wrong with it.
        (&shop, json!({})),
    ] {
        assert_eq!(asked(scope, &spec), None, "{spec}");
    }
}

#[test]
fn a_question_beyond_the_scope_is_answered_no_whatever_the_cluster_allows() {
    let shop = reading_in_shop();
    let verb = |verb: &str| format!("The access key of this token does not allow the verb {verb}.");
    let other_verb = || "The access key of this token does not allow this verb.".to_owned();
    let namespace = || "The access key of this token is not for this namespace.".to_owned();
    let nowhere = || {
        "The access key of this token is for the namespaces shop only; what is in no namespace or in all of them is out of its reach.".to_owned()
    };
    let on = |verb: &str, namespace: &str, resource: &str, subresource: &str| json!({ "resourceAttributes": { "verb": verb, "namespace": namespace, "resource": resource, "subresource": subresource } });
    for (scope, spec, expected) in [
        (&shop, on("delete", "shop", "pods", ""), verb("delete")),
        (&shop, on("*", "shop", "pods", ""), other_verb()),
        (&shop, on("", "shop", "pods", ""), other_verb()),
        (&shop, on("GET", "shop", "pods", ""), other_verb()),
        (&shop, on("get", "bar", "pods", ""), namespace()),
        (&shop, on("get", "", "pods", ""), nowhere()),
        (&shop, on("get", "", "nodes", ""), nowhere()),
        (&shop, on("get", "shop", "pods", "exec"), verb("create")),
        (
            &scope(&["shop"], &[]),
            json!({ "resourceAttributes": { "verb": "impersonate", "namespace": "shop", "resource": "serviceaccounts" } }),
            other_verb(),
        ),
        (
            &shop,
            json!({ "nonResourceAttributes": { "verb": "get", "path": "/metrics" } }),
            nowhere(),
        ),
        (
            &shop,
            json!({ "nonResourceAttributes": { "verb": "post", "path": "/version" } }),
            nowhere(),
        ),
        (
            &shop,
            json!({ "resourceAttributes": { "verb": "get", "namespace": "shop", "resource": "pods" },
                    "nonResourceAttributes": { "verb": "get", "path": "/metrics" } }),
            nowhere(),
        ),
    ] {
        assert_eq!(asked(scope, &spec), Some(expected), "{spec}");
    }
}

#[test]
fn a_review_in_protobuf_is_read_as_one_in_json() {
    let field = |number: u8, bytes: &[u8]| {
        [
            &[number << 3 | 2, u8::try_from(bytes.len()).unwrap()],
            bytes,
        ]
        .concat()
    };
    let body = |verb: &[u8], namespace: &[u8]| {
        let asked = [field(1, namespace), field(2, verb), field(5, b"pods")].concat();
        let object = field(2, &field(1, &asked));
        [b"k8s\0".as_slice(), &field(2, &object)].concat()
    };
    let world = World::new();
    let path = format!("{GROUP}/selfsubjectaccessreviews");
    let protobuf = [("content-type", "application/vnd.kubernetes.protobuf")];
    let send = |body: &[u8]| review(&world, reading_in_shop(), &path, &protobuf, body);
    let (_, _, flow) = send(&body(b"list", b"shop"));
    assert_eq!(flow, Flow::Continue);
    for (verb, namespace) in [
        (b"delete".as_slice(), b"shop".as_slice()),
        (b"list", b"bar"),
    ] {
        let (_, host, _) = send(&body(verb, namespace));
        let (status, told) = host.refusal();
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!((status, &told["status"]["allowed"]), (201, &json!(false)));
        assert_eq!(told["spec"]["resourceAttributes"]["resource"], "pods");
    }
    let rules = [b"k8s\0".as_slice(), &field(2, &field(2, &field(1, b"bar")))].concat();
    let path = format!("{GROUP}/selfsubjectrulesreviews");
    let (_, host, _) = review(&world, reading_in_shop(), &path, &protobuf, &rules);
    let (status, told) = host.refusal();
    assert!(
        status == 201 && told.contains("\"namespace\":\"bar\""),
        "{told}"
    );
}

#[test]
fn a_body_that_cannot_be_read_is_refused_in_the_shape_of_its_path() {
    let world = World::new();
    let good = access(
        &json!({ "resourceAttributes": { "verb": "get", "namespace": "shop", "resource": "pods" } }),
    );
    let twice =
        br#"{"spec":{"resourceAttributes":{"verb":"get","verb":"delete","namespace":"shop"}}}"#;
    let protobuf = ("content-type", "application/vnd.kubernetes.protobuf");
    let cbor = ("content-type", "application/cbor");
    let gzip = ("content-encoding", "gzip");
    let large = vec![b' '; (64 << 10) + 1];
    for (more, body, expected) in [
        (vec![protobuf], good.as_slice(), 400),
        (vec![cbor], &good, 415),
        (vec![("content-type", "application/yaml")], &good, 415),
        (vec![JSON, gzip], &good, 415),
        (vec![JSON], b"", 400),
        (vec![JSON], b"[]", 400),
        (
            vec![JSON],
            b"{\"spec\":{\"resourceAttributes\":{\"verb\":7}}}",
            400,
        ),
        (vec![JSON], twice, 400),
        (vec![JSON], &large, 413),
    ] {
        for (root, kind) in [(GROUP, "\"kind\":\"Status\""), (CUBE, "\"code\":")] {
            let path = format!("{root}/selfsubjectaccessreviews");
            let (_, host, flow) = review(&world, reading_in_shop(), &path, &more, body);
            assert_eq!(flow, Flow::Pause);
            let (status, told) = host.refusal();
            assert!(status == expected && told.contains(kind), "{status} {told}");
        }
    }
    let path = format!("{GROUP}/selfsubjectaccessreviews");
    let (_, _, flow) = review(&world, reading_in_shop(), &path, &[], &good);
    assert_eq!(flow, Flow::Continue);
}

#[test]
fn reviews_of_others_and_what_only_looks_like_one_stay_refused() {
    let world = World::new();
    for path in [
        "apis/authorization.k8s.io/v1/subjectaccessreviews",
        "apis/authorization.k8s.io/v1/namespaces/shop/localsubjectaccessreviews",
        "apis/authentication.k8s.io/v1/tokenreviews",
        "apis/authorization.k8s.io/v1/selfsubjectaccessreviews/x",
        "apis/authorization.k8s.io/v1/namespaces/bar/selfsubjectaccessreviews",
        "apis/authorization.k8s.io/v1beta1/selfsubjectaccessreviews",
        "apis/example.com/v1/selfsubjectaccessreviews",
        "api/v1/selfsubjectaccessreviews",
    ] {
        let path = format!("/clusters/pivot-cluster/{path}");
        let (_, host, flow) = review(&world, reading_in_shop(), &path, &[JSON], b"{}");
        assert_eq!(flow, Flow::Pause);
        assert_eq!(host.refusal().0, 403, "{path}");
    }
}

#[test]
fn who_one_is_is_asked_without_a_look_at_the_body() {
    let world = World::new();
    for version in ["v1", "v1beta1", "v1alpha1"] {
        let path = format!(
            "/clusters/pivot-cluster/apis/authentication.k8s.io/{version}/selfsubjectreviews"
        );
        let protobuf = ("content-type", "application/vnd.kubernetes.protobuf");
        let (_, host, flow) = review(&world, reading_in_shop(), &path, &[protobuf], b"");
        assert_eq!(flow, Flow::Continue, "{version}");
        assert!(host.reply.borrow().is_none());
    }
}

#[test]
fn a_key_that_is_bound_to_clusters_alone_asks_as_its_owner() {
    let world = World::new();
    let clusters = KeyScope {
        clusters: vec!["pivot-cluster".to_owned()],
        ..KeyScope::default()
    };
    let path = format!("{GROUP}/selfsubjectaccessreviews");
    let bearer = format!("Bearer {}", token(&world, clusters));
    let (_, _, flow) = world.send("POST", &path, &[("authorization", &bearer)]);
    assert_eq!(flow, Flow::Continue);
}

#[test]
fn rules_are_cut_to_both() {
    let world = World::new();
    let path = format!("{GROUP}/selfsubjectrulesreviews");
    let body = |namespace: &str| {
        serde_json::to_vec(&json!({ "spec": { "namespace": namespace } })).unwrap()
    };
    let (_, host, _) = review(&world, reading_in_shop(), &path, &[JSON], &body("bar"));
    let (status, told) = host.refusal();
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (status, &told["kind"]),
        (201, &json!("SelfSubjectRulesReview"))
    );
    assert_eq!(told["status"]["resourceRules"], json!([]));
    assert_eq!(told["status"]["nonResourceRules"], json!([]));

    let sent = [JSON, ("accept", "application/vnd.kubernetes.protobuf")];
    let (mut exchange, host, flow) = review(&world, reading_in_shop(), &path, &sent, &body("shop"));
    assert_eq!(flow, Flow::Continue);
    assert_eq!(
        host.request_header("accept").as_deref(),
        Some("application/json")
    );
    let answer = json!({
        "kind": "SelfSubjectRulesReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": {},
        "status": {
            "resourceRules": [{ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] }],
            "nonResourceRules": null, "incomplete": true, "evaluationError": "e",
        },
    });
    let answer = serde_json::to_vec(&answer).unwrap();
    let head = [(":status", "201"), ("content-type", "application/json")];
    let (first, rest) = answer.split_at(20);
    let got = host.answer(&mut exchange, &head, &[first, rest]);
    let got: Value = serde_json::from_slice(&got).unwrap();
    assert_eq!(
        got["status"],
        json!({
            "resourceRules": [{ "verbs": ["get", "list"], "apiGroups": ["*"], "resources": ["*"] }],
            "nonResourceRules": [], "incomplete": true, "evaluationError": "e",
        })
    );
    // What is no such answer tells nothing.
    let (mut exchange, host, _) = review(&world, reading_in_shop(), &path, &sent, &body("shop"));
    host.answer(&mut exchange, &head, &[b"{\"kind\":\"PodList\"}"]);
    assert_eq!(host.refusal().0, 502);
    let (mut exchange, host, _) = review(&world, reading_in_shop(), &path, &sent, &body("shop"));
    let forbidden = [(":status", "403"), ("content-type", "application/json")];
    assert_eq!(host.answer(&mut exchange, &forbidden, &[b"{}"]), b"{}");
}
