//! What the filter tells the control plane about each request, for the audit record.

use serde::{Deserialize, Serialize};

/// The name under which the filter leaves an [`AuditNote`] with Envoy. It is a
/// property of the stream, which neither client nor upstream ever sees.
pub const AUDIT_PROPERTY: &str = "cubegate_audit";

/// The filter-state object that Envoy makes of that property, for its access log.
pub const AUDIT_FILTER_STATE: &str = "wasm.cubegate_audit";

/// What Envoy cannot know of a request to a member cluster. Refused requests have
/// one too, with what was known when they were refused; requests to the control
/// plane have none. It never holds a token or a query.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditNote {
    /// Whose verified token it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The access key that the token was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The token's `jti`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// For whom the caller has asked to make the request, whether it was let or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impersonated: Option<String>,
    /// The groups that were named with that user.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub impersonated_groups: Vec<String>,
    /// The cluster that the path names, registered or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// The path at the API server, still percent-encoded, without the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// For whose browser the request says to be made ([`READER_HEADER`](crate::READER_HEADER)).
    /// Anybody may write it: only the control plane knows whether it is its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reader: Option<String>,
    /// Why the filter refused the request, when the status alone does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

// === impl AuditNote ===

impl AuditNote {
    /// As it is left with Envoy.
    pub fn to_json(&self) -> Vec<u8> {
        // Plain optional strings always serialise.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// As the control plane reads it; `None` when it is none of ours.
    pub fn from_json(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }
}
