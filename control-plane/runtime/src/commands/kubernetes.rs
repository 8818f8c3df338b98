//! `cubegate kubernetes secrets`: the keys and certificates of an installation in Kubernetes.
//!
//! ```text
//! keys (once) ──> xds CA ──────> certificate of each fleet of Envoys   (kubernetes.io/tls)
//!             └─> gateway CA ──> certificate of the listener           (kubernetes.io/tls)
//! ```
//!
//! It runs at installation and then every day. What is good stays as it is. The certificate
//! of an Envoy is made anew by a control plane, as for `cubegate node renew`, which refuses an
//! Envoy that is shut out; the CA alone is enough for the first one. So who deletes the Secret
//! of a fleet that was shut out lets it in again.

mod secrets;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use time::OffsetDateTime;

use self::secrets::{Secrets, Tls};
use crate::args::{KubernetesCommand, KubernetesSecretsArgs};
use crate::commands::node::renew::certify;
use crate::data_dir::write_secret;
use crate::keys::Keys;
use crate::output;
use crate::pki::{Ca, Certified};

pub(crate) async fn run(command: KubernetesCommand) -> anyhow::Result<()> {
    match command {
        KubernetesCommand::Secrets(args) => keep(&args).await,
    }
}

async fn keep(args: &KubernetesSecretsArgs) -> anyhow::Result<()> {
    let KubernetesSecretsArgs {
        namespace,
        kubeconfig,
        keys: keys_secret,
        keys_exist,
        envoys,
        listener,
        listener_names,
        xds_ca,
        gateway_ca,
        xds: _, // of the certificates that a control plane makes anew
        nodes,
    } = args;
    let secrets = Secrets::new(kubeconfig.as_deref(), namespace.as_deref()).await?;
    let folder = Scratch::new()?;
    load_keys(&secrets, keys_secret, *keys_exist, &folder.0).await?;
    let keys = Keys::of(Some(&folder.0), &folder.0);
    let ca = Ca::xds(&keys)?;
    for (secret, file) in [(xds_ca, "xds-ca"), (gateway_ca, "gateway-ca")] {
        let Some(secret) = secret else { continue };
        let ca = match file {
            "xds-ca" => ca.clone(),
            _ => Ca::gateway(&keys)?,
        };
        let authority = Tls {
            // Of two, while a CA is replaced, that of the key.
            certificate: ca.own_pem().to_owned(),
            key: read(&folder.0.join(format!("{file}.key")))?,
            ca: ca.certificate_pem().to_owned(),
            names: String::new(),
        };
        secrets.put(secret, &authority).await?;
    }
    let now = OffsetDateTime::now_utc();
    for (node, secret) in envoys {
        keep_envoy(&secrets, &ca, node, secret, args, now).await?;
    }
    let Some(secret) = listener else {
        return Ok(());
    };
    let authority = Ca::gateway(&keys)?;
    let names = listener_names.join(",");
    let found = secrets.tls(secret).await?;
    let good = found.is_some_and(|found| {
        found.names == names
            && found.ca == authority.certificate_pem()
            && found.is_young(&authority, now)
    });
    if good {
        output::line(&format!("{secret} is good"));
        return Ok(());
    }
    let made = authority.server("Cubegate gateway", listener_names.clone(), nodes.lifetime())?;
    let Certified {
        certificate_pem,
        key_pem,
    } = made;
    let tls = Tls {
        certificate: certificate_pem,
        key: key_pem,
        ca: authority.certificate_pem().to_owned(),
        names,
    };
    secrets.put(secret, &tls).await
}

/// Sees to it that the certificate of an Envoy is good for a third of its life at least.
async fn keep_envoy(
    secrets: &Secrets,
    ca: &Ca,
    node: &str,
    secret: &str,
    args: &KubernetesSecretsArgs,
    now: OffsetDateTime,
) -> anyhow::Result<()> {
    let found = secrets.tls(secret).await?;
    let current = found
        .as_ref()
        .and_then(|found| Some((found, found.node(ca)?)))
        .filter(|(_, current)| current.node == node && current.expires_at > now);
    let certified = match current {
        Some((found, current)) if now < current.renew_at() => {
            if found.ca == ca.certificate_pem() {
                output::line(&format!("{secret} is good"));
                return Ok(());
            }
            // Another CA is trusted beside the one that has signed it.
            Certified {
                certificate_pem: found.certificate.clone(),
                key_pem: found.key.clone(),
            }
        }
        Some((found, current)) => {
            let identity = format!("{}{}", found.certificate, found.key);
            let asked = certify(
                &args.xds.xds_addresses,
                ca.certificate_pem(),
                &identity,
                &current,
            );
            asked
                .await
                .with_context(|| format!("{secret} cannot be made anew"))?
                .0
        }
        None => ca.node(&cubegate_domain::NodeCertificate {
            node: node.to_owned(),
            issued_at: now.replace_nanosecond(0).unwrap_or(now),
            expires_at: now.replace_nanosecond(0).unwrap_or(now) + args.nodes.lifetime(),
        })?,
    };
    let tls = Tls {
        certificate: certified.certificate_pem,
        key: certified.key_pem,
        ca: ca.certificate_pem().to_owned(),
        names: String::new(),
    };
    secrets.put(secret, &tls).await
}

/// Brings the keys from their Secret, which is made if there is none.
async fn load_keys(
    secrets: &Secrets,
    name: &str,
    must_exist: bool,
    folder: &Path,
) -> anyhow::Result<()> {
    if let Some(files) = secrets.files(name).await? {
        return write_all(folder, &files);
    }
    if must_exist {
        bail!(
            "there is no Secret {name} with the installation's keys; make it from the files of `cubegate keys init`"
        );
    }
    let made = Keys::init(folder)?;
    let mut files = Vec::new();
    for file in made {
        files.push((file.to_owned(), fs::read(folder.join(file))?));
    }
    if secrets.create_files(name, &files).await? {
        output::line(&format!(
            "made {name}; keep a copy, without its master.key the database is of no use"
        ));
        return Ok(());
    }
    // Another job was faster, and what it made counts.
    let files = secrets.files(name).await?.unwrap_or_default();
    write_all(folder, &files)
}

fn write_all(folder: &Path, files: &[(String, Vec<u8>)]) -> anyhow::Result<()> {
    for (name, contents) in files {
        write_secret(&folder.join(name), contents)?;
    }
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("the keys have no {}", path.display()))
}

/// A folder for the keys while this runs, which nobody else may read.
struct Scratch(PathBuf);

// === impl Scratch ===

impl Scratch {
    fn new() -> anyhow::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        let path = std::env::temp_dir().join(format!("cubegate-keys.{}", uuid::Uuid::new_v4()));
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("the folder {} cannot be made", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            output::warn(&format!(
                "{} holds keys and cannot be removed: {error}",
                self.0.display()
            ));
        }
    }
}
