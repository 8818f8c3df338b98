//! What KubeCube's API says of clusters and rights, read from real API servers as the
//! one who asks.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::kube::{Rule, Subject};
use cubegate_tests::run::unique;
use cubegate_tests::stack::ApiServer;
use cubegate_tests::{Client, until};
use serde_json::{Value, json};

use crate::support::{World, in_the_world};

/// An API server sees a new binding when its own cache has it.
const PATIENCE: Duration = Duration::from_secs(10);

/// What Kubernetes' role `view` is made of; without a controller that is empty.
const VIEW: &str = "system:aggregate-to-view";

async fn get(client: &Client, path: &str) -> Result<Value> {
    let path = format!("/api/v1/cube{path}");
    client.get(&path).send().await?.expect(200)?.json()
}

/// `member-1` in `clusters/info`.
async fn member_info(client: &Client) -> Result<Value> {
    let mut list = get(client, "/clusters/info?cluster=member-1").await?;
    assert_eq!(list["total"], json!(1));
    Ok(list["items"][0].take())
}

fn number(value: &Value) -> Result<u64> {
    value
        .as_u64()
        .with_context(|| format!("{value} is no number"))
}

/// `12Mi`
fn mebibytes(value: &Value) -> Result<u64> {
    let number = value.as_str().and_then(|text| text.strip_suffix("Mi"));
    Ok(number.context("no Mi")?.parse()?)
}

/// The server of the host cluster: the one that is no member.
async fn host<'a>(world: &'a World, client: &Client) -> Result<&'a ApiServer> {
    let list = get(client, "/clusters/info").await?;
    let items = list["items"].as_array().context("no items")?;
    let host: Vec<_> = items
        .iter()
        .filter(|item| item["isMemberCluster"] == json!(false))
        .collect();
    let [host] = host.as_slice() else {
        anyhow::bail!("not one host cluster: {list}");
    };
    let stack = world.stack;
    [&stack.pivot, &stack.member]
        .into_iter()
        .find(|server| host["clusterName"] == json!(server.name))
        .context("a host cluster of another test")
}

#[test]
fn what_a_cluster_has_is_told_as_far_as_the_caller_may_see_it() -> Result<()> {
    in_the_world(async |world| {
        let kube = &world.stack.member.kube;
        let admin = world.gateway.admin().await?;
        let resources = async || get(&admin, "/clusters/resources?cluster=member-1").await;
        let (info, before) = (member_info(&admin).await?, resources().await?);
        let node = format!("node-{}", unique());
        let object = json!({
            "metadata": { "name": node },
            "status": { "capacity": {
                "cpu": "4", "memory": "8Gi", "ephemeral-storage": "10Gi", "nvidia.com/gpu": "2",
            } },
        });
        kube.create("/api/v1/nodes", &object).await?;
        let namespace = kube.namespace("inventory").await?;
        let pod = json!({
            "metadata": { "name": "p" },
            "spec": { "containers": [{
                "name": "main", "image": "nginx:1.14",
                "resources": { "requests": { "cpu": "250m", "memory": "64Mi" } },
            }] },
        });
        kube.create(&format!("/api/v1/namespaces/{namespace}/pods"), &pod)
            .await?;

        let (info_after, after) = (member_info(&admin).await?, resources().await?);
        let user = format!("nobody-{}", unique());
        let nobody = world.gateway.user(&user, &[]).await?;
        let unseen = member_info(&nobody).await?;
        let unread = get(&nobody, "/clusters/resources?cluster=member-1").await?;
        kube.delete(&format!("/api/v1/nodes/{node}")).await?;

        for (name, more) in [
            ("nodeCount", 1),
            ("totalCpu", 4_000),
            ("totalMem", 8_192),
            ("totalStorageEphemeral", 10_240),
            ("totalGpu", 2),
        ] {
            let grown = number(&info_after[name])? - number(&info[name])?;
            assert_eq!(grown, more, "{name}");
            assert_eq!(unseen[name], json!(0), "{name}");
        }
        // Other tests make namespaces, too.
        ensure!(number(&info_after["namespaceCount"])? > number(&info["namespaceCount"])?);
        assert_eq!(unseen["namespaceCount"], json!(0));
        for info in [&info_after, &unseen] {
            assert_eq!(info["status"], json!("normal"));
        }
        for (name, more) in [
            ("capacityCpu", 4_000),
            ("assignedCpu", 250),
            ("capacityGpu", 2),
        ] {
            let grown = number(&after[name])? - number(&before[name])?;
            assert_eq!(grown, more, "{name}");
            assert_eq!(unread[name], json!(0), "{name}");
        }
        for (name, more) in [("capacityMem", 8_192), ("assignedMem", 64)] {
            let grown = mebibytes(&after[name])? - mebibytes(&before[name])?;
            assert_eq!(grown, more, "{name}");
            assert_eq!(unread[name], json!("0Mi"), "{name}");
        }
        let unknown = "/api/v1/cube/clusters/info?cluster=nowhere";
        let answer = admin.get(unknown).send().await?;
        assert_eq!(answer.cube_error(400)?, "cluster nowhere not found.");
        Ok(())
    })
}

#[test]
fn the_clusters_of_a_namespace_are_those_where_the_caller_may_read_it() -> Result<()> {
    in_the_world(async |world| {
        let kube = &world.stack.member.kube;
        let admin = world.gateway.admin().await?;
        let user = format!("reader-{}", unique());
        let client = world.gateway.user(&user, &[]).await?;
        let namespace = kube.namespace("found").await?;
        let path = format!("/clusters/namespaces?namespace={namespace}");
        let found = json!({ "items": ["member-1"], "total": 1 });
        assert_eq!(get(&admin, &path).await?, found);
        let nothing = json!({ "items": [], "total": 0 });
        assert_eq!(get(&client, &path).await?, nothing);
        let rule = Rule {
            group: "",
            resources: &["namespaces"],
            verbs: &["get"],
        };
        kube.grant(&namespace, Subject::User(&user), &[rule])
            .await?;
        until("the user may read it", PATIENCE, || async {
            Ok((get(&client, &path).await? == found).then_some(()))
        })
        .await
    })
}

#[test]
fn rights_in_the_host_cluster_are_what_its_api_server_says() -> Result<()> {
    in_the_world(async |world| {
        let admin = world.gateway.admin().await?;
        let host = host(world, &admin).await?;
        let user = format!("bound-{}", unique());
        let client = world.gateway.user(&user, &[]).await?;
        let namespace = host.kube.namespace("bound").await?;
        let question = json!({
            "user": user, "verb": "list", "resource": "pods", "namespace": namespace,
        });
        let may = async |client: &Client| {
            let path = "/api/v1/cube/authorization/access";
            let answer = client.post(path).json(&question).send().await?;
            answer.expect(200)?.json()
        };
        assert_eq!(may(&client).await?, json!(false));

        // A user gives nothing away; an administrator of the cluster does.
        let bindings = "/api/v1/cube/authorization/bindings";
        let binding = json!({
            "metadata": { "name": "viewer", "namespace": namespace },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": VIEW },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user }],
        });
        let refused = client.post(bindings).json(&binding).send().await?;
        let message = refused.cube_error(403)?;
        ensure!(message.contains(&user), "{message}");
        let made = admin.post(bindings).json(&binding).send().await?;
        assert_eq!(made.expect(200)?.json()?, json!("success"));
        for who in [&client, &admin] {
            until("the binding is in force", PATIENCE, || async {
                Ok((may(who).await? == json!(true)).then_some(()))
            })
            .await?;
        }

        let identities = |user: &str| format!("/authorization/identities?user={user}");
        let told = get(&client, &identities(&user)).await?;
        let plain = json!({ "platformAdmin": false, "tenantAdmin": false, "projectAdmin": false });
        assert_eq!(told, plain);
        let told = get(&admin, &identities("admin")).await?;
        assert_eq!(told["platformAdmin"], json!(true));

        let rule = Rule {
            group: "",
            resources: &["pods"],
            verbs: &["get"],
        };
        host.kube
            .grant(&namespace, Subject::User(&user), &[rule])
            .await?;
        let roles = get(
            &admin,
            &format!("/authorization/roles?namespace={namespace}"),
        )
        .await?;
        assert_eq!(roles["total"], json!(1));
        let cluster_roles = get(&admin, "/authorization/clusterroles").await?;
        let items = cluster_roles["items"].as_array().context("no items")?;
        let is_view = |item: &Value| item["metadata"]["name"] == json!(VIEW);
        ensure!(items.iter().any(is_view), "no cluster role {VIEW}");

        let path = format!("{bindings}?name=viewer&namespace={namespace}");
        let gone = admin.delete(&path).send().await?;
        assert_eq!(gone.expect(200)?.json()?, json!("success"));
        until("the binding is gone", PATIENCE, || async {
            Ok((may(&client).await? == json!(false)).then_some(()))
        })
        .await
    })
}
