//! Member clusters, read as the user who asks.

use cubegate_domain::{Cluster, User};
use cubegate_member::{Identity, Reader};
use cubegate_token::KUBECUBE_GROUP;

use crate::{ApiError, AppState};

/// The group of everybody who is somebody.
const AUTHENTICATED_GROUP: &str = "system:authenticated";

/// Somebody as member clusters see them through the proxy, too.
pub(crate) fn identity(user: &User) -> Identity {
    let mut groups = vec![KUBECUBE_GROUP.to_owned()];
    let others = user.groups.iter().filter(|group| *group != KUBECUBE_GROUP);
    groups.extend(others.cloned());
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

/// The host cluster, read as that user.
pub(crate) async fn host_reader(state: &AppState, user: &User) -> Result<Reader, ApiError> {
    let cluster = host_cluster(state).await?;
    Ok(Reader::new(&cluster, &identity(user))?)
}
