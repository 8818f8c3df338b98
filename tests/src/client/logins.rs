//! Logins as the clients of KubeCube and of KubeSphere have them.

use anyhow::{Context as _, Result};
use serde_json::json;

use super::{Answer, Client, Request};

// === impl Client ===

impl Client {
    /// What KubeCube's login with a password is answered.
    ///
    /// # Errors
    /// No answer.
    pub async fn login(&self, name: &str, password: &str) -> Result<Answer> {
        self.login_request(name, password).send().await
    }

    /// KubeCube's login with a password.
    pub fn login_request(&self, name: &str, password: &str) -> Request<'_> {
        let body = json!({ "name": name, "password": password, "loginType": "normal" });
        self.post("/api/v1/cube/login").json(&body)
    }

    /// A form, as those of OAuth.
    pub fn form(&self, path: &str, form: impl Into<String>) -> Request<'_> {
        self.post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.into())
    }

    /// The access and the refresh token that this form is given at `/oauth/token`.
    ///
    /// # Errors
    /// A form that is refused.
    pub async fn tokens(&self, form: impl Into<String>) -> Result<[String; 2]> {
        let answer = self.form("/oauth/token", form).send().await?;
        let answer = answer.expect(200)?.json()?;
        let token = |name: &str| answer.get(name)?.as_str().map(str::to_owned);
        Ok([
            token("access_token").context("no access token")?,
            token("refresh_token").context("no refresh token")?,
        ])
    }
}

// === impl Answer ===

impl Answer {
    /// The token of a login of KubeCube's: it is in the cookie alone.
    ///
    /// # Errors
    /// An answer without it.
    pub fn cookie_token(&self) -> Result<String> {
        let cookie = self.header("set-cookie").context("no cookie")?;
        let token = cookie
            .strip_prefix("Authorization=Bearer+")
            .and_then(|rest| rest.split(';').next());
        Ok(token.context("a cookie without a token")?.to_owned())
    }
}
