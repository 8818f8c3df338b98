//! A TCP load balancer before several gateways: an Envoy that knows nothing of ours. Which
//! addresses it sends to stands in a file, as the endpoints of a Kubernetes service would.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::cli::Site;
use crate::client::Client;
use crate::gateway::free_port;
use crate::until::until;

/// Longest time until it follows its file.
const FOLLOWS: Duration = Duration::from_secs(20);

/// The balancer. It ends with the value.
pub struct Balancer {
    listen: u16,
    admin: Client,
    endpoints: PathBuf,
    _process: Child,
}

// === impl Balancer ===

impl Balancer {
    /// Starts one in the folder of a site, before these ports of this machine.
    ///
    /// # Errors
    /// One that does not come up.
    pub async fn start(site: &Site, ports: &[u16]) -> Result<Self> {
        let (listen, admin) = (free_port()?, free_port()?);
        let folder = site.dir().join("balancer");
        fs::create_dir_all(&folder)?;
        let endpoints = folder.join("endpoints.json");
        write(&endpoints, ports)?;
        let config = folder.join("balancer.json");
        let address =
            |port: u16| json!({ "socket_address": { "address": "127.0.0.1", "port_value": port } });
        let proxy = json!({
            "name": "envoy.filters.network.tcp_proxy",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
                "stat_prefix": "balancer", "cluster": "gateways",
            },
        });
        let document = json!({
            "node": { "id": "balancer", "cluster": "balancer" },
            "admin": { "address": address(admin) },
            "static_resources": {
                "listeners": [{ "name": "in", "address": address(listen), "filter_chains": [{ "filters": [proxy] }] }],
                "clusters": [{
                    "name": "gateways", "type": "EDS", "connect_timeout": "2s",
                    "eds_cluster_config": { "eds_config": {
                        "resource_api_version": "V3",
                        "path_config_source": { "path": endpoints, "watched_directory": { "path": folder } },
                    } },
                }],
            },
        });
        fs::write(&config, document.to_string())?;
        let process = Command::new(&site.artifacts().envoy)
            .arg("--config-path")
            .arg(&config)
            .args([
                "--disable-hot-restart",
                "--concurrency",
                "1",
                "--log-level",
                "warning",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("balancer.log"))?)
            .kill_on_drop(true)
            .spawn()
            .context("the balancer cannot be started")?;
        let balancer = Self {
            listen,
            admin: Client::plain(&format!("http://127.0.0.1:{admin}"))?,
            endpoints,
            _process: process,
        };
        balancer.wait_for(ports).await?;
        Ok(balancer)
    }

    /// The URL of what is behind it.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.listen)
    }

    /// Sends new connections to these ports alone, and waits until it does. Connections that
    /// there are go on.
    ///
    /// # Errors
    /// One that does not follow.
    pub async fn send_to(&self, ports: &[u16]) -> Result<()> {
        write(&self.endpoints, ports)?;
        self.wait_for(ports).await
    }

    async fn wait_for(&self, ports: &[u16]) -> Result<()> {
        until("the balancer follows", FOLLOWS, || async {
            let Ok(answer) = self.admin.get("/clusters?format=json").send().await else {
                return Ok(None);
            };
            let status: Value = answer.expect(200)?.json()?;
            let Some(hosts) = status
                .pointer("/cluster_statuses/0/host_statuses")
                .and_then(Value::as_array)
            else {
                return Ok(None);
            };
            let port = |host: &Value| host.pointer("/address/socket_address/port_value")?.as_u64();
            let mut there: Vec<_> = hosts.iter().filter_map(port).collect();
            there.sort_unstable();
            let mut wanted: Vec<_> = ports.iter().copied().map(u64::from).collect();
            wanted.sort_unstable();
            Ok((there == wanted).then_some(()))
        })
        .await
    }
}

/// Envoy takes a file that is moved to its place.
fn write(path: &PathBuf, ports: &[u16]) -> Result<()> {
    if ports.is_empty() {
        bail!("a balancer with nobody behind it");
    }
    let endpoint = |port: &u16| json!({ "endpoint": { "address": { "socket_address": { "address": "127.0.0.1", "port_value": port } } } });
    let endpoints: Vec<_> = ports.iter().map(endpoint).collect();
    let document = json!({ "resources": [{
        "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": "gateways",
        "endpoints": [{ "lb_endpoints": endpoints }],
    }] });
    let new = path.with_extension("new");
    fs::write(&new, document.to_string())?;
    fs::rename(&new, path)?;
    Ok(())
}
