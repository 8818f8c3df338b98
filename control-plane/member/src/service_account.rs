//! The token of a service account, for the gateway's own kubeconfig.

use std::time::Duration;

use cubegate_domain::Cluster;
use serde::Deserialize;
use serde_json::json;

use crate::client;
use crate::read::{ReadError, segment, text, within};

/// Longest answer; a token has some 1 KiB, a Secret of one some 4.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// A service account of a member cluster, seen with the cluster's credential.
pub struct ServiceAccount {
    client: kube::Client,
    /// `/api/v1/namespaces/{namespace}`
    namespace: String,
    name: String,
}

#[derive(Deserialize)]
struct TokenRequest {
    #[serde(default)]
    status: TokenStatus,
}

#[derive(Default, Deserialize)]
struct TokenStatus {
    #[serde(default)]
    token: String,
}

#[derive(Deserialize)]
struct Secret {
    #[serde(default)]
    data: SecretData,
}

#[derive(Default, Deserialize)]
struct SecretData {
    #[serde(default)]
    token: k8s_openapi::ByteString,
}

// === impl ServiceAccount ===

impl ServiceAccount {
    /// Prepares a client; nothing is asked yet.
    ///
    /// # Errors
    /// A cluster whose certificates cannot be used, a name that nothing can have.
    pub fn new(cluster: &Cluster, namespace: &str, name: &str) -> Result<Self, ReadError> {
        let config = client::config(&cluster.server, &cluster.tls, &cluster.credential)
            .map_err(ReadError::Failed)?;
        Ok(Self {
            client: client::connect(config, MAX_ANSWER_BYTES).map_err(ReadError::Failed)?,
            namespace: format!("/api/v1/namespaces/{}", segment(namespace)?),
            name: segment(name)?,
        })
    }

    /// Makes a token that ends after this time; an API server may give it another life.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn request_token(&self, lifetime: Duration) -> Result<String, ReadError> {
        let body = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": { "expirationSeconds": lifetime.as_secs() },
        });
        let path = format!("{}/serviceaccounts/{}/token", self.namespace, self.name);
        let answer = self
            .ask("POST", &path, body.to_string().into_bytes())
            .await?;
        let answer: TokenRequest =
            serde_json::from_str(&answer).map_err(|error| ReadError::Failed(error.to_string()))?;
        Ok(answer.status.token)
    }

    /// Returns the token in the account's Secret of the same name, which does not end; `None`
    /// as long as the cluster has not put one there.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn secret_token(&self) -> Result<Option<String>, ReadError> {
        let path = format!("{}/secrets/{}", self.namespace, self.name);
        let answer = self.ask("GET", &path, Vec::new()).await?;
        let secret: Secret =
            serde_json::from_str(&answer).map_err(|error| ReadError::Failed(error.to_string()))?;
        let token = String::from_utf8(secret.data.token.0).ok();
        Ok(token.filter(|token| !token.is_empty()))
    }

    async fn ask(&self, method: &str, path: &str, body: Vec<u8>) -> Result<String, ReadError> {
        within(text(&self.client, method, path, body)).await
    }
}
