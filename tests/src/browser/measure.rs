//! How fast a page is, and how large.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::command::{devtools, tell};
use super::page::Page;

/// How a page was loaded, by its own clocks.
#[derive(Debug, Clone)]
pub struct Load {
    /// From the request to the first words or pictures.
    pub first_paint: Duration,
    /// From the request to the page's last byte.
    pub answered: Duration,
    /// The page itself and all that it brought.
    pub loaded: Vec<Loaded>,
}

/// A file of a page.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Loaded {
    /// Its URL.
    #[serde(rename = "name")]
    pub url: String,
    /// Who asked for it: `navigation` (the page itself), `link`, `script`, `css`, `img`, `fetch`.
    #[serde(rename = "initiatorType")]
    pub kind: String,
    /// Bytes of the body as they came, compressed; also when it came from the cache.
    #[serde(rename = "encodedBodySize")]
    pub bytes: u64,
    /// Bytes over the wire with the headers; 0 when it came from the cache.
    #[serde(rename = "transferSize")]
    pub transferred: u64,
}

// === impl Page ===

impl Page {
    /// How the page that is on the screen was loaded.
    ///
    /// # Errors
    /// One that never showed anything.
    pub async fn load(&self) -> Result<Load> {
        #[derive(Deserialize)]
        struct Told {
            paint: f64,
            answered: f64,
            loaded: Vec<Loaded>,
        }
        let told = self.until("the page is painted", async |page| {
            let told: Value = page
                .script(
                    "const paint = performance.getEntriesByName('first-contentful-paint')[0];
                     const page = performance.getEntriesByType('navigation')[0];
                     return paint && page && { paint: paint.startTime, answered: page.responseEnd,
                         loaded: [page, ...performance.getEntriesByType('resource')].map(file => file.toJSON()) }",
                    &[],
                )
                .await?;
            Ok((!told.is_null()).then_some(told))
        });
        let told: Told = serde_json::from_value(told.await?).context("the page's clocks")?;
        Ok(Load {
            first_paint: Duration::from_secs_f64(told.paint / 1000.0),
            answered: Duration::from_secs_f64(told.answered / 1000.0),
            loaded: told.loaded,
        })
    }

    /// Bytes that the page's scripts hold, after what nobody needs is thrown away.
    ///
    /// # Errors
    /// A browser that is gone.
    pub async fn heap(&self) -> Result<u64> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Usage {
            used_size: u64,
        }
        tell(self.client(), "HeapProfiler.collectGarbage", json!({})).await?;
        let usage: Usage = devtools(self.client(), "Runtime.getHeapUsage", json!({})).await?;
        Ok(usage.used_size)
    }
}
