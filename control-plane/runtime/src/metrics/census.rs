//! What only the database knows, counted every 15 s and not when somebody asks.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cubegate_store::{Census, Store};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Unit;
use tokio::sync::watch;
use tokio::time::sleep;

use super::rows::{Rows, number, one};

/// From one count to the next.
const INTERVAL: Duration = Duration::from_secs(15);

/// What was counted last; nothing before the first time, and while the database fails.
#[derive(Debug, Clone)]
pub(crate) struct Counted(pub(crate) watch::Receiver<Option<Census>>);

/// Counts, until nobody reads it.
pub(crate) async fn count(store: Store, counted: watch::Sender<Option<Census>>) {
    while !counted.is_closed() {
        let census = store.census().await;
        if let Err(error) = &census {
            // Whatever else needs the database says more.
            tracing::debug!(%error, "users, keys and audit records could not be counted");
        }
        counted.send_replace(census.ok());
        sleep(INTERVAL).await;
    }
}

// === impl Counted ===

impl Collector for Counted {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let counted = self.0.borrow();
        let Some(census) = &*counted else {
            return Ok(());
        };
        let mut rows = Rows(encoder);
        for (name, help, value) in [
            ("users", "Users, disabled ones among them", census.users),
            (
                "access_keys",
                "Access keys, expired ones among them",
                census.access_keys,
            ),
            ("sessions", "Logins that have not ended", census.sessions),
        ] {
            rows.gauge(name, None, help, one(number(value)))?;
        }
        let clusters = census.clusters.iter();
        rows.gauge(
            "clusters_by_source",
            None,
            "Registered clusters by what they were registered by or come from",
            clusters.map(|(source, clusters)| {
                let word = match source.as_str() {
                    "" => "unknown",
                    word => word,
                };
                (vec![("source", word.to_owned())], number(*clusters))
            }),
        )?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default();
        let of = |sink: &str| vec![("sink", sink.to_owned())];
        let outbox = census.outbox.iter();
        rows.gauge(
            "audit_outbox_records",
            None,
            "Audit records that wait to be sent to a sink",
            outbox
                .clone()
                .map(|waiting| (of(&waiting.sink), number(waiting.records))),
        )?;
        rows.gauge(
            "audit_outbox_lag",
            Some(&Unit::Seconds),
            "How old the oldest audit record is that waits to be sent to a sink; 0 when none waits",
            outbox.map(|waiting| {
                let oldest = waiting.oldest.map(Duration::from_micros);
                let age = oldest.map(|oldest| now.saturating_sub(oldest));
                (of(&waiting.sink), age.unwrap_or_default().as_secs_f64())
            }),
        )
    }
}
