//! Both ways to one API server, as one user.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_tests::artifacts::root;
use cubegate_tests::kubeconfig::Kubeconfig;
use cubegate_tests::stack::ApiServer;
use cubegate_tests::{Gateway, Run};
use serde_json::{Value, json};
use tokio::process::Command;

/// The user and its groups, as the gateway gives them.
const SUBJECT: &str = "/O=kubecube/O=cubegate:admins/CN=admin";

/// One way.
pub(crate) struct Side {
    /// Where the API server is, with the path before its own.
    pub(crate) server: String,
    /// Files: the CA, the kubeconfig, and what tells curl who it is.
    pub(crate) ca: PathBuf,
    pub(crate) kubeconfig: PathBuf,
    pub(crate) curl: PathBuf,
}

// === impl Side ===

impl Side {
    /// To the API server itself, with a certificate.
    pub(crate) async fn direct(server: &ApiServer) -> Result<Self> {
        let dir = Run::current()?.folder("direct")?;
        let pki = server.kubeconfig.with_file_name("pki");
        let script =
            r#"source "$1/lib.sh" && source "$1/pki.sh" && sign_client "$2" "$3/admin" "$4""#;
        let signed = Command::new("bash")
            .args(["-c", script, "sign"])
            .arg(root().join("deploy/local"))
            .arg(&pki)
            .arg(&dir)
            .arg(SUBJECT)
            .output()
            .await?;
        ensure!(signed.status.success(), "no certificate: {signed:?}");
        let (certificate, key) = (dir.join("admin.crt"), dir.join("admin.key"));
        let user = json!({
            "client-certificate-data": STANDARD.encode(fs::read(&certificate)?),
            "client-key-data": STANDARD.encode(fs::read(&key)?),
        });
        let config = Kubeconfig::read(&server.kubeconfig)?;
        let curl = format!(
            "cert = \"{}\"\nkey = \"{}\"\n",
            certificate.display(),
            key.display()
        );
        Self::of(&dir, config.server, &config.ca, &user, &curl)
    }

    /// To the API server itself, with a token that it knows.
    pub(crate) fn direct_with_token(server: &ApiServer, token: &str) -> Result<Self> {
        let dir = Run::current()?.folder("direct")?;
        let config = Kubeconfig::read(&server.kubeconfig)?;
        Self::with_token(&dir, config.server, &config.ca, token)
    }

    /// Through the gateway, with a token.
    pub(crate) fn through(gateway: &Gateway, cluster: &str, token: &str) -> Result<Self> {
        let dir = Run::current()?.folder("through")?;
        let server = format!("{}/clusters/{cluster}", gateway.client().base());
        let ca = gateway.ca().context("no CA")?;
        Self::with_token(&dir, server, ca, token)
    }

    fn with_token(dir: &Path, server: String, ca: &[u8], token: &str) -> Result<Self> {
        let curl = format!("header = \"Authorization: Bearer {token}\"\n");
        Self::of(dir, server, ca, &json!({ "token": token }), &curl)
    }

    fn of(dir: &Path, server: String, ca: &[u8], user: &Value, curl: &str) -> Result<Self> {
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{
                "name": "it",
                "cluster": { "server": server, "certificate-authority-data": STANDARD.encode(ca) },
            }],
            "users": [{ "name": "it", "user": user }],
            "contexts": [{ "name": "it", "context": { "cluster": "it", "user": "it" } }],
        });
        let side = Self {
            server,
            ca: dir.join("ca.crt"),
            kubeconfig: dir.join("kubeconfig"),
            curl: dir.join("curl"),
        };
        fs::write(&side.ca, ca)?;
        fs::write(&side.kubeconfig, config.to_string())?;
        fs::write(&side.curl, curl)?;
        Ok(side)
    }
}
