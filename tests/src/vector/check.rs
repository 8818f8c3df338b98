//! Whether an answer is the one that a vector's `target` wants.

mod json;
mod upstream;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Map, Value};

use super::Request;
use crate::client::Answer;
use crate::fixture::Seen;

/// Everything that can be compared.
pub struct Observed<'a> {
    /// What was sent, as the vector has it.
    pub request: &'a Request,
    /// What came back.
    pub answer: &'a Answer,
    /// What the upstream saw meanwhile.
    pub seen: &'a [Seen],
}

// === impl Observed ===

impl Observed<'_> {
    /// Compares with a target.
    ///
    /// # Errors
    /// The first difference, in words.
    pub fn check(&self, target: &Value) -> Result<()> {
        let target = target.as_object().context("a target that is no object")?;
        self.check_target(target)
            .with_context(|| format!("got {}", self.answer.describe()))?;
        if self.request.path.contains("/proxy/clusters/") {
            ensure!(
                self.answer.header("set-cookie").is_none(),
                "a proxied answer sets a cookie: {}",
                self.answer.describe()
            );
        }
        Ok(())
    }

    fn check_target(&self, target: &Map<String, Value>) -> Result<()> {
        for (name, wanted) in target {
            match name.as_str() {
                "status" => ensure!(
                    wanted.as_u64() == Some(u64::from(self.answer.status)),
                    "status: {wanted} is wanted"
                ),
                "list" => self.check_list(wanted)?,
                "json" => self.check_json(wanted)?,
                "json_subset" => {
                    json::subset(wanted, &self.answer.json()?).context("json_subset")?;
                }
                "json_has" => self.check_paths(wanted, true)?,
                "json_absent" => self.check_paths(wanted, false)?,
                "text" => ensure!(
                    wanted.as_str() == Some(self.answer.text().as_str()),
                    "text: {wanted} is wanted"
                ),
                "headers" => self.check_headers(wanted)?,
                "upstream_sees" => upstream::sees(wanted, self.seen)?,
                "upstream_absent_headers" => upstream::absent_headers(wanted, self.seen)?,
                "bytes_identical_to_upstream" => upstream::same_bytes(self.answer, self.seen)?,
                "any_of" => self.check_any(wanted)?,
                other => bail!("the schema has no target check {other:?}"),
            }
        }
        Ok(())
    }

    fn check_any(&self, targets: &Value) -> Result<()> {
        let mut differences = Vec::new();
        for target in targets.as_array().context("any_of is no array")? {
            match self.check_target(target.as_object().context("a target that is no object")?) {
                Ok(()) => return Ok(()),
                Err(error) => differences.push(format!("{error:#}")),
            }
        }
        bail!(
            "none of the acceptable answers: {}",
            differences.join(" / ")
        )
    }

    /// `names` in order, the total, and whether `items` is null.
    fn check_list(&self, wanted: &Value) -> Result<()> {
        let body = self.answer.inflated()?.json()?;
        let items = body.get("items");
        for (name, wanted) in wanted.as_object().context("list is no object")? {
            match name.as_str() {
                "names" => {
                    let names = match items {
                        Some(Value::Array(items)) => items.iter().map(name_of).collect(),
                        Some(Value::Null) => Value::Null,
                        _ => bail!("list: the answer has no items"),
                    };
                    ensure!(
                        names == *wanted,
                        "names: {wanted} are wanted, these came: {names}"
                    );
                }
                "total" | "totalItems" => {
                    let total = body.get(name).cloned().unwrap_or_else(|| "<absent>".into());
                    ensure!(
                        total == *wanted,
                        "{name}: {wanted} is wanted, this came: {total}"
                    );
                }
                "items_is_null" => ensure!(
                    Value::Bool(items == Some(&Value::Null)) == *wanted,
                    "items_is_null: {wanted} is wanted"
                ),
                // Words about the order of `names`, which are compared in order.
                "order" => {}
                other => bail!("the schema has no list check {other:?}"),
            }
        }
        Ok(())
    }

    fn check_json(&self, wanted: &Value) -> Result<()> {
        let mut wanted = wanted.clone();
        // A key that is made and kept for later is another one every time.
        if self.request.save_response_as.is_some() {
            for half in ["accessKey", "secretKey"] {
                if let Some(sample) = wanted.get_mut(half) {
                    *sample = "<HEX32>".into();
                }
            }
        }
        json::same(&wanted, &self.answer.json()?).context("json")
    }

    fn check_paths(&self, paths: &Value, present: bool) -> Result<()> {
        let body = self.answer.json()?;
        for path in paths.as_array().context("no array of paths")? {
            let path = path.as_str().context("a path that is no text")?;
            let found = body
                .pointer(&format!("/{}", path.replace('.', "/")))
                .is_some();
            ensure!(
                found == present,
                "json: {path} should be {}",
                if present { "there" } else { "absent" }
            );
        }
        Ok(())
    }

    fn check_headers(&self, wanted: &Value) -> Result<()> {
        for (name, wanted) in wanted.as_object().context("headers is no object")? {
            let wanted = wanted.as_str().context("a header that is no text")?;
            let values: Vec<String> = self
                .answer
                .headers
                .get_all(name)
                .iter()
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                .collect();
            let same = |value: &String| match name.as_str() {
                "Set-Cookie" => same_cookie(wanted, value),
                _ => json::same_text(wanted, value),
            };
            ensure!(
                values.iter().any(same),
                "header {name}: {wanted:?} is wanted, got {values:?}"
            );
        }
        Ok(())
    }
}

/// The name of an item, wherever this kind of list has it.
fn name_of(item: &Value) -> Value {
    item.pointer("/metadata/name")
        .or_else(|| item.get("name"))
        .unwrap_or(item)
        .clone()
}

/// The parts that are wanted, and `Secure` and `SameSite` besides.
fn same_cookie(wanted: &str, value: &str) -> bool {
    let wanted: Vec<&str> = wanted.split("; ").collect();
    let parts: Vec<&str> = value.split("; ").collect();
    wanted
        .iter()
        .all(|wanted| parts.iter().any(|part| json::same_text(wanted, part)))
        && parts.iter().all(|part| {
            *part == "Secure"
                || part.starts_with("SameSite=")
                || wanted.iter().any(|wanted| json::same_text(wanted, part))
        })
}
