//! What a caller with a bounded key asks of a cluster about itself. The request's body says
//! what; it is read before the request goes on, and what the scope does not allow is
//! answered here.

use cubegate_filter_config::AuditNote;
use cubegate_kube::Family;
use cubegate_kube::protobuf::Message;
use serde_json::{Value, json};

use crate::exchange::admission::Next;
use crate::exchange::{Exchange, Flow, State, internal};
use crate::scope::{AccessReview, Bounds, ClusterScoped, Review, RulesReview, SelfReview};
use crate::{Headers, Host, Reply};

/// Longest body that is read, in bytes. A review is of some names.
pub(super) const MAX_BODY_BYTES: usize = 64 << 10;

/// What becomes of a review.
pub(super) enum Reviewed {
    /// Its body must be read first.
    Unread,
    /// It goes on. What it is answered is cut by these, if they are there.
    GoesOn(Option<RulesEdit>),
}

/// In which form a body is sent.
#[derive(Clone, Copy)]
enum Form {
    Json,
    Protobuf,
}

/// How the rules in an answer are cut.
pub(super) struct RulesEdit {
    pub(super) family: Family,
    /// Whose they are.
    pub(super) caller: String,
    bounds: Bounds,
    scoped: ClusterScoped,
}

// === impl RulesEdit ===

impl RulesEdit {
    /// Returns what the client is answered for the cluster's answer.
    pub(super) fn edited(&self, status: u16, upstream: &Headers, body: &[u8]) -> Reply {
        match self.bounds.cut_rules(body, &self.scoped) {
            Some(left) if upstream.is_json() => Reply::upstream(status, upstream, left),
            // What cannot be read would tell of more than the key is for.
            _ => Reply::review_unread(self.family),
        }
    }
}

// === impl Exchange ===

impl Exchange {
    /// Judges a review about its caller. `scoped` gives the resources that are in no namespace.
    pub(super) fn review(
        &self,
        family: Family,
        (review, headers): (SelfReview, &Headers),
        bounds: &Bounds,
        scoped: impl FnOnce() -> ClusterScoped,
        note: &mut AuditNote,
    ) -> Result<Reviewed, Reply> {
        if review == SelfReview::Identity {
            return Ok(Reviewed::GoesOn(None));
        }
        let form = Form::of(headers).ok_or_else(|| Reply::review_form_unknown(family))?;
        let Some(body) = &self.known.body else {
            return Ok(Reviewed::Unread);
        };
        let (checked, asked) = if review == SelfReview::Rules {
            let asked: RulesReview = read(family, form, body)?;
            (bounds.check_rules(&asked), serde_json::to_value(asked))
        } else {
            let asked: AccessReview = read(family, form, body)?;
            (bounds.check_access(&asked), serde_json::to_value(asked))
        };
        if let Err(why) = checked {
            note.reason = Some(why.to_string());
            let answer = answer(review, asked.unwrap_or_default(), &why.to_string());
            return Err(Reply::reviewed(&answer));
        }
        Ok(Reviewed::GoesOn((review == SelfReview::Rules).then(|| {
            RulesEdit {
                family,
                caller: bounds.user().to_owned(),
                bounds: bounds.clone(),
                scoped: scoped(),
            }
        })))
    }

    /// Holds the request until its body is there.
    pub(super) fn read_body(&mut self, family: Family) -> Flow {
        self.state = State::Reading(family);
        Flow::Pause
    }

    /// `size` bytes of the body are there in all; `last` says that there are no more.
    pub(super) fn on_read_body(
        &mut self,
        host: &impl Host,
        family: Family,
        size: usize,
        last: bool,
    ) -> Flow {
        if size > MAX_BODY_BYTES {
            return self.refuse(host, &Reply::review_too_large(family));
        }
        if !last {
            return Flow::Pause;
        }
        let body = match size {
            0 => Ok(Vec::new()),
            size => host.request_body(size),
        };
        let decided = body
            .map_err(|error| internal(host, family, &error))
            .and_then(|body| {
                self.known.body = Some(body);
                self.decide(host)
            });
        match decided {
            Ok(Next::GoOn) => Flow::Continue,
            // All else is known before a body is read.
            Ok(_) => self.refuse(host, &Reply::internal(family)),
            Err(reply) => self.refuse(host, &reply),
        }
    }
}

fn read<T: Review>(family: Family, form: Form, body: &[u8]) -> Result<T, Reply> {
    let read = match form {
        Form::Json => serde_json::from_slice(body).ok(),
        Form::Protobuf => {
            let message = Message::of_body(body);
            message.and_then(|message| T::of_message(&message)).ok()
        }
    };
    read.ok_or_else(|| Reply::review_malformed(family))
}

/// Returns the answer to a review of which the scope allows nothing.
fn answer(review: SelfReview, mut asked: Value, why: &str) -> Value {
    let (kind, status) = match review {
        SelfReview::Rules => (
            "SelfSubjectRulesReview",
            json!({ "resourceRules": [], "nonResourceRules": [], "incomplete": false, "evaluationError": why }),
        ),
        _ => (
            "SelfSubjectAccessReview",
            json!({ "allowed": false, "reason": why }),
        ),
    };
    let spec = asked.get_mut("spec").map(Value::take).unwrap_or_default();
    json!({
        "kind": kind, "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": spec, "status": status,
    })
}

// === impl Form ===

impl Form {
    /// Returns the form that a request's headers say; without a word it is JSON, as for API
    /// servers.
    fn of(headers: &Headers) -> Option<Self> {
        let coding = headers.get("content-encoding");
        if coding.is_some_and(|coding| coding != b"identity") {
            return None;
        }
        let Some(told) = headers.get("content-type") else {
            return Some(Self::Json);
        };
        let told = std::str::from_utf8(told).ok()?;
        let media_type = told.split(';').next().unwrap_or_default().trim();
        match media_type.to_ascii_lowercase().as_str() {
            "application/json" => Some(Self::Json),
            "application/vnd.kubernetes.protobuf" => Some(Self::Protobuf),
            _ => None,
        }
    }
}
