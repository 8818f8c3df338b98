//! The suite of the console: what a reader waits for, in a real browser and beside the gateway's
//! own answers.

mod keys;
mod pages;
mod table;

use std::io::Write as _;
use std::time::Duration;

use anyhow::{Error, Result};
use clap::ValueEnum;
use cubegate_tests::gateway::ADMIN_PASSWORD;
use cubegate_tests::{Answer, Client, Gateway, Options, Site, Stack};

use crate::report::Report;

const PATIENCE: Duration = Duration::from_secs(120);

/// What can be measured alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// First paint and bytes.
    Pages,
    /// The page of ten thousand keys.
    Keys,
    /// The table of thirty thousand pods.
    Table,
}

/// Somebody who reads the console, and asks the gateway the same.
struct Reader {
    client: Client,
    cookie: String,
}

// === impl Part ===

impl Part {
    /// Every part, in the order of the report.
    pub fn all() -> &'static [Self] {
        Self::value_variants()
    }
}

/// Measures these parts one after the other. A part that fails does not keep the others from
/// being measured; it is given with its reason.
///
/// # Errors
/// An API server or gateway that does not start.
pub async fn measure(parts: &[Part]) -> Result<(Report, Vec<(Part, Error)>)> {
    let server = &Stack::shared().await?.pivot;
    let site = Site::new("bench-console")?;
    site.add_cluster(&server.name, &server.gateway_kubeconfig, true)
        .await?;
    keys::import(&site).await?;
    let gateway = Gateway::start(site, &Options::default()).await?;
    let mut report = Report::new("console");
    let mut failures = Vec::new();
    for part in parts {
        writeln!(std::io::stderr(), "measuring: {part:?}")?;
        let measured = match part {
            Part::Pages => pages::figures(&gateway).await,
            Part::Keys => keys::figures(&gateway).await,
            Part::Table => table::figures(&gateway, server).await,
        };
        match measured {
            Ok(figures) => report.extend(figures),
            Err(error) => failures.push((*part, error)),
        }
    }
    gateway.stop().await?;
    Ok((report, failures))
}

// === impl Reader ===

impl Reader {
    /// Logs in as a browser does.
    async fn log_in(gateway: &Gateway) -> Result<Self> {
        let login = gateway.client().login("admin", ADMIN_PASSWORD).await?;
        let token = login.expect(200)?.cookie_token()?;
        Ok(Self {
            client: gateway.client().with_bearer(&token)?,
            cookie: format!("__Host-Authorization=Bearer+{token}"),
        })
    }

    /// Reads a page of the console.
    async fn page(&self, path: &str) -> Result<Answer> {
        let request = self.client.get(path).anonymous().patience(PATIENCE);
        let answer = request.header("cookie", &self.cookie).send().await?;
        answer.expect(200)
    }

    /// Asks the gateway itself.
    async fn ask(&self, path: &str, accept: &str) -> Result<Answer> {
        let request = self.client.get(path).patience(PATIENCE);
        let answer = request.header("accept", accept).send().await?;
        answer.expect(200)
    }
}
