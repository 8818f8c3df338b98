//! Metrics whose values are found when somebody reads them.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// A name of a label and its value.
pub(super) type Label = (&'static str, String);

/// What somebody reads, written metric by metric.
pub(super) struct Rows<'a>(pub(super) DescriptorEncoder<'a>);

// === impl Rows ===

impl Rows<'_> {
    /// Writes a gauge: a value for each set of labels.
    pub(super) fn gauge(
        &mut self,
        name: &str,
        unit: Option<&Unit>,
        help: &str,
        rows: impl IntoIterator<Item = (Vec<Label>, f64)>,
    ) -> fmt::Result {
        let rows = rows.into_iter();
        let rows = rows.map(|(labels, value)| (labels, ConstGauge::new(value)));
        self.metric(name, unit, help, &ConstGauge::new(0.0), rows)
    }

    /// Writes a counter likewise.
    pub(super) fn counter(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (Vec<Label>, u64)>,
    ) -> fmt::Result {
        let rows = rows.into_iter();
        let rows = rows.map(|(labels, value)| (labels, ConstCounter::new(value)));
        self.metric(name, None, help, &ConstCounter::new(0_u64), rows)
    }

    /// Writes a metric of the kind of `like`.
    fn metric<M: EncodeMetric>(
        &mut self,
        name: &str,
        unit: Option<&Unit>,
        help: &str,
        like: &M,
        rows: impl Iterator<Item = (Vec<Label>, M)>,
    ) -> fmt::Result {
        let kind = like.metric_type();
        let mut metric = self.0.encode_descriptor(name, help, unit, kind)?;
        for (labels, value) in rows {
            value.encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// A value of a metric that has no labels.
pub(super) fn one<T>(value: T) -> [(Vec<Label>, T); 1] {
    [(Vec::new(), value)]
}

/// A number as a value of a gauge.
#[expect(
    clippy::cast_precision_loss,
    reason = "numbers above 2^53 are shown rounded"
)]
pub(super) fn number(number: u64) -> f64 {
    number as f64
}

/// The same of a size in memory.
pub(super) fn size(size: usize) -> f64 {
    number(u64::try_from(size).unwrap_or(u64::MAX))
}
