//! Member clusters, read as the user who asks.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cubegate_domain::{Cluster, User, impersonated_groups};
use cubegate_member::{Identity, MemberClient};
use futures::future::join_all;
use tokio::sync::Semaphore;

use crate::extract::Caller;
use crate::{ApiError, AppState};

/// How many requests that read clusters one user may have under way.
const MAX_REQUESTS: usize = 16;

/// How many clusters are asked at the same time, for all callers together and for one
/// user.
const MAX_READINGS: usize = 64;
const MAX_READINGS_OF_USER: usize = MAX_READINGS / 2;

static READINGS: Semaphore = Semaphore::const_new(MAX_READINGS);

/// Who reads clusters now. There are never more entries than requests.
static READERS: Mutex<BTreeMap<String, OfUser>> = Mutex::new(BTreeMap::new());

struct OfUser {
    requests: usize,
    slots: Arc<Semaphore>,
}

/// A request of somebody that reads clusters, while it does.
pub(crate) struct Reading {
    user: String,
    slots: Arc<Semaphore>,
}

// === impl Reading ===

impl Reading {
    /// Begins one, unless its caller has as many under way as one may.
    ///
    /// # Errors
    /// [`ApiError::TooManyRequests`].
    pub(crate) fn begin(caller: &Caller) -> Result<Self, ApiError> {
        Self::of(&caller.user.name)
    }

    fn of(user: &str) -> Result<Self, ApiError> {
        let user = user.to_owned();
        let mut readers = readers();
        let of_user = readers.entry(user.clone()).or_insert_with(|| OfUser {
            requests: 0,
            slots: Arc::new(Semaphore::new(MAX_READINGS_OF_USER)),
        });
        if of_user.requests >= MAX_REQUESTS {
            return Err(ApiError::TooManyRequests { retry_after: 1 });
        }
        of_user.requests += 1;
        let slots = Arc::clone(&of_user.slots);
        Ok(Self { user, slots })
    }

    /// Does something with each cluster, many at the same time; results come in the order
    /// of the clusters.
    pub(crate) async fn each<T, F>(
        &self,
        clusters: Vec<Arc<Cluster>>,
        work: impl Fn(Arc<Cluster>) -> F,
    ) -> Vec<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let readings = clusters.into_iter().map(|cluster| {
            let work = work(cluster);
            async move {
                // Neither is ever closed.
                let _own = self.slots.acquire().await;
                let _slot = READINGS.acquire().await;
                work.await
            }
        });
        join_all(readings).await
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let mut readers = readers();
        if let Some(of_user) = readers.get_mut(&self.user) {
            of_user.requests = of_user.requests.saturating_sub(1);
            if of_user.requests == 0 {
                readers.remove(&self.user);
            }
        }
    }
}

fn readers() -> MutexGuard<'static, BTreeMap<String, OfUser>> {
    // Every change is of one entry, so nothing is ever half done.
    READERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the caller as member clusters see it through the proxy, too: with the groups of the
/// token.
pub(crate) fn identity(caller: &Caller) -> Identity {
    in_groups(&caller.user, &caller.groups)
}

/// Somebody who may be another one than the caller, with the groups that a token which
/// is made now would have.
pub(crate) fn identity_of(state: &AppState, caller: &Caller, user: &User) -> Identity {
    if user.name == caller.user.name {
        identity(caller)
    } else {
        in_groups(user, &state.issuer.groups_of(user))
    }
}

fn in_groups(user: &User, groups: &[String]) -> Identity {
    Identity {
        user: user.name.clone(),
        groups: impersonated_groups(groups),
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

/// Returns the host cluster, KubeCube's pivot.
pub(crate) async fn host_cluster(state: &AppState) -> Result<Cluster, ApiError> {
    let name = state.store.host_cluster().await?;
    let name = name.ok_or(ApiError::NoHostCluster)?;
    // It may have been removed between the two readings.
    let cluster = state.store.get_cluster(&name).await?;
    cluster.ok_or(ApiError::NoHostCluster)
}

/// Returns the host cluster, read as that one.
pub(crate) async fn host_client(
    state: &AppState,
    identity: &Identity,
) -> Result<MemberClient, ApiError> {
    let cluster = host_cluster(state).await?;
    Ok(MemberClient::new(&cluster, identity)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ApiError;

    fn begin(user: &str) -> Result<Reading, ApiError> {
        Reading::of(user)
    }

    #[test]
    fn a_user_has_a_few_readings_under_way_and_others_have_theirs() {
        let mut under_way: Vec<_> = (0..MAX_REQUESTS).map(|_| begin("busy").unwrap()).collect();
        assert!(matches!(
            begin("busy"),
            Err(ApiError::TooManyRequests { retry_after: 1 })
        ));
        begin("calm").unwrap();
        under_way.pop();
        begin("busy").unwrap();
        drop(under_way);
        assert!(!readers().contains_key("busy") && !readers().contains_key("calm"));
    }
}
