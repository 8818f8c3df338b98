//! `cubegate kubeconfig`: one context for each cluster, with tokens or with the plugin that gets
//! them.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use cubegate_api_types::cube::OwnClusters;
use serde_json::{Value, json};

use crate::args::{ClientArgs, KubeconfigArgs};
use crate::client::{GatewayClient, GatewayUrl, Tokens};
use crate::data_dir::write_secret;
use crate::output;

/// What the user of a context is told when kubectl does not find this program.
const HINT: &str = "This kubeconfig gets its tokens by `cubegate credential`; put cubegate where kubectl finds it.";

pub(crate) async fn run(args: &KubeconfigArgs) -> anyhow::Result<()> {
    let KubeconfigArgs {
        client,
        output: file,
        renew,
        exec,
        command: _,
        exec_version: _,
    } = args;
    let url: GatewayUrl = client.gateway.parse()?;
    let gateway = GatewayClient::new(url.clone(), client.gateway_ca.as_deref(), None)?;
    let tokens = Tokens::new(gateway, client)?;
    let token = tokens.get(None, std::process::id()).await?.token;
    let document = if *exec {
        let user = tokens.gateway().whoami(&token).await?;
        let user = user.map_err(|refused| {
            anyhow!("the gateway takes no token of this credential: {refused}")
        })?;
        let clusters = tokens.gateway().clusters(&token).await?;
        let document = document(args, &url, &user.name, &clusters)?;
        serde_json::to_vec_pretty(&document)?
    } else {
        let session = match (renew, file) {
            (true, Some(file)) => Some(session_of(file)?),
            _ => None,
        };
        tokens
            .gateway()
            .kubeconfig(&token, session.as_deref())
            .await?
    };
    let Some(file) = file else {
        output::bytes(&document)?;
        output::line("");
        return Ok(());
    };
    write_secret(file, &document)?;
    output::line(&format!(
        "{} has the contexts of {url}; name it in KUBECONFIG",
        file.display()
    ));
    Ok(())
}

/// The session that the tokens of a kubeconfig are of (`sid`).
fn session_of(file: &Path) -> anyhow::Result<String> {
    let text = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let session = || {
        let document: Value = serde_saphyr::from_slice(&text).ok()?;
        let token = document.pointer("/users/0/user/token")?.as_str()?;
        let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        let claims: Value = serde_json::from_slice(&payload).ok()?;
        Some(claims.get("sid")?.as_str()?.to_owned())
    };
    session().with_context(|| {
        format!(
            "{} is no kubeconfig of a session; make a new one without --renew",
            file.display()
        )
    })
}

/// A kubeconfig without a secret.
fn document(
    args: &KubeconfigArgs,
    url: &GatewayUrl,
    user: &str,
    of: &OwnClusters,
) -> anyhow::Result<Value> {
    let ca = args
        .client
        .gateway_ca
        .as_deref()
        .map(fs::read)
        .transpose()
        .context("the CA of the gateway cannot be read")?
        .map(|pem| STANDARD.encode(pem));
    let (mut clusters, mut users, mut contexts) = (Vec::new(), Vec::new(), Vec::new());
    for name in &of.items {
        let mut cluster = json!({ "server": format!("{url}/clusters/{name}") });
        if let (Some(ca), Some(fields)) = (&ca, cluster.as_object_mut()) {
            fields.insert("certificate-authority-data".to_owned(), json!(ca));
        }
        let user = format!("{user}@{name}");
        contexts.push(json!({ "name": name, "context": { "cluster": name, "user": user } }));
        clusters.push(json!({ "name": name, "cluster": cluster }));
        users.push(json!({ "name": user, "user": { "exec": {
            "apiVersion": args.exec_version.api_version(),
            "command": args.command,
            "args": plugin_arguments(&args.client, url, name)?,
            "env": null,
            "installHint": HINT,
            "interactiveMode": "IfAvailable",
            "provideClusterInfo": true,
        } } }));
    }
    let current = of.host.as_ref().or(of.items.first());
    Ok(json!({
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "clusters": clusters,
        "users": users,
        "contexts": contexts,
        "current-context": current.map_or("", String::as_str),
    }))
}

/// What kubectl calls this program with, from wherever: every path is a whole one.
fn plugin_arguments(
    client: &ClientArgs,
    url: &GatewayUrl,
    cluster: &str,
) -> anyhow::Result<Vec<String>> {
    let ClientArgs {
        gateway: _,
        // It stands in the kubeconfig.
        gateway_ca: _,
        credential_file,
        credential_helper,
        cache_dir,
    } = client;
    let whole = |path: &Path| -> anyhow::Result<String> {
        let path = std::path::absolute(path)?;
        let text = path.to_str().map(str::to_owned);
        text.with_context(|| format!("the path {} is no text", path.display()))
    };
    let mut arguments: Vec<String> =
        vec!["credential".into(), "--gateway".into(), url.as_str().into()];
    if let Some(file) = credential_file {
        arguments.extend(["--credential-file".into(), whole(file)?]);
    }
    if let Some(helper) = credential_helper {
        arguments.extend(["--credential-helper".into(), helper.clone()]);
    }
    if let Some(dir) = cache_dir {
        arguments.extend(["--cache-dir".into(), whole(dir)?]);
    }
    arguments.extend(["--cluster".into(), cluster.into()]);
    Ok(arguments)
}
