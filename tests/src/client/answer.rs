//! A whole answer, and what the tests ask of it.

use std::io::Read as _;

use anyhow::{Context as _, Result, bail, ensure};
use flate2::read::GzDecoder;
use http::HeaderMap;
use hyper::body::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// An answer with its whole body.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: Bytes,
}

// === impl Answer ===

impl Answer {
    /// The first header of that name as text; bytes that are none are replaced.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The same answer without its gzip encoding, if it has that.
    ///
    /// # Errors
    /// A body that is no gzip.
    pub fn inflated(&self) -> Result<Self> {
        let mut answer = self.clone();
        if self.header("content-encoding").as_deref() == Some("gzip") {
            let mut body = Vec::new();
            GzDecoder::new(&*self.body)
                .read_to_end(&mut body)
                .with_context(|| format!("no gzip in {}", self.describe()))?;
            answer.body = body.into();
            answer.headers.remove("content-encoding");
        }
        Ok(answer)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// A body that is none.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("no JSON in {}", self.describe()))
    }

    /// The same answer, when it has this status.
    ///
    /// # Errors
    /// Another status, with the body that came with it.
    pub fn expect(self, status: u16) -> Result<Self> {
        ensure!(
            self.status == status,
            "expected {status}, got {}",
            self.describe()
        );
        Ok(self)
    }

    /// The names of a list's items, in order.
    ///
    /// # Errors
    /// An answer that is no list.
    pub fn names(&self) -> Result<Vec<String>> {
        let json = self.json()?;
        let Some(items) = json.get("items").and_then(Value::as_array) else {
            bail!("no items in {}", self.describe());
        };
        items
            .iter()
            .map(|item| {
                let name = item.pointer("/metadata/name").and_then(Value::as_str);
                name.map(str::to_owned).context("an item without a name")
            })
            .collect()
    }

    /// `total` of a page.
    ///
    /// # Errors
    /// An answer without it.
    pub fn total(&self) -> Result<u64> {
        let total = self.json()?.get("total").and_then(Value::as_u64);
        total.with_context(|| format!("no total in {}", self.describe()))
    }

    /// The very bytes of a list's items.
    ///
    /// # Errors
    /// An answer that is no list.
    pub fn raw_items(&self) -> Result<Vec<&str>> {
        #[derive(Deserialize)]
        struct List<'a> {
            #[serde(borrow)]
            items: Vec<&'a RawValue>,
        }
        let list: List<'_> = serde_json::from_slice(&self.body)
            .with_context(|| format!("no list in {}", self.describe()))?;
        Ok(list.items.into_iter().map(RawValue::get).collect())
    }

    /// Status, headers and the beginning of the body, for messages.
    pub fn describe(&self) -> String {
        let body: String = self.text().chars().take(600).collect();
        format!(
            "{} {:?} {body:?} ({} bytes)",
            self.status,
            self.headers,
            self.body.len()
        )
    }

    /// Checks that this is an error in KubeCube's shape, and gives its message.
    ///
    /// # Errors
    /// Another status or another shape.
    pub fn cube_error(&self, status: u16) -> Result<String> {
        ensure!(
            self.status == status,
            "expected {status}, got {}",
            self.describe()
        );
        ensure!(
            self.header("content-type").as_deref() == Some("application/json; charset=utf-8"),
            "not KubeCube's content type: {}",
            self.describe()
        );
        let json = self.json()?;
        let message = json
            .get("message")
            .and_then(Value::as_str)
            .unwrap_or_default();
        ensure!(
            json.as_object().is_some_and(|object| object.len() == 2)
                && json.get("code").and_then(Value::as_u64) == Some(u64::from(status))
                && !message.is_empty(),
            "not the shape {{code, message}}: {}",
            self.describe()
        );
        Ok(message.to_owned())
    }

    /// Checks that this is a Kubernetes `Status`, and gives its message.
    ///
    /// # Errors
    /// Another status or another shape.
    pub fn kube_error(&self, status: u16) -> Result<String> {
        ensure!(
            self.status == status,
            "expected {status}, got {}",
            self.describe()
        );
        let json = self.json()?;
        let text = |name: &str| json.get(name).and_then(Value::as_str).unwrap_or_default();
        ensure!(
            text("kind") == "Status"
                && text("apiVersion") == "v1"
                && text("status") == "Failure"
                && !text("message").is_empty()
                && json.get("code").and_then(Value::as_u64) == Some(u64::from(status)),
            "no Status object: {}",
            self.describe()
        );
        ensure!(
            self.header("content-type")
                .is_some_and(|value| value.starts_with("application/json")),
            "a Status with another content type: {}",
            self.describe()
        );
        Ok(text("message").to_owned())
    }
}
