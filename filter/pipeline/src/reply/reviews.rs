//! Answers to what a caller with a bounded key asks of a cluster about itself.

use cubegate_kube::Family;
use serde_json::Value;

use crate::Reply;

// === impl Reply ===

impl Reply {
    /// 201: the review, answered.
    pub(crate) fn reviewed(review: &Value) -> Self {
        Self::json(201, "application/json", review)
    }

    /// 415: a review that the gateway cannot read.
    pub(crate) fn review_form_unknown(family: Family) -> Self {
        Self::error(
            family,
            415,
            "With a bounded access key a review must be sent as application/json or application/vnd.kubernetes.protobuf and not encoded, so that the gateway can read what it asks.",
        )
    }

    /// 413: no review is so long.
    pub(crate) fn review_too_large(family: Family) -> Self {
        Self::error(
            family,
            413,
            "With a bounded access key a review must not be longer than 64 KiB.",
        )
    }

    /// 400: a body that is none.
    pub(crate) fn review_malformed(family: Family) -> Self {
        Self::error(
            family,
            400,
            "The body is no review: it must be an object of the kind that its path names, with each field once and of its type.",
        )
    }

    /// 502: the cluster's answer cannot be cut to the key's scope.
    pub(crate) fn review_unread(family: Family) -> Self {
        Self::error(
            family,
            502,
            "The cluster's answer is not the SelfSubjectRulesReview that was asked for.",
        )
    }
}
