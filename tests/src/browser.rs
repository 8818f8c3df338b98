//! A real browser: Chromium, driven by ChromeDriver.
//!
//! ```text
//! Browser (one ChromeDriver of a test process) ──> visit: a Chromium with a new profile ──> Page
//! ```
//!
//! Each visit has a Chromium of its own (it starts within a second), since ChromeDriver has no
//! other way to a clean profile and to another language. It always ends, also when the test
//! panics; what was on the page then is in the error and in a screenshot. Nothing that a page
//! asks for leaves this machine.

mod axe;
mod command;
mod console;
mod cookies;
mod driver;
mod find;
mod keyboard;
mod login;
mod measure;
mod page;
mod screenshot;
mod session;
mod visitor;

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use futures::FutureExt as _;
use tokio::sync::Semaphore;

pub use console::Line;
pub use cookies::Cookie;
pub use fantoccini::key::Key;
pub use find::By;
pub use keyboard::Focus;
pub use login::LOGIN;
pub use measure::{Load, Loaded};
pub use page::Page;
pub use visitor::{Language, Theme, Viewport, Visitor};

use crate::artifacts::BrowserTools;
use crate::run::Shared;
use driver::Driver;
use session::Session;

/// Each has ten processes, and a machine for tests two cores.
const AT_A_TIME: usize = 2;

/// What opens pages.
pub struct Browser {
    tools: BrowserTools,
    driver: Driver,
    axe: Arc<str>,
    seats: Semaphore,
}

// === impl Browser ===

impl Browser {
    /// The one of this process, started by the first test that needs it.
    ///
    /// # Errors
    /// See [`start`](Self::start).
    pub async fn shared() -> Result<&'static Self> {
        static BROWSER: Shared<Browser> = Shared::new();
        BROWSER.get(Self::start()).await
    }

    /// Starts one, which ends with the value, and at the latest with the run.
    ///
    /// # Errors
    /// A program that is missing, with the command that provides it, or that does not start.
    pub async fn start() -> Result<Self> {
        let tools = BrowserTools::find()?;
        let axe = std::fs::read_to_string(&tools.axe)
            .with_context(|| format!("{} cannot be read", tools.axe.display()))?;
        Ok(Self {
            driver: Driver::start(&tools.chromedriver).await?,
            axe: axe.into(),
            tools,
            seats: Semaphore::new(AT_A_TIME),
        })
    }

    /// Where the driver writes, and profiles lie.
    pub fn folder(&self) -> &Path {
        self.driver.dir()
    }

    /// Looks at pages of `origin` (`https://host:port`) as this visitor, in a browser that has
    /// never been there. `name` names the screenshot of a failure.
    ///
    /// # Errors
    /// What the test says, or that it panicked, with what was on the page.
    pub async fn visit<T>(
        &self,
        name: &str,
        origin: &str,
        visitor: Visitor,
        test: impl AsyncFnOnce(&Page) -> Result<T>,
    ) -> Result<T> {
        let _seat = self.seats.acquire().await?;
        let session = Session::open(&self.driver, &self.tools.chromium, visitor).await?;
        let page = Page::new(&session, origin, visitor, Arc::clone(&self.axe));
        let outcome = match AssertUnwindSafe(test(&page)).catch_unwind().await {
            Ok(outcome) => outcome,
            Err(panic) => Err(anyhow!("the test panicked: {}", said(panic.as_ref()))),
        };
        let outcome = match outcome {
            Ok(value) => Ok(value),
            Err(error) => Err(anyhow!("{error:#}\n\n{}", page.describe(name).await)),
        };
        drop(page);
        let closed = session.close().await;
        let value = outcome?;
        closed?;
        Ok(value)
    }
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without words")
}
