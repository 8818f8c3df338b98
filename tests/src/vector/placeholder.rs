//! `{{…}}` in a vector's request.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::jwt::Minter;

/// What the placeholders stand for at this point of the file.
pub struct Placeholders {
    minter: Minter,
    saved: BTreeMap<String, Value>,
}

// === impl Placeholders ===

impl Placeholders {
    /// Nothing saved yet.
    pub fn new(minter: Minter) -> Self {
        Self {
            minter,
            saved: BTreeMap::new(),
        }
    }

    /// Keeps a JSON answer under a name.
    pub fn save(&mut self, name: &str, answer: Value) {
        self.saved.insert(name.to_owned(), answer);
    }

    /// The text with every placeholder replaced.
    ///
    /// # Errors
    /// One that the schema does not name, or that refers to nothing saved.
    pub fn fill(&self, text: &str) -> Result<String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (inside, after) = after
                .split_once("}}")
                .context("a placeholder without an end")?;
            filled.push_str(before);
            filled.push_str(&self.value(inside)?);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    fn value(&self, placeholder: &str) -> Result<String> {
        let (kind, of) = placeholder
            .split_once(':')
            .context("a placeholder without a colon")?;
        let field = match kind {
            "ak" => "accessKey",
            "sk" => "secretKey",
            "at" => "access_token",
            "rt" => "refresh_token",
            _ => return self.minter.kind(kind, of),
        };
        let Some(value) = self.saved.get(of).and_then(|saved| saved.get(field)) else {
            bail!("{{{{{placeholder}}}}} refers to an answer that has no {field}");
        };
        Ok(value.as_str().unwrap_or_default().to_owned())
    }
}
