//! Member clusters, read as the user who asks.

use cubegate_domain::{Cluster, User};
use cubegate_member::{Identity, Reader};

use crate::extract::Caller;
use crate::{ApiError, AppState};

/// The group of everybody who is somebody.
const AUTHENTICATED_GROUP: &str = "system:authenticated";

/// The caller as member clusters see it through the proxy, too: with the groups of the
/// token.
pub(crate) fn identity(caller: &Caller) -> Identity {
    with_groups(&caller.user, caller.groups.clone())
}

/// Somebody who may be another one than the caller, with the groups that a token which
/// is made now would have.
pub(crate) fn identity_of(state: &AppState, caller: &Caller, user: &User) -> Identity {
    if user.name == caller.user.name {
        identity(caller)
    } else {
        with_groups(user, state.issuer.groups_of(user))
    }
}

fn with_groups(user: &User, mut groups: Vec<String>) -> Identity {
    groups.push(AUTHENTICATED_GROUP.to_owned());
    Identity {
        user: user.name.clone(),
        groups,
    }
}

/// A cluster by its name.
pub(crate) async fn cluster(state: &AppState, name: &str) -> Result<Cluster, ApiError> {
    state
        .store
        .get_cluster(name)
        .await?
        .ok_or_else(|| ApiError::ClusterNotFound(name.to_owned()))
}

/// The host cluster, KubeCube's pivot.
pub(crate) async fn host_cluster(state: &AppState) -> Result<Cluster, ApiError> {
    let name = state.store.host_cluster().await?;
    let name = name.ok_or(ApiError::NoHostCluster)?;
    // It may have been removed between the two readings.
    let cluster = state.store.get_cluster(&name).await?;
    cluster.ok_or(ApiError::NoHostCluster)
}

/// The host cluster, read as that one.
pub(crate) async fn host_reader(state: &AppState, identity: &Identity) -> Result<Reader, ApiError> {
    let cluster = host_cluster(state).await?;
    Ok(Reader::new(&cluster, identity)?)
}
