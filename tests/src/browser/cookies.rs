//! What the browser keeps for a site.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Deserialize;
use serde_json::json;

use super::command::{devtools, tell};
use super::page::Page;

/// A cookie, with what only the browser knows of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The host, with a dot before it when others of the domain get it, too.
    pub domain: String,
    /// The paths that get it.
    pub path: String,
    /// Seconds since 1970; -1 when it ends with the browser.
    pub expires: f64,
    /// Whether scripts cannot see it.
    pub http_only: bool,
    /// Whether it goes over TLS alone.
    pub secure: bool,
    /// `Strict`, `Lax` or `None`; absent when its server said nothing.
    pub same_site: Option<String>,
}

// === impl Page ===

impl Page {
    /// Every cookie of the browser.
    ///
    /// # Errors
    /// A browser that is gone.
    pub async fn cookies(&self) -> Result<Vec<Cookie>> {
        #[derive(Deserialize)]
        struct Kept {
            cookies: Vec<Cookie>,
        }
        let kept: Kept = devtools(self.client(), "Network.getAllCookies", json!({})).await?;
        Ok(kept.cookies)
    }

    /// Forgets them all, as a browser does in the end.
    ///
    /// # Errors
    /// A browser that is gone.
    pub async fn forget_cookies(&self) -> Result<()> {
        tell(self.client(), "Network.clearBrowserCookies", json!({})).await
    }

    /// What scripts of the page's origin have stored, of the tab and for longer.
    ///
    /// # Errors
    /// A page that has no storage.
    pub async fn stored(&self) -> Result<BTreeMap<String, String>> {
        self.script("return { ...localStorage, ...sessionStorage }", &[])
            .await
    }
}
