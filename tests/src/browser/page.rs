//! What is on the screen, and what one does there.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use fantoccini::Client;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Mutex;

use super::console::{CUT_OFF, Line};
use super::session::{self, Session};
use super::visitor::{Theme, Viewport, Visitor};
use crate::until::until;

/// Longest time until something is on a page that should be.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// As often a page is loaded that the machine itself cuts off.
const LOADS: usize = 10;
/// As much of a page's text is told of a failure.
const TOLD: usize = 3000;

/// A tab.
pub struct Page {
    client: Client,
    origin: String,
    visitor: Visitor,
    pub(super) axe: Arc<str>,
    /// ChromeDriver gives each line once.
    pub(super) lines: Mutex<Vec<Line>>,
    /// How many of them somebody has asked for.
    pub(super) told: AtomicUsize,
}

// === impl Page ===

impl Page {
    pub(super) fn new(session: &Session, origin: &str, visitor: Visitor, axe: Arc<str>) -> Self {
        Self {
            client: session.client().clone(),
            origin: origin.trim_end_matches('/').to_owned(),
            visitor,
            axe,
            lines: Mutex::new(Vec::new()),
            told: AtomicUsize::new(0),
        }
    }

    /// Everything else that WebDriver can do.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Who looks at it.
    pub fn visitor(&self) -> Visitor {
        self.visitor
    }

    /// Goes to a path of the origin, or to a URL, and waits until it is loaded.
    ///
    /// # Errors
    /// A page that does not load. One of status 404 does.
    pub async fn goto(&self, path: &str) -> Result<()> {
        let url = match path.strip_prefix('/') {
            Some(_) => self.origin.clone() + path,
            None => path.to_owned(),
        };
        for _ in 0..LOADS {
            self.client
                .goto(&url)
                .await
                .with_context(|| format!("{url} does not load"))?;
            if !self.was_cut_off().await? {
                return Ok(());
            }
        }
        bail!("{url} does not load: the interfaces of this machine come and go all the time")
    }

    /// Whether the machine is to blame for what is missing here. When one of its interfaces comes
    /// or goes, as they do where containers are started beside the tests, Chromium ends its
    /// connections, over HTTP/2 those to loopback, too, and cannot be told otherwise.
    async fn was_cut_off(&self) -> Result<bool> {
        let file = self.read_console().await?;
        let page: bool = self
            .script(
                "return document.documentURI.startsWith('chrome-error:')
                    && document.body.innerText.includes(arguments[0])",
                &[CUT_OFF.into()],
            )
            .await?;
        Ok(file || page)
    }

    /// Loads it again.
    ///
    /// # Errors
    /// A page that does not load.
    pub async fn reload(&self) -> Result<()> {
        self.client
            .refresh()
            .await
            .context("the page does not load again")
    }

    /// Where it is, without the origin when it is the one of the visit.
    ///
    /// # Errors
    /// A browser that is gone.
    pub async fn path(&self) -> Result<String> {
        let url = self.client.current_url().await?.to_string();
        let path = url.strip_prefix(&self.origin).map(str::to_owned);
        Ok(path.unwrap_or(url))
    }

    /// What a reader sees of it.
    ///
    /// # Errors
    /// A browser that is gone.
    pub async fn text(&self) -> Result<String> {
        self.script("return document.body ? document.body.innerText : ''", &[])
            .await
    }

    /// Runs the body of a function on the page, also when the page itself may run none, and
    /// whatever its policy says.
    ///
    /// # Errors
    /// What it throws, or an answer of another type.
    pub async fn script<T: DeserializeOwned>(&self, body: &str, arguments: &[Value]) -> Result<T> {
        let answer = self.client.execute(body, arguments.to_vec()).await;
        let answer = answer.with_context(|| format!("this script fails: {body}"))?;
        serde_json::from_value(answer)
            .with_context(|| format!("this script answers something else: {body}"))
    }

    /// Asks again and again until the answer is there; see [`until`].
    ///
    /// # Errors
    /// The probe's own, or that `what` did not come.
    pub async fn until<T>(
        &self,
        what: &str,
        ask: impl AsyncFn(&Self) -> Result<Option<T>>,
    ) -> Result<T> {
        until(what, PATIENCE, || ask(self)).await
    }

    /// Waits until a reader sees these words.
    ///
    /// # Errors
    /// When they do not.
    pub async fn reads(&self, words: &str) -> Result<()> {
        let what = format!("the page says {words:?}");
        self.until(&what, async |page| {
            Ok(page.text().await?.contains(words).then_some(()))
        })
        .await
    }

    /// Fails when a reader sees these words, or the page holds them anywhere in its markup or in
    /// a field.
    ///
    /// # Errors
    /// When it does.
    pub async fn holds_nowhere(&self, words: &str) -> Result<()> {
        let fields: Vec<String> = self
            .script(
                "return [...document.querySelectorAll('input, textarea')].map(field => field.value)",
                &[],
            )
            .await?;
        let held = [self.client.source().await?, self.text().await?];
        if held.iter().chain(&fields).any(|text| text.contains(words)) {
            bail!("the page still holds {words:?}");
        }
        Ok(())
    }

    /// Lets the desktop prefer another theme. The page follows at once.
    ///
    /// # Errors
    /// A browser that is gone.
    pub async fn prefer(&self, theme: Theme) -> Result<()> {
        session::prefer(&self.client, theme).await
    }

    /// Makes it larger or smaller.
    ///
    /// # Errors
    /// A browser that is gone.
    pub async fn resize(&self, viewport: Viewport) -> Result<()> {
        session::resize(&self.client, viewport).await
    }

    /// By how many pixels it is wider than the screen: readers would have to scroll sideways.
    ///
    /// # Errors
    /// A browser that is gone.
    pub async fn overflow(&self) -> Result<i64> {
        self.script(
            "const root = document.documentElement; return root.scrollWidth - root.clientWidth",
            &[],
        )
        .await
    }

    /// What somebody wants to know of a page on which a test failed. It is in a screenshot, too.
    pub(super) async fn describe(&self, name: &str) -> String {
        let path = self.path().await.unwrap_or_else(|error| error.to_string());
        let text = self.text().await.unwrap_or_else(|error| error.to_string());
        let text: String = text.chars().take(TOLD).collect();
        let console = self.console().await.unwrap_or_default();
        let console: String = console.iter().map(|line| format!("{line}\n")).collect();
        let picture = match self.screenshot(&format!("failed/{name}")).await {
            Ok(file) => file.display().to_string(),
            Err(error) => error.to_string(),
        };
        format!(
            "--- the page is at {path}, its picture at {picture}\n{text}\n--- and the console says\n{console}"
        )
    }
}
