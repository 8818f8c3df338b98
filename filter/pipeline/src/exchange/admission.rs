//! What becomes of a request, and what has to be known for it.

use cubegate_kube::Family;
use cubegate_list::kubesphere::Service;
use cubegate_token::UnverifiedToken;

use crate::Call;
use crate::basic::Basic;
use crate::exchange::State;
use crate::exchange::impersonating::Questions;
use crate::upstream::Rewrite;

/// What becomes of a request that is not refused.
pub(super) enum Admission {
    /// It can go on like this.
    Ready(Rewrite, State),
    /// Its password must be redeemed first.
    Password(Family, Basic),
    /// Whether its caller may make it for somebody else must be asked first.
    Ask(Box<Questions>),
    /// Which pods its service has must be read first.
    Look(Look),
    /// Its body must be read first.
    Read(Family),
}

/// What must be done with a request now.
pub(super) enum Next {
    /// It is ready.
    GoOn,
    /// Its password is to be redeemed.
    Redeem(Family, Basic),
    /// The cluster is to be asked who may be impersonated.
    Ask(Box<Questions>),
    /// Services are to be read.
    Look(Look),
    /// The body is to be read.
    Read(Family),
}

/// What was learned about a request while it was held.
#[derive(Default)]
pub(super) struct Findings {
    /// What its password was redeemed for.
    pub(super) token: Option<UnverifiedToken>,
    /// The cluster lets its caller make it for whom it names.
    pub(super) may_impersonate: bool,
    /// The services that it means.
    pub(super) services: Option<Vec<Service>>,
    /// Its body.
    pub(super) body: Option<Vec<u8>>,
}

/// The call for services, and for whom.
pub(super) struct Look {
    pub(super) caller: String,
    pub(super) call: Call,
}
