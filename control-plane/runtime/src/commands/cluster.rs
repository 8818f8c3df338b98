//! `cubegate cluster add | list | host | manifest | remove`

mod manifest;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use cubegate_domain::{ClusterCredential, ClusterName};
use cubegate_member::{FileAccess, parse_kubeconfig, probe};
use cubegate_store::{EnvoyAnswers, Written};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::args::{ClusterAddArgs, ClusterCommand, DataArgs};
use crate::commands::audit::changing;
use crate::system_ca::SystemCa;
use crate::{commands, output};

/// How long connected Envoys may take to answer a new cluster. One that waits for a
/// name or a secret takes longer, and is told of.
const ENVOY_PATIENCE: Duration = Duration::from_secs(5);

pub(crate) async fn run(command: ClusterCommand) -> anyhow::Result<()> {
    match command {
        ClusterCommand::Add(args) => add(args).await,
        ClusterCommand::List(data) => list(&data).await,
        ClusterCommand::Host { name, data } => host(&name, &data).await,
        ClusterCommand::Manifest(args) => manifest::print(&args),
        ClusterCommand::Remove { name, data } => remove(&name, &data).await,
    }
}

async fn add(args: ClusterAddArgs) -> anyhow::Result<()> {
    let ClusterAddArgs {
        name,
        kubeconfig,
        context,
        no_check,
        replace,
        host,
        system_ca,
        data,
    } = args;
    let name: ClusterName = name.parse()?;
    // Before anything is said of the cluster.
    let store = commands::open(&data).await?;
    let yaml = std::fs::read_to_string(&kubeconfig)
        .with_context(|| format!("the kubeconfig {} cannot be read", kubeconfig.display()))?;
    let folder = kubeconfig.parent().unwrap_or(Path::new(".")).to_path_buf();
    let spec = parse_kubeconfig(&yaml, context.as_deref(), &FileAccess::RelativeTo(folder))
        .with_context(|| format!("the kubeconfig {} cannot be used", kubeconfig.display()))?;
    for warning in &spec.warnings {
        output::warn(warning);
    }
    let cluster = spec.into_cluster(name, OffsetDateTime::now_utc());
    let system_ca = SystemCa::find(system_ca.system_ca.as_deref())?;
    if cluster.needs_system_ca() {
        system_ca.check()?;
    }
    if !no_check {
        let groups = store.impersonated_groups().await?;
        let report = probe(&cluster, &groups).await.with_context(|| {
            format!(
                "cluster {} is not added; use --no-check to add it all the same",
                cluster.name
            )
        })?;
        for warning in &report.warnings {
            output::warn(warning);
        }
        output::line(&format!(
            "{} answers as Kubernetes {}",
            cluster.server, report.version
        ));
    }
    // What changes nothing costs Envoys nothing, and is no change to be recorded.
    if replace
        && matches!(
            store.compare_cluster(&cluster).await,
            Ok(Written::Unchanged)
        )
    {
        output::line(&format!(
            "cluster {} is registered already, just so",
            cluster.name
        ));
    } else {
        let add = store.add_cluster(&cluster, replace);
        changing("create", "clusters", cluster.name.as_str(), add).await?;
        output::line(&format!("cluster {} is registered", cluster.name));
    }
    let before = store.host_cluster().await?;
    if host && before.as_deref() != Some(cluster.name.as_str()) {
        let set = store.set_host_cluster(cluster.name.as_str());
        changing("update", "clusters", cluster.name.as_str(), set).await?;
    }
    if host || before.as_deref() == Some(cluster.name.as_str()) {
        output::line(&format!("{} is the host cluster", cluster.name));
    }
    let answers = store
        .wait_for_envoys(
            cluster.name.as_str(),
            ENVOY_PATIENCE,
            OffsetDateTime::now_utc,
        )
        .await?;
    for warning in answers.warnings() {
        output::warn(&warning);
    }
    Ok(())
}

async fn list(data: &DataArgs) -> anyhow::Result<()> {
    let store = commands::open(data).await?;
    let host = store.host_cluster().await?;
    let clusters = store.list_clusters().await?;
    let revision = store.revision().await?;
    let envoys = store.list_envoys(OffsetDateTime::now_utc()).await?;
    let answers: Vec<_> = clusters
        .iter()
        .map(|cluster| EnvoyAnswers::of(cluster.name.as_str(), revision, envoys.clone()))
        .collect();
    let rows: Vec<_> = clusters
        .iter()
        .zip(&answers)
        .map(|(cluster, answers)| {
            let credential = match cluster.credential {
                ClusterCredential::None => "none",
                ClusterCredential::ClientCertificate { .. } => "client certificate",
                ClusterCredential::BearerToken(_) => "token",
            };
            let is_host = host.as_deref() == Some(cluster.name.as_str());
            vec![
                cluster.name.to_string(),
                cluster.server.to_string(),
                credential.to_owned(),
                if is_host { "yes" } else { "" }.to_owned(),
                cluster.created_at.format(&Rfc3339).unwrap_or_default(),
                taken(answers),
            ]
        })
        .collect();
    output::table(
        &[
            "NAME",
            "SERVER",
            "CREDENTIAL",
            "HOST",
            "REGISTERED",
            "ENVOYS",
        ],
        &rows,
    );
    for (cluster, answers) in clusters.iter().zip(&answers) {
        for (node, reason) in &answers.refused {
            output::warn(&format!(
                "the Envoy {node} refuses cluster {}: {reason}",
                cluster.name
            ));
        }
    }
    Ok(())
}

/// How many of the connected Envoys have a cluster as it is.
fn taken(answers: &EnvoyAnswers) -> String {
    let EnvoyAnswers {
        connected,
        waiting,
        refused,
    } = answers;
    match (connected, refused.len()) {
        (0, _) => "none connected".to_owned(),
        (_, 0) => format!("{} of {connected}", connected - waiting.len()),
        (_, refused) => format!("refused by {refused} of {connected}"),
    }
}

async fn host(name: &str, data: &DataArgs) -> anyhow::Result<()> {
    let store = commands::open(data).await?;
    if !changing("update", "clusters", name, store.set_host_cluster(name)).await? {
        bail!("cluster {name} not found; `cubegate cluster list` shows those there are");
    }
    output::line(&format!("{name} is the host cluster"));
    Ok(())
}

async fn remove(name: &str, data: &DataArgs) -> anyhow::Result<()> {
    let store = commands::open(data).await?;
    let was_host = store.host_cluster().await?.as_deref() == Some(name);
    if !changing("delete", "clusters", name, store.remove_cluster(name)).await? {
        bail!("cluster {name} not found; `cubegate cluster list` shows those there are");
    }
    output::line(&format!("cluster {name} is removed"));
    if was_host {
        output::line(
            "there is no host cluster now; `cubegate cluster host NAME` makes one it, or the next one that is added is",
        );
    }
    Ok(())
}
