//! What the upstream must have seen.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::client::Answer;
use crate::fixture::Seen;

/// `upstream_sees`
pub(super) fn sees(wanted: &Value, seen: &[Seen]) -> Result<()> {
    let request = the_request(seen)?;
    for (name, wanted) in wanted.as_object().context("upstream_sees is no object")? {
        let one = match name.as_str() {
            "method" => Some(request.method.as_str()),
            "path" => Some(request.path.as_str()),
            "query" => Some(request.query.as_deref().unwrap_or_default()),
            "body" => Some(request.body.as_str()),
            _ => None,
        };
        match (name.as_str(), one) {
            (_, Some(found)) => ensure!(
                wanted.as_str() == Some(found),
                "the upstream's {name}: {wanted} is wanted, it saw {found:?}"
            ),
            ("headers", None) => headers(wanted, request)?,
            ("headers_present", None) => headers_present(wanted, request)?,
            ("headers_absent", None) => headers_absent(wanted, request)?,
            (other, None) => bail!("the schema has no upstream check {other:?}"),
        }
    }
    Ok(())
}

/// `upstream_absent_headers`: names that it must not have seen.
pub(super) fn absent_headers(wanted: &Value, seen: &[Seen]) -> Result<()> {
    let request = the_request(seen)?;
    for name in texts(wanted)? {
        let found: Vec<&str> = request.headers(name).collect();
        ensure!(found.is_empty(), "the upstream saw {name}: {found:?}");
    }
    Ok(())
}

/// `bytes_identical_to_upstream`
pub(super) fn same_bytes(answer: &Answer, seen: &[Seen]) -> Result<()> {
    ensure!(
        the_request(seen)?.answered == answer.body,
        "the body is not byte for byte that of the upstream"
    );
    Ok(())
}

fn the_request(seen: &[Seen]) -> Result<&Seen> {
    let [request] = seen else {
        bail!("the upstream saw {} requests instead of one", seen.len());
    };
    Ok(request)
}

/// Values that are wanted, `a or b` for either.
fn headers(wanted: &Value, request: &Seen) -> Result<()> {
    for (name, wanted) in wanted.as_object().context("headers is no object")? {
        let wanted = wanted.as_str().context("a header that is no text")?;
        let found: Vec<&str> = request.headers(name).collect();
        let fits = |value: &&str| wanted.split(" or ").any(|wanted| wanted == *value);
        ensure!(
            !found.is_empty() && found.iter().all(fits),
            "the upstream's {name}: {wanted:?} is wanted, it saw {found:?}"
        );
    }
    Ok(())
}

/// `Name` or `Name: value`.
fn headers_present(wanted: &Value, request: &Seen) -> Result<()> {
    for header in texts(wanted)? {
        let (name, value) = header
            .split_once(": ")
            .map_or((header, None), |(name, value)| (name, Some(value)));
        let found: Vec<&str> = request.headers(name).collect();
        let there = value.map_or(!found.is_empty(), |value| found.contains(&value));
        ensure!(there, "the upstream did not see {header}: {found:?}");
    }
    Ok(())
}

/// `Name=value`, or `Cookie containing the KubeCube token`.
fn headers_absent(wanted: &Value, request: &Seen) -> Result<()> {
    for header in texts(wanted)? {
        if let Some((name, value)) = header.split_once('=') {
            ensure!(
                !request.headers(name).any(|found| found == value),
                "the upstream saw {header}"
            );
        } else if let Some((name, _)) = header.split_once(" containing ") {
            ensure!(
                !request.headers(name).any(|found| found.contains("Bearer")),
                "the upstream saw a {header}"
            );
        } else {
            bail!("the schema has no such absent header: {header}");
        }
    }
    Ok(())
}

fn texts(values: &Value) -> Result<impl Iterator<Item = &str>> {
    Ok(values
        .as_array()
        .context("no array of texts")?
        .iter()
        .filter_map(Value::as_str))
}
