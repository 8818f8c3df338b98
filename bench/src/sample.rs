//! Samples, and what is made of them.

use anyhow::{Context as _, Result};
use tokio::time::Instant;

/// Measured values of one thing.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<f64>);

// === impl Samples ===

impl Samples {
    /// Takes one more.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The median, which a machine that does other things too disturbs least.
    ///
    /// # Errors
    /// No samples.
    pub fn median(&self) -> Result<f64> {
        self.quantile(2)
    }

    /// The lower and the upper quartile, to show how noisy the run was.
    ///
    /// # Errors
    /// No samples.
    pub fn quartiles(&self) -> Result<(f64, f64)> {
        Ok((self.quantile(1)?, self.quantile(3)?))
    }

    /// The median and the quartiles for a reader, with so many decimals.
    ///
    /// # Errors
    /// No samples.
    pub fn shown(&self, decimals: usize, unit: &str) -> Result<String> {
        let (lower, upper) = self.quartiles()?;
        let median = self.median()?;
        Ok(format!(
            "{median:.decimals$} {unit} ({lower:.decimals$} to {upper:.decimals$})"
        ))
    }

    /// The value that so many in a hundred are not above.
    ///
    /// # Errors
    /// No samples.
    pub fn percentile(&self, percent: usize) -> Result<f64> {
        self.at(percent, 100)
    }

    /// The value that so many quarters are not above.
    fn quantile(&self, quarters: usize) -> Result<f64> {
        self.at(quarters, 4)
    }

    fn at(&self, part: usize, of: usize) -> Result<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1).context("no samples")?;
        sorted.get(last * part / of).copied().context("no samples")
    }
}

impl IntoIterator for Samples {
    type Item = f64;
    type IntoIter = std::vec::IntoIter<f64>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Extend<f64> for Samples {
    fn extend<I: IntoIterator<Item = f64>>(&mut self, values: I) {
        self.0.extend(values);
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

/// How many milliseconds something takes, with what it gives.
///
/// # Errors
/// Its own.
pub async fn timed<T>(what: impl Future<Output = Result<T>>) -> Result<(f64, T)> {
    let began = Instant::now();
    let given = what.await?;
    Ok((began.elapsed().as_secs_f64() * 1e3, given))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let samples: Samples = [9.0, 1.0, 5.0, 3.0, 7.0].into_iter().collect();
        assert_eq!(samples.median().unwrap(), 5.0);
        assert_eq!(samples.quartiles().unwrap(), (3.0, 7.0));
        assert_eq!(samples.shown(1, "ms").unwrap(), "5.0 ms (3.0 to 7.0)");
        assert_eq!(samples.percentile(100).unwrap(), 9.0);
        assert!(Samples::default().median().is_err());
    }
}
