//! The bodies of reviews, in both forms that clients send: JSON and Kubernetes' protobuf.

use cubegate_kube::protobuf::{Malformed, Message};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A review that can be read.
pub(crate) trait Review: DeserializeOwned + Serialize {
    /// Returns it from its message in `k8s.io/api/authorization/v1`.
    fn of_message(message: &Message<'_>) -> Result<Self, Malformed>;
}

/// A SelfSubjectAccessReview, as far as a scope looks at it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct AccessReview {
    pub(super) spec: Option<AccessSpec>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccessSpec {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource_attributes: Option<ResourceAttributes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) non_resource_attributes: Option<NonResourceAttributes>,
}

/// What is `null` is absent, as in Go.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct ResourceAttributes {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) verb: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subresource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct NonResourceAttributes {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) verb: Option<String>,
}

/// A SelfSubjectRulesReview.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct RulesReview {
    pub(super) spec: Option<RulesSpec>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct RulesSpec {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<String>,
}

/// The field of both kinds in which their `spec` is.
const SPEC: u64 = 2;

// === impl AccessReview ===

impl Review for AccessReview {
    fn of_message(message: &Message<'_>) -> Result<Self, Malformed> {
        let Some(spec) = message.message(SPEC)? else {
            return Ok(Self::default());
        };
        let resource = spec.message(1)?.map(|asked| {
            Ok(ResourceAttributes {
                namespace: asked.text(1)?,
                verb: asked.text(2)?,
                group: asked.text(3)?,
                version: asked.text(4)?,
                resource: asked.text(5)?,
                subresource: asked.text(6)?,
                name: asked.text(7)?,
            })
        });
        let path = spec.message(2)?.map(|asked| {
            Ok(NonResourceAttributes {
                path: asked.text(1)?,
                verb: asked.text(2)?,
            })
        });
        Ok(Self {
            spec: Some(AccessSpec {
                resource_attributes: resource.transpose()?,
                non_resource_attributes: path.transpose()?,
            }),
        })
    }
}

// === impl RulesReview ===

impl Review for RulesReview {
    fn of_message(message: &Message<'_>) -> Result<Self, Malformed> {
        let spec = message.message(SPEC)?.map(|spec| {
            Ok(RulesSpec {
                namespace: spec.text(1)?,
            })
        });
        Ok(Self {
            spec: spec.transpose()?,
        })
    }
}
