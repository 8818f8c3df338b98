//! `cubegate serve`, and an Envoy that runs elsewhere: each started by hand, as an operator does.

mod envoy;

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::cli::Site;
use crate::client::Client;
use crate::gateway::{ADMIN_PASSWORD, free_port};
use crate::run::Run;
use crate::tls::{Identity, read_pem};
use crate::until::until;

/// Longest time until a program answers.
const START: Duration = Duration::from_secs(60);

/// A control plane alone. It ends with the value.
pub struct Serve {
    site: Site,
    listen: u16,
    api: u16,
    xds: u16,
    metrics: String,
    process: Child,
}

/// An Envoy of that control plane. It ends with the value.
pub struct Elsewhere {
    certs: PathBuf,
    log: PathBuf,
    admin: Client,
    metrics: String,
    process: Child,
}

/// Starts the process on these ports, of its Envoys' listener, of the API and of xDS.
fn spawn(
    site: &Site,
    [listen, api, xds]: [u16; 3],
    metrics: &str,
    flags: &[&str],
) -> Result<Child> {
    let address = |port: u16| format!("127.0.0.1:{port}");
    let (listen, api, xds) = (address(listen), address(api), address(xds));
    let filter = site.artifacts().filter.display().to_string();
    let data = site.data_dir().display().to_string();
    let mut arguments = vec![
        "serve",
        "--plain",
        "--data-dir",
        &data,
        "--filter",
        &filter,
        "--listen",
        &listen,
        "--api-listen",
        &api,
        "--metrics-listen",
        metrics,
        "--xds-listen",
        &xds,
        "--admin-password",
        ADMIN_PASSWORD,
    ];
    arguments.extend(flags);
    let log = File::create(site.dir().join("serve.log"))?;
    let process = site
        .command(&arguments)
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    // Where the reaper looks.
    let pid = format!("{}\n", process.id().unwrap_or_default());
    fs::write(site.dir().join("up.pid"), pid)?;
    Ok(process)
}

// === impl Serve ===

impl Serve {
    /// Starts one on what the site has, with these flags, and waits until it answers.
    ///
    /// # Errors
    /// One that does not come up.
    pub async fn start(site: Site, flags: &[&str]) -> Result<Self> {
        Self::start_at(site, free_port()?, flags).await
    }

    /// Starts one whose Envoys listen on this port, as those of another one may.
    ///
    /// # Errors
    /// One that does not come up.
    pub async fn start_at(site: Site, listen: u16, flags: &[&str]) -> Result<Self> {
        Self::start_on(site, [listen, free_port()?, free_port()?], flags).await
    }

    /// Starts one on these ports, where another one may have been: of its Envoys' listener, of
    /// the API and of xDS.
    ///
    /// # Errors
    /// One that does not come up.
    pub async fn start_on(
        site: Site,
        [listen, api, xds]: [u16; 3],
        flags: &[&str],
    ) -> Result<Self> {
        Run::current()?.guard_gateway(site.dir())?;
        let metrics = format!("127.0.0.1:{}", free_port()?);
        let process = spawn(&site, [listen, api, xds], &metrics, flags)?;
        let serve = Self {
            site,
            listen,
            api,
            xds,
            metrics: format!("http://{metrics}/metrics"),
            process,
        };
        serve.until_it_answers().await?;
        Ok(serve)
    }

    /// Stops it as [`Self::stop`] does, and starts another one in its place, with these flags.
    ///
    /// # Errors
    /// One that does not end, or another one that does not come up.
    pub async fn restart(&mut self, flags: &[&str]) -> Result<()> {
        self.stop().await?;
        let metrics = self.metrics.trim_start_matches("http://");
        let metrics = metrics.trim_end_matches("/metrics");
        let ports = [self.listen, self.api, self.xds];
        self.process = spawn(&self.site, ports, metrics, flags)?;
        self.until_it_answers().await
    }

    async fn until_it_answers(&self) -> Result<()> {
        until("the control plane answers", START, || async {
            let Ok(client) = self.client(None) else {
                return Ok(None);
            };
            let answer = client.get("/readyz").send().await;
            Ok(answer
                .is_ok_and(|answer| answer.status == 200)
                .then_some(()))
        })
        .await
    }

    /// Its data directory and commands.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Where its Envoys listen.
    ///
    /// # Errors
    /// Never.
    pub fn listener(&self) -> Result<Client> {
        Client::plain(&format!("http://127.0.0.1:{}", self.listen))
    }

    /// Kills it.
    ///
    /// # Errors
    /// A process that cannot be ended.
    pub async fn kill(&mut self) -> Result<()> {
        Ok(self.process.kill().await?)
    }

    /// Its process, while there is one.
    pub fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// Asks it to stop, as an operator does (SIGTERM), and waits for its end.
    ///
    /// # Errors
    /// One that does not end, or not with exit code 0.
    pub async fn stop(&mut self) -> Result<()> {
        stop(&mut self.process).await
    }

    /// Its log.
    ///
    /// # Errors
    /// A log that cannot be read.
    pub fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(self.site.dir().join("serve.log"))?)
    }

    /// Where its metrics are read.
    pub fn metrics(&self) -> &str {
        &self.metrics
    }

    /// The port of its Envoys.
    pub fn listen(&self) -> u16 {
        self.listen
    }

    /// `HOST:PORT` of xDS.
    pub fn xds_address(&self) -> String {
        format!("127.0.0.1:{}", self.xds)
    }

    /// A client of the HTTP API.
    ///
    /// # Errors
    /// A CA that cannot be read.
    pub fn client(&self, identity: Option<&Identity>) -> Result<Client> {
        let ca = read_pem(&self.site.xds_ca())?;
        Client::tls(&format!("https://127.0.0.1:{}", self.api), &ca, identity)
    }

    /// The bootstrap of an Envoy whose files lie in the folder `certs` of the site; they
    /// are written as well when `write` says so.
    ///
    /// # Errors
    /// The command's.
    pub async fn bootstrap(&self, node: &str, certs: &str, write: bool) -> Result<String> {
        self.bootstrap_for(node, certs, write, &[]).await
    }

    /// The same for an Envoy that knows these control planes, too.
    ///
    /// # Errors
    /// The command's.
    pub async fn bootstrap_for(
        &self,
        node: &str,
        certs: &str,
        write: bool,
        others: &[&Self],
    ) -> Result<String> {
        let others: Vec<_> = others
            .iter()
            .map(|other| (other.xds_address(), format!("127.0.0.1:{}", other.api)))
            .collect();
        let mut flags = Vec::new();
        for (xds, api) in &others {
            flags.extend(["--xds-address", xds.as_str(), "--api-address", api]);
        }
        self.bootstrap_with(node, certs, write, &flags).await
    }

    /// The same with these flags.
    ///
    /// # Errors
    /// The command's.
    pub async fn bootstrap_with(
        &self,
        node: &str,
        certs: &str,
        write: bool,
        flags: &[&str],
    ) -> Result<String> {
        let certs = self.site.dir().join(certs).display().to_string();
        let (xds, api) = (self.xds_address(), format!("127.0.0.1:{}", self.api));
        let admin = format!("127.0.0.1:{}", free_port()?);
        let metrics = format!("127.0.0.1:{}", free_port()?);
        let mut arguments = vec![
            "bootstrap",
            "--node-id",
            node,
            "--xds-address",
            &xds,
            "--api-address",
            &api,
            "--envoy-admin",
            &admin,
            "--metrics-listen",
            &metrics,
            "--certs",
            &certs,
        ];
        if write {
            arguments.extend(["--write-certs", &certs]);
        }
        arguments.extend(flags);
        self.site.ok(&arguments).await
    }

    /// Starts an Envoy with that bootstrap.
    ///
    /// # Errors
    /// An Envoy that does not start.
    pub async fn envoy(&self, certs: &str, bootstrap: &str) -> Result<Elsewhere> {
        self.envoy_with(certs, bootstrap, &[]).await
    }

    /// The same with further flags of Envoy.
    ///
    /// # Errors
    /// An Envoy that does not start.
    pub async fn envoy_with(
        &self,
        certs: &str,
        bootstrap: &str,
        flags: &[&str],
    ) -> Result<Elsewhere> {
        let document: serde_json::Value = serde_saphyr::from_str(bootstrap)?;
        let port = document
            .pointer("/admin/address/socket_address/port_value")
            .context("a bootstrap without an admin page")?;
        let listener = "/static_resources/listeners/0/address/socket_address/port_value";
        let metrics = document.pointer(listener).context("no metrics")?;
        let folder = self.site.data_dir().join("envoy");
        fs::create_dir_all(&folder)?;
        let config = folder.join(format!("{certs}-{port}.yaml"));
        fs::write(&config, bootstrap)?;
        let path = self.site.dir().join(format!("{certs}-{port}.log"));
        let log = File::create(&path)?;
        let process = Command::new(&self.site.artifacts().envoy)
            .arg("--config-path")
            .arg(&config)
            .args([
                "--disable-hot-restart",
                "--concurrency",
                "1",
                "--log-level",
                "info",
            ])
            .args(flags)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let pid = format!("{}\n", process.id().unwrap_or_default());
        fs::write(folder.join("envoy.pid"), pid)?;
        let mut elsewhere = Elsewhere {
            certs: self.site.dir().join(certs),
            log: path,
            admin: Client::plain(&format!("http://127.0.0.1:{port}"))?,
            metrics: format!("http://127.0.0.1:{metrics}/metrics"),
            process,
        };
        until("Envoy's admin page answers", START, || {
            let ended = elsewhere.process.try_wait();
            let (admin, log) = (elsewhere.admin.clone(), elsewhere.log.clone());
            async move {
                if ended?.is_some() {
                    bail!("it ended: {}", fs::read_to_string(log)?);
                }
                let answer = admin.get("/server_info").send().await;
                Ok(answer.is_ok().then_some(()))
            }
        })
        .await?;
        Ok(elsewhere)
    }
}

async fn stop(process: &mut Child) -> Result<()> {
    let pid = process.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    kill_process(pid.context("it has ended")?, Signal::TERM)?;
    let status = tokio::time::timeout(START, process.wait())
        .await
        .context("it does not end after SIGTERM")??;
    ensure!(status.success(), "it ended with {status}");
    Ok(())
}
