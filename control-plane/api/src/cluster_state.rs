//! How registered clusters are, as the process sees them that serves the API.

use std::collections::BTreeMap;
use std::time::Duration;

use time::OffsetDateTime;

/// The clusters that are looked at, by name.
pub type ClusterStates = BTreeMap<String, ClusterState>;

/// How a registered cluster is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterState {
    /// In one word.
    pub status: ClusterStatus,
    /// Why it is abnormal, in one sentence; empty when it is not.
    pub reason: String,
    /// When that status began.
    pub since: OffsetDateTime,
    /// Its version (`gitVersion`) at the last look that it told one; empty before.
    pub version: String,
    /// How long it took to answer the last look; `None` when it did not, or there was none.
    pub latency: Option<Duration>,
    /// When the gateway's own credential there ends, if it says so.
    pub credential_ends: Option<OffsetDateTime>,
}

/// Whether a cluster can be used through the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterStatus {
    /// It answered the last look, and takes the credential.
    Normal,
    /// It did not.
    Abnormal,
    /// It was not looked at yet.
    Unknown,
}

// === impl ClusterState ===

impl ClusterState {
    /// The state of a cluster that was not looked at since then.
    pub fn unknown(since: OffsetDateTime, credential_ends: Option<OffsetDateTime>) -> Self {
        Self {
            status: ClusterStatus::Unknown,
            reason: String::new(),
            since,
            version: String::new(),
            latency: None,
            credential_ends,
        }
    }

    /// Takes over what a look has found: how long the answer took and the version, as far as
    /// there were any, and why the cluster is of no use, if it is not.
    pub fn looked(
        &mut self,
        latency: Option<Duration>,
        version: Option<String>,
        reason: Option<String>,
        now: OffsetDateTime,
    ) {
        let status = match reason {
            None => ClusterStatus::Normal,
            Some(_) => ClusterStatus::Abnormal,
        };
        if status != self.status {
            self.since = now;
            self.status = status;
        }
        self.reason = reason.unwrap_or_default();
        self.latency = latency;
        if let Some(version) = version {
            self.version = version;
        }
    }
}

// === impl ClusterStatus ===

impl ClusterStatus {
    /// Returns the word that stands in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Abnormal => "abnormal",
            Self::Unknown => "unknown",
        }
    }

    /// Reads the word; another one says nothing.
    pub fn parse(word: &str) -> Self {
        match word {
            "normal" => Self::Normal,
            "abnormal" => Self::Abnormal,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(seconds).unwrap()
    }

    #[test]
    fn a_status_began_when_another_one_ended() {
        let mut state = ClusterState::unknown(at(1), None);
        let latency = Some(Duration::from_millis(7));
        state.looked(latency, Some("v1.20.4".to_owned()), None, at(2));
        state.looked(latency, None, None, at(3));
        assert_eq!((state.status, state.since), (ClusterStatus::Normal, at(2)));
        state.looked(None, None, Some("refused".to_owned()), at(4));
        state.looked(None, None, Some("no answer".to_owned()), at(5));
        assert_eq!(
            (state.status, state.since),
            (ClusterStatus::Abnormal, at(4))
        );
        assert_eq!((state.reason.as_str(), state.latency), ("no answer", None));
        assert_eq!(state.version, "v1.20.4");
        state.looked(latency, Some("v1.21.0".to_owned()), None, at(6));
        assert_eq!((state.since, state.reason.as_str()), (at(6), ""));
        assert_eq!(state.version, "v1.21.0");
    }
}
