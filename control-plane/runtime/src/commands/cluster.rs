//! `cubegate cluster add | list | host | manifest | kubeconfig | remove`

mod kubeconfig;
mod list;
mod manifest;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use cubegate_domain::{Cluster, ClusterName, ClusterSource};
use cubegate_member::{FileAccess, parse_kubeconfig, probe};
use cubegate_store::{CheckVerdict, Store, Written};
use time::OffsetDateTime;

use crate::args::{ClusterAddArgs, ClusterCommand, DataArgs};
use crate::commands::audit::changing;
use crate::system_ca::SystemCa;
use crate::{commands, output};

/// Nobody was there who could say more.
pub(crate) const NO_ENVOY: &str = "no Envoy is connected, so the control plane alone has asked it";

/// How long connected Envoys may take to answer a new cluster. One that waits for a
/// name or a secret takes longer, and is told of.
const ENVOY_PATIENCE: Duration = Duration::from_secs(5);

pub(crate) async fn run(command: ClusterCommand) -> anyhow::Result<()> {
    match command {
        ClusterCommand::Add(args) => add(args).await,
        ClusterCommand::List(args) => list::run(&args).await,
        ClusterCommand::Host { name, data } => host(&name, &data).await,
        ClusterCommand::Manifest(args) => manifest::print(&args),
        ClusterCommand::Kubeconfig(args) => kubeconfig::write(&args).await,
        ClusterCommand::Remove { name, force, data } => remove(&name, force, &data).await,
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
    let cluster = read_kubeconfig(&kubeconfig, context.as_deref(), name)?;
    let system_ca = SystemCa::find(system_ca.system_ca.as_deref())?;
    if cluster.needs_system_ca() {
        system_ca.check()?;
    }
    let mut left_to_envoys = None;
    if !no_check {
        let groups = store.impersonated_groups().await?;
        match probe(&cluster, &groups).await {
            Ok(report) => {
                for warning in &report.warnings {
                    output::warn(warning);
                }
                output::line(&format!(
                    "{} answers as Kubernetes {}",
                    cluster.server, report.version
                ));
            }
            Err(error) => {
                left_to_envoys = error.left_to_envoys();
                match &left_to_envoys {
                    Some(warning) => output::warn(warning),
                    None => return Err(error).with_context(|| not_added(&cluster)),
                }
            }
        }
    }
    let former = match replace {
        true => store.get_cluster(cluster.name.as_str()).await?,
        false => None,
    };
    // What changes nothing costs Envoys nothing, and is no change to be recorded.
    let unchanged = replace
        && matches!(
            store.compare_cluster(&cluster).await,
            Ok(Written::Unchanged)
        );
    if !unchanged {
        let add = store.add_cluster(&cluster, replace);
        changing("create", "clusters", cluster.name.as_str(), add).await?;
    }
    let warnings = if no_check {
        let name = cluster.name.as_str();
        let answers = store.wait_for_envoys(name, ENVOY_PATIENCE, OffsetDateTime::now_utc);
        answers.await?.warnings()
    } else {
        let checked =
            check_through_envoys(&store, &cluster, former.as_ref(), left_to_envoys.is_some()).await;
        let checked = checked.with_context(|| match former {
            Some(_) => format!(
                "cluster {} stays as it was; use --no-check to replace it all the same",
                cluster.name
            ),
            None => not_added(&cluster),
        })?;
        output::line(&match checked.connected {
            0 => NO_ENVOY.to_owned(),
            connected => format!(
                "it answers through {} of {connected} Envoys that are connected",
                checked.answers
            ),
        });
        checked.warnings
    };
    output::line(&if unchanged {
        format!("cluster {} is registered already, just so", cluster.name)
    } else {
        format!("cluster {} is registered", cluster.name)
    });
    let before = store.host_cluster().await?;
    if host && before.as_deref() != Some(cluster.name.as_str()) {
        let set = store.set_host_cluster(cluster.name.as_str());
        changing("update", "clusters", cluster.name.as_str(), set).await?;
    }
    if host || before.as_deref() == Some(cluster.name.as_str()) {
        output::line(&format!("{} is the host cluster", cluster.name));
    }
    for warning in warnings {
        output::warn(&warning);
    }
    Ok(())
}

/// Reads a cluster from a kubeconfig of this machine, and tells what it warns about.
pub(crate) fn read_kubeconfig(
    file: &Path,
    context: Option<&str>,
    name: ClusterName,
) -> anyhow::Result<Cluster> {
    let yaml = std::fs::read_to_string(file)
        .with_context(|| format!("the kubeconfig {} cannot be read", file.display()))?;
    let folder = file.parent().unwrap_or(Path::new(".")).to_path_buf();
    let now = OffsetDateTime::now_utc();
    let spec = parse_kubeconfig(&yaml, context, &FileAccess::RelativeTo(folder), now)
        .with_context(|| format!("the kubeconfig {} cannot be used", file.display()))?;
    for warning in &spec.warnings {
        output::warn(warning);
    }
    Ok(spec.into_cluster(name, now, ClusterSource::Cli))
}

fn not_added(cluster: &Cluster) -> String {
    format!(
        "cluster {} is not added; use --no-check to add it all the same",
        cluster.name
    )
}

/// Asks the connected Envoys whether a cluster that was just written answers through them.
/// Where it does not, it becomes what it was before; also when none could be asked, and the
/// decision was `left_to_them`.
///
/// # Errors
/// Why it is of no use through an Envoy.
pub(crate) async fn check_through_envoys(
    store: &Store,
    cluster: &Cluster,
    former: Option<&Cluster>,
    left_to_them: bool,
) -> anyhow::Result<CheckVerdict> {
    let name = cluster.name.as_str();
    let mut verdict = store
        .check_cluster(name, ENVOY_PATIENCE, OffsetDateTime::now_utc)
        .await?;
    if let Some(failure) = verdict.take_failure(left_to_them) {
        let verb = if former.is_some() { "update" } else { "delete" };
        let undo = store.undo_cluster(cluster, former);
        changing(verb, "clusters", name, undo).await?;
        bail!(
            "{} answers the control plane, but {failure}",
            cluster.server
        );
    }
    Ok(verdict)
}

async fn host(name: &str, data: &DataArgs) -> anyhow::Result<()> {
    let store = commands::open(data).await?;
    if !changing("update", "clusters", name, store.set_host_cluster(name)).await? {
        bail!("cluster {name} not found; `cubegate cluster list` shows those there are");
    }
    output::line(&format!("{name} is the host cluster"));
    Ok(())
}

async fn remove(name: &str, force: bool, data: &DataArgs) -> anyhow::Result<()> {
    let store = commands::open(data).await?;
    let was_host = store.host_cluster().await?.as_deref() == Some(name);
    let removed = if force {
        let remove = store.remove_cluster_of_any_source(name);
        changing("delete", "clusters", name, remove).await?
    } else {
        changing("delete", "clusters", name, store.remove_cluster(name)).await?
    };
    if !removed {
        bail!("cluster {name} not found; `cubegate cluster list` shows those there are");
    }
    output::line(&format!("cluster {name} is removed"));
    if was_host {
        output::line(
            "there is no host cluster now; name one with `cubegate cluster host NAME`, or add one, which becomes it",
        );
    }
    Ok(())
}
