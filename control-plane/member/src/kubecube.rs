//! Reading what a KubeCube keeps in its pivot cluster.

mod list;
mod object;
#[cfg(test)]
mod tests;

use thiserror::Error;

use crate::probe::ProbeError;
use crate::{MemberSpec, client};
pub use object::{ClusterObject, KeyObject, Skipped, UserObject};

/// All that is taken over. Objects that make no sense are named in `skipped`.
#[derive(Debug, Default)]
pub struct KubeCube {
    /// The `users` of user.kubecube.io.
    pub users: Vec<UserObject>,
    /// The `keys` of user.kubecube.io.
    pub keys: Vec<KeyObject>,
    /// The `clusters` of cluster.kubecube.io.
    pub clusters: Vec<ClusterObject>,
    /// Those that cannot be read.
    pub skipped: Vec<Skipped>,
}

/// Why a KubeCube cannot be read.
#[derive(Debug, Error)]
pub enum KubeCubeError {
    /// The API server is not usable.
    #[error(transparent)]
    Server(#[from] ProbeError),
    /// The API server does not know the resource.
    #[error(
        "{server} has no {resource}; give the kubeconfig of KubeCube's pivot cluster, not of a member"
    )]
    NoSuchResource {
        /// The server URL.
        server: String,
        /// `users.user.kubecube.io` and so on.
        resource: String,
    },
    /// 403.
    #[error(
        "{server} forbids the credential to list {resource} (403); bind it to a role with the verb list on them"
    )]
    Forbidden {
        /// The server URL.
        server: String,
        /// The resource.
        resource: String,
    },
    /// The list ended before its end was read.
    #[error("the list of {resource} changed too much while it was read; run the command again")]
    Expired {
        /// The resource.
        resource: String,
    },
    /// More than is ever read.
    #[error("there are more than {max} {resource}, which is more than can be taken over at once")]
    TooMany {
        /// The resource.
        resource: String,
        /// The limit.
        max: usize,
    },
    /// An answer that is no list of the resource.
    #[error("{server} does not answer with a list of {resource}: {reason}")]
    NoList {
        /// The server URL.
        server: String,
        /// The resource.
        resource: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Reads users, keys and clusters, page by page. Nothing is written there.
///
/// # Errors
/// One sentence; see [`KubeCubeError`]. A single object that cannot be read is
/// none, it stands in [`KubeCube::skipped`].
pub async fn read_kubecube(pivot: &MemberSpec) -> Result<KubeCube, KubeCubeError> {
    let server = pivot.server.to_string();
    let unusable = |reason| {
        KubeCubeError::Server(ProbeError::Configuration {
            server: server.clone(),
            reason,
        })
    };
    let config = client::config(&pivot.server, &pivot.tls, &pivot.credential).map_err(unusable)?;
    let client = client::connect(config, list::MAX_PAGE_BYTES).map_err(unusable)?;
    let reader = list::Reader::new(client, server);

    let mut read = KubeCube::default();
    for object in reader.list("user.kubecube.io", "users").await? {
        object::sort_in("user", object, &mut read.users, &mut read.skipped);
    }
    for object in reader.list("user.kubecube.io", "keys").await? {
        object::sort_in("key", object, &mut read.keys, &mut read.skipped);
    }
    for object in reader.list("cluster.kubecube.io", "clusters").await? {
        object::sort_in("cluster", object, &mut read.clusters, &mut read.skipped);
    }
    Ok(read)
}
