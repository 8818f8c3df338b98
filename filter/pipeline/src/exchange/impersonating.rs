//! The part before a request that is to be made for somebody else than its caller: the
//! cluster is asked whether the caller may do so, and the request held.
//!
//! One name after the other is asked for, so that a caller who may not makes the gateway
//! ask once, and is told what Kubernetes would tell first.

use std::collections::VecDeque;
use std::time::Duration;

use cubegate_filter_config::AuditNote;
use cubegate_kube::{Family, ResourceInfo};

use crate::call::{CallAnswer, Origin};
use crate::exchange::sending::Sending;
use crate::exchange::{Exchange, Flow, State, calls, internal};
use crate::impersonation::{self, Asker, Impersonation, Malformed, Verdict};
use crate::verify::Caller;
use crate::{Gateway, Headers, Host, HostError, Reply};

/// Where API servers say what the caller may do.
const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// Longest time for all questions of one request, in seconds.
const ALL_QUESTIONS: u64 = 30;

/// What is to be asked before a request may go on.
pub(super) struct Questions {
    family: Family,
    /// Who asks.
    user: String,
    asker: Asker,
    origin: Origin,
    /// What the cluster has not allowed yet.
    open: VecDeque<ResourceInfo>,
}

/// An exchange that waits for the answers.
pub(super) struct Asking {
    questions: Questions,
    /// Unix seconds.
    deadline: u64,
    /// The call for the first of them.
    token: u32,
}

// === impl Asking ===

impl Asking {
    pub(super) fn family(&self) -> Family {
        self.questions.family
    }

    pub(super) fn waits_for(&self, token: u32) -> bool {
        self.token == token
    }
}

/// Returns for whom else than its caller a request to a cluster is to be made.
pub(super) fn wanted(
    gateway: &Gateway,
    headers: &Headers,
    caller: &Caller,
    note: &mut AuditNote,
) -> Result<Option<Impersonation>, Reply> {
    if !impersonation::is_asked(headers) {
        return Ok(None);
    }
    if gateway.no_impersonation {
        note.reason = Some("impersonation is switched off".to_owned());
        return Err(Reply::impersonation_off());
    }
    let wanted = Impersonation::find(headers).map_err(|why: Malformed| {
        note.reason = Some(why.to_string());
        Reply::impersonation_malformed(why)
    })?;
    if let Some(wanted) = &wanted {
        note.impersonated = Some(wanted.user().to_owned());
        note.impersonated_groups = wanted.groups().to_vec();
    }
    // A bound on clusters alone is kept by the path: the other one is in the same cluster.
    let scope = caller.claims().scope.as_ref();
    if scope.is_some_and(|scope| !scope.namespaces.is_empty() || !scope.verbs.is_empty()) {
        note.reason = Some("a bounded access key impersonates nobody".to_owned());
        return Err(Reply::impersonation_out_of_scope());
    }
    Ok(wanted)
}

/// Returns what is to be asked before this may go to the cluster of this name: what of the
/// impersonation it has not allowed a moment ago. `now` is Unix seconds.
pub(super) fn questions(
    sending: &Sending<'_>,
    name: &str,
    headers: &Headers,
    now: u64,
) -> Option<Questions> {
    let Sending {
        gateway,
        family,
        cluster,
        caller,
        acting,
        ..
    } = *sending;
    let mut open = acting?.questions();
    let asker = Asker::new(caller.claims(), name, cluster);
    open.retain(|question| !gateway.verdicts.allows(&asker, question, now));
    (!open.is_empty()).then(|| Questions {
        family,
        user: caller.claims().user.clone(),
        asker,
        origin: Origin::asking_for(cluster, caller, None, headers.clone()),
        open: open.into(),
    })
}

// === impl Exchange ===

impl Exchange {
    /// Asks the cluster and holds the request.
    pub(super) fn ask_whether(&mut self, host: &impl Host, questions: Questions) -> Flow {
        let deadline = host.steady().saturating_add(ALL_QUESTIONS);
        match self.ask_next(host, questions, deadline) {
            Ok(()) => Flow::Pause,
            Err(reply) => self.refuse(host, &reply),
        }
    }

    fn ask_next(
        &mut self,
        host: &impl Host,
        questions: Questions,
        deadline: u64,
    ) -> Result<(), Reply> {
        let family = questions.family;
        let left = deadline.saturating_sub(host.steady());
        if left == 0 {
            return Err(Reply::upstream_failed(family, 504));
        }
        // Who is called has asked for more than one request.
        if let Some(ticket) = self.ticket.get() {
            ticket.bill(1, || host.steady_micros());
        }
        let Some(question) = questions.open.front() else {
            return Err(Reply::internal(family));
        };
        let body = impersonation::review(question);
        let call = questions
            .origin
            .post(REVIEWS, body, Duration::from_secs(left));
        let token = host.call(&call).map_err(|error| {
            // The cluster was taken away meanwhile, most likely.
            host.log_debug(&error.to_string());
            Reply::upstream_failed(family, 502)
        })?;
        self.state = State::Asking(Box::new(Asking {
            questions,
            deadline,
            token,
        }));
        Ok(())
    }

    /// The cluster has answered, or has not.
    pub(super) fn on_asked(&mut self, host: &impl Host, has_answer: bool, size: usize) {
        let State::Asking(asking) = std::mem::replace(&mut self.state, State::New) else {
            return;
        };
        if let Err(reply) = self.go_on_with_verdict(host, *asking, has_answer, size) {
            self.refuse(host, &reply);
        }
    }

    fn go_on_with_verdict(
        &mut self,
        host: &impl Host,
        asking: Asking,
        has_answer: bool,
        size: usize,
    ) -> Result<(), Reply> {
        let Asking {
            mut questions,
            deadline,
            ..
        } = asking;
        let family = questions.family;
        let mut share = self.answers.share(&questions.user);
        share
            .add(size)
            .map_err(|full| Reply::memory_full(family, full))?;
        let answer = calls::answer(host, has_answer, size)
            .map_err(|error: HostError| internal(host, family, &error))?;
        let Some(question) = questions.open.pop_front() else {
            return Err(Reply::internal(family));
        };
        match impersonation::verdict(&answer) {
            Verdict::Allowed => {}
            Verdict::Denied(reason) => {
                return Err(Reply::impersonation_forbidden(
                    &questions.user,
                    &question,
                    &reason,
                ));
            }
            Verdict::Unknown => return Err(unanswered(family, answer)),
        }
        drop((answer, share));
        if let Some(gateway) = &self.gateway {
            gateway
                .verdicts
                .put(&questions.asker, &question, host.steady());
        }
        if !questions.open.is_empty() {
            return self.ask_next(host, questions, deadline);
        }
        self.known.may_impersonate = true;
        self.advance(host, family)
    }
}

/// Returns what the client is told when the cluster does not answer the question: what it
/// says instead, as its answers on this path go, or that it says nothing.
fn unanswered(family: Family, answer: CallAnswer) -> Reply {
    match answer.status {
        None => Reply::upstream_failed(family, 502),
        Some(401) => Reply::gateway_unauthorized(family),
        Some(403 | 429 | 500..) if answer.is_refusal() => {
            Reply::impersonation_refused(family, answer)
        }
        // Envoy's own words for a server that is not reached, or too slow.
        Some(status @ 500..) => Reply::upstream_failed(family, status),
        Some(_) => Reply::impersonation_unreviewed(family, 502),
    }
}
