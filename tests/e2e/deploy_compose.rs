//! The compose file of the local stack, without containers: what is easily lost when it is
//! changed. `make compose-test` runs it.

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::artifacts::root;
use serde_json::{Map, Value};

fn compose() -> Result<Value> {
    let text = std::fs::read_to_string(root().join("deploy/compose/compose.yaml"))?;
    Ok(serde_saphyr::from_str(&text)?)
}

fn services(compose: &Value) -> Result<&Map<String, Value>> {
    compose["services"].as_object().context("no services")
}

/// A variable's default, `${NAME:-default}`.
fn by_default(text: &str) -> &str {
    text.split_once(":-")
        .map_or(text, |(_, default)| default.trim_end_matches('}'))
}

#[test]
fn every_image_is_pinned_and_every_service_hardened() -> Result<()> {
    let compose = compose()?;
    for (name, service) in services(&compose)? {
        let image = by_default(service["image"].as_str().context("no image")?);
        let (_, tag) = image
            .rsplit_once(':')
            .with_context(|| format!("{name}: {image}"))?;
        ensure!(
            tag.starts_with(|first: char| first.is_ascii_digit() || first == 'v')
                && tag != "latest",
            "{name} has an image without a version: {image}"
        );
        ensure!(service["read_only"] == true, "{name} can write to its root");
        ensure!(service["cap_drop"][0] == "ALL", "{name} keeps capabilities");
        ensure!(
            service["security_opt"][0] == "no-new-privileges:true",
            "{name} may get more rights"
        );
        ensure!(
            service["mem_limit"].is_string(),
            "{name} has no limit of memory"
        );
        for port in service["ports"].as_array().into_iter().flatten() {
            let port = port.as_str().context("a port of another form")?;
            ensure!(
                port.starts_with("127.0.0.1:"),
                "{name} is open to others: {port}"
            );
        }
    }
    Ok(())
}

#[test]
fn what_runs_once_is_waited_for_and_nobody_waits_for_what_is_not_there() -> Result<()> {
    let compose = compose()?;
    let services = services(&compose)?;
    let waits = |service: &Value| {
        let on = service["depends_on"].as_object().cloned();
        on.unwrap_or_default()
            .into_iter()
            .map(|(on, how)| (on, how["condition"].clone()))
            .collect::<Vec<_>>()
    };
    let all: Vec<_> = services.values().flat_map(waits).collect();
    for (on, how) in &all {
        let service = services
            .get(on)
            .with_context(|| format!("there is no {on}"))?;
        let once = service["restart"] == "no";
        ensure!(
            once == (how == "service_completed_successfully"),
            "{on} is waited for by {how}"
        );
        // The image's or the file's; an API server has no program that could ask.
        ensure!(
            how != "service_healthy" || service["healthcheck"]["test"].is_array(),
            "{on} has no health check"
        );
    }
    for (name, service) in services {
        // `up --wait` takes the end of a service for a failure unless somebody waits for it.
        ensure!(
            service["restart"] != "no" || all.iter().any(|(on, _)| on == name),
            "nobody waits for {name}"
        );
    }
    Ok(())
}

#[test]
fn no_secret_stands_in_it() -> Result<()> {
    let compose = compose()?;
    for (name, service) in services(&compose)? {
        for (variable, value) in service["environment"].as_object().into_iter().flatten() {
            let secret = ["PASSWORD", "SECRET", "TOKEN"]
                .iter()
                .any(|word| variable.contains(word));
            ensure!(
                !secret || variable.ends_with("_FILE"),
                "{name} has a secret in its environment: {variable}"
            );
            let text = value.as_str().unwrap_or_default();
            ensure!(
                !text.contains("://") || !text.contains('@'),
                "{name}: {variable}"
            );
        }
    }
    Ok(())
}
