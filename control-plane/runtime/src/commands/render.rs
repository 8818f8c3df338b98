//! `cubegate render static`: an Envoy with the filter and no control plane.
//!
//! ```text
//! DIR/static.yaml         what Envoy is started with
//! DIR/NAME.ca.crt         the CA of a cluster's API server
//! DIR/NAME.client.crt     the gateway's client certificate there …
//! DIR/NAME.client.key     … and its key
//! DIR/NAME.token          or its token
//! ```
//!
//! The folder is flat, so that it can be a Secret of Kubernetes as it is.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cubegate_domain::ClusterCredential;
use cubegate_filter_config::TokenKeys;
use serde::Deserialize;

use crate::args::{RenderCommand, RenderStaticArgs};
use crate::commands::cluster::read_kubeconfig;
use crate::data_dir::{DataDir, write_secret};
use crate::keys::SigningKeys;
use crate::output;
use crate::static_envoy::{Listen, StaticEnvoy};
use crate::system_ca::SystemCa;

pub(crate) fn run(command: &RenderCommand) -> anyhow::Result<()> {
    match command {
        RenderCommand::Static(args) => render(args),
    }
}

fn render(args: &RenderStaticArgs) -> anyhow::Result<()> {
    let RenderStaticArgs {
        clusters: given,
        output: folder,
        at,
        listen,
        tls_cert,
        tls_key,
        envoy_admin,
        filter,
        jwks,
        issuer,
        system_ca,
        data,
    } = args;
    let certificate = tls_cert.as_deref().zip(tls_key.as_deref());
    if certificate.is_none() && !listen.ip().is_loopback() {
        bail!(
            "--listen {listen} can be reached from elsewhere, where tokens must not go in clear; give --tls-cert and --tls-key, or listen on 127.0.0.1"
        );
    }
    let keys = match jwks {
        Some(file) => published(file)?,
        None => {
            let found = match data.keys_dir {
                Some(_) => DataDir::at(data),
                None => DataDir::of_gateway(data)?,
            };
            let SigningKeys { signer, others } = found.keys().signing_keys(issuer)?;
            // Two of them while the key is rotated.
            let own = (signer.kid(), signer.public_key_bytes());
            let others = others.iter().map(|key| (key.kid(), key.to_bytes()));
            let keys = others.chain([own]);
            keys.map(|(kid, key)| (kid.to_owned(), hex::encode(key)))
                .collect()
        }
    };
    let mut clusters = Vec::new();
    for (name, file) in given {
        if clusters
            .iter()
            .any(|known: &cubegate_domain::Cluster| known.name == *name)
        {
            bail!("the cluster {name} is given twice");
        }
        let cluster =
            read_kubeconfig(file, None, name.clone()).with_context(|| format!("cluster {name}"))?;
        if let ClusterCredential::TokenFile { file, .. } = &cluster.credential {
            output::warn(&format!(
                "nobody reads {file} again for an Envoy without a control plane: when its token is renewed, run this again"
            ));
        }
        clusters.push(cluster);
    }
    let bundle = match clusters
        .iter()
        .any(cubegate_domain::Cluster::needs_system_ca)
    {
        true => {
            let mut system_ca = SystemCa::find(system_ca.system_ca.as_deref())?;
            system_ca.check()?;
            system_ca.read()
        }
        false => None,
    };
    fs::create_dir_all(folder)
        .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    let folder = fs::canonicalize(folder)
        .with_context(|| format!("the folder {} cannot be used", folder.display()))?;
    let envoy = StaticEnvoy {
        folder: at.as_deref().unwrap_or(&folder),
        listen: Listen {
            address: *listen,
            certificate,
        },
        admin: *envoy_admin,
        filter,
        tokens: TokenKeys::Ed25519 {
            issuer: issuer.clone(),
            keys,
        },
        clusters: &clusters,
        system_ca: bundle.as_deref(),
    };
    let rendered = envoy.render()?;
    for (name, contents) in &rendered.files {
        write_secret(&folder.join(name), contents.as_bytes())?;
    }
    write_secret(&folder.join("static.yaml"), rendered.yaml.as_bytes())?;
    output::line(&format!(
        "{} serves {} on {listen}; start it with: envoy -c {}",
        folder.display(),
        match clusters.len() {
            1 => "1 cluster".to_owned(),
            number => format!("{number} clusters"),
        },
        at.as_deref()
            .unwrap_or(&folder)
            .join("static.yaml")
            .display()
    ));
    Ok(())
}

/// A JSON Web Key Set (RFC 7517) of Ed25519 keys (RFC 8037).
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    #[serde(default)]
    crv: String,
    #[serde(default)]
    kid: String,
    #[serde(default)]
    x: String,
}

/// Returns the public keys of a published set by their ids, in hex.
fn published(file: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(file)
        .with_context(|| format!("the key set {} cannot be read", file.display()))?;
    let set: KeySet = serde_json::from_str(&text)
        .with_context(|| format!("{} is no JSON Web Key Set", file.display()))?;
    let mut keys = BTreeMap::new();
    for Key { crv, kid, x } in set.keys {
        if crv != "Ed25519" {
            continue;
        }
        let key = URL_SAFE_NO_PAD
            .decode(&x)
            .ok()
            .filter(|key| key.len() == 32)
            .ok_or_else(|| anyhow!("the key {kid:?} of {} is no Ed25519 key", file.display()))?;
        keys.insert(kid, hex::encode(key));
    }
    if keys.is_empty() {
        bail!("{} has no Ed25519 key", file.display());
    }
    Ok(keys)
}
