//! An Envoy with a static configuration, and no control plane.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::artifacts::{Artifacts, root};
use crate::client::Client;
use crate::envoy;
use crate::gateway::free_port;
use crate::run::Run;
use crate::until::until;

/// A module is compiled in it.
const START: Duration = Duration::from_secs(60);

/// A whole configuration and where it leads.
pub struct Config {
    /// What Envoy reads.
    pub document: Value,
    /// The URL of the admin page.
    pub admin: String,
    /// The URLs of the listeners by their names.
    pub bases: BTreeMap<&'static str, String>,
}

/// A running Envoy. It ends with the value, and at the latest with the run.
pub struct Envoy {
    child: Child,
    pid: u32,
    dir: PathBuf,
    bases: BTreeMap<&'static str, String>,
    admin: Client,
}

/// The listener of [`shipped`].
pub const LISTENER: &str = "gateway";

/// Where the manager of HTTP connections is in it.
pub const CONNECTION_MANAGER: &str =
    "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";

/// The environment variable by which [`shipped`] takes tokens under its secret.
const SECRET_VARIABLE: &str = "TEST_SECRET";

/// `envoy/static.yaml` with the built filter before an upstream in clear on this port,
/// its cluster `member-1`. It takes KubeCube's tokens under `secret`, and clients in
/// clear.
///
/// # Errors
/// A shipped file of another form.
pub fn shipped(upstream: u16, secret: &str) -> Result<Config> {
    let text = fs::read_to_string(root().join("envoy/static.yaml"))?;
    let mut document: Value = serde_saphyr::from_str(&text)?;
    let (listen, admin) = (free_port()?, free_port()?);
    *at(&mut document, "/admin/address")? = address(admin);
    let clusters = at(&mut document, "/static_resources/clusters")?;
    let options = at(clusters, "/1/typed_extension_protocol_options")?.clone();
    for cluster in clusters.as_array_mut().into_iter().flatten() {
        let endpoint = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address";
        *at(cluster, endpoint)? = address(upstream);
        *at(cluster, "/typed_extension_protocol_options")? = options.clone();
        in_clear(cluster);
    }
    let listener = at(&mut document, "/static_resources/listeners/0")?;
    *at(listener, "/address")? = address(listen);
    in_clear(at(listener, "/filter_chains/0")?);
    let module = Artifacts::find()?.filter;
    for filter in filters(&mut document)? {
        let Ok(config) = at(filter, "/typed_config/config") else {
            continue;
        };
        *at(config, "/vm_config/code/local/filename")? = json!(module);
        if let Some(vm) = at(config, "/vm_config")?.as_object_mut() {
            let variables = json!({ "key_values": { SECRET_VARIABLE: secret } });
            vm.insert("environment_variables".to_owned(), variables);
        }
    }
    change_document(&mut document, |filter| {
        filter.insert(
            "tokens".to_owned(),
            json!({ "hs256": { "secret_env": SECRET_VARIABLE } }),
        );
    })?;
    Ok(Config {
        document,
        admin: format!("http://127.0.0.1:{admin}"),
        bases: BTreeMap::from([(LISTENER, format!("http://127.0.0.1:{listen}"))]),
    })
}

/// The HTTP filters of [`shipped`].
///
/// # Errors
/// A shipped file of another form.
pub fn filters(document: &mut Value) -> Result<&mut Vec<Value>> {
    at(document, CONNECTION_MANAGER)?
        .get_mut("http_filters")
        .and_then(Value::as_array_mut)
        .context("envoy/static.yaml has no filters any more")
}

/// Changes what the filter of [`shipped`] is told.
///
/// # Errors
/// A shipped file of another form.
pub fn change_document(
    document: &mut Value,
    change: impl FnOnce(&mut serde_json::Map<String, Value>),
) -> Result<()> {
    let bringer = filters(document)?
        .iter_mut()
        .find(|filter| filter.get("name") == Some(&json!("cubegate-config")))
        .context("envoy/static.yaml tells the filter nothing any more")?;
    let told = at(bringer, "/typed_config/config/configuration/value")?;
    let mut parsed = serde_json::from_str(told.as_str().context("no text")?)?;
    change(&mut parsed);
    *told = json!(serde_json::to_string(&parsed)?);
    Ok(())
}

fn in_clear(part: &mut Value) {
    if let Some(part) = part.as_object_mut() {
        part.remove("transport_socket");
    }
}

/// An address of this machine, as Envoy's configuration has it.
pub fn address(port: u16) -> Value {
    json!({ "socket_address": { "address": "127.0.0.1", "port_value": port } })
}

/// What stands at this place of a configuration.
///
/// # Errors
/// Nothing.
pub fn at<'a>(value: &'a mut Value, pointer: &str) -> Result<&'a mut Value> {
    value
        .pointer_mut(pointer)
        .with_context(|| format!("envoy/static.yaml has no {pointer} any more"))
}

// === impl Envoy ===

impl Envoy {
    /// Starts one with so many workers on what `configure` makes of its folder, and
    /// waits until its listeners serve.
    ///
    /// # Errors
    /// One that does not come up, with what it said.
    pub async fn start(
        name: &str,
        workers: usize,
        configure: impl FnOnce(&Path) -> Result<Config>,
    ) -> Result<Self> {
        let dir = Run::current()?.folder(name)?;
        let Config {
            document,
            admin,
            bases,
        } = configure(&dir)?;
        let file = dir.join("envoy.json");
        fs::write(&file, serde_json::to_vec_pretty(&document)?)?;
        let workers = workers.to_string();
        Self::launch(dir, &file, &["--concurrency", &workers], &admin, bases).await
    }

    /// Starts one on a file, in a folder of its own, as `envoy -c FILE` does it, and waits
    /// until its listeners serve. `admin` is the URL of its admin page.
    ///
    /// # Errors
    /// One that does not come up, with what it said.
    pub async fn launch(
        dir: PathBuf,
        file: &Path,
        flags: &[&str],
        admin: &str,
        bases: BTreeMap<&'static str, String>,
    ) -> Result<Self> {
        let artifacts = Artifacts::find()?;
        let log = fs::File::create(dir.join("envoy.log"))?;
        // The reaper ends what `up.pid` names, should we be killed.
        Run::current()?.guard_gateway(&dir)?;
        let child = Command::new(&artifacts.envoy)
            .arg("-c")
            .arg(file)
            .args(flags)
            .args(["--disable-hot-restart", "--log-level", "warning"])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started", artifacts.envoy.display()))?;
        let pid = child.id().context("Envoy ended at once")?;
        fs::write(dir.join("up.pid"), format!("{pid}\n"))?;
        let mut envoy = Self {
            child,
            pid,
            dir,
            bases,
            admin: Client::plain(admin)?,
        };
        envoy.wait().await?;
        Ok(envoy)
    }

    async fn wait(&mut self) -> Result<()> {
        let client = &self.admin;
        let child = &mut self.child;
        let ready = until("Envoy is ready", START, || {
            let ended = child.try_wait();
            async move {
                if let Some(status) = ended? {
                    bail!("it ended: {status}");
                }
                // Nobody listens yet.
                let Ok(answer) = client.get("/ready").send().await else {
                    return Ok(None);
                };
                Ok((answer.status == 200).then_some(()))
            }
        });
        ready.await.with_context(|| {
            let log = self.dir.join("envoy.log");
            let said = fs::read_to_string(&log).unwrap_or_default();
            format!("{} says:\n{said}", log.display())
        })
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The URL of a listener.
    ///
    /// # Errors
    /// A listener that the configuration does not have.
    pub fn base(&self, listener: &str) -> Result<String> {
        let base = self.bases.get(listener);
        base.cloned()
            .with_context(|| format!("no listener {listener}"))
    }

    /// What matches of its counters and gauges.
    ///
    /// # Errors
    /// An Envoy that does not answer.
    pub async fn stats(&self, filter: &str) -> Result<BTreeMap<String, u64>> {
        envoy::stats(&self.admin, filter).await
    }

    /// Its admin page.
    pub fn admin(&self) -> &Client {
        &self.admin
    }

    /// The memory that it has in use, in bytes.
    ///
    /// # Errors
    /// An Envoy that is gone.
    pub fn resident_bytes(&self) -> Result<u64> {
        envoy::resident_bytes(self.pid)
    }

    /// The most that it had in use since [`reset_peak`](Self::reset_peak), in bytes.
    ///
    /// # Errors
    /// An Envoy that is gone.
    pub fn peak_bytes(&self) -> Result<u64> {
        envoy::memory(self.pid, "VmHWM:")
    }

    /// Lets the kernel begin anew with the peak (`clear_refs`, see proc(5)).
    ///
    /// # Errors
    /// A kernel without it.
    pub fn reset_peak(&self) -> Result<()> {
        let path = format!("/proc/{}/clear_refs", self.pid);
        fs::write(&path, "5").with_context(|| format!("{path} cannot be written"))
    }
}
