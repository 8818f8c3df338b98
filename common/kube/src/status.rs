//! What Kubernetes paths answer: `Status` (Kubernetes API conventions, "Response
//! Status Kind").

use serde::{Deserialize, Serialize};

/// A Kubernetes `Status` that says why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Always `Status`.
    pub kind: String,
    /// Always `v1`.
    pub api_version: String,
    /// Always empty.
    pub metadata: Metadata,
    /// `Failure`.
    pub status: String,
    /// One sentence for a person.
    pub message: String,
    /// The machine-readable reason.
    pub reason: Reason,
    /// What the failure is about, where the gateway names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
    /// The HTTP status again.
    pub code: u16,
}

/// The empty `ListMeta` of a `Status`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {}

/// What a `Status` is about (`metav1.StatusDetails`). What is absent is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Details {
    /// The object's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The resource's API group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// The resource, `pods`; Kubernetes gives it under this name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// After how many seconds the client may try again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
}

/// The reasons that the gateway gives, as named by `metav1.StatusReason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// 400
    BadRequest,
    /// 401
    Unauthorized,
    /// 403
    Forbidden,
    /// 404
    NotFound,
    /// 413 and 431
    RequestEntityTooLarge,
    /// 415
    UnsupportedMediaType,
    /// 429
    TooManyRequests,
    /// 500
    InternalError,
    /// 502 and 503
    ServiceUnavailable,
    /// 504
    Timeout,
    /// 507
    InsufficientStorage,
}

// === impl Status ===

impl Status {
    /// A failure with this HTTP status and sentence.
    pub fn failure(code: u16, message: impl Into<String>) -> Self {
        Self {
            kind: "Status".to_owned(),
            api_version: "v1".to_owned(),
            metadata: Metadata {},
            status: "Failure".to_owned(),
            message: message.into(),
            reason: Reason::of(code),
            details: None,
            code,
        }
    }

    /// The same failure, with what it is about.
    #[must_use]
    pub fn about(mut self, details: Details) -> Self {
        self.details = Some(details);
        self
    }
}

// === impl Reason ===

impl Reason {
    fn of(code: u16) -> Self {
        match code {
            400 => Self::BadRequest,
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            413 | 431 => Self::RequestEntityTooLarge,
            415 => Self::UnsupportedMediaType,
            429 => Self::TooManyRequests,
            502 | 503 => Self::ServiceUnavailable,
            504 => Self::Timeout,
            507 => Self::InsufficientStorage,
            _ => Self::InternalError,
        }
    }
}
