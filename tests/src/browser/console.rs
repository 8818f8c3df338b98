//! What the browser complains of: the lines of its console.

use std::fmt;
use std::sync::atomic::Ordering;

use anyhow::Result;
use serde::Deserialize;
use serde_json::json;

use super::command::post;
use super::page::Page;

/// How Chromium calls it when it gives something up since the machine's interfaces changed.
pub(super) const CUT_OFF: &str = "ERR_NETWORK_CHANGED";

/// A line of the console.
#[derive(Debug, Clone, Deserialize)]
pub struct Line {
    /// `SEVERE`, `WARNING`, `INFO` or less.
    pub level: String,
    /// Who says it: `security` (the policy above all), `network`, `javascript`, `console-api`.
    pub source: String,
    /// The URL it is about, and the words.
    pub message: String,
}

// === impl Line ===

impl Line {
    /// Whether something was against the page's `Content-Security-Policy`.
    pub fn is_of_policy(&self) -> bool {
        self.source == "security" && self.message.contains("Content Security Policy")
    }

    /// Whether it only says that this URL was answered with a status of 400 or more.
    pub fn is_status_of(&self, url: &str) -> bool {
        self.source == "network"
            && self
                .message
                .strip_prefix(url)
                .is_some_and(|rest| rest.starts_with(" - Failed to load resource"))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            level,
            source,
            message,
        } = self;
        write!(out, "{level} ({source}) {message}")
    }
}

// === impl Page ===

impl Page {
    /// Everything that the console said since the visit began.
    ///
    /// # Errors
    /// A browser that is gone.
    pub async fn console(&self) -> Result<Vec<Line>> {
        self.read_console().await?;
        Ok(self.lines.lock().await.clone())
    }

    /// Reads what is new of it. Whether the machine cut a file off is the answer, and no line.
    pub(super) async fn read_console(&self) -> Result<bool> {
        let mut lines = self.lines.lock().await;
        let new: Vec<Line> = post(self.client(), "se/log", json!({ "type": "browser" })).await?;
        let all = new.len();
        let new: Vec<Line> = new
            .into_iter()
            .filter(|line| !line.message.contains(CUT_OFF))
            .collect();
        let was_cut_off = new.len() < all;
        lines.extend(new);
        Ok(was_cut_off)
    }

    /// The warnings and errors of it since the last time that somebody asked.
    ///
    /// # Errors
    /// A browser that is gone.
    pub async fn complaints(&self) -> Result<Vec<Line>> {
        let lines = self.console().await?;
        let told = self.told.swap(lines.len(), Ordering::Relaxed);
        let new = lines.into_iter().skip(told);
        Ok(new
            .filter(|line| matches!(line.level.as_str(), "WARNING" | "SEVERE"))
            .collect())
    }
}
