//! The part before: a password is redeemed for a token, and the request is held.

use cubegate_kube::Family;

use crate::basic::{Basic, granted};
use crate::exchange::{Exchange, Flow, State, calls, internal};
use crate::{Host, HostError, Reply};

/// An exchange that waits for its caller's token.
pub(super) struct Redeeming {
    family: Family,
    /// Under which the token is remembered.
    digest: Option<[u8; 32]>,
    /// The call.
    token: u32,
}

// === impl Redeeming ===

impl Redeeming {
    pub(super) fn family(&self) -> Family {
        self.family
    }

    pub(super) fn waits_for(&self, token: u32) -> bool {
        self.token == token
    }
}

// === impl Exchange ===

impl Exchange {
    /// Asks the control plane and holds the request.
    pub(super) fn redeem(&mut self, host: &impl Host, family: Family, basic: &Basic) -> Flow {
        let gateway = self.gateway.as_ref();
        let digest = gateway.and_then(|gateway| gateway.remembered.digest(basic));
        let call = host
            .request_headers()
            .and_then(|headers| host.call(&basic.call(&headers)));
        match call {
            Ok(token) => {
                self.state = State::Redeeming(Redeeming {
                    family,
                    digest,
                    token,
                });
                Flow::Pause
            }
            Err(error) => {
                host.log_debug(&error.to_string());
                self.refuse(host, &Reply::password_unchecked(family))
            }
        }
    }

    /// The control plane has answered, or has not.
    pub(super) fn on_redeemed(&mut self, host: &impl Host, has_answer: bool, size: usize) {
        let State::Redeeming(Redeeming { family, digest, .. }) = &self.state else {
            return;
        };
        let (family, digest) = (*family, *digest);
        if let Err(reply) = self.go_on_with_token(host, family, digest, has_answer, size) {
            self.refuse(host, &reply);
        }
    }

    fn go_on_with_token(
        &mut self,
        host: &impl Host,
        family: Family,
        digest: Option<[u8; 32]>,
        has_answer: bool,
        size: usize,
    ) -> Result<(), Reply> {
        let failed = |error: HostError| internal(host, family, &error);
        let answer = calls::answer(host, has_answer, size).map_err(failed)?;
        let token = granted(family, &answer)?;
        if let (Some(digest), Some(gateway)) = (digest, &self.gateway) {
            gateway.remembered.put(digest, token.clone(), host.steady());
        }
        self.known.token = Some(token);
        self.advance(host, family)
    }
}
