//! Refusals that are about the cluster of a path, and what of an answer kubectl shows
//! beside it.
//!
//! kubectl begins with discovery, whose refusals it replaces by sentences of its own ("the
//! server could not find the requested resource"). What stands in a `Warning` it prints
//! whatever the answer is (RFC 7234 5.5, code 299; Kubernetes' documentation: "Warnings").

use cubegate_api_types::cube::message;
use cubegate_kube::Family;

use crate::Reply;
use crate::meters::Counter;
use crate::scope::OutOfScope;

/// The header that kubectl shows.
const WARNING: &str = "warning";

/// Longest text in it. A cluster's name is what somebody has written into a path.
const MAX_WARNING_CHARS: usize = 400;

// === impl Reply ===

impl Reply {
    /// 403: the token's access key is bounded, and this is beyond.
    pub(crate) fn out_of_scope(family: Family, why: &OutOfScope) -> Self {
        let reply = Self::error(family, 403, why.to_string()).counted_as(Counter::OutOfScope);
        match why {
            OutOfScope::Cluster | OutOfScope::OtherCluster(_) | OutOfScope::HostPath(_) => {
                reply.told_by_kubectl(family, &why.to_string())
            }
            _ => reply,
        }
    }

    /// The path names a cluster that is not registered: 400 for KubeCube, 404
    /// for Kubernetes paths.
    pub(crate) fn cluster_not_found(family: Family, cluster: &str) -> Self {
        match family {
            Family::KubeCube => Self::error(family, 400, message::cluster_not_found(cluster))
                .counted_as(Counter::NotFound),
            Family::KubeSphere | Family::Kubernetes => {
                let message = format!("cluster {cluster} not found");
                Self::error(family, 404, message.as_str()).told_by_kubectl(family, &message)
            }
        }
    }

    /// 404: the path names no cluster, and there is no host cluster.
    pub(crate) fn no_host_cluster() -> Self {
        const MESSAGE: &str = "No cluster is the host cluster; name one in the path as /clusters/{cluster}/…, or make one the host.";
        Self::error(Family::Kubernetes, 404, MESSAGE).told_by_kubectl(Family::Kubernetes, MESSAGE)
    }

    /// 404: the operator lets no path be the host cluster's that does not name it.
    pub(crate) fn host_paths_off() -> Self {
        const MESSAGE: &str = "A path that names no cluster leads nowhere at this gateway; write /clusters/{cluster}/… (kubectl proxy: --append-server-path).";
        Self::error(Family::Kubernetes, 404, MESSAGE).told_by_kubectl(Family::Kubernetes, MESSAGE)
    }

    /// On KubeCube's paths a list without parameters is a page of it, and a client that has such a
    /// path for its server would take the page for the whole.
    pub(crate) fn cut(self, total: u64, page: u64) -> Self {
        self.warning(&format!(
            "this is page 1 with {page} of {total} items, as KubeCube's clients expect of this path; ask with pageSize, or below /clusters/{{cluster}}/ for whole lists"
        ))
    }

    /// Says it to people at kubectl, too, when clients of Kubernetes come to such paths.
    fn told_by_kubectl(self, family: Family, message: &str) -> Self {
        match family {
            Family::KubeCube => self,
            Family::Kubernetes | Family::KubeSphere => self.warning(message),
        }
    }

    fn warning(self, text: &str) -> Self {
        let plain = |c: char| match c {
            '…' => "...".to_owned(),
            '"' | '\\' => format!("\\{c}"),
            c if c.is_ascii_graphic() || c == ' ' => c.to_string(),
            _ => "?".to_owned(),
        };
        let text: String = text.chars().take(MAX_WARNING_CHARS).map(plain).collect();
        self.with_header(WARNING, &format!("299 - \"{text}\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_one_quoted_text_whatever_is_in_it() {
        let name = "a\"b\\c\r\nSet-Cookie: x\u{fc}";
        let reply = Reply::cluster_not_found(Family::Kubernetes, name);
        let value = reply.headers.iter().find(|(name, _)| name == WARNING);
        assert_eq!(
            value.map(|(_, value)| value.as_str()),
            Some(r#"299 - "cluster a\"b\\c??Set-Cookie: x? not found""#)
        );
        let reply = Reply::cluster_not_found(Family::KubeCube, name);
        assert!(reply.headers.iter().all(|(name, _)| name != WARNING));
        let long = Reply::cluster_not_found(Family::Kubernetes, &"a".repeat(10_000));
        assert!(long.headers.iter().all(|(_, value)| value.len() < 500));
    }
}
