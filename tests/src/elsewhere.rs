//! `cubegate serve`, and an Envoy that runs elsewhere: each started by hand, as an operator does.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
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
    _process: Child,
}

/// An Envoy of that control plane. It ends with the value.
pub struct Elsewhere {
    certs: PathBuf,
    log: PathBuf,
    admin: Client,
    process: Child,
}

// === impl Serve ===

impl Serve {
    /// Starts one on what the site has, with these flags, and waits until it answers.
    ///
    /// # Errors
    /// One that does not come up.
    pub async fn start(site: Site, flags: &[&str]) -> Result<Self> {
        Run::current()?.guard_gateway(site.dir())?;
        let (listen, api, xds) = (free_port()?, free_port()?, free_port()?);
        let address = |port: u16| format!("127.0.0.1:{port}");
        let (listen_at, api_at, xds_at) = (address(listen), address(api), address(xds));
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
            &listen_at,
            "--api-listen",
            &api_at,
            "--xds-listen",
            &xds_at,
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
        let serve = Self {
            site,
            listen,
            api,
            xds,
            _process: process,
        };
        until("the control plane answers", START, || async {
            let Ok(client) = serve.client(None) else {
                return Ok(None);
            };
            let answer = client.get("/readyz").send().await;
            Ok(answer
                .is_ok_and(|answer| answer.status == 200)
                .then_some(()))
        })
        .await?;
        Ok(serve)
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

    /// `HOST:PORT` of xDS.
    pub fn xds_address(&self) -> String {
        format!("127.0.0.1:{}", self.xds)
    }

    /// A client of the HTTP API.
    ///
    /// # Errors
    /// A CA that cannot be read.
    pub fn client(&self, identity: Option<&Identity>) -> Result<Client> {
        let ca = read_pem(&self.site.data_dir().join("pki/xds-ca.crt"))?;
        Client::tls(&format!("https://127.0.0.1:{}", self.api), &ca, identity)
    }

    /// The bootstrap of an Envoy whose files lie in the folder `certs` of the site; they
    /// are written as well when `write` says so.
    ///
    /// # Errors
    /// The command's.
    pub async fn bootstrap(&self, node: &str, certs: &str, write: bool) -> Result<String> {
        let certs = self.site.dir().join(certs).display().to_string();
        let (xds, api) = (self.xds_address(), format!("127.0.0.1:{}", self.api));
        let admin = format!("127.0.0.1:{}", free_port()?);
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
            "--certs",
            &certs,
        ];
        if write {
            arguments.extend(["--write-certs", &certs]);
        }
        self.site.ok(&arguments).await
    }

    /// Starts an Envoy with that bootstrap.
    ///
    /// # Errors
    /// An Envoy that does not start.
    pub async fn envoy(&self, certs: &str, bootstrap: &str) -> Result<Elsewhere> {
        let document: serde_json::Value = serde_yaml_ng::from_str(bootstrap)?;
        let port = document
            .pointer("/admin/address/socket_address/port_value")
            .context("a bootstrap without an admin page")?;
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

// === impl Elsewhere ===

impl Elsewhere {
    /// The folder with its certificate.
    pub fn certs(&self) -> &PathBuf {
        &self.certs
    }

    /// Its log.
    ///
    /// # Errors
    /// A log that cannot be read.
    pub fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.log)?)
    }

    /// Whether it serves.
    ///
    /// # Errors
    /// An admin page that does not answer.
    pub async fn is_ready(&self) -> Result<bool> {
        Ok(self.admin.get("/ready").send().await?.status == 200)
    }

    /// Whether it has an Envoy cluster of this name.
    ///
    /// # Errors
    /// An admin page that does not answer.
    pub async fn has_cluster(&self, name: &str) -> Result<bool> {
        let text = self
            .admin
            .get("/clusters")
            .send()
            .await?
            .expect(200)?
            .text();
        Ok(text
            .lines()
            .any(|line| line.starts_with(&format!("{name}::"))))
    }

    /// A counter or gauge.
    ///
    /// # Errors
    /// An admin page that does not answer, or one without it.
    pub async fn stat(&self, name: &str) -> Result<u64> {
        let path = format!("/stats?filter=^{name}$");
        let text = self.admin.get(&path).send().await?.expect(200)?.text();
        let value = text.trim().rsplit_once(": ").context("no such counter")?.1;
        Ok(value.parse()?)
    }
}
