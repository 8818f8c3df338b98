//! Where the credential is: a file of its owner's, or the keyring, by the protocol of Docker's
//! credential helpers (`docker-credential-*`, the user name `<token>` for a refresh token).

use std::fmt;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use super::GatewayUrl;
use crate::data_dir::write_secret;

/// Longest credential, in bytes. A refresh token has some 500.
const MAX_BYTES: u64 = 64 << 10;

/// How long a keyring may take: somebody may have to unlock it.
const HELPER_TIMEOUT: Duration = Duration::from_secs(120);

/// The user name that a helper has for a refresh token, which is Docker's.
const TOKEN_USER: &str = "<token>";

/// Where the credential is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A file, by its whole path.
    File(PathBuf),
    /// `docker-credential-` and this.
    Helper(String),
}

/// What tokens are got with.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credential {
    /// An access key.
    Key {
        /// Its public half.
        access_key: String,
        /// Its secret half.
        secret_key: String,
    },
    /// A refresh token, which is good once.
    Refresh(String),
}

/// A file as the gateway's answers are: of a new key, or of `/oauth/token`.
#[derive(Deserialize)]
struct Written {
    #[serde(rename = "accessKey", default)]
    access_key: String,
    #[serde(rename = "secretKey", default)]
    secret_key: String,
    #[serde(default)]
    refresh_token: String,
}

/// What a helper answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Kept {
    username: String,
    secret: String,
}

// === impl Source ===

impl Source {
    /// The file or helper that was given.
    ///
    /// # Errors
    /// A file that is not there, or a name that is none of a helper.
    pub(crate) fn new(file: Option<&Path>, helper: Option<&str>) -> anyhow::Result<Self> {
        match (file, helper) {
            (Some(file), _) => fs::canonicalize(file)
                .map(Self::File)
                .with_context(|| format!("the credential {} cannot be read", file.display())),
            (None, Some(name)) => {
                let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
                if name.is_empty() || !name.chars().all(is_name) {
                    bail!("--credential-helper is what stands behind docker-credential-, as pass");
                }
                Ok(Self::Helper(name.to_owned()))
            }
            (None, None) => bail!("give --credential-file or --credential-helper"),
        }
    }

    /// Reads the credential.
    ///
    /// # Errors
    /// A file that others may read or that holds none, and whatever a helper fails with.
    pub(crate) async fn read(&self, gateway: &GatewayUrl) -> anyhow::Result<Credential> {
        match self {
            Self::File(path) => read_file(path),
            Self::Helper(name) => {
                let kept = helper(name, "get", gateway.as_str().as_bytes()).await?;
                let kept: Kept = serde_json::from_slice(&kept).map_err(|_| {
                    anyhow::anyhow!("docker-credential-{name} gives nothing that can be read")
                })?;
                if kept.secret.is_empty() {
                    bail!("docker-credential-{name} has no credential for {gateway}");
                }
                Ok(match kept.username.as_str() {
                    TOKEN_USER => Credential::Refresh(kept.secret),
                    _ => Credential::Key {
                        access_key: kept.username,
                        secret_key: kept.secret,
                    },
                })
            }
        }
    }

    /// Fails where another refresh token could not be kept: the old one would be spent by then.
    ///
    /// # Errors
    /// A folder that nothing can be written to.
    pub(crate) fn check_writable(&self) -> anyhow::Result<()> {
        let Self::File(path) = self else {
            return Ok(());
        };
        let folder = path.parent().unwrap_or(Path::new("/"));
        rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).with_context(|| {
            format!(
                "{} cannot be written to, and a refresh token is another one after each use",
                folder.display()
            )
        })
    }

    /// Keeps another refresh token in the place of the one that was used.
    ///
    /// # Errors
    /// Where it is kept cannot be written.
    pub(crate) async fn replace(&self, gateway: &GatewayUrl, token: &str) -> anyhow::Result<()> {
        match self {
            Self::File(path) => {
                let text = serde_json::to_string_pretty(&json!({ "refresh_token": token }))?;
                write_secret(path, format!("{text}\n").as_bytes())
            }
            Self::Helper(name) => {
                let entry = json!({
                    "ServerURL": gateway.as_str(), "Username": TOKEN_USER, "Secret": token,
                });
                helper(name, "store", entry.to_string().as_bytes()).await?;
                Ok(())
            }
        }
    }

    /// Returns whether it is read each time: a keyring may ask its owner.
    pub(crate) fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Helper(name) => write!(f, "docker-credential-{name}"),
        }
    }
}

// === impl Credential ===

impl Credential {
    /// Returns by what it is told from others, and which does not give it away.
    pub(crate) fn digest(&self) -> String {
        let mut digest = Sha256::new();
        match self {
            Self::Key {
                access_key,
                secret_key,
            } => {
                digest.update(access_key);
                digest.update([0]);
                digest.update(secret_key);
            }
            Self::Refresh(token) => digest.update(token),
        }
        hex::encode(digest.finalize())
    }
}

fn read_file(path: &Path) -> anyhow::Result<Credential> {
    let unreadable = || format!("the credential {} cannot be read", path.display());
    let file = fs::File::open(path).with_context(unreadable)?;
    let metadata = file.metadata().with_context(unreadable)?;
    if !metadata.is_file() {
        bail!("the credential {} is no file", path.display());
    }
    if metadata.mode() & 0o077 != 0 {
        bail!(
            "others may read the credential {0}; say `chmod 600 {0}`",
            path.display()
        );
    }
    let mut text = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut text)
        .with_context(unreadable)?;
    if text.len() as u64 > MAX_BYTES {
        bail!(
            "the credential {} is longer than {MAX_BYTES} bytes",
            path.display()
        );
    }
    // What serde would say of it may repeat a part.
    let written: Written = serde_json::from_slice(&text).ok().with_context(|| {
        format!(
            "the credential {} is no JSON object of texts",
            path.display()
        )
    })?;
    let Written {
        access_key,
        secret_key,
        refresh_token,
    } = written;
    let is_key = !access_key.is_empty() && !secret_key.is_empty();
    match (is_key, refresh_token.is_empty()) {
        (true, true) => Ok(Credential::Key {
            access_key,
            secret_key,
        }),
        (false, false) => Ok(Credential::Refresh(refresh_token)),
        (true, false) => bail!(
            "the credential {} holds an access key and a refresh token; leave one of them out",
            path.display()
        ),
        (false, true) => bail!(
            "the credential {} holds neither accessKey and secretKey nor refresh_token",
            path.display()
        ),
    }
}

/// Runs a helper, and returns what it prints.
async fn helper(name: &str, action: &str, input: &[u8]) -> anyhow::Result<Vec<u8>> {
    let program = format!("docker-credential-{name}");
    let mut child = Command::new(&program)
        .arg(action)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{program} cannot be started"))?;
    let work = async {
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input).await?;
        }
        child.wait_with_output().await
    };
    let output = timeout(HELPER_TIMEOUT, work)
        .await
        .with_context(|| {
            format!(
                "{program} {action} takes longer than {} s",
                HELPER_TIMEOUT.as_secs()
            )
        })?
        .with_context(|| format!("{program} {action} failed"))?;
    if !output.status.success() {
        // What it prints then is a sentence; a secret is in no such answer, but who knows.
        bail!(
            "{program} {action} failed: it has no credential under the gateway's URL, or the keyring is locked"
        );
    }
    if output.stdout.len() as u64 > MAX_BYTES {
        bail!("{program} {action} says more than {MAX_BYTES} bytes");
    }
    Ok(output.stdout)
}

/// Base64 as kubeconfigs have it.
pub(super) fn from_base64(text: &str) -> anyhow::Result<Vec<u8>> {
    Ok(STANDARD.decode(text)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn written(text: &str, mode: u32) -> anyhow::Result<Credential> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credential.json");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        read_file(&path)
    }

    #[test]
    fn a_key_and_a_refresh_token_are_read_as_the_gateway_gives_them() {
        let key = written(r#"{"accessKey":"ak","secretKey":"sk"}"#, 0o600).unwrap();
        let Credential::Key {
            access_key,
            secret_key,
        } = &key
        else {
            panic!("no key");
        };
        assert_eq!((access_key.as_str(), secret_key.as_str()), ("ak", "sk"));
        let text =
            r#"{"access_token":"a","token_type":"Bearer","refresh_token":"r","expires_in":1}"#;
        let refresh = written(text, 0o400).unwrap();
        assert!(matches!(&refresh, Credential::Refresh(token) if token == "r"));
        assert_ne!(key.digest(), refresh.digest());
    }

    #[test]
    fn what_others_may_read_and_what_is_no_credential_is_refused_without_being_repeated() {
        let key = r#"{"accessKey":"ak","secretKey":"s3cret"}"#;
        for mode in [0o640, 0o604, 0o660] {
            let refused = written(key, mode).err().unwrap().to_string();
            assert!(refused.contains("chmod 600"), "{refused}");
        }
        for text in [
            "s3cret",
            r#"{"accessKey":"s3cret"}"#,
            r#"{"accessKey":"s3cret","secretKey":5}"#,
            r#"{"accessKey":"s3cret","secretKey":"s3cret","refresh_token":"s3cret"}"#,
            "{}",
            &" ".repeat(70_000),
        ] {
            let refused = format!("{:?}", written(text, 0o600).err().unwrap());
            assert!(!refused.contains("s3cret"), "{refused}");
        }
    }

    #[test]
    fn a_helper_is_a_name_and_no_path() {
        for name in ["", "a/b", "a b", "../x"] {
            assert!(Source::new(None, Some(name)).is_err(), "{name}");
        }
        assert_eq!(
            Source::new(None, Some("pass")).unwrap(),
            Source::Helper("pass".to_owned())
        );
    }
}
