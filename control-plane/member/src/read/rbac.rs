//! Roles and bindings, as the API server has them.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::{Identity, ReadError, Reader, segment, within};

const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Binding {
    subjects: Option<Vec<Reference>>,
    role_ref: Reference,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    name: String,
}

// === impl Reader ===

impl Reader {
    /// The roles of a namespace, or of all; the API server's own list.
    ///
    /// # Errors
    /// [`ReadError`], also when the reader may not list them.
    pub async fn roles(&self, namespace: Option<&str>) -> Result<Value, ReadError> {
        let path = match namespace {
            Some(namespace) => format!("{RBAC}/namespaces/{}/roles", segment(namespace)?),
            None => format!("{RBAC}/roles"),
        };
        within(self.get(&path)).await
    }

    /// The cluster roles, or those with a label of that value.
    ///
    /// # Errors
    /// As [`Self::roles`].
    pub async fn cluster_roles(&self, label: Option<(&str, &str)>) -> Result<Value, ReadError> {
        let query = label.map_or_else(String::new, |(name, value)| {
            form_urlencoded::Serializer::new("?".to_owned())
                .append_pair("labelSelector", &format!("{name}={value}"))
                .finish()
        });
        within(self.get(&format!("{RBAC}/clusterroles{query}"))).await
    }

    /// The cluster roles to which somebody is bound in a namespace, of the bindings
    /// that the reader may list; none when the reader may list none.
    ///
    /// # Errors
    /// [`ReadError::Failed`].
    pub async fn bound_roles(&self, identity: &Identity) -> Result<BTreeSet<String>, ReadError> {
        let mut roles = BTreeSet::new();
        let path = format!("{RBAC}/rolebindings");
        let all = self.each(&path, |binding: Binding| {
            let is_bound = binding.subjects.unwrap_or_default().iter().any(|subject| {
                subject.kind == "User" && subject.name == identity.user
                    || subject.kind == "Group" && identity.groups.contains(&subject.name)
            });
            if is_bound && binding.role_ref.kind == "ClusterRole" {
                roles.insert(binding.role_ref.name);
            }
        });
        ReadError::or_default(within(all).await)?;
        Ok(roles)
    }

    /// Makes a role binding, with the reader's rights: the API server lets nobody
    /// give away more than they have.
    ///
    /// # Errors
    /// As [`Self::roles`].
    pub async fn bind(&self, namespace: &str, binding: &Value) -> Result<Value, ReadError> {
        let body =
            serde_json::to_vec(binding).map_err(|error| ReadError::Failed(error.to_string()))?;
        let path = format!("{RBAC}/namespaces/{}/rolebindings", segment(namespace)?);
        within(self.send("POST", &path, body)).await
    }

    /// Takes a role binding away.
    ///
    /// # Errors
    /// As [`Self::roles`].
    pub async fn unbind(&self, namespace: &str, name: &str) -> Result<Value, ReadError> {
        let path = format!(
            "{RBAC}/namespaces/{}/rolebindings/{}",
            segment(namespace)?,
            segment(name)?
        );
        within(self.send("DELETE", &path, Vec::new())).await
    }
}
