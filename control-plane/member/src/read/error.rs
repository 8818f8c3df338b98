//! Why a cluster could not be read.

use thiserror::Error;

use crate::client::innermost;

/// Why a cluster could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReadError {
    /// The API server said no, in its own words.
    #[error("{message}")]
    Refused {
        /// The HTTP status.
        code: u16,
        /// What it said.
        message: String,
    },
    /// There was no answer, or none that can be read. The sentence may name what is
    /// inside, so it is for the log.
    #[error("the API server cannot be read: {0}")]
    Failed(String),
}

/// How much of what an API server says is passed on, in bytes.
const MAX_MESSAGE_BYTES: usize = 1_024;

// === impl ReadError ===

impl ReadError {
    pub(crate) fn from_kube(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::Refused {
                code: status.code,
                message: shortened(&status.message),
            },
            error => Self::Failed(innermost(&error)),
        }
    }

    /// A refusal becomes nothing: what may not be seen is not there. One of the gateway's own
    /// credential (401) says nothing about what the reader may see.
    pub(super) fn or_default<T: Default>(result: Result<T, Self>) -> Result<T, Self> {
        match result {
            Err(Self::Refused { code, .. }) if code != 401 => Ok(T::default()),
            result => result,
        }
    }
}

fn shortened(message: &str) -> String {
    let end = message.floor_char_boundary(MAX_MESSAGE_BYTES);
    message.get(..end).unwrap_or_default().to_owned()
}
