//! The console's login.

use anyhow::{Result, ensure};

use super::find::By;
use super::page::Page;

/// Where whoever is not logged in is led.
pub const LOGIN: &str = "/console/login";

// === impl Page ===

impl Page {
    /// Logs in on the page that asks for it.
    ///
    /// # Errors
    /// A login that is refused.
    pub async fn log_in(&self, user: &str, password: &str) -> Result<()> {
        self.fill(By::Css("input[name=name]"), user).await?;
        self.fill(By::Css("input[name=password]"), password).await?;
        self.click(By::Css("form:has(input[name=password]) [type=submit]"))
            .await?;
        self.gone(By::Css("input[name=password]")).await?;
        let path = self.path().await?;
        ensure!(
            !path.starts_with(LOGIN),
            "the login has not come to its end"
        );
        Ok(())
    }
}
