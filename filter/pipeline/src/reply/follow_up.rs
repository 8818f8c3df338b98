//! When the API server gave the list, and then not what else the page takes.

use cubegate_kube::Family;

use crate::Reply;
use crate::call::CallAnswer;

/// After how long the client may ask again, in seconds or as a date.
const RETRY_AFTER: &str = "retry-after";

// === impl Reply ===

impl Reply {
    /// 502, or 504 when it was too slow: the API server gave the list, and then
    /// not what else the page takes.
    pub fn follow_up_failed(family: Family, status: Option<u16>) -> Self {
        let (status, what) = match status {
            Some(504) => (504, "not in time".to_owned()),
            Some(status) => (502, format!("with status {status}")),
            None => (502, "not, or with too much".to_owned()),
        };
        Self::error(family, status, not_answered(&what))
    }

    /// A refusal of the API server's, as it came: it is the client's that asked for the list,
    /// and clients wait as long as it says. On KubeCube's paths it has their shape.
    pub(crate) fn follow_up_refused(family: Family, answer: CallAnswer) -> Self {
        let status = match answer.status {
            // It says nothing of the caller.
            Some(401) => return Self::gateway_unauthorized(family),
            Some(status) if answer.is_refusal() => status,
            status => return Self::follow_up_failed(family, status),
        };
        let reason = answer.reason();
        if reason.is_some() && family != Family::KubeCube {
            return Self::upstream(status, &answer.headers, answer.body);
        }
        let reason = reason.filter(|reason| !reason.is_empty());
        let message = reason.unwrap_or_else(|| not_answered(&format!("with status {status}")));
        let reply = Self::error(family, status, message);
        match answer.headers.get_str(RETRY_AFTER) {
            Some(after) => reply.with_header(RETRY_AFTER, after),
            None => reply,
        }
    }
}

fn not_answered(how: &str) -> String {
    format!(
        "The API server answered the gateway's further question about this list {how}; try again."
    )
}
