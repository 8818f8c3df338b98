//! The page through Envoy, and the whole list through the same Envoy.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use cubegate_bench_workload::{PodList, QUERY};
use cubegate_tests::http2_upstream::{End, Http2Upstream};
use cubegate_tests::jwt::Minter;
use cubegate_tests::{Client, tls};

use crate::envoy::config::{self, BARE, BARE_PLAIN, CLUSTER, FILTERED, FILTERED_PLAIN, SECRET};
use crate::envoy::logs::Sink;
use crate::envoy::{Envoy, WORKERS};
use crate::keep_alive::Server;
use crate::machine;
use crate::report::{Figure, Goal};
use crate::sample::{Samples, timed};

const PAIRS: usize = 30;
const WARM_UP: usize = 3;
const PATIENCE: Duration = Duration::from_secs(60);

/// An Envoy before an upstream that serves one list.
pub struct Passage {
    /// The Envoy.
    pub envoy: Envoy,
    list_bytes: u64,
    token: String,
    ca: Vec<u8>,
    _upstream: Http2Upstream,
    _logs: Sink,
}

/// What the page takes, in parts of what the whole list takes.
///
/// # Errors
/// An Envoy that does not start, an answer that is not the one wanted.
pub async fn figures(list: &Bytes) -> Result<Vec<Figure>> {
    let passage = Passage::start("through", list).await?;
    passage.check().await?;
    let (page, whole) = passage.compare(FILTERED, BARE).await?;
    let (plain_page, plain_whole) = passage.compare(FILTERED_PLAIN, BARE_PLAIN).await?;
    Ok(vec![Figure {
        name: "page through the filter / whole list without it",
        value: page.median()? / whole.median()?,
        unit: "ratio",
        goal: Goal::AtMost(1.0),
        conditions: format!(
            "{}, client and upstream on them too; {} pods, {:.1} MB, HTTP/2 and TLS on both sides, {WORKERS} workers; {QUERY}; \
             medians (quartiles) of {PAIRS} pairs: page {}, list {}; without TLS towards the client {:.3}: page {}, list {}",
            machine::describe(),
            PodList::default().pods,
            list.len() as f64 / 1e6,
            page.shown(0, "ms")?,
            whole.shown(0, "ms")?,
            plain_page.median()? / plain_whole.median()?,
            plain_page.shown(0, "ms")?,
            plain_whole.shown(0, "ms")?,
        ),
    }])
}

/// The path of the page.
pub fn page_path() -> String {
    format!("/api/v1/cube/proxy/clusters/{CLUSTER}/api/v1/pods?{QUERY}")
}

// === impl Passage ===

impl Passage {
    /// Starts the two.
    ///
    /// # Errors
    /// One that does not start.
    pub async fn start(name: &str, list: &Bytes) -> Result<Self> {
        let upstream = Http2Upstream::start([list.clone()], End::Body).await?;
        let logs = Sink::start().await?;
        let mut ca = Vec::new();
        let envoy = Envoy::start(name, WORKERS, |dir| {
            let config = config::gateway(dir, &upstream, &logs)?;
            ca = tls::read_pem(&dir.join("listener.crt"))?;
            Ok(config)
        })
        .await?;
        Ok(Self {
            envoy,
            list_bytes: list.len() as u64,
            token: Minter::new(SECRET).token("admin")?,
            ca,
            _upstream: upstream,
            _logs: logs,
        })
    }

    /// A client of a listener, with connections of its own and a good token.
    ///
    /// # Errors
    /// A listener that is none.
    pub fn client(&self, listener: &str) -> Result<Client> {
        Client::tls(&self.envoy.base(listener)?, &self.ca, None)?.with_bearer(&self.token)
    }

    /// The same for a client that costs next to nothing.
    ///
    /// # Errors
    /// A listener that is none.
    pub fn server(&self, listener: &str) -> Result<Server> {
        Server::listener(&self.envoy.base(listener)?, &self.ca)
    }

    /// The good token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Reads the page and drops it.
    ///
    /// # Errors
    /// Any answer but a page.
    pub async fn page(&self, client: &Client) -> Result<()> {
        let bytes = drain(client, &page_path()).await?;
        ensure!(bytes < self.list_bytes / 50, "{bytes} bytes are no page");
        Ok(())
    }

    /// Reads the whole list and drops it.
    ///
    /// # Errors
    /// Any answer but the list.
    pub async fn whole(&self, client: &Client) -> Result<()> {
        let bytes = drain(client, "/api/v1/pods").await?;
        ensure!(bytes == self.list_bytes, "{bytes} bytes are not the list");
        Ok(())
    }

    /// That a page is one of the whole list.
    async fn check(&self) -> Result<()> {
        let client = self.client(FILTERED)?;
        let page = client.get(&page_path()).patience(PATIENCE).send().await?;
        let page = page.expect(200)?;
        let (items, total) = (page.names()?.len(), page.total()?);
        ensure!(
            items == 10 && total == PodList::default().pods as u64,
            "{items} items of {total} are not the page"
        );
        Ok(())
    }

    /// Page and whole list in turns, in milliseconds.
    async fn compare(&self, filtered: &str, bare: &str) -> Result<(Samples, Samples)> {
        let (filtered, bare) = (self.client(filtered)?, self.client(bare)?);
        for _ in 0..WARM_UP {
            self.page(&filtered).await?;
            self.whole(&bare).await?;
        }
        let (mut page, mut whole) = (Samples::default(), Samples::default());
        for _ in 0..PAIRS {
            page.push(timed(self.page(&filtered)).await?.0);
            whole.push(timed(self.whole(&bare)).await?.0);
        }
        Ok((page, whole))
    }
}

async fn drain(client: &Client, path: &str) -> Result<u64> {
    let answer = client
        .get(path)
        .header("accept", "application/json")
        .patience(PATIENCE)
        .open()
        .await?;
    ensure!(answer.status == 200, "{path}: {}", answer.status);
    answer.drain(PATIENCE).await.context(path.to_owned())
}
