//! Every operation for everybody: who is let in, and who is not.

use std::collections::BTreeSet;
use std::time::Duration;

use cubegate_api_types::cube::message;
use cubegate_domain::{KeyAttributes, UserState};
use serde_json::Value;

use super::TestApp;

/// Whom an operation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    /// Anybody at all.
    All,
    /// Whoever has a token.
    Users,
    /// The user whom the path names, jeff, and administrators.
    Jeff,
    /// Administrators.
    Admins,
}

/// Method, path and whom it is for, of all endpoints.
const OPERATIONS: [(&str, &str, For); 73] = [
    ("POST", "/api/v1/cube/login", For::All),
    // It ends the session of the token that it is shown, if any.
    ("POST", "/api/v1/cube/logout", For::All),
    ("GET", "/api/v1/cube/key/token", For::All),
    ("POST", "/api/v1/cube/key/token", For::All),
    ("POST", "/api/v1/warden/authenticate", For::All),
    ("GET", "/api/v1/cube/key/create", For::Users),
    ("POST", "/api/v1/cube/key/create", For::Users),
    ("GET", "/api/v1/cube/key", For::Users),
    ("DELETE", "/api/v1/cube/key", For::Users),
    ("PUT", "/api/v1/cube/key", For::Users),
    ("POST", "/api/v1/cube/key/rotate", For::Users),
    ("PUT", "/api/v1/cube/user/pwd", For::Users),
    ("GET", "/api/v1/cube/clusters/info", For::Users),
    ("GET", "/api/v1/cube/clusters/namespaces", For::Users),
    ("GET", "/api/v1/cube/clusters/resources", For::Users),
    ("POST", "/api/v1/cube/authorization/access", For::Users),
    ("GET", "/api/v1/cube/authorization/identities", For::Users),
    ("GET", "/api/v1/cube/authorization/roles", For::Users),
    ("GET", "/api/v1/cube/authorization/clusterroles", For::Users),
    ("POST", "/api/v1/cube/authorization/bindings", For::Users),
    ("DELETE", "/api/v1/cube/authorization/bindings", For::Users),
    ("GET", EXTEND, For::Users),
    ("POST", EXTEND, For::Users),
    ("PUT", EXTEND, For::Users),
    ("PATCH", EXTEND, For::Users),
    ("DELETE", EXTEND, For::Users),
    ("GET", EXTEND_ONE, For::Users),
    ("POST", EXTEND_ONE, For::Users),
    ("PUT", EXTEND_ONE, For::Users),
    ("PATCH", EXTEND_ONE, For::Users),
    ("DELETE", EXTEND_ONE, For::Users),
    ("PUT", "/api/v1/cube/user/{name}", For::Jeff),
    ("GET", "/api/v1/cube/user/valid/{name}", For::Jeff),
    ("GET", "/api/v1/cube/user/kubeconfigs", For::Jeff),
    ("GET", "/api/v1/cube/user", For::Admins),
    ("POST", "/api/v1/cube/user/", For::Admins),
    ("POST", "/api/v1/cube/user/{name}/unlock", For::Admins),
    ("GET", "/api/v1/cube/user/{name}/groups", For::Admins),
    (
        "PUT",
        "/api/v1/cube/user/{name}/groups/{group}",
        For::Admins,
    ),
    (
        "DELETE",
        "/api/v1/cube/user/{name}/groups/{group}",
        For::Admins,
    ),
    ("GET", "/openapi.json", For::All),
    ("GET", "/healthz", For::All),
    ("GET", "/livez", For::All),
    ("GET", "/readyz", For::All),
    ("GET", "/kapis/version", For::All),
    ("GET", KAPIS_CLUSTERS, For::Users),
    ("GET", KAPIS_CLUSTER, For::Users),
    ("GET", "/version", For::All),
    ("GET", "/openapi/v2", For::All),
    ("GET", "/openapi/v3", For::All),
    ("GET", "/.well-known/openid-configuration", For::All),
    ("GET", "/oauth/keys", For::All),
    ("GET", "/oauth/authorize", For::All),
    ("POST", "/oauth/authorize", For::All),
    ("POST", "/oauth/authenticate", For::All),
    ("POST", "/oauth/revoke", For::All),
    ("POST", "/oauth/token", For::All),
    // It ends the session of the token that it is shown, if any.
    ("GET", "/oauth/logout", For::All),
    ("GET", "/oauth/userinfo", For::Users),
    ("GET", "/api/v1/cube/audit", For::Admins),
    ("GET", "/api/v1/cube/envoys", For::Admins),
    ("GET", "/api/v1/cube/keys", For::Admins),
    ("GET", "/api/v1/cube/clusters", For::Admins),
    ("POST", "/api/v1/cube/clusters", For::Admins),
    ("POST", "/api/v1/cube/clusters/check", For::Admins),
    ("DELETE", "/api/v1/cube/clusters/{name}", For::Admins),
    ("GET", "/api/v1/cube/nothing", For::Users),
    ("GET", WHOAMI, For::Users),
    ("GET", OWN_CLUSTERS, For::Users),
    ("GET", "/api/v1/cube/user/{name}/sessions", For::Jeff),
    ("DELETE", "/api/v1/cube/user/{name}/sessions", For::Jeff),
    (
        "DELETE",
        "/api/v1/cube/user/{name}/sessions/{id}",
        For::Jeff,
    ),
    // The last one: it is jeff who is deleted.
    ("DELETE", "/api/v1/cube/user/{name}", For::Admins),
];

const EXTEND: &str = "/api/v1/cube/extend/clusters/{cluster}/namespaces/{namespace}/{resource}";
const EXTEND_ONE: &str =
    "/api/v1/cube/extend/clusters/{cluster}/namespaces/{namespace}/{resource}/{name}";

/// These tell a bounded key's holder which clusters it is for.
const KAPIS_CLUSTERS: &str = "/kapis/resources.kubesphere.io/v1alpha3/clusters";
const KAPIS_CLUSTER: &str = "/kapis/resources.kubesphere.io/v1alpha3/clusters/{name}";

/// It tells nothing but whose the token is.
const WHOAMI: &str = "/api/v1/cube/whoami";

/// As the list of KubeSphere.
const OWN_CLUSTERS: &str = "/api/v1/cube/whoami/clusters";

/// No row of the router, but what every other path answers.
const NOTHING: &str = "/api/v1/cube/nothing";

#[test]
fn the_matrix_has_every_endpoint() {
    let document: Value = serde_json::from_str(&crate::openapi()).unwrap();
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            described.insert((method.to_ascii_uppercase(), path.clone()));
        }
    }
    let tested: BTreeSet<_> = OPERATIONS
        .iter()
        .filter(|(_, path, _)| ![NOTHING, EXTEND, EXTEND_ONE].contains(path))
        .map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()))
        .collect();
    assert_eq!(described, tested);
}

#[tokio::test]
async fn every_operation_lets_in_whom_it_is_for() {
    let app = TestApp::new().await;
    app.add_user("bob", "bobPass123", UserState::Normal, &[])
        .await;
    for (method, path, whom) in OPERATIONS {
        let mut path = path.to_owned();
        for variable in [
            "{cluster}",
            "{namespace}",
            "{resource}",
            "{name}",
            "{group}",
            "{id}",
        ] {
            path = path.replace(variable, "jeff");
        }
        if path.ends_with("/kubeconfigs") {
            path.push_str("?user=jeff");
        }
        for who in ["", "jeff", "bob", "admin", "locked"] {
            let headers = match who {
                "" => Vec::new(),
                who => vec![app.bearer(who).await],
            };
            let got = app
                .send(method, &path, &headers, "{}")
                .await
                .status
                .as_u16();
            let wanted = match (whom, who) {
                (For::All, _) => None,
                (_, "" | "locked") => Some(401),
                (For::Jeff, "bob") | (For::Admins, "jeff" | "bob") => Some(403),
                _ => None,
            };
            match wanted {
                Some(code) => assert_eq!(got, code, "{method} {path} by {who:?}"),
                None if whom == For::All => assert!(got < 500, "{method} {path} by {who:?}: {got}"),
                None => assert!(
                    ![401, 403, 500].contains(&got),
                    "{method} {path} by {who:?}: {got}"
                ),
            }
        }
    }
}

#[tokio::test]
async fn a_token_of_a_bounded_key_is_for_clusters_only() {
    let app = TestApp::new().await;
    let now = app.state.clock.now();
    let attributes = KeyAttributes {
        expires_at: Some(now + Duration::from_mins(30)),
        ..KeyAttributes::default()
    };
    let store = &app.state.store;
    let pair = store.create_key_with("admin", attributes, now).await;
    let key = store.get_key(&pair.unwrap().access_key).await.unwrap();
    let user = store.get_user("admin").await.unwrap().unwrap();
    let issuer = &app.state.issuer;
    let token = issuer.issue_from_key(&user, &key.unwrap(), now).unwrap();
    let headers = [("authorization", format!("Bearer {}", token.token))];
    let mut refused = 0;
    for (method, path, whom) in OPERATIONS {
        if whom == For::All || [KAPIS_CLUSTERS, KAPIS_CLUSTER, OWN_CLUSTERS, WHOAMI].contains(&path)
        {
            continue;
        }
        let answer = app.send_in_vain(method, path, &headers, "{}").await;
        assert_eq!(answer.status, 403, "{method} {path}");
        assert!(
            answer.body.contains(message::BOUNDED_KEY),
            "{}",
            answer.body
        );
        refused += 1;
    }
    assert!(refused > 30);
}
