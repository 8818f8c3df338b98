//! The administrators' page of keys in a large installation.

use std::fs;

use anyhow::{Result, ensure};
use cubegate_tests::{Gateway, Site};
use serde_json::json;

use super::Reader;
use crate::machine;
use crate::report::{Figure, Goal};
use crate::sample::{Samples, timed};

const KEYS: usize = 10_000;
const OWNERS: usize = 2_500;
/// No command of the harness may take longer than half a minute.
const AT_ONCE: usize = 1_000;
const WARM_UP: usize = 2;
const READINGS: usize = 30;

/// Pages somewhere in the middle, as they are and searched.
const PATHS: [&str; 2] = [
    "/console/users/keys?size=50&page=100",
    "/console/users/keys?query=program-7&size=50",
];

/// Takes over keys of programs. Their owners are not registered, which costs nothing here: the
/// page does not ask for them.
pub(super) async fn import(site: &Site) -> Result<()> {
    let keys: Vec<_> = (0..KEYS)
        .map(|number| {
            json!({
                "accessKey": format!("{number:032x}"),
                "secretKey": format!("5{number:031x}"),
                "user": format!("program-{}", number % OWNERS),
            })
        })
        .collect();
    let file = site.dir().join("import.json");
    for keys in keys.chunks(AT_ONCE) {
        fs::write(&file, json!({ "users": [], "keys": keys }).to_string())?;
        site.ok(&["import", &file.display().to_string()]).await?;
    }
    Ok(())
}

/// What a page of them takes.
///
/// # Errors
/// A page that is none.
pub(super) async fn figures(gateway: &Gateway) -> Result<Vec<Figure>> {
    let reader = Reader::log_in(gateway).await?;
    let total = format!("of {KEYS}");
    let [whole, _] = PATHS;
    let text = reader.page(whole).await?.text();
    ensure!(text.contains(&total), "the page does not say {total:?}");
    let mut samples = Samples::default();
    for round in 0..WARM_UP + READINGS {
        for path in PATHS {
            let (milliseconds, _) = timed(reader.page(path)).await?;
            if round >= WARM_UP {
                samples.push(milliseconds);
            }
        }
    }
    Ok(vec![Figure {
        name: "page of 10,000 keys",
        value: samples.median()?,
        unit: "ms",
        goal: Goal::AtMost(250.0),
        conditions: format!(
            "{}, client on them too; SQLite, {KEYS} keys of {OWNERS} owners, the hundredth page of 50 and a search in turns; median (quartiles) of {}: {}",
            machine::describe(),
            samples.count(),
            samples.shown(0, "ms")?
        ),
    }])
}
