//! Refusals of requests that are to be made for somebody else than their caller. The
//! headers are Kubernetes', and so is the shape, on KubeCube's paths to a cluster, too.

use cubegate_kube::{Family, ResourceInfo, Status, forbidden};

use crate::Reply;
use crate::call::CallAnswer;
use crate::impersonation::Malformed;
use crate::meters::Counter;

/// After how long the client may ask again, in seconds or as a date.
const RETRY_AFTER: &str = "retry-after";

// === impl Reply ===

impl Reply {
    /// 400: a request to the gateway itself, where everybody is who they are.
    pub(crate) fn nobody_to_impersonate(family: Family) -> Self {
        Self::error(
            family,
            400,
            "The gateway's own API impersonates nobody; take the Impersonate-* headers (kubectl --as) out.",
        )
    }

    /// 400: whom the request is for cannot be told.
    pub(crate) fn impersonation_malformed(why: Malformed) -> Self {
        Self::error(
            Family::Kubernetes,
            400,
            format!("Whom this request is to impersonate (kubectl --as) cannot be told: {why}"),
        )
    }

    /// 403: nobody is impersonated at this gateway.
    pub(crate) fn impersonation_off() -> Self {
        Self::error(
            Family::Kubernetes,
            403,
            "Impersonation (kubectl --as) is switched off at this gateway.",
        )
        .counted_as(Counter::Impersonation)
    }

    /// 403: a bounded access key is for what its owner does, and not for what others may.
    pub(crate) fn impersonation_out_of_scope() -> Self {
        Self::error(
            Family::Kubernetes,
            403,
            "A token of a bounded access key impersonates nobody (kubectl --as); use one of a key without a scope, or of a login.",
        )
        .counted_as(Counter::Impersonation)
    }

    /// 403 in Kubernetes' words: the cluster does not let `user` impersonate that.
    pub(crate) fn impersonation_forbidden(
        user: &str,
        question: &ResourceInfo,
        reason: &str,
    ) -> Self {
        let mut status: Status = forbidden::of_resource(user, question);
        if !reason.is_empty() {
            status.message = format!("{}: {reason}", status.message);
        }
        Self::forbidden(&status).counted_as(Counter::Impersonation)
    }

    /// What the API server says instead, as it came: clients wait as long as it tells them.
    pub(crate) fn impersonation_refused(family: Family, answer: CallAnswer) -> Self {
        let status = answer.status.unwrap_or(502);
        if answer.reason().is_some() {
            return Self::upstream(status, &answer.headers, answer.body);
        }
        let reply = Self::impersonation_unreviewed(family, status);
        match answer.headers.get_str(RETRY_AFTER) {
            Some(after) => reply.with_header(RETRY_AFTER, after),
            None => reply,
        }
    }

    /// The cluster does not say who may be impersonated: 502, or what it says of itself.
    pub(crate) fn impersonation_unreviewed(family: Family, status: u16) -> Self {
        Self::error(
            family,
            status,
            "The cluster did not say whether this user may impersonate others (kubectl --as); it must answer SelfSubjectAccessReviews.",
        )
    }
}
