//! From the text of a kubeconfig to the parts of a domain cluster.

mod credential;
mod data;
mod document;
mod error;
mod private_key;
mod server;
#[cfg(test)]
mod tests;
mod token;

use std::path::PathBuf;

use cubegate_domain::{
    ApiServer, Cluster, ClusterCredential, ClusterName, ClusterSource, ClusterTls, Scheme,
};
use kube::config::{self as k8s, Kubeconfig};
use time::OffsetDateTime;

use crate::client;
pub use credential::read_token_file;
pub use data::FileAccess;
use data::Files;
pub use error::KubeconfigError;

/// What a kubeconfig says about one cluster. Its `Debug` form hides the credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberSpec {
    /// Where the API server is.
    pub server: ApiServer,
    /// How it proves itself.
    pub tls: ClusterTls,
    /// What the gateway shows it.
    pub credential: ClusterCredential,
    /// One sentence each; nothing was left out silently.
    pub warnings: Vec<String>,
    /// The names of all contexts that the kubeconfig has.
    pub contexts: Vec<String>,
    /// The files that it points to, which were read, too.
    pub files: Vec<PathBuf>,
}

/// Reads the YAML or JSON of a kubeconfig and takes the cluster and the user of
/// `context` (of its `current-context` when absent). As for kubectl, a field that is empty
/// is absent. `now` decides whether a token has ended.
///
/// # Errors
/// One sentence that says what to change; see [`KubeconfigError`].
pub fn parse_kubeconfig(
    yaml: &str,
    context: Option<&str>,
    files: &FileAccess,
    now: OffsetDateTime,
) -> Result<MemberSpec, KubeconfigError> {
    let kubeconfig = document::read(yaml)?;
    let context = find_context(&kubeconfig, context)?;
    let cluster = find_cluster(&kubeconfig, &context)?;
    let user = find_user(&kubeconfig, &context)?;
    refuse_unsupported(cluster)?;

    let mut warnings = Vec::new();
    let files = &Files::new(files);
    let server = server::parse(cluster.server.as_deref().unwrap_or_default())?;
    let credential = credential::read(user, files, now, &mut warnings)?;
    let mut tls = ClusterTls {
        ca_pem: data::certificates(
            "certificate-authority",
            cluster.certificate_authority_data.as_deref(),
            cluster.certificate_authority.as_deref(),
            files,
        )?,
        server_name: cluster
            .tls_server_name
            .clone()
            .filter(|name| !name.is_empty()),
    };
    if server.scheme == Scheme::Http {
        warnings.push(format!(
            "{server} is plain HTTP: requests and the gateway's credential travel in clear text; use https except on a test machine"
        ));
        if tls.ca_pem.is_some() || tls.server_name.is_some() {
            warnings.push("the server is http://, so its TLS settings are not used".to_owned());
            tls = ClusterTls {
                ca_pem: None,
                server_name: None,
            };
        }
    }
    let spec = MemberSpec {
        server,
        tls,
        credential,
        warnings,
        contexts: context_names(&kubeconfig),
        files: files.read(),
    };
    if let ClusterCredential::ClientCertificate { key_pem, .. } = &spec.credential
        && spec.server.scheme == Scheme::Https
        && private_key::is_p521(key_pem)
    {
        return Err(KubeconfigError::P521Key);
    }
    // What the TLS library does not take, Envoy does not take either, and there
    // it would be found out much later.
    client::check_tls(&spec)?;
    Ok(spec)
}

// === impl MemberSpec ===

impl MemberSpec {
    /// Returns the cluster under a name.
    pub fn into_cluster(
        self,
        name: ClusterName,
        created_at: OffsetDateTime,
        source: ClusterSource,
    ) -> Cluster {
        Cluster {
            name,
            server: self.server,
            tls: self.tls,
            credential: self.credential,
            created_at,
            source,
        }
    }
}

/// A context with the name it goes by.
struct NamedContext<'a> {
    name: &'a str,
    context: &'a k8s::Context,
}

fn context_names(kubeconfig: &Kubeconfig) -> Vec<String> {
    let contexts = kubeconfig.contexts.iter();
    contexts.map(|context| context.name.clone()).collect()
}

fn find_context<'a>(
    kubeconfig: &'a Kubeconfig,
    wanted: Option<&'a str>,
) -> Result<NamedContext<'a>, KubeconfigError> {
    let known = || context_names(kubeconfig);
    let name = wanted
        .or(kubeconfig.current_context.as_deref())
        .filter(|name| !name.is_empty())
        .ok_or_else(|| KubeconfigError::NoCurrentContext { known: known() })?;
    kubeconfig
        .contexts
        .iter()
        .find(|context| context.name == name)
        .and_then(|context| context.context.as_ref())
        .map(|context| NamedContext { name, context })
        .ok_or_else(|| KubeconfigError::NoSuchContext {
            name: name.to_owned(),
            known: known(),
        })
}

fn find_cluster<'a>(
    kubeconfig: &'a Kubeconfig,
    context: &NamedContext<'_>,
) -> Result<&'a k8s::Cluster, KubeconfigError> {
    let name = &context.context.cluster;
    kubeconfig
        .clusters
        .iter()
        .find(|cluster| cluster.name == *name)
        .and_then(|cluster| cluster.cluster.as_ref())
        .ok_or_else(|| KubeconfigError::missing("cluster", name, context.name))
}

fn find_user<'a>(
    kubeconfig: &'a Kubeconfig,
    context: &NamedContext<'_>,
) -> Result<&'a k8s::AuthInfo, KubeconfigError> {
    let name = context.context.user.as_deref().unwrap_or_default();
    // `user: {}` of a server that asks for nothing is read as an absent one.
    static NOTHING: std::sync::LazyLock<k8s::AuthInfo> =
        std::sync::LazyLock::new(k8s::AuthInfo::default);
    kubeconfig
        .auth_infos
        .iter()
        .find(|user| user.name == name)
        .map(|user| user.auth_info.as_ref().unwrap_or(&NOTHING))
        .ok_or_else(|| KubeconfigError::missing("user", name, context.name))
}

fn refuse_unsupported(cluster: &k8s::Cluster) -> Result<(), KubeconfigError> {
    if cluster.insecure_skip_tls_verify == Some(true) {
        return Err(KubeconfigError::InsecureSkipTlsVerify);
    }
    if cluster
        .proxy_url
        .as_deref()
        .is_some_and(|url| !url.is_empty())
    {
        return Err(KubeconfigError::ProxyUrl);
    }
    Ok(())
}
