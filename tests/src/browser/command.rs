//! Commands that ChromeDriver has beside those of WebDriver.

use anyhow::{Context as _, Result};
use fantoccini::Client;
use fantoccini::wd::WebDriverCompatibleCommand;
use http::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::{ParseError, Url};

#[derive(Debug)]
struct Command {
    path: String,
    body: Option<Value>,
}

// === impl Command ===

impl WebDriverCompatibleCommand for Command {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/{}", self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        match &self.body {
            None => (Method::GET, None),
            Some(body) => (Method::POST, Some(body.to_string())),
        }
    }
}

/// A question of the session.
pub(super) async fn get<T: DeserializeOwned>(client: &Client, path: &str) -> Result<T> {
    run(client, path, None).await
}

/// A command of the session.
pub(super) async fn post<T: DeserializeOwned>(
    client: &Client,
    path: &str,
    body: Value,
) -> Result<T> {
    run(client, path, Some(body)).await
}

/// A command of the Chrome DevTools Protocol, to the page.
pub(super) async fn devtools<T: DeserializeOwned>(
    client: &Client,
    method: &str,
    parameters: Value,
) -> Result<T> {
    let body = json!({ "cmd": method, "params": parameters });
    post(client, "goog/cdp/execute", body)
        .await
        .with_context(|| format!("{method} of DevTools"))
}

/// The same, when nothing is answered.
pub(super) async fn tell(client: &Client, method: &str, parameters: Value) -> Result<()> {
    devtools::<Value>(client, method, parameters).await?;
    Ok(())
}

async fn run<T: DeserializeOwned>(client: &Client, path: &str, body: Option<Value>) -> Result<T> {
    let path = path.to_owned();
    let answer = client.issue_cmd(Command { path, body }).await?;
    serde_json::from_value(answer).context("ChromeDriver answers something else than expected")
}
