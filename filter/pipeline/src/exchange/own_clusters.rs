//! KubeSphere's list of clusters, which the control plane answers.

use cubegate_kube::Family;

use crate::accept;
use crate::basic::Basic;
use crate::credential;
use crate::exchange::admission::Admission;
use crate::exchange::asking::remembered;
use crate::exchange::{Exchange, State};
use crate::impersonation;
use crate::upstream::Rewrite;
use crate::{Gateway, Headers, Host, Reply, RequestHead};

const FAMILY: Family = Family::KubeSphere;

// === impl Exchange ===

impl Exchange {
    /// A request for the gateway's own clusters, whose caller is known. The control plane finds
    /// out by itself who that is and how far its token reaches, and knows no passwords: it gets
    /// the token, wherever that came from.
    pub(super) fn send_for_own_clusters(
        &self,
        host: &impl Host,
        gateway: &Gateway,
        head: &RequestHead,
        mut headers: Headers,
    ) -> Result<Admission, Reply> {
        if impersonation::is_asked(&headers) {
            return Err(Reply::nobody_to_impersonate(FAMILY));
        }
        if head.method != "GET" {
            return Err(Reply::method_not_allowed());
        }
        if !accept::takes_json(&headers) {
            return Err(Reply::not_acceptable());
        }
        let token = match Basic::find(FAMILY, &headers) {
            Some(basic) => {
                let known = self.known.token.clone();
                known.or_else(|| remembered(gateway, host, &basic))
            }
            None => credential::find(FAMILY, &headers)?.map(|found| found.token),
        };
        let token = token.ok_or_else(|| Reply::unauthenticated(FAMILY))?;
        headers.set("authorization", format!("Bearer {}", token.as_str()));
        headers.remove("cookie");
        let rewrite = Rewrite::to_control_plane(headers, head, gateway.pass());
        let state = State::SentToControlPlane { family: FAMILY };
        Ok(Admission::Ready(rewrite, state))
    }
}
