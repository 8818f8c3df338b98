//! A session: one Chromium, with a profile that nobody has used.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use super::command::tell;
use super::driver::Driver;
use super::visitor::{Theme, Viewport, Visitor};
use crate::run::unique;

/// Longest time until a Chromium is there, on a machine that does much else.
const START: Duration = Duration::from_secs(60);
/// Longest time until it is gone.
const END: Duration = Duration::from_secs(20);
/// Longest time that a page may take to load, or a script to run; milliseconds.
const PATIENCE: u32 = 30_000;

pub(super) struct Session {
    client: Client,
    profile: PathBuf,
}

// === impl Session ===

impl Session {
    /// Starts a Chromium as this visitor has it.
    pub(super) async fn open(driver: &Driver, chromium: &Path, visitor: Visitor) -> Result<Self> {
        let profile = driver.dir().join(format!("profile-{}", unique()));
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities(chromium, &profile, visitor)?);
        let client = tokio::time::timeout(START, builder.connect(driver.url()))
            .await
            .map_err(|_| anyhow!("Chromium does not start within {START:?}"))?
            .context("Chromium does not start")?;
        let session = Self { client, profile };
        session.prepare(visitor).await?;
        Ok(session)
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// What Chromium has no flags for. It stays as pages come and go.
    async fn prepare(&self, visitor: Visitor) -> Result<()> {
        let client = &self.client;
        resize(client, visitor.viewport).await?;
        prefer(client, visitor.theme).await?;
        let locale = json!({ "locale": visitor.language.locale() });
        tell(client, "Emulation.setLocaleOverride", locale).await?;
        let zone = json!({ "timezoneId": visitor.time_zone });
        tell(client, "Emulation.setTimezoneOverride", zone).await?;
        run_scripts(client, visitor.scripts).await
    }

    /// Ends it. When that fails, the driver's end is its end.
    pub(super) async fn close(self) -> Result<()> {
        let closed = tokio::time::timeout(END, self.client.close()).await;
        // Of no use any more; the next run removes what is left.
        let _ = std::fs::remove_dir_all(&self.profile);
        closed.map_err(|_| anyhow!("Chromium does not end within {END:?}"))??;
        Ok(())
    }
}

/// The size of the page, exactly: a window's has borders, and a least width.
pub(super) async fn resize(client: &Client, viewport: Viewport) -> Result<()> {
    let metrics = json!({
        "width": viewport.width,
        "height": viewport.height,
        "deviceScaleFactor": 1,
        "mobile": false,
    });
    tell(client, "Emulation.setDeviceMetricsOverride", metrics).await
}

/// What the desktop prefers. Less motion as well, so that no screenshot shows a moment of one.
pub(super) async fn prefer(client: &Client, theme: Theme) -> Result<()> {
    let features = json!({ "features": [
        { "name": "prefers-color-scheme", "value": theme.tag() },
        { "name": "prefers-reduced-motion", "value": "reduce" },
    ]});
    tell(client, "Emulation.setEmulatedMedia", features).await
}

/// Whether pages that come may run scripts.
pub(super) async fn run_scripts(client: &Client, run: bool) -> Result<()> {
    let off = json!({ "value": !run });
    tell(client, "Emulation.setScriptExecutionDisabled", off).await
}

fn capabilities(chromium: &Path, profile: &Path, visitor: Visitor) -> Result<Capabilities> {
    let Viewport { width, height } = visitor.viewport;
    let arguments = [
        "--headless".to_owned(),
        // It has none as root, nor in most containers, and sees the tests' own pages alone.
        "--no-sandbox".to_owned(),
        // Containers have little of it.
        "--disable-dev-shm-usage".to_owned(),
        "--disable-gpu".to_owned(),
        format!("--user-data-dir={}", profile.display()),
        format!("--accept-lang={}", visitor.language.accepted()),
        format!("--window-size={width},{height}"),
        // Neither pages nor Chromium itself reach anything else.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost".to_owned(),
        // Pictures have none either.
        "--hide-scrollbars".to_owned(),
        // The same letters everywhere.
        "--font-render-hinting=none".to_owned(),
        "--force-color-profile=srgb".to_owned(),
    ];
    let wanted = json!({
        "browserName": "chrome",
        // The gateway's certificate is from a CA of its own. Pages are as safe to Chromium as others.
        "acceptInsecureCerts": true,
        "timeouts": { "pageLoad": PATIENCE, "script": PATIENCE },
        "goog:loggingPrefs": { "browser": "ALL" },
        "goog:chromeOptions": { "binary": chromium, "args": arguments },
    });
    match wanted {
        Value::Object(wanted) => Ok(wanted),
        _ => Err(anyhow!("capabilities are an object")),
    }
}
