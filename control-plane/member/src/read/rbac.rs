//! Roles and bindings, as the API server has them.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::{DeserializeSeed as _, Deserializer, Error as _};
use serde_json::Value;

use super::pages::Objects;
use super::{Identity, MemberClient, ReadError, segment, within};

const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

/// Most roles that somebody is bound to, and the longest name of one that is kept: nobody
/// asks for a longer one.
const MAX_ROLES: usize = 1_000;
const MAX_NAME_BYTES: usize = 253;

/// Most subjects of one binding.
const MAX_SUBJECTS: usize = 10_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Binding {
    #[serde(default, deserialize_with = "subjects")]
    subjects: Vec<Reference>,
    role_ref: Reference,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    name: String,
}

// === impl MemberClient ===

impl MemberClient {
    /// Returns the roles of a namespace, or of all; the API server's own list.
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

    /// Returns the cluster roles, or those with a label of that value.
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
    /// [`ReadError::Failed`], also when there are more than 1,000.
    pub async fn bound_roles(&self, identity: &Identity) -> Result<BTreeSet<String>, ReadError> {
        let mut roles = BTreeSet::new();
        let mut too_many = false;
        let path = format!("{RBAC}/rolebindings");
        let all = self.each(&path, |binding: Binding| {
            let is_bound = binding.subjects.iter().any(|subject| {
                subject.kind == "User" && subject.name == identity.user
                    || subject.kind == "Group" && identity.groups.contains(&subject.name)
            });
            let Reference { kind, name } = binding.role_ref;
            if is_bound && kind == "ClusterRole" && name.len() <= MAX_NAME_BYTES {
                roles.insert(name);
                if roles.len() > MAX_ROLES {
                    roles.clear();
                    too_many = true;
                }
            }
        });
        ReadError::or_default(within(all).await)?;
        if too_many {
            return Err(ReadError::Failed(format!(
                "somebody is bound to more than {MAX_ROLES} cluster roles there"
            )));
        }
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

fn subjects<'de, D: Deserializer<'de>>(json: D) -> Result<Vec<Reference>, D::Error> {
    let mut subjects = Vec::new();
    let mut too_many = false;
    let mut take = |subject: Reference| {
        if subjects.len() < MAX_SUBJECTS {
            subjects.push(subject);
        } else {
            too_many = true;
        }
    };
    Objects::new(&mut take).deserialize(json)?;
    if too_many {
        return Err(D::Error::custom(format!(
            "a role binding has more than {MAX_SUBJECTS} subjects"
        )));
    }
    Ok(subjects)
}
