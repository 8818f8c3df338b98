//! `cubegate cluster kubeconfig`: the gateway's own way into a member cluster.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_domain::{Cluster, ClusterName};
use cubegate_member::ServiceAccount;
use serde_json::{Value, json};

use super::read_kubeconfig;
use crate::args::ClusterKubeconfigArgs;
use crate::data_dir::write_secret;
use crate::output;

/// What cluster and user are called in it.
const NAME: &str = "gateway";

pub(super) async fn write(args: &ClusterKubeconfigArgs) -> anyhow::Result<()> {
    let ClusterKubeconfigArgs {
        kubeconfig,
        context,
        name,
        namespace,
        token_lifetime,
        output: file,
    } = args;
    let own: ClusterName = NAME.parse()?;
    let cluster = read_kubeconfig(kubeconfig, context.as_deref(), own)?;
    let account = ServiceAccount::new(&cluster, namespace, name)?;
    let token = match token_lifetime {
        Some(seconds) => account
            .request_token(Duration::from_secs(u64::from(*seconds)))
            .await
            .with_context(|| format!("{} gives no token for {namespace}/{name}; apply `cubegate cluster manifest` there first", cluster.server))?,
        None => account
            .secret_token()
            .await
            .with_context(|| format!("the Secret {namespace}/{name} of {} cannot be read; apply `cubegate cluster manifest` there first", cluster.server))?
            .ok_or_else(|| anyhow!("the Secret {namespace}/{name} holds no token yet; try again in a moment, or use --token-lifetime if the cluster puts none into Secrets"))?,
    };
    let document = serde_saphyr::to_string(&document(&cluster, &token))?;
    write_secret(file, document.as_bytes())?;
    output::line(&format!(
        "{} leads to {}; register it with `cubegate cluster add NAME --kubeconfig {}`",
        file.display(),
        cluster.server,
        file.display()
    ));
    Ok(())
}

/// Returns a kubeconfig with the cluster's address and CA, and this token.
fn document(cluster: &Cluster, token: &str) -> Value {
    let mut server = json!({ "server": cluster.server.to_string() });
    if let Some(fields) = server.as_object_mut() {
        if let Some(ca) = &cluster.tls.ca_pem {
            fields.insert(
                "certificate-authority-data".to_owned(),
                json!(STANDARD.encode(ca)),
            );
        }
        if let Some(name) = &cluster.tls.server_name {
            fields.insert("tls-server-name".to_owned(), json!(name));
        }
    }
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": NAME, "cluster": server }],
        "users": [{ "name": NAME, "user": { "token": token } }],
        "contexts": [{ "name": NAME, "context": { "cluster": NAME, "user": NAME } }],
        "current-context": NAME,
    })
}
