//! Pictures of pages.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;

use super::command::devtools;
use super::page::Page;
use crate::artifacts::target;

/// Chromium draws no more.
const TALLEST: f64 = 16_000.0;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layout {
    css_content_size: Size,
}

#[derive(Deserialize)]
struct Size {
    width: f64,
    height: f64,
}

#[derive(Deserialize)]
struct Picture {
    data: String,
}

// === impl Page ===

impl Page {
    /// Draws the whole page, also what one would scroll to, into
    /// `target/screenshots/{name}.png`.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub async fn screenshot(&self, name: &str) -> Result<PathBuf> {
        let layout: Layout = devtools(self.client(), "Page.getLayoutMetrics", json!({})).await?;
        let Size { width, height } = layout.css_content_size;
        let parameters = json!({
            "format": "png",
            "captureBeyondViewport": true,
            "clip": { "x": 0, "y": 0, "width": width, "height": height.min(TALLEST), "scale": 1 },
        });
        let picture: Picture =
            devtools(self.client(), "Page.captureScreenshot", parameters).await?;
        let file = target().join("screenshots").join(format!("{name}.png"));
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&file, STANDARD.decode(picture.data)?)
            .with_context(|| format!("{} cannot be written", file.display()))?;
        Ok(file)
    }
}
