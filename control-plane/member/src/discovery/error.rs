//! Why a cluster's discovery could not be read.

use thiserror::Error;

use super::{DISCOVERY_TIMEOUT, MAX_READING_BYTES};

/// Why a cluster's discovery could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DiscoveryError {
    /// The cluster's certificates cannot be used.
    #[error("a connection cannot be prepared: {0}")]
    Configuration(String),
    /// All of it took too long.
    #[error("the API server did not tell its resources within {} seconds", DISCOVERY_TIMEOUT.as_secs())]
    TimedOut,
    /// No answer, or half of one.
    #[error("the API server gives no answer to {path}: {reason}")]
    NoAnswer {
        /// What was asked for.
        path: String,
        /// What happened.
        reason: String,
    },
    /// Another status than 200 and 404.
    #[error("the API server answers {path} with {status}")]
    Refused {
        /// What was asked for.
        path: String,
        /// The HTTP status.
        status: u16,
    },
    /// More than is ever read.
    #[error("the answer to {path} is too long")]
    TooLong {
        /// What was asked for.
        path: String,
    },
    /// More than is ever read, of all answers together.
    #[error("the API server tells its resources in more than {} MiB", MAX_READING_BYTES >> 20)]
    TooMuch,
    /// No document of discovery.
    #[error("the answer to {path} is no discovery document: {reason}")]
    NoDocument {
        /// What was asked for.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Neither `/api` nor `/apis` is there.
    #[error("the server has neither /api nor /apis; it is no Kubernetes API server")]
    NoKubernetes,
}
