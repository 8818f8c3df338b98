//! What the control plane tells of itself, at a port of its own: `/metrics` in the text format
//! of Prometheus or OpenMetrics, `/livez`, `/readyz`.
//!
//! ```text
//! api, xds, store ── counters of their own ──┐
//! audit, xds, publisher, discovery ── live ──┼──> registry ──> /metrics
//! database ── every 15 s ── census ──────────┘
//! ```
//!
//! A scrape asks nobody: it reads counters and what others have found out already. No label
//! has a value that a caller chooses; those that are names of clusters go with the cluster.
//! `docs/metrics.md` lists all of them.

mod census;
mod live;
mod process;
mod rows;
mod server;

use std::fmt;
use std::sync::Arc;

use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

pub(crate) use self::census::{Counted, count};
pub(crate) use self::live::Live;
pub(crate) use self::server::serve;

/// All that is told; clones tell the same.
#[derive(Clone)]
pub(crate) struct Metrics(Arc<Registries>);

struct Registries {
    /// Ours, which begin with `cubegate_`.
    own: Registry,
    /// Of the process, whose names every exporter has.
    process: Registry,
}

/// A format of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Prometheus,
    OpenMetrics,
}

// === impl Metrics ===

impl Metrics {
    pub(crate) fn new(
        api: &cubegate_api::Metrics,
        xds: &cubegate_xds::Metrics,
        live: Live,
        counted: Counted,
    ) -> Self {
        let mut own = Registry::with_prefix("cubegate");
        own.register(
            "build",
            "Which version runs",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        api.register(&mut own);
        xds.register(&mut own);
        live.store.metrics().register(&mut own);
        own.register_collector(Box::new(live));
        own.register_collector(Box::new(counted));
        let mut process = Registry::default();
        process.register_collector(Box::new(process::Process::now()));
        Self(Arc::new(Registries { own, process }))
    }

    fn to_text(&self, format: Format) -> Result<String, fmt::Error> {
        let mut written = String::new();
        for registry in [&self.0.own, &self.0.process] {
            match format {
                Format::Prometheus => prometheus_text::encode(&mut written, registry)?,
                Format::OpenMetrics => text::encode_registry(&mut written, registry)?,
            }
        }
        if format == Format::OpenMetrics {
            text::encode_eof(&mut written)?;
        }
        Ok(written)
    }
}
