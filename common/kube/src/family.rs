//! Which API a path of the gateway belongs to.

use crate::path::is_below;

/// The API that a path belongs to; it decides the shape of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `/api/v1/cube/…` and `/api/v1/warden/…`: `{"code","message"}`.
    KubeCube,
    /// `/kapis/…`: a `Status` object, or plain text from its handlers; `/oauth/…`:
    /// what RFC 6749 says.
    KubeSphere,
    /// Everything else: a `Status` object.
    Kubernetes,
}

// === impl Family ===

impl Family {
    /// What KubeCube's paths are or are below.
    pub const KUBECUBE: [&'static str; 2] = ["/api/v1/cube", "/api/v1/warden"];

    /// What KubeSphere's paths are or are below.
    const KUBESPHERE: [&'static str; 3] = ["/kapis", "/oauth", "/.well-known"];

    /// Returns the family of a path as it was asked for, without its query.
    pub fn of_path(path: &str) -> Self {
        let is_below_one_of = |roots: &[&str]| roots.iter().any(|root| is_below(path, root));
        if is_below_one_of(&Self::KUBECUBE) {
            Self::KubeCube
        } else if is_below_one_of(&Self::KUBESPHERE) {
            Self::KubeSphere
        } else {
            Self::Kubernetes
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_belongs_to_what_it_is_below() {
        for (path, family) in [
            ("/api/v1/cube", Family::KubeCube),
            ("/api/v1/cube/login", Family::KubeCube),
            (
                "/api/v1/cube/proxy/clusters/a/api/v1/pods",
                Family::KubeCube,
            ),
            ("/api/v1/warden/authenticate", Family::KubeCube),
            ("/kapis/version", Family::KubeSphere),
            (
                "/kapis/clusters/a/resources.kubesphere.io/v1alpha3/pods",
                Family::KubeSphere,
            ),
            ("/oauth/token", Family::KubeSphere),
            ("/.well-known/openid-configuration", Family::KubeSphere),
            ("/api/v1/cubes", Family::Kubernetes),
            ("/API/v1/cube/login", Family::Kubernetes),
            ("/clusters/a/api/v1/cube/login", Family::Kubernetes),
            ("/kapisx", Family::Kubernetes),
            ("/oauth2/token", Family::Kubernetes),
            ("/version", Family::Kubernetes),
            ("/", Family::Kubernetes),
            ("", Family::Kubernetes),
        ] {
            assert_eq!(Family::of_path(path), family, "{path}");
        }
    }
}
