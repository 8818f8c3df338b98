//! When pages show something, and how much they bring.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use cubegate_tests::browser::{Load, Visitor};
use cubegate_tests::gateway::ADMIN_PASSWORD;
use cubegate_tests::{Browser, Gateway};

use crate::machine;
use crate::report::{Figure, Goal};
use crate::sample::Samples;

/// Chromiums that are started, each with a profile that nobody has used.
const VISITS: usize = 9;

/// What has to be drawn before the first page of a visit is measured, and what that is compared
/// with: the least that a page can be.
const BLANK: &str = "data:text/html,<!doctype html><title>blank</title><p>blank";

/// What one visitor saw.
struct Visit {
    /// The first page of a browser that was just started.
    blank: Load,
    /// The first page of somebody who has never been there: the login.
    first: Load,
    /// The page of keys, right after the login.
    keys: Load,
    /// The page that brings the most.
    reference: Load,
}

/// First paint, and bytes.
///
/// # Errors
/// A browser that does not start, a page that is none.
pub(super) async fn figures(gateway: &Gateway) -> Result<Vec<Figure>> {
    let browser = Browser::shared().await?;
    let (mut first, mut keys) = (Samples::default(), Samples::default());
    let (mut blank, mut answered) = (Samples::default(), Samples::default());
    let (mut first_page, mut assets) = (0, BTreeMap::new());
    for _ in 0..VISITS {
        let visit = visit(browser, &gateway.endpoints().gateway).await?;
        blank.push(visit.blank.first_paint.as_secs_f64() * 1e3);
        first.push(visit.first.first_paint.as_secs_f64() * 1e3);
        answered.push(visit.first.answered.as_secs_f64() * 1e3);
        keys.push(visit.keys.first_paint.as_secs_f64() * 1e3);
        first_page = visit.first.loaded.iter().map(|file| file.bytes).sum();
        for file in [visit.first, visit.keys, visit.reference]
            .iter()
            .flat_map(|load| &load.loaded)
        {
            if file.url.ends_with(".css") || file.url.ends_with(".js") {
                assets.insert(file.url.clone(), file.bytes);
            }
        }
    }
    ensure!(assets.len() == 2, "style and script: {assets:?}");
    let machine = machine::describe();
    let paint = |name, samples: &Samples, what: &str| -> Result<Figure> {
        Ok(Figure {
            name,
            value: samples.median()?,
            unit: "ms",
            goal: Goal::AtMost(150.0),
            conditions: format!(
                "{machine}, headless Chromium on them too; first-contentful-paint after the navigation began, over TLS on loopback, {what}; median (quartiles) of {} new profiles: {}",
                samples.count(),
                samples.shown(0, "ms")?
            ),
        })
    };
    let bytes = |name, bytes: u64, most, what: &str| Figure {
        name,
        value: bytes as f64 / 1e3,
        unit: "kB",
        goal: Goal::AtMost(most),
        conditions: format!("bodies as Chromium has received them (encodedBodySize), {what}"),
    };
    Ok(vec![
        paint(
            "first paint of a first visit",
            &first,
            &format!(
                "/console/ with the login in it, nothing cached, connection and handshake included, the page's last byte after {}; the browser has shown a blank page before, which took it {}",
                answered.shown(0, "ms")?,
                blank.shown(0, "ms")?
            ),
        )?,
        paint(
            "first paint of the keys",
            &keys,
            "after a login, connected and with style and script in the cache",
        )?,
        bytes(
            "scripts and style",
            assets.values().sum(),
            60.0,
            "all that any page brings",
        ),
        bytes("first page", first_page, 100.0, "with all that it brings"),
    ])
}

async fn visit(browser: &Browser, origin: &str) -> Result<Visit> {
    browser
        .visit("bench", origin, Visitor::default(), async |page| {
            page.goto(BLANK).await?;
            let blank = page.load().await?;
            page.goto("/console/").await?;
            let first = page.load().await?;
            page.log_in("admin", ADMIN_PASSWORD).await?;
            page.goto("/console/keys").await?;
            let keys = page.load().await?;
            page.goto("/console/docs").await?;
            Ok(Visit {
                blank,
                first,
                keys,
                reference: page.load().await?,
            })
        })
        .await
}
