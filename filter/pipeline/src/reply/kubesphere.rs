//! Refusals in KubeSphere's words. Its router and its handlers answer in plain text,
//! and what stands before them in `Status` objects.

use cubegate_api_types::cube::message;
use cubegate_kube::Family;
use cubegate_list::QueryError;
use cubegate_token::TokenError;

use super::NO_SNIFF;
use crate::Reply;
use crate::meters::Counter;

/// Returns what KubeSphere says of a token that does not verify.
pub(super) fn unauthorized(why: &TokenError, expired: Option<u64>) -> String {
    let why = match (why, expired) {
        (TokenError::Invalid | TokenError::Algorithm | TokenError::UnknownKey, _) => {
            "signature is invalid".to_owned()
        }
        (TokenError::ClockSkew, _) => message::CLOCK_SKEW.to_owned(),
        (TokenError::NotYet, _) => {
            "token is not valid yet: it was made for a later time, or by a machine whose clock is ahead".to_owned()
        }
        (TokenError::Unknown | TokenError::Revoked, _) => "token not found in cache".to_owned(),
        (TokenError::Expired, Some(seconds)) => {
            format!("token is expired by {}", go_duration(seconds))
        }
        _ => return "Unauthorized".to_owned(),
    };
    format!("Unauthorized: {why}")
}

/// As Go prints a duration: `1h0m5s`.
fn go_duration(seconds: u64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, _) => format!("{minutes}m{rest}s"),
        _ => format!("{hours}h{minutes}m{rest}s"),
    }
}

// === impl Reply ===

impl Reply {
    /// 404: KubeSphere's router has no such path.
    pub(crate) fn page_not_found() -> Self {
        Self::text(404, "404: Page Not Found")
    }

    /// 405: KubeSphere's lists are only read.
    pub(crate) fn method_not_allowed() -> Self {
        Self::text(405, "405: Method Not Allowed").with_header("allow", "GET")
    }

    /// 406: KubeSphere's lists are JSON.
    pub(crate) fn not_acceptable() -> Self {
        Self::text(406, "406: Not Acceptable")
    }

    /// 404: the cluster has no such resource.
    pub(crate) fn resource_not_supported() -> Self {
        Self::handler_text(404, "resource is not supported")
    }

    /// 404: there is no such object.
    pub(crate) fn object_not_found(kind: &str, name: &str) -> Self {
        Self::handler_text(404, &format!("{kind} \"{name}\" not found"))
    }

    /// 400: a parameter of one of KubeSphere's lists cannot be read.
    pub(crate) fn parameter_invalid(error: &QueryError) -> Self {
        Self::handler_text(400, &error.to_string())
    }

    /// 400: a name of services that is in very many namespaces.
    pub(crate) fn too_many_services() -> Self {
        Self::handler_text(
            400,
            "the parameter serviceName means services in too many namespaces; ask for the pods of one namespace",
        )
    }

    /// 400: services that select by very many labels.
    pub(crate) fn too_many_labels() -> Self {
        Self::handler_text(
            400,
            "the parameter serviceName means services that select by more than 128 labels together; ask for the pods of one namespace, or by labelSelector",
        )
    }

    /// 503: which resources a cluster has is not known yet.
    pub(crate) fn resources_unknown() -> Self {
        Self::error(
            Family::KubeSphere,
            503,
            "The gateway does not know yet which resources this cluster has; try again in a moment.",
        )
        .with_header("retry-after", "2")
    }

    /// Returns what KubeSphere's router says.
    fn text(status: u16, text: &str) -> Self {
        let content_type = "text/plain; charset=utf-8".to_owned();
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type)],
            body: text.as_bytes().to_vec(),
            counted: Counter::of_status(status),
        }
    }

    /// Returns what KubeSphere's handlers say; Go's `http.Error` ends the line.
    fn handler_text(status: u16, text: &str) -> Self {
        Self::text(status, &format!("{text}\n")).with_header(NO_SNIFF.0, NO_SNIFF.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_a_token_is_told_in_its_words() {
        for (why, expired, expected) in [
            (TokenError::Malformed, None, "Unauthorized"),
            (
                TokenError::Invalid,
                None,
                "Unauthorized: signature is invalid",
            ),
            (
                TokenError::ClockSkew,
                None,
                "Unauthorized: The token was issued in the future: the clocks of the gateway's machines are too far apart; set them.",
            ),
            (
                TokenError::NotYet,
                None,
                "Unauthorized: token is not valid yet: it was made for a later time, or by a machine whose clock is ahead",
            ),
            (
                TokenError::Revoked,
                None,
                "Unauthorized: token not found in cache",
            ),
            (
                TokenError::Expired,
                Some(59),
                "Unauthorized: token is expired by 59s",
            ),
            (
                TokenError::Expired,
                Some(61),
                "Unauthorized: token is expired by 1m1s",
            ),
            (
                TokenError::Expired,
                Some(90_000),
                "Unauthorized: token is expired by 25h0m0s",
            ),
            (TokenError::Expired, None, "Unauthorized"),
        ] {
            assert_eq!(unauthorized(&why, expired), expected);
        }
    }
}
