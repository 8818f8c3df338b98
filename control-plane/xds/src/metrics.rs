//! What the server counts, and how far behind the newest snapshot its Envoys are.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use cubegate_snapshot::ResourceType;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds in seconds: from an answer at once to an Envoy whose cluster never warms.
const BUCKETS: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 20.0, 60.0];

/// A type of resource by its name.
type Type = [(&'static str, &'static str); 1];

/// The counters of the server; clones are the same ones.
#[derive(Debug, Clone)]
pub struct Metrics {
    streams: Counter,
    responses: Family<Type, Counter>,
    bytes: Family<Type, Counter>,
    acks: Family<Type, Counter>,
    nacks: Family<Type, Counter>,
    overdue: Family<Type, Counter>,
    answer_seconds: Histogram,
    change_seconds: Histogram,
    revocation_seconds: Histogram,
    behind: Behind,
}

/// The streams whose Envoy has not all yet, by number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Behind(Arc<Mutex<BTreeMap<u64, Since>>>);

/// From when on an Envoy has not what it should have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Since {
    /// Anything.
    pub(crate) change: Option<Instant>,
    /// What is refused.
    pub(crate) revocation: Option<Instant>,
}

// === impl Metrics ===

impl Metrics {
    /// Has the counters be read with a registry's.
    pub fn register(&self, registry: &mut Registry) {
        let Self {
            streams,
            responses,
            bytes,
            acks,
            nacks,
            overdue,
            answer_seconds,
            change_seconds,
            revocation_seconds,
            behind,
        } = self;
        registry.register(
            "xds_streams",
            "Streams that Envoys have begun",
            streams.clone(),
        );
        for (name, help, counters) in [
            (
                "xds_responses",
                "Pushes: responses that were sent to Envoys",
                responses,
            ),
            ("xds_acks", "Responses that Envoys have taken", acks),
            ("xds_nacks", "Responses that Envoys have refused", nacks),
            (
                "xds_overdue",
                "Responses that an Envoy had not answered after 20 s",
                overdue,
            ),
        ] {
            registry.register(name, help, counters.clone());
        }
        registry.register_with_unit(
            "xds_response",
            "The length of all responses that were sent to Envoys",
            Unit::Bytes,
            bytes.clone(),
        );
        for (name, help, seconds) in [
            (
                "xds_answer_duration",
                "From a response to an Envoy's answer",
                answer_seconds,
            ),
            (
                "xds_change_duration",
                "From a new snapshot to the answer by which an Envoy has all of it",
                change_seconds,
            ),
            (
                "xds_revocation_duration",
                "From a change of what is refused to the answer by which an Envoy has it",
                revocation_seconds,
            ),
        ] {
            registry.register_with_unit(name, help, Unit::Seconds, seconds.clone());
        }
        registry.register_collector(Box::new(behind.clone()));
    }

    pub(crate) fn connected(&self) {
        self.streams.inc();
    }

    pub(crate) fn sent(&self, kind: ResourceType, bytes: usize) {
        self.responses.get_or_create(&of(kind)).inc();
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.bytes.get_or_create(&of(kind)).inc_by(bytes);
    }

    pub(crate) fn accepted(&self, kind: ResourceType) {
        self.acks.get_or_create(&of(kind)).inc();
    }

    pub(crate) fn refused(&self, kind: ResourceType) {
        self.nacks.get_or_create(&of(kind)).inc();
    }

    pub(crate) fn overdue(&self, kind: ResourceType) {
        self.overdue.get_or_create(&of(kind)).inc();
    }

    pub(crate) fn answered(&self, since: Instant) {
        self.answer_seconds.observe(since.elapsed().as_secs_f64());
    }

    pub(crate) fn change_is_there(&self, since: Instant) {
        self.change_seconds.observe(since.elapsed().as_secs_f64());
    }

    pub(crate) fn revocation_is_there(&self, since: Instant) {
        let seconds = since.elapsed().as_secs_f64();
        self.revocation_seconds.observe(seconds);
    }

    pub(crate) fn behind(&self) -> &Behind {
        &self.behind
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let this = Self {
            streams: Counter::default(),
            responses: Family::default(),
            bytes: Family::default(),
            acks: Family::default(),
            nacks: Family::default(),
            overdue: Family::default(),
            answer_seconds: Histogram::new(BUCKETS),
            change_seconds: Histogram::new(BUCKETS),
            revocation_seconds: Histogram::new(BUCKETS),
            behind: Behind::default(),
        };
        // Rates need a first value: what never happened is 0.
        for kind in ResourceType::ALL {
            for counters in [
                &this.responses,
                &this.bytes,
                &this.acks,
                &this.nacks,
                &this.overdue,
            ] {
                drop(counters.get_or_create(&of(kind)));
            }
        }
        this
    }
}

/// The label of a type: what the API of Envoy calls its service.
fn of(kind: ResourceType) -> Type {
    let name = match kind {
        ResourceType::Secret => "secret",
        ResourceType::Cluster => "cluster",
        ResourceType::ExtensionConfig => "extension_config",
        ResourceType::Listener => "listener",
        ResourceType::RouteConfiguration => "route",
    };
    [("type", name)]
}

// === impl Behind ===

impl Behind {
    /// A stream is behind since then, or not at all.
    pub(crate) fn set(&self, stream: u64, since: Since) {
        if since == Since::default() {
            self.streams().remove(&stream);
        } else {
            self.streams().insert(stream, since);
        }
    }

    fn streams(&self) -> MutexGuard<'_, BTreeMap<u64, Since>> {
        // Every write is of one entry, so nothing is ever half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn oldest(&self, of: impl Fn(&Since) -> Option<Instant>) -> f64 {
        let oldest = self.streams().values().filter_map(of).min();
        oldest.map_or(0.0, |since| since.elapsed().as_secs_f64())
    }
}

impl Collector for Behind {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let changes = ConstGauge::new(self.oldest(|since| since.change));
        let revocations = ConstGauge::new(self.oldest(|since| since.revocation));
        for (name, help, gauge) in [
            (
                "xds_change_pending",
                "How long the Envoy that is behind for the longest has not had the newest snapshot; 0 when all have it",
                changes,
            ),
            (
                "xds_revocation_pending",
                "How long the Envoy that is behind for the longest has not known what is refused; 0 when all know",
                revocations,
            ),
        ] {
            let metric =
                encoder.encode_descriptor(name, help, Some(&Unit::Seconds), gauge.metric_type())?;
            gauge.encode(metric)?;
        }
        Ok(())
    }
}
