//! Which cluster a path means.

use super::*;

#[test]
fn a_cluster_is_named_before_or_within_the_path_or_is_the_host() -> Result<()> {
    in_the_sphere(async |world| {
        let admin = world.gateway.admin().await?;
        let here = world.stack.pivot.kube.namespace("here").await?;
        let there = world.stack.member.kube.namespace("there").await?;
        let one = |name: &str| (vec![name.to_owned()], 1);
        for (prefix, name) in [
            ("/kapis", &here),
            ("/clusters/pivot-cluster/kapis", &here),
            ("/clusters/host/kapis", &here),
            ("/kapis/clusters/host", &here),
            ("/clusters/member-1/kapis", &there),
            ("/kapis/clusters/member-1", &there),
        ] {
            let path = format!(
                "{prefix}/resources.kubesphere.io/v1alpha3/namespaces?names={here},{there}"
            );
            let found = list(&admin, &path).await?;
            ensure!(found == one(name), "{path}: {found:?}");
        }
        for (path, name) in [
            ("/api/v1/namespaces", &here),
            ("/clusters/host/api/v1/namespaces", &here),
            ("/api/clusters/pivot-cluster/v1/namespaces", &here),
            ("/clusters/member-1/api/v1/namespaces", &there),
            ("/api/clusters/member-1/v1/namespaces", &there),
        ] {
            let answer = admin.get(&format!("{path}/{name}")).send().await?;
            answer.expect(200).with_context(|| path.to_owned())?;
        }
        let roles = "rbac.authorization.k8s.io/v1/clusterroles/view";
        for path in [
            format!("/apis/{roles}"),
            format!("/apis/clusters/member-1/{roles}"),
        ] {
            admin.get(&path).send().await?.expect(200)?;
        }
        for path in [
            format!("/clusters/zzz{KAPIS}/nodes"),
            "/kapis/clusters/zzz/resources.kubesphere.io/v1alpha3/nodes".to_owned(),
            "/apis/clusters/zzz/apps/v1/deployments".to_owned(),
        ] {
            let answer = admin.get(&path).send().await?;
            let message = answer.kube_error(404)?;
            ensure!(message == "cluster zzz not found", "{path}: {message}");
        }
        // What is nobody's is a plain 404, for everybody.
        for client in [&admin, world.gateway.client()] {
            let path = "/kapis/iam.kubesphere.io/v1alpha2/login";
            let answer = client.post(path).json(&json!({})).send().await?;
            ensure!(answer.expect(404)?.text() == "404 page not found\n");
        }
        Ok(())
    })
}

/// Through its own gateway, since it moves the host.
#[test]
fn the_host_moves_and_goes_with_its_cluster() -> Result<()> {
    block_on(async {
        let stack = Stack::shared().await?;
        let gateway = World::gateway_with("sphere-host", stack, &options()).await?;
        let admin = gateway.admin().await?;
        let site = gateway.site();
        let here = stack.pivot.kube.namespace("here").await?;
        let there = stack.member.kube.namespace("there").await?;
        let found = |name: &str| format!("{KAPIS}/namespaces/{name}");
        until_status(&admin, &found(&here), 200).await?;
        let shown = site.ok(&["cluster", "list"]).await?;
        ensure!(hosts(&shown) == ["pivot-cluster"], "{shown}");

        let said = site.ok(&["cluster", "host", "member-1"]).await?;
        ensure!(said.contains("member-1 is the host cluster"), "{said}");
        until_status(&admin, &found(&there), 200).await?;
        until_status(&admin, &format!("/api/v1/namespaces/{there}"), 200).await?;
        admin.get(&found(&here)).send().await?.expect(404)?;
        let info = admin
            .get("/api/v1/cube/clusters/info")
            .send()
            .await?
            .json()?;
        let items = info["items"].as_array().cloned().unwrap_or_default();
        for item in items {
            let is_host = item["clusterName"] == "member-1";
            ensure!(item["isMemberCluster"] == json!(!is_host), "{item}");
        }
        let refused = site.run(&["cluster", "host", "nope"]).await?;
        ensure!(refused.one_sentence()?.contains("cluster nope not found"));

        let said = site.ok(&["cluster", "remove", "member-1"]).await?;
        ensure!(said.contains("there is no host cluster now"), "{said}");
        let gone = until_status(&admin, "/api/v1/namespaces", 404).await?;
        gone.kube_error(404)?;
        admin.get(&found(&here)).send().await?.expect(404)?;
        let path = format!("/clusters/member-1{KAPIS}/namespaces");
        let message = admin.get(&path).send().await?.kube_error(404)?;
        ensure!(message == "cluster member-1 not found", "{message}");
        let path = format!("/clusters/pivot-cluster{}", found(&here));
        admin.get(&path).send().await?.expect(200)?;

        // The next one that is added is the host.
        let kubeconfig = &stack.member.gateway_kubeconfig;
        site.add_cluster("member-2", kubeconfig, true).await?;
        until_status(&admin, &found(&there), 200).await?;
        let kubeconfig = stack.pivot.gateway_kubeconfig.display().to_string();
        let add = ["cluster", "add", "third", "--kubeconfig", &kubeconfig];
        site.ok(&[&add[..], &["--host"]].concat()).await?;
        until_status(&admin, &found(&here), 200).await?;
        let shown = site.ok(&["cluster", "list"]).await?;
        ensure!(hosts(&shown) == ["third"], "{shown}");
        gateway.health().check().await?;
        gateway.stop().await
    })
}

/// The names of the rows of `cluster list` that are the host.
fn hosts(shown: &str) -> Vec<&str> {
    let rows = shown.lines().skip(1);
    let hosts = rows.filter(|row| row.split_whitespace().any(|word| word == "yes"));
    hosts
        .filter_map(|row| row.split_whitespace().next())
        .collect()
}
