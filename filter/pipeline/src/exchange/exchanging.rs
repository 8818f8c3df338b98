//! The part before: a password is exchanged for a token, and the request is held.

use crate::basic::{Basic, granted};
use crate::exchange::admission::{Known, Next};
use crate::exchange::{Exchange, Flow, State, calls, internal};
use crate::reply::Family;
use crate::{Host, HostError, Reply};

/// An exchange that waits for its caller's token.
pub(super) struct Exchanging {
    family: Family,
    /// Under which the token is remembered.
    digest: Option<[u8; 32]>,
    /// The call.
    token: u32,
}

// === impl Exchanging ===

impl Exchanging {
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
    pub(super) fn exchange(&mut self, host: &impl Host, family: Family, basic: &Basic) -> Flow {
        let gateway = self.gateway.as_ref();
        let digest = gateway.and_then(|gateway| gateway.remembered.digest(basic));
        let call = host
            .request_headers()
            .and_then(|headers| host.call(&basic.call(&headers)));
        match call {
            Ok(token) => {
                self.state = State::Exchanging(Exchanging {
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
    pub(super) fn on_exchanged(&mut self, host: &impl Host, has_answer: bool, size: usize) {
        let State::Exchanging(Exchanging { family, digest, .. }) = &self.state else {
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
            gateway.remembered.put(digest, token.clone(), host.now());
        }
        let known = Known {
            token: Some(token.clone()),
            ..Known::default()
        };
        match self.decide(host, known)? {
            Next::GoOn => host.resume_request().map_err(failed),
            Next::Look(look) => {
                self.look(host, look, Some(token));
                Ok(())
            }
            // With a token there is nothing left to exchange.
            Next::Exchange(..) => Err(Reply::unauthenticated(family)),
        }
    }
}
