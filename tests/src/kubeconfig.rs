//! Kubeconfigs: reading those of the API servers, writing those of the upstreams that the tests play.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::tls::Identity;

/// What the tests need of a kubeconfig with embedded certificates.
pub struct Kubeconfig {
    /// The server's URL.
    pub server: String,
    /// Its CA, PEM.
    pub ca: Vec<u8>,
    /// The client certificate.
    pub identity: Identity,
}

// === impl Kubeconfig ===

impl Kubeconfig {
    /// Reads the one cluster and the one user of the file.
    ///
    /// # Errors
    /// A file that is not there or has another form.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        let config: Value = serde_saphyr::from_str(&text)?;
        let text = |pointer: &str| {
            config
                .pointer(pointer)
                .and_then(Value::as_str)
                .with_context(|| format!("{} has no {pointer}", path.display()))
        };
        let data = |pointer| -> Result<Vec<u8>> { Ok(STANDARD.decode(text(pointer)?)?) };
        Ok(Self {
            server: text("/clusters/0/cluster/server")?.to_owned(),
            ca: data("/clusters/0/cluster/certificate-authority-data")?,
            identity: Identity {
                certificate: data("/users/0/user/client-certificate-data")?,
                key: data("/users/0/user/client-key-data")?,
            },
        })
    }
}

/// A kubeconfig document for a server that asks for no credential.
pub fn document(server: &str, ca: Option<&str>) -> Value {
    let mut cluster = json!({ "server": server });
    if let (Some(ca), Some(cluster)) = (ca, cluster.as_object_mut()) {
        cluster.insert(
            "certificate-authority-data".to_owned(),
            json!(STANDARD.encode(ca)),
        );
    }
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "clusters": [{ "name": "it", "cluster": cluster }],
        "users": [{ "name": "nobody", "user": {} }],
        "contexts": [{ "name": "it", "context": { "cluster": "it", "user": "nobody" } }],
    })
}

/// Writes [`document`] to a file of this folder.
///
/// # Errors
/// A folder that cannot be written.
pub fn write(dir: &Path, name: &str, server: &str, ca: Option<&str>) -> Result<PathBuf> {
    let path = dir.join(format!("{name}.kubeconfig"));
    fs::write(&path, document(server, ca).to_string())
        .with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(path)
}
