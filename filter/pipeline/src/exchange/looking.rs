//! The part before a list of a service's pods: the service is read, and the request held.

use std::time::Duration;

use cubegate_kube::Family;

use crate::exchange::admission::Look;
use crate::exchange::{Exchange, Flow, State, calls, internal};
use crate::{Call, Host, HostError, Reply, kubesphere};

/// Longest time for the services.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// An exchange that waits for services.
pub(super) struct Looking {
    caller: String,
    /// The call.
    token: u32,
}

// === impl Looking ===

impl Looking {
    pub(super) fn waits_for(&self, token: u32) -> bool {
        self.token == token
    }
}

// === impl Exchange ===

impl Exchange {
    /// Asks the cluster and holds the request.
    pub(super) fn look(&mut self, host: &impl Host, look: Look) -> Flow {
        let Look { caller, call } = look;
        match self.asked(host, &call) {
            Ok(token) => {
                self.state = State::Looking(Looking { caller, token });
                Flow::Pause
            }
            Err(reply) => self.refuse(host, &reply),
        }
    }

    fn asked(&self, host: &impl Host, call: &Call) -> Result<u32, Reply> {
        host.call(call).map_err(|error| {
            host.log_debug(&error.to_string());
            Reply::follow_up_failed(Family::KubeSphere, None)
        })
    }

    /// The cluster has answered, or has not.
    pub(super) fn on_looked(&mut self, host: &impl Host, has_answer: bool, size: usize) {
        let State::Looking(looking) = std::mem::replace(&mut self.state, State::New) else {
            return;
        };
        if let Err(reply) = self.go_on_with_services(host, &looking, has_answer, size) {
            self.refuse(host, &reply);
        }
    }

    fn go_on_with_services(
        &mut self,
        host: &impl Host,
        looking: &Looking,
        has_answer: bool,
        size: usize,
    ) -> Result<(), Reply> {
        let failed = |error: HostError| internal(host, Family::KubeSphere, &error);
        let mut share = self.answers.share(&looking.caller);
        share
            .add(size)
            .map_err(|full| Reply::memory_full(Family::KubeSphere, full))?;
        let answer = calls::answer(host, has_answer, size).map_err(failed)?;
        let services = kubesphere::services(answer)?;
        drop(share);
        self.known.services = Some(services);
        self.advance(host, Family::KubeSphere)
    }
}
