//! What becomes of a request, and what has to be known for it.

use cubegate_list::kubesphere::Service;
use cubegate_token::UnverifiedToken;

use crate::Call;
use crate::basic::Basic;
use crate::exchange::State;
use crate::reply::Family;
use crate::upstream::Rewrite;

/// What becomes of a request that is not refused.
pub(super) enum Admission {
    /// It can go on like this.
    Ready(Rewrite, State),
    /// Its password must be exchanged first.
    Password(Family, Basic),
    /// Which pods its service has must be read first.
    Look(Look),
}

/// What must be done with a request now.
pub(super) enum Next {
    /// It is ready.
    GoOn,
    /// Its password is to be exchanged.
    Exchange(Family, Basic),
    /// Services are to be read.
    Look(Look),
}

/// What was learned about a request while it was held.
#[derive(Default)]
pub(super) struct Known {
    /// What its password was exchanged for.
    pub(super) token: Option<UnverifiedToken>,
    /// The services that it means.
    pub(super) services: Option<Vec<Service>>,
}

/// The call for services, and for whom.
pub(super) struct Look {
    pub(super) user: String,
    pub(super) call: Call,
}
