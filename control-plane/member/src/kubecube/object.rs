//! The custom resources, as far as they are taken over.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A `User`. Its `Debug` form hides the password.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UserObject {
    /// The name, also for logging in.
    pub name: String,
    /// Empty when there is none.
    pub display_name: String,
    /// Empty when there is none.
    pub email: String,
    /// Empty when there is none.
    pub phone: String,
    /// Empty when there is none.
    pub language: String,
    /// `normal`, `ldap` and others.
    pub login_type: String,
    /// `normal` or `forbidden`.
    pub state: String,
    /// The hex MD5; empty when there is none.
    pub password: String,
}

/// A `Key`, named by its access key. Its `Debug` form hides the secret.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyObject {
    /// The access key.
    pub name: String,
    /// In clear, as KubeCube keeps it.
    pub secret_key: String,
    /// The owner.
    pub user: String,
}

/// A `Cluster`. Its `Debug` form hides the kubeconfig.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct ClusterObject {
    /// The name in paths.
    pub name: String,
    /// The kubeconfig's text.
    #[serde(
        rename = "kubeConfig",
        alias = "kubeconfig",
        deserialize_with = "text_in_base64"
    )]
    pub kubeconfig: String,
    /// Where KubeCube's proxy goes; empty when it says nothing.
    #[serde(default, rename = "kubernetesAPIEndpoint")]
    pub endpoint: String,
    /// False for the pivot cluster.
    #[serde(default, rename = "isMemberCluster")]
    pub is_member: bool,
}

/// An object that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// `user`, `key` or `cluster`.
    pub kind: &'static str,
    /// Its name; empty when it has none.
    pub name: String,
    /// One sentence, without anything of its contents.
    pub reason: String,
}

/// Puts an object where it belongs: one of the three, read from its spec and its name.
pub(super) fn sort_in<T: DeserializeOwned>(
    kind: &'static str,
    mut object: Value,
    good: &mut Vec<T>,
    skipped: &mut Vec<Skipped>,
) {
    let name = object.pointer("/metadata/name").and_then(Value::as_str);
    let name = name.unwrap_or_default().to_owned();
    let read = match object.get_mut("spec").map(Value::take) {
        _ if name.is_empty() => Err("it has no name".to_owned()),
        Some(Value::Object(mut spec)) => {
            spec.insert("name".to_owned(), name.clone().into());
            // Serde's message could quote a value, which may be a secret.
            serde_json::from_value(spec.into())
                .map_err(|_| format!("its spec is not that of a {kind} of KubeCube"))
        }
        _ => Err("it has no spec".to_owned()),
    };
    match read {
        Ok(object) => good.push(object),
        Err(reason) => skipped.push(Skipped { kind, name, reason }),
    }
}

fn text_in_base64<'de, D: Deserializer<'de>>(json: D) -> Result<String, D::Error> {
    let text = String::deserialize(json)?;
    let bytes = STANDARD.decode(text.trim()).map_err(D::Error::custom)?;
    String::from_utf8(bytes).map_err(D::Error::custom)
}

// === impl UserObject ===

impl fmt::Debug for UserObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserObject({}, ..)", self.name)
    }
}

// === impl KeyObject ===

impl fmt::Debug for KeyObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyObject({} of {}, ..)", self.name, self.user)
    }
}

// === impl ClusterObject ===

impl fmt::Debug for ClusterObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClusterObject({}, ..)", self.name)
    }
}
