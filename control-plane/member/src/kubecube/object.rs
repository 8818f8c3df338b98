//! The custom resources, as far as they are taken over.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A `User`. Its `Debug` form hides the password.
#[derive(Clone, PartialEq, Eq)]
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
#[derive(Clone, PartialEq, Eq)]
pub struct KeyObject {
    /// The access key.
    pub name: String,
    /// In clear, as KubeCube keeps it.
    pub secret_key: String,
    /// The owner.
    pub user: String,
}

/// A `Cluster`. Its `Debug` form hides the kubeconfig.
#[derive(Clone, PartialEq, Eq)]
pub struct ClusterObject {
    /// The name in paths.
    pub name: String,
    /// The kubeconfig's text.
    pub kubeconfig: String,
    /// Where KubeCube's proxy goes; empty when it says nothing.
    pub endpoint: String,
    /// False for the pivot cluster.
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

/// One of the three, made from its name and its spec.
pub(super) trait FromSpec: Sized {
    type Spec: DeserializeOwned;

    fn from_spec(name: String, spec: Self::Spec) -> Result<Self, String>;
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct UserSpec {
    display_name: String,
    email: String,
    phone: String,
    language: String,
    login_type: String,
    state: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeySpec {
    secret_key: String,
    user: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClusterSpec {
    kube_config: String,
    #[serde(default, rename = "kubernetesAPIEndpoint")]
    endpoint: String,
    #[serde(default)]
    is_member_cluster: bool,
}

/// Puts an object where it belongs.
pub(super) fn sort_in<T: FromSpec>(
    kind: &'static str,
    mut object: Value,
    good: &mut Vec<T>,
    skipped: &mut Vec<Skipped>,
) {
    let name = object
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let read = if name.is_empty() {
        Err("it has no name".to_owned())
    } else {
        object
            .get_mut("spec")
            .map(Value::take)
            .ok_or_else(|| "it has no spec".to_owned())
            // Serde's message could quote a value, which may be a secret.
            .and_then(|spec| {
                serde_json::from_value(spec)
                    .map_err(|_| format!("its spec is not that of a {kind} of KubeCube"))
            })
            .and_then(|spec| T::from_spec(name.clone(), spec))
    };
    match read {
        Ok(object) => good.push(object),
        Err(reason) => skipped.push(Skipped { kind, name, reason }),
    }
}

// === impl UserObject ===

impl FromSpec for UserObject {
    type Spec = UserSpec;

    fn from_spec(name: String, spec: UserSpec) -> Result<Self, String> {
        let UserSpec {
            display_name,
            email,
            phone,
            language,
            login_type,
            state,
            password,
        } = spec;
        Ok(Self {
            name,
            display_name,
            email,
            phone,
            language,
            login_type,
            state,
            password,
        })
    }
}

impl fmt::Debug for UserObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserObject({}, ..)", self.name)
    }
}

// === impl KeyObject ===

impl FromSpec for KeyObject {
    type Spec = KeySpec;

    fn from_spec(name: String, spec: KeySpec) -> Result<Self, String> {
        let KeySpec { secret_key, user } = spec;
        Ok(Self {
            name,
            secret_key,
            user,
        })
    }
}

impl fmt::Debug for KeyObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyObject({} of {}, ..)", self.name, self.user)
    }
}

// === impl ClusterObject ===

impl FromSpec for ClusterObject {
    type Spec = ClusterSpec;

    fn from_spec(name: String, spec: ClusterSpec) -> Result<Self, String> {
        let ClusterSpec {
            kube_config,
            endpoint,
            is_member_cluster,
        } = spec;
        let kubeconfig = STANDARD
            .decode(kube_config.trim())
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or("its kubeConfig is no text in base64")?;
        Ok(Self {
            name,
            kubeconfig,
            endpoint,
            is_member: is_member_cluster,
        })
    }
}

impl fmt::Debug for ClusterObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClusterObject({}, ..)", self.name)
    }
}
