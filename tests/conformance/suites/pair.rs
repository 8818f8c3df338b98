//! Two API servers that are made alike, with Kubernetes' controllers: cases of the suites count what a cluster has, so
//! each way has one of its own.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::gateway::{Options, free_port};
use cubegate_tests::stack::ApiServer;
use cubegate_tests::{Gateway, Run, Site};
use serde_json::json;
use tokio::process::{Child, Command};

use crate::sides::Side;

/// Whom the suite of kubectl acts as, and asks about. Its own API server allows everybody everything
/// (`AlwaysAllow`); these decide by RBAC.
const USERS: [&str; 2] = ["user1", "bob"];

/// As members of which groups it acts.
const GROUPS: [&str; 3] = ["group1", "group2", ",,,chameleon"];

/// The token of `admin` at the one that is spoken to directly.
const TOKEN: &str = "a-token-of-the-suites";

/// The node that the suites find. Nobody runs pods there.
const NODE: &str = "127.0.0.1";

pub(super) struct Pair {
    servers: [ApiServer; 2],
    gateway: Gateway,
}

/// One way to one of them, with the token by which it knows the user.
pub(super) struct Way {
    pub(super) side: Side,
    pub(super) token: String,
}

// === impl Pair ===

impl Pair {
    pub(super) async fn start() -> Result<Self> {
        let file = Run::current()?.folder("tokens")?.join("tokens.csv");
        std::fs::write(
            &file,
            format!("{TOKEN},admin,admin,\"cubegate:admins,kubecube\"\n"),
        )?;
        let servers = tokio::try_join!(
            ApiServer::with_token_file("suites-direct", &file),
            ApiServer::with_token_file("suites-through", &file)
        )?;
        let servers: [ApiServer; 2] = servers.into();
        for server in &servers {
            prepare(server).await?;
        }
        let site = Site::new("suites")?;
        // The first one is the host cluster: a path that lost its cluster leads there, and to neither of the two.
        let host = ApiServer::with_token_file("suites-host", &file).await?;
        let [_, through] = &servers;
        for server in [&host, through] {
            site.add_cluster(&server.name, &server.gateway_kubeconfig, true)
                .await?;
        }
        let gateway = Gateway::start(site, &Options::default()).await?;
        let admin = gateway.admin().await?;
        gateway.wait_for_cluster(&admin, &through.name).await?;
        Ok(Self { servers, gateway })
    }

    /// Kubernetes' controllers at both, as long as the value lives.
    pub(super) fn controllers(&self, programs: &Path) -> Result<[Child; 2]> {
        let [direct, through] = &self.servers;
        Ok([
            controllers(programs, direct)?,
            controllers(programs, through)?,
        ])
    }

    /// Directly, and through the gateway by a new token: each is good for an hour.
    pub(super) async fn ways(&self) -> Result<[Way; 2]> {
        let [direct, through] = &self.servers;
        let token = self.gateway.new_token("admin").await?;
        Ok([
            Way {
                side: Side::direct_with_token(direct, TOKEN)?,
                token: TOKEN.to_owned(),
            },
            Way {
                side: Side::through(&self.gateway, &through.name, &token)?,
                token,
            },
        ])
    }

    /// The version of both.
    pub(super) async fn server_version(&self) -> Result<String> {
        let mut versions = Vec::new();
        for server in &self.servers {
            let version = server.kube.get("/version").await?.json()?;
            let version = version
                .get("gitVersion")
                .and_then(|version| version.as_str());
            versions.push(version.context("no version")?.to_owned());
        }
        versions.dedup();
        ensure!(versions.len() == 1, "the servers are of {versions:?}");
        versions.pop().context("no version")
    }
}

/// What the suites take for granted.
async fn prepare(server: &ApiServer) -> Result<()> {
    let kube = &server.kube;
    for user in USERS {
        kube.make_cluster_admin(user).await?;
    }
    for group in GROUPS {
        kube.let_the_gateway_give(group).await?;
    }
    let node = json!({
        "metadata": { "name": NODE },
        "status": { "capacity": { "memory": "1Gi" } },
    });
    kube.create("/api/v1/nodes", &node).await?;
    Ok(())
}

/// Kubernetes' controllers at one. They run in its folder.
fn controllers(programs: &Path, server: &ApiServer) -> Result<Child> {
    let dir = server.kubeconfig.parent().context("no folder")?;
    let log = std::fs::File::create(dir.join("kube-controller-manager.log"))?;
    let file = |flag: &str, path: &str| format!("--{flag}={}", dir.join(path).display());
    let child = Command::new("setpriv")
        .current_dir(dir)
        .args(["--pdeathsig", "KILL"])
        .arg(programs.join("bin/kube-controller-manager"))
        .args([
            file("kubeconfig", "kubeconfig"),
            file("root-ca-file", "pki/ca.crt"),
            file("cluster-signing-cert-file", "pki/ca.crt"),
            file("cluster-signing-key-file", "pki/ca.key"),
            file("cert-dir", "controllers"),
            format!("--secure-port={}", free_port()?),
        ])
        .args([
            "--bind-address=127.0.0.1",
            "--port=0",
            "--leader-elect=false",
        ])
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true)
        .spawn();
    child.context("kube-controller-manager cannot be started")
}
