//! A running gateway: `cubegate up` on a data directory of its own.

mod health;
mod process;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use tokio::sync::OnceCell;

use crate::cli::{KeyPair, Site};
use crate::client::{Answer, Client};
use crate::raw::RawServer;
use crate::tls::{Identity, read_pem};
use crate::until::until;

pub use health::Health;
use process::Process;
pub use process::free_port;

/// The password of `admin` in every gateway of the tests.
pub const ADMIN_PASSWORD: &str = "Admin123456";

/// How a gateway is started.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// HTTP instead of HTTPS.
    pub plain: bool,
    /// Plain KubeCube tokens under this secret.
    pub hs256_secret: Option<String>,
    /// Where clients connect, a port of this machine; a free one when absent.
    pub listen: Option<u16>,
    /// Whether another Envoy stands by.
    pub standby: bool,
    /// Another program than Envoy itself.
    pub envoy: Option<PathBuf>,
    /// More flags.
    pub flags: Vec<String>,
}

/// `endpoints.json`.
#[derive(Debug, Clone, Deserialize)]
pub struct Endpoints {
    /// Where clients connect.
    pub gateway: String,
    /// The HTTP API without Envoy before it.
    pub control_plane: String,
    /// The CA of its certificate.
    pub control_plane_ca: PathBuf,
    /// Envoy's admin page.
    pub envoy_admin: String,
    /// Where Envoy's metrics are read.
    pub envoy_metrics: String,
    /// Where the control plane's are read.
    pub metrics: String,
    /// Where Envoy gets its configuration.
    pub xds: String,
    /// The CA of the listener's certificate, when it has one.
    pub ca: Option<PathBuf>,
}

/// A running gateway. It ends with the value, and at the latest with the run.
pub struct Gateway {
    site: Site,
    process: Process,
    endpoints: Endpoints,
    client: Client,
    ca: Option<Vec<u8>>,
    health: Health,
    admin_token: OnceCell<String>,
}

// === impl Gateway ===

impl Gateway {
    /// Starts one on what the site has, and waits until it answers.
    ///
    /// # Errors
    /// A gateway that does not come up, with what it said.
    pub async fn start(site: Site, options: &Options) -> Result<Self> {
        let process = Process::new(&site, options)?;
        let endpoints = process.up(&site).await?;
        let ca = endpoints.ca.as_deref().map(read_pem).transpose()?;
        let client = client_of(&endpoints, ca.as_deref())?;
        let health = Health::now(&site, &endpoints)?;
        let admin_token = OnceCell::new();
        Ok(Self {
            site,
            process,
            endpoints,
            client,
            ca,
            health,
            admin_token,
        })
    }

    /// Its data directory and commands.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Where its parts can be reached.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// A client of it, without a credential.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Another one, on connections of its own: what is taken late over the first does not
    /// keep its answers waiting.
    ///
    /// # Errors
    /// Never for a gateway that runs.
    pub fn client_apart(&self) -> Result<Client> {
        client_of(&self.endpoints, self.ca())
    }

    /// The CA of its certificate, when it serves TLS.
    pub fn ca_file(&self) -> Option<&Path> {
        self.endpoints.ca.as_deref()
    }

    /// The CA itself.
    pub fn ca(&self) -> Option<&[u8]> {
        self.ca.as_deref()
    }

    /// The same server for requests that are bytes.
    ///
    /// # Errors
    /// Never for a gateway that runs.
    pub fn raw(&self) -> Result<RawServer> {
        RawServer::new(&self.endpoints.gateway, self.ca.clone())
    }

    /// The files by which its Envoy proves itself to the control plane.
    pub fn envoy_files(&self) -> PathBuf {
        self.site.data_dir().join("envoy/xds")
    }

    /// What its Envoy proves itself with.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn envoy_identity(&self) -> Result<Identity> {
        // Certificate and key are one file.
        let pem = read_pem(&self.envoy_files().join("tls.pem"))?;
        Ok(Identity {
            certificate: pem.clone(),
            key: pem,
        })
    }

    /// A client of the control plane itself, past Envoy.
    ///
    /// # Errors
    /// A CA that cannot be read.
    pub fn control_plane(&self, identity: Option<&Identity>) -> Result<Client> {
        let ca = read_pem(&self.endpoints.control_plane_ca)?;
        Client::tls(&self.endpoints.control_plane, &ca, identity)
    }

    /// Whether Envoy is as it was when the gateway came up.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Kills the control plane as nothing can be prepared for (SIGKILL).
    ///
    /// # Errors
    /// When it does not run.
    pub async fn kill_control_plane(&self) -> Result<()> {
        self.process.kill().await
    }

    /// Starts it again on the same data directory; the Envoy goes on.
    ///
    /// # Errors
    /// A control plane that does not come up.
    pub async fn restart_control_plane(&self) -> Result<Endpoints> {
        self.process.up(&self.site).await
    }

    /// Asks it to stop, as an operator does (SIGTERM), and waits for its end.
    ///
    /// # Errors
    /// One that does not end, or not with exit code 0.
    pub async fn stop(&self) -> Result<()> {
        self.process.stop().await
    }

    /// A token of `admin`, always the same: a user may own five keys.
    ///
    /// # Errors
    /// No token.
    pub async fn admin_token(&self) -> Result<&str> {
        let token = self
            .admin_token
            .get_or_try_init(|| self.new_token("admin"))
            .await?;
        Ok(token)
    }

    /// A client with the token of `admin`.
    ///
    /// # Errors
    /// No token.
    pub async fn admin(&self) -> Result<Client> {
        self.client.with_bearer(self.admin_token().await?)
    }

    /// A new user in these groups, and a client with a token of it.
    ///
    /// # Errors
    /// A user that cannot be made.
    pub async fn user(&self, name: &str, groups: &[&str]) -> Result<Client> {
        let mut arguments = vec!["user", "add", name, "--password", "a good Passw0rd"];
        for group in groups {
            arguments.extend(["--group", group]);
        }
        self.site.ok(&arguments).await?;
        self.client.with_bearer(&self.new_token(name).await?)
    }

    /// A token of this user, made from a new access key.
    ///
    /// # Errors
    /// A user that gets none.
    pub async fn new_token(&self, user: &str) -> Result<String> {
        self.exchange(&self.site.create_key(user).await?).await
    }

    /// An access token of a login with a password, both of letters and digits.
    ///
    /// # Errors
    /// A login that is refused.
    pub async fn log_in(&self, user: &str, password: &str) -> Result<String> {
        let form = format!("grant_type=password&username={user}&password={password}");
        let [access, _] = self.client.tokens(form).await?;
        Ok(access)
    }

    /// A token made from this access key.
    ///
    /// # Errors
    /// A key that gives none.
    pub async fn exchange(&self, key: &KeyPair) -> Result<String> {
        let answer = self.try_exchange(key).await?.expect(200)?.json()?;
        let token = answer.get("token").and_then(|token| token.as_str());
        token
            .map(str::to_owned)
            .context("an answer without a token")
    }

    /// What asking for a token with this access key is answered.
    ///
    /// # Errors
    /// No answer.
    pub async fn try_exchange(&self, key: &KeyPair) -> Result<Answer> {
        self.client.get(&key.token_path()).send().await
    }

    /// Waits until this cluster is known to Envoy. On the way there is nothing
    /// but `cluster X not found.`
    ///
    /// # Errors
    /// Any other answer, or none of it within ten seconds.
    pub async fn wait_for_cluster(&self, client: &Client, cluster: &str) -> Result<()> {
        let path = format!("/api/v1/cube/proxy/clusters/{cluster}/version");
        until(
            "the new cluster is known",
            Duration::from_secs(10),
            || async {
                let answer = client.get(&path).send().await?;
                if answer.status != 400 {
                    return Ok(Some(()));
                }
                let message = answer.cube_error(400)?;
                ensure!(
                    message == format!("cluster {cluster} not found."),
                    "{message}"
                );
                Ok(None)
            },
        )
        .await
    }
}

fn client_of(endpoints: &Endpoints, ca: Option<&[u8]>) -> Result<Client> {
    match ca {
        Some(ca) => Client::tls(&endpoints.gateway, ca, None),
        None => Client::plain(&endpoints.gateway),
    }
}
