//! `Cluster` objects of KubeCube and KubeSphere on a real API server.

use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_tests::gateway::Options;
use cubegate_tests::stack::ApiServer;
use cubegate_tests::{Gateway, Site, Stack, block_on, kubeconfig, until};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{PATIENCE, listed, times_logged, until_listed, until_status};
use crate::gateway_role::apply;
use crate::support::kube;

const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const KUBECUBE: &str = "/apis/cluster.kubecube.io/v1/clusters";
const KUBESPHERE: &str = "/apis/cluster.kubesphere.io/v1alpha1/clusters";

/// How long an API server may take to serve a new resource, or a watch to find it.
const LONG: Duration = Duration::from_secs(60);

fn text() -> Value {
    json!({ "type": "string" })
}

fn bytes() -> Value {
    json!({ "type": "string", "format": "byte" })
}

fn yes_or_no() -> Value {
    json!({ "type": "boolean" })
}

/// A definition as the products have it, without descriptions and status.
fn crd(group: &str, version: &str, spec: &Value) -> Value {
    let schema = json!({ "type": "object", "properties": {
        "apiVersion": text(), "kind": text(), "metadata": { "type": "object" },
        "spec": { "type": "object", "properties": spec },
    } });
    json!({
        "metadata": { "name": format!("clusters.{group}") },
        "spec": {
            "group": group, "scope": "Cluster",
            "names": { "plural": "clusters", "singular": "cluster", "kind": "Cluster", "listKind": "ClusterList" },
            "versions": [{ "name": version, "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }],
        },
    })
}

fn kubecube_crd() -> Value {
    let spec = json!({
        "description": text(), "harborAddr": text(), "isMemberCluster": yes_or_no(), "kubeconfig": bytes(),
        "kubernetesAPIEndpoint": text(), "networkType": text(),
    });
    crd("cluster.kubecube.io", "v1", &spec)
}

fn kubesphere_crd() -> Value {
    let port = || json!({ "type": "integer" });
    let connection = json!({
        "externalKubernetesAPIEndpoint": text(), "kubeconfig": bytes(), "kubernetesAPIEndpoint": text(),
        "kubernetesAPIServerPort": port(), "kubesphereAPIEndpoint": text(), "kubesphereAPIServerPort": port(),
        "token": text(), "type": text(),
    });
    let spec = json!({
        "config": bytes(), "connection": { "type": "object", "properties": connection },
        "enable": yes_or_no(), "externalKubeAPIEnabled": yes_or_no(), "joinFederation": yes_or_no(),
        "provider": text(),
    });
    crd("cluster.kubesphere.io", "v1alpha1", &spec)
}

async fn install(server: &ApiServer, crd: &Value, path: &str) -> Result<()> {
    server.kube.create(CRDS, crd).await?;
    until(&format!("{path} is served"), LONG, async || {
        let status = server.kube.client().get(path).send().await?.status;
        Ok((status == 200).then_some(()))
    })
    .await
}

fn kubecube(name: &str, kubeconfig: &str, is_member: bool) -> Value {
    json!({
        "apiVersion": "cluster.kubecube.io/v1", "kind": "Cluster", "metadata": { "name": name },
        "spec": {
            "kubeconfig": STANDARD.encode(kubeconfig), "isMemberCluster": is_member,
            "kubernetesAPIEndpoint": "https://10.0.0.1:6443", "networkType": "calico",
        },
    })
}

fn kubesphere(name: &str, connection: &Value) -> Value {
    json!({
        "apiVersion": "cluster.kubesphere.io/v1alpha1", "kind": "Cluster", "metadata": { "name": name },
        "spec": { "enable": true, "connection": connection },
    })
}

async fn until_logged(gateway: &Gateway, words: &str) -> Result<()> {
    until(words, LONG, async || {
        Ok((times_logged(gateway, words)? > 0).then_some(()))
    })
    .await
}

#[test]
fn objects_of_kubecube_and_kubesphere_are_clusters_as_they_are_there() -> Result<()> {
    block_on(async {
        let stack = Stack::shared().await?;
        let server = ApiServer::with_newest_tls("sources-host").await?;
        let site = Site::new("objects")?;
        site.add_cluster("host", &server.gateway_kubeconfig, true)
            .await?;
        let flags = [
            "--clusters-from=kubecube,kubesphere",
            "--allow-cluster-address=127.0.0.0/8",
        ];
        let options = Options {
            flags: flags.map(str::to_owned).to_vec(),
            ..Options::default()
        };
        let gateway = Gateway::start(site, &options).await?;
        let site = gateway.site();
        let admin = gateway.admin().await?;
        let good = fs::read_to_string(&stack.member.gateway_kubeconfig)?;
        let namespace = stack.pivot.kube.namespace("sources").await?;
        let on_pivot = fs::read_to_string(&stack.pivot.gateway_kubeconfig)?;

        // Before the role is there, and before the resources are.
        until_logged(&gateway, "to list and watch clusters.cluster.kubecube.io").await?;
        let role = [
            "cluster",
            "manifest",
            "--subject-user=cubegate",
            "--name=clusters",
        ];
        let more = ["--no-flow-schema", "--clusters-from=kubecube,kubesphere"];
        apply(&server, &site.ok(&[&role[..], &more].concat()).await?).await?;
        until_logged(&gateway, "has no clusters.cluster.kubesphere.io").await?;
        install(&server, &kubecube_crd(), KUBECUBE).await?;
        install(&server, &kubesphere_crd(), KUBESPHERE).await?;

        let create = async |path: &str, object: &Value| server.kube.create(path, object).await;
        create(KUBECUBE, &kubecube("pivot-cluster", &on_pivot, false)).await?;
        create(KUBECUBE, &kubecube("cube-1", &good, true)).await?;
        let token = kubeconfig::document("https://10.0.0.1:1", None);
        let mut files = token.clone();
        files["users"][0]["user"] = json!({ "tokenFile": "/etc/passwd" });
        create(KUBECUBE, &kubecube("cube-files", &files.to_string(), true)).await?;
        let own = kubeconfig::document(&gateway.endpoints().control_plane, None);
        create(KUBECUBE, &kubecube("cube-own", &own.to_string(), true)).await?;
        create(KUBECUBE, &kubecube("host", &good, true)).await?;
        let direct = json!({ "type": "direct", "kubeconfig": STANDARD.encode(&good) });
        create(KUBESPHERE, &kubesphere("sphere-1", &direct)).await?;
        let waiting = json!({ "type": "proxy", "token": "t" });
        create(KUBESPHERE, &kubesphere("sphere-2", &waiting)).await?;
        let mut host = kubesphere("sphere-host", &direct);
        host["metadata"]["labels"] = json!({ "cluster-role.kubesphere.io/host": "" });
        create(KUBESPHERE, &host).await?;
        let mut off = kubesphere("sphere-off", &direct);
        off["spec"]["enable"] = json!(false);
        create(KUBESPHERE, &off).await?;

        // Each that can be used is there, and of each other one is told why.
        let expected = [
            ("cube-1", "kubecube"),
            ("host", "cli"),
            ("sphere-1", "kubesphere"),
        ];
        until("both are found", LONG, async || {
            Ok((listed(site).await?.len() == 3).then_some(()))
        })
        .await?;
        until_listed(site, "they are registered", &expected).await?;
        for name in ["cube-1", "sphere-1"] {
            until_status(&admin, &kube(name, "/version"), 200).await?;
        }
        for words in [
            "tokenFile of the kubeconfig points to a file",
            "where the gateway itself listens",
            "registered on the command line and stays as it is",
            "its agent has not connected",
        ] {
            until_logged(&gateway, words).await?;
        }
        let refused = admin
            .delete("/api/v1/cube/clusters/sphere-1")
            .send()
            .await?;
        let refused = refused.cube_error(400)?;
        ensure!(
            refused.contains("clusters.cluster.kubesphere.io"),
            "{refused}"
        );
        let refused = site.run(&["cluster", "remove", "cube-1"]).await?;
        let refused = refused.one_sentence()?;
        ensure!(
            refused.contains("clusters.cluster.kubecube.io"),
            "{refused}"
        );

        // An object that changes, one that gets its kubeconfig, and one that is switched on.
        let client = server.kube.client();
        let merge = async |path: String, patch: Value| {
            let patch = client
                .patch(&path)
                .header("content-type", "application/merge-patch+json")
                .body(patch.to_string());
            patch.send().await?.expect(200)
        };
        let there = kube("cube-1", &format!("/api/v1/namespaces/{namespace}"));
        until_status(&admin, &there, 404).await?;
        let other = json!({ "spec": { "kubeconfig": STANDARD.encode(&on_pivot) } });
        merge(format!("{KUBECUBE}/cube-1"), other).await?;
        until_status(&admin, &there, 200).await?;
        merge(
            format!("{KUBESPHERE}/sphere-2"),
            json!({ "spec": { "connection": direct } }),
        )
        .await?;
        until_status(&admin, &kube("sphere-2", "/version"), 200).await?;
        merge(
            format!("{KUBESPHERE}/sphere-1"),
            json!({ "spec": { "enable": false } }),
        )
        .await?;
        until_status(&admin, &kube("sphere-1", "/version"), 404).await?;
        server.kube.delete(&format!("{KUBECUBE}/cube-1")).await?;
        until_status(&admin, &kube("cube-1", "/version"), 404).await?;
        let rest = [("host", "cli"), ("sphere-2", "kubesphere")];
        until_listed(site, "the others stay", &rest).await?;

        // The definition goes, and all objects with it; and it comes back empty.
        let crd = format!("{CRDS}/clusters.cluster.kubesphere.io");
        create(KUBESPHERE, &kubesphere("sphere-3", &direct)).await?;
        until_status(&admin, &kube("sphere-3", "/version"), 200).await?;
        gateway.kill_control_plane().await?;
        server.kube.delete(&crd).await?;
        until("it is gone", LONG, async || {
            let status = client.get(KUBESPHERE).send().await?.status;
            Ok((status == 404).then_some(()))
        })
        .await?;
        gateway.restart_control_plane().await?;
        sleep(Duration::from_secs(5)).await;
        install(&server, &kubesphere_crd(), KUBESPHERE).await?;
        until_logged(&gateway, "is empty, and was not seen otherwise").await?;
        sleep(Duration::from_secs(4)).await;
        let kept = [
            ("host", "cli"),
            ("sphere-2", "kubesphere"),
            ("sphere-3", "kubesphere"),
        ];
        until_listed(site, "they stay", &kept).await?;
        until_status(&admin, &kube("sphere-2", "/version"), 200).await
    })
}

#[test]
fn a_host_cluster_that_is_away_removes_nothing_and_is_followed_again() -> Result<()> {
    block_on(async {
        let site = Site::new("objects-away")?;
        site.add_plain_cluster("host", 1).await?;
        let flags = vec!["--clusters-from=kubecube".to_owned()];
        let options = Options {
            flags,
            ..Options::default()
        };
        let gateway = Gateway::start(site, &options).await?;
        let words = "a source of clusters cannot be read; its clusters stay as they are";
        until("it is told", PATIENCE, async || {
            Ok((times_logged(&gateway, words)? > 0).then_some(()))
        })
        .await?;
        sleep(Duration::from_secs(5)).await;
        assert_eq!(times_logged(&gateway, words)?, 1);
        assert_eq!(listed(gateway.site()).await?.len(), 1);
        Ok(())
    })
}
