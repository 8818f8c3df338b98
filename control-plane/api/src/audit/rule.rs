//! What of an endpoint is recorded, and in which words.

use axum::http::{Method, StatusCode};

/// What of an endpoint is recorded; it stands in the endpoint's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Audit {
    /// What is done.
    pub(super) verb: &'static str,
    /// The kind of thing that it is done to.
    pub(super) resource: Option<&'static str>,
    requests: Requests,
}

/// Which requests are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Requests {
    /// None but those that are refused for who asks.
    Refused,
    /// All.
    All,
    /// All, and what went well is a change.
    Changes,
    /// All, and what went well is a change when it was a password that proved who asks.
    Logins,
}

// === impl Audit ===

impl Audit {
    /// Of what everybody may ask and nobody changes anything by, there is nothing to record.
    pub(crate) const NOTHING: Self = Self {
        verb: "get",
        resource: None,
        requests: Requests::Refused,
    };

    /// Records that somebody was refused, and not what is answered to others.
    pub(crate) const fn refusals(verb: &'static str, resource: &'static str) -> Self {
        Self::new(verb, resource, Requests::Refused)
    }

    /// Records every request, none of which changes anything.
    pub(crate) const fn requests(verb: &'static str, resource: &'static str) -> Self {
        Self::new(verb, resource, Requests::All)
    }

    /// Records every request; one that went well is kept with the changes.
    pub(crate) const fn change(verb: &'static str, resource: &'static str) -> Self {
        Self::new(verb, resource, Requests::Changes)
    }

    /// Records every request; one with a password that went well is kept with the changes.
    /// Programs exchange keys and refresh tokens all day long.
    pub(crate) const fn login(verb: &'static str, resource: &'static str) -> Self {
        Self::new(verb, resource, Requests::Logins)
    }

    const fn new(verb: &'static str, resource: &'static str, requests: Requests) -> Self {
        Self {
            verb,
            resource: Some(resource),
            requests,
        }
    }

    /// Returns what is recorded where there is no endpoint.
    pub(super) fn of_no_endpoint(method: &Method) -> Self {
        let verb = match *method {
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE => "delete",
            _ => "get",
        };
        Self {
            verb,
            ..Self::NOTHING
        }
    }

    /// Returns whether a request that ends so is recorded.
    pub(super) fn is_recorded(self, status: StatusCode) -> bool {
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => {
                true
            }
            status => self.requests != Requests::Refused && !status.is_redirection(),
        }
    }

    /// Returns whether the record of what went well is one of a change or a login.
    pub(super) fn is_change(self, by_password: bool) -> bool {
        match self.requests {
            Requests::Refused | Requests::All => false,
            Requests::Changes => true,
            Requests::Logins => by_password,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_credentials_and_refusals_are_recorded() {
        let nowhere = Audit::of_no_endpoint(&Method::POST);
        for (audit, status, recorded) in [
            (Audit::change("login", "sessions"), 200, true),
            (Audit::change("login", "sessions"), 400, true),
            (Audit::change("create", "clusters"), 500, true),
            (Audit::change("logout", "sessions"), 302, false),
            (Audit::login("create", "tokens"), 200, true),
            (Audit::requests("list", "audit"), 200, true),
            (Audit::refusals("get", "keys"), 200, false),
            (Audit::refusals("get", "keys"), 400, false),
            (Audit::refusals("get", "keys"), 401, true),
            (Audit::refusals("get", "keys"), 403, true),
            (Audit::refusals("get", "keys"), 429, true),
            (Audit::NOTHING, 200, false),
            (nowhere, 404, false),
            (nowhere, 401, true),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(audit.is_recorded(status), recorded, "{audit:?} {status}");
        }
    }

    #[test]
    fn a_token_is_a_change_only_for_a_password() {
        assert!(Audit::change("rotate", "keys").is_change(false));
        assert!(Audit::login("create", "tokens").is_change(true));
        assert!(!Audit::login("create", "tokens").is_change(false));
        assert!(!Audit::requests("list", "audit").is_change(true));
    }
}
