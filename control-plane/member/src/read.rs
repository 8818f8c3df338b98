//! Reading a member cluster as somebody: with the gateway's credential, under the
//! caller's name, as proxied requests go there. What the caller may not see there is
//! not seen here.

mod error;
mod inventory;
mod pages;
mod rbac;
mod review;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::time::Duration;

use cubegate_domain::Cluster;
use http::Request;
use kube::config::AuthInfo;
use serde::de::DeserializeOwned;
use tokio::time;

pub use self::error::ReadError;
pub use self::inventory::{Assigned, Capacity, Inventory};
pub use self::review::AccessQuestion;
use crate::client;

/// How long one reading may take with all its requests.
pub const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// Somebody as a member cluster sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user's name.
    pub user: String,
    /// All groups, `system:authenticated` among them.
    pub groups: Vec<String>,
}

/// One member cluster, read as one [`Identity`]. Each call ends within
/// [`READ_TIMEOUT`].
#[derive(Clone)]
pub struct MemberClient {
    client: kube::Client,
}

// === impl MemberClient ===

impl MemberClient {
    /// Prepares a client; nothing is asked yet.
    ///
    /// # Errors
    /// [`ReadError::Failed`] when the cluster's certificates cannot be used.
    pub fn new(cluster: &Cluster, identity: &Identity) -> Result<Self, ReadError> {
        let mut config = client::config(&cluster.server, &cluster.tls, &cluster.credential)
            .map_err(ReadError::Failed)?;
        config.auth_info = AuthInfo {
            impersonate: Some(identity.user.clone()),
            impersonate_groups: Some(identity.groups.clone()),
            ..config.auth_info
        };
        let client = client::connect(config, client::MAX_BODY_BYTES).map_err(ReadError::Failed)?;
        Ok(Self { client })
    }

    /// Returns whether there is a namespace of that name that may be read.
    ///
    /// # Errors
    /// [`ReadError::Failed`]; a refusal is no.
    pub async fn has_namespace(&self, name: &str) -> Result<bool, ReadError> {
        let path = format!("/api/v1/namespaces/{}", segment(name)?);
        match within(self.get::<serde_json::Value>(&path)).await {
            Ok(_) => Ok(true),
            Err(ReadError::Refused { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ReadError> {
        self.send("GET", path, Vec::new()).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: Vec<u8>,
    ) -> Result<T, ReadError> {
        let text = text(&self.client, method, path, body).await?;
        serde_json::from_str(&text).map_err(|error| ReadError::Failed(error.to_string()))
    }
}

/// Sends a request with a body of JSON, or none, and returns the answer.
pub(crate) async fn text(
    client: &kube::Client,
    method: &str,
    path: &str,
    body: Vec<u8>,
) -> Result<String, ReadError> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(body)
        .map_err(|error| ReadError::Failed(error.to_string()))?;
    client
        .request_text(request)
        .await
        .map_err(ReadError::from_kube)
}

/// A name as one segment of a path; a name that Kubernetes cannot have is refused.
pub(crate) fn segment(name: &str) -> Result<String, ReadError> {
    if name.is_empty() || name.len() > 253 || name.chars().all(|c| c == '.') {
        return Err(ReadError::Refused {
            code: 404,
            message: format!("{name:?} is no name of an object"),
        });
    }
    Ok(form_urlencoded::byte_serialize(name.as_bytes()).collect())
}

pub(crate) async fn within<T>(
    work: impl Future<Output = Result<T, ReadError>>,
) -> Result<T, ReadError> {
    time::timeout(READ_TIMEOUT, work)
        .await
        .unwrap_or_else(|_| Err(ReadError::Failed("it did not answer in time".to_owned())))
}
