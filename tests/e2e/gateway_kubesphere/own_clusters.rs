//! The clusters that the gateway itself has, in KubeSphere's form.

use super::*;

const CLUSTERS: &str = "/kapis/resources.kubesphere.io/v1alpha3/clusters";

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// A new user who is nobody in the clusters, and a token of a key that is for one of them.
async fn somebody(world: &World) -> Result<(String, Client)> {
    let site = world.gateway.site();
    let user = format!("lister-{}", unique());
    site.add_user(&user, "a good Passw0rd").await?;
    let flags = ["--cluster=member-1", "--namespace=shop", "--verb=get"];
    let key = site.create_key_with(&user, &flags).await?;
    let token = world.gateway.exchange(&key).await?;
    Ok((user, world.gateway.client().with_bearer(&token)?))
}

#[test]
fn the_registered_clusters_are_listed_as_far_as_a_token_reaches() -> Result<()> {
    in_the_sphere(async |world| {
        let (user, of_a_key) = somebody(world).await?;
        let client = world.gateway.client();
        let admin = world.gateway.admin().await?;
        // Which of them is the host is known with its discovery.
        until_status(&admin, CLUSTERS, 200).await?;
        let both = vec!["member-1".to_owned(), "pivot-cluster".to_owned()];
        let sorted = format!("{CLUSTERS}?sortBy=name&ascending=true");
        ensure!(list(&admin, &sorted).await? == (both.clone(), 2));
        let answer = client
            .get(&sorted)
            .header("authorization", basic(&user, "a good Passw0rd"));
        let answer = answer.send().await?.expect(200)?;
        ensure!(answer.names()? == both, "{}", answer.describe());
        for secret in ["token", "certificate", "kubeconfig", "PRIVATE"] {
            ensure!(!answer.text().contains(secret), "{}", answer.text());
        }
        let host = format!("{CLUSTERS}?labelSelector=cluster-role.kubesphere.io/host");
        ensure!(list(&admin, &host).await? == (vec!["pivot-cluster".to_owned()], 1));

        // A key that is for the other one does not reach the host, and asks all the same.
        ensure!(list(&of_a_key, &sorted).await? == (vec!["member-1".to_owned()], 1));
        let one = of_a_key
            .get(&format!("{CLUSTERS}/member-1"))
            .send()
            .await?
            .expect(200)?
            .json()?;
        ensure!(one["kind"] == "Cluster" && one["apiVersion"] == "cluster.kubesphere.io/v1alpha1");
        let answer = of_a_key
            .get(&format!("{CLUSTERS}/pivot-cluster"))
            .send()
            .await?;
        ensure!(answer.expect(404)?.text() == "Cluster \"pivot-cluster\" not found\n");

        // Of somebody else's password, or nobody's.
        let wrong = client
            .get(CLUSTERS)
            .header("authorization", basic(&user, "wrong"));
        wrong.send().await?.kube_error(401)?;
        client.get(CLUSTERS).send().await?.kube_error(403)?;
        Ok(())
    })
}

#[test]
fn a_host_that_is_a_kubesphere_lists_its_own() -> Result<()> {
    block_on(async {
        let stack = Stack::shared().await?;
        let gateway = World::gateway_with("sphere-clusters", stack, &options()).await?;
        let admin = gateway.admin().await?;
        gateway.site().ok(&["cluster", "host", "member-1"]).await?;
        until_status(&admin, CLUSTERS, 200).await?;
        let kube = &stack.member.kube;
        let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        kube.create(
            definitions,
            &json!({
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": { "name": "clusters.cluster.kubesphere.io" },
                "spec": {
                    "group": "cluster.kubesphere.io", "scope": "Cluster",
                    "names": { "kind": "Cluster", "plural": "clusters" },
                    "versions": [{
                        "name": "v1alpha1", "served": true, "storage": true,
                        "schema": { "openAPIV3Schema": {
                            "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                        } },
                    }],
                },
            }),
        )
        .await?;
        until("the host's own clusters", PATIENCE, async || {
            let answer = admin.get(CLUSTERS).send().await?;
            if answer.status != 200 {
                return Ok(None);
            }
            Ok((answer.json()?["totalItems"] == 0).then_some(()))
        })
        .await?;
        // Others share this API server.
        kube.delete(&format!("{definitions}/clusters.cluster.kubesphere.io"))
            .await?;
        gateway.health().check().await
    })
}
