use cubegate_testing::{cluster, serve};
use serde_json::{Value, json};

use super::{Capacity, Identity, Inventory, MemberClient, ReadError};

fn mk_identity() -> Identity {
    Identity {
        user: "jeff".to_owned(),
        groups: vec!["dev".to_owned()],
    }
}

fn mk_reader(answer: fn(&str) -> (u16, String)) -> MemberClient {
    let cluster = cluster("member-1", &serve(answer));
    MemberClient::new(&cluster, &mk_identity()).unwrap()
}

fn list(items: &[Value], next: &str) -> (u16, String) {
    let metadata = json!({ "continue": next, "remainingItemCount": 41 });
    let body = json!({ "kind": "List", "metadata": metadata, "items": items });
    (200, body.to_string())
}

#[tokio::test]
async fn what_a_cluster_has_is_summed_over_all_pieces() {
    let reader = mk_reader(|head| {
        let path = head.split([' ', '?']).nth(1).unwrap_or_default();
        let is_first = !head.contains("continue=");
        match path {
            "/api/v1/nodes" => {
                let capacity = json!({
                    "cpu": "2", "memory": "1Gi", "ephemeral-storage": "10Gi",
                    "nvidia.com/gpu": "1", "example.com/other": "7", "pods": "x",
                });
                let node = json!({ "metadata": {}, "status": { "capacity": capacity } });
                list(&[node, json!({})], if is_first { "a&b" } else { "" })
            }
            "/api/v1/namespaces" => list(&[json!({})], ""),
            "/api/v1/persistentvolumes" => (200, r#"{"items":null}"#.to_owned()),
            "/api/v1/pods" => {
                let asks =
                    json!({ "resources": { "requests": { "cpu": "100m", "memory": "1Mi" } } });
                let pod = json!({ "spec": { "containers": [asks, {}, asks] } });
                let over =
                    json!({ "spec": { "containers": [asks] }, "status": { "phase": "Failed" } });
                list(&[pod, over, json!({ "spec": { "containers": null } })], "")
            }
            _ => (404, String::new()),
        }
    });
    let has = reader.inventory().await.unwrap();
    assert_eq!((has.nodes, has.namespaces), (4, 42));
    assert_eq!((has.cpu.total, has.memory.total), (4_000, 2_048));
    assert_eq!((has.ephemeral.total, has.gpu.total), (20_480, 2));
    assert_eq!(has.storage, Capacity::default());
    let assigned = reader.assigned().await.unwrap();
    assert_eq!((assigned.cpu.used, assigned.memory.used), (200, 2));
}

#[tokio::test]
async fn what_may_not_be_seen_is_nothing_and_a_credential_that_is_refused_is_an_error() {
    let forbidden = mk_reader(|_| (403, r#"{"code":403,"message":"no"}"#.to_owned()));
    assert_eq!(forbidden.inventory().await, Ok(Inventory::default()));
    let refused = mk_reader(|_| (401, r#"{"code":401,"message":"Unauthorized"}"#.to_owned()));
    let error = refused.inventory().await.unwrap_err();
    assert!(
        matches!(error, ReadError::Refused { code: 401, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_list_without_an_end_is_not_read_to_it() {
    let reader = mk_reader(|_| list(&[json!({})], "more"));
    // Also where the time would do.
    let endless = reader.each("/api/v1/nodes", |_: Value| {}).await;
    let Err(ReadError::Failed(why)) = endless else {
        panic!("{endless:?}");
    };
    assert_eq!(why, "/api/v1/nodes has more than 500 pieces");
}

#[tokio::test]
async fn roles_that_somebody_is_bound_to_are_bounded() {
    fn binding(role: &str, kind: &str, name: &str) -> Value {
        let subjects = [json!({ "kind": kind, "name": name })];
        json!({ "subjects": subjects, "roleRef": { "kind": "ClusterRole", "name": role } })
    }
    let few = mk_reader(|_| {
        let long = "x".repeat(254);
        list(
            &[
                binding("one", "User", "jeff"),
                binding("two", "Group", "dev"),
                binding("others", "User", "dev"),
                binding(&long, "User", "jeff"),
                json!({ "subjects": null, "roleRef": { "kind": "ClusterRole", "name": "none" } }),
                json!({ "roleRef": { "kind": "ClusterRole", "name": "none" } }),
            ],
            "",
        )
    });
    let roles = few.bound_roles(&mk_identity()).await.unwrap();
    assert_eq!(roles.into_iter().collect::<Vec<_>>(), ["one", "two"]);

    let many = mk_reader(|_| {
        let bindings: Vec<_> = (0..1_001)
            .map(|n| binding(&format!("r{n}"), "User", "jeff"))
            .collect();
        list(&bindings, "")
    });
    let many = many.bound_roles(&mk_identity()).await;
    assert!(matches!(many, Err(ReadError::Failed(_))), "{many:?}");

    let subjects = mk_reader(|_| {
        let subjects = vec![json!({}); 10_001];
        list(&[json!({ "subjects": subjects, "roleRef": {} })], "")
    });
    let subjects = subjects.bound_roles(&mk_identity()).await;
    assert!(
        matches!(subjects, Err(ReadError::Failed(_))),
        "{subjects:?}"
    );
}
