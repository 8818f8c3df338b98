//! The Envoys that are connected, and whether each member answers: the control plane, and
//! through each of them.

use std::sync::Arc;
use std::time::Duration;

use cubegate_domain::Cluster;
use cubegate_member::{probe, server_time};
use cubegate_store::{CheckVerdict, Store, StoreError};
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::database::compare;
use super::report::Report;
use crate::output::sentence;

/// How long connected Envoys may take to have a cluster.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often it is looked whether they have answered the last change, and the pause between.
const LOOKS: usize = 10;
const PAUSE: Duration = Duration::from_millis(300);

/// How many members are asked at the same time; each is a question to every Envoy.
const AT_ONCE: usize = 16;

pub(super) async fn check(
    report: &mut Report,
    store: &Store,
    is_running: bool,
) -> anyhow::Result<()> {
    let connected = envoys(report, store, is_running).await?;
    members(report, store, connected > 0).await
}

async fn envoys(report: &mut Report, store: &Store, is_running: bool) -> anyhow::Result<usize> {
    const CHECK: &str = "envoys";
    let mut revision = store.revision().await?;
    let mut envoys = store.list_envoys(OffsetDateTime::now_utc()).await?;
    // What was changed a moment ago is on its way.
    for _ in 0..LOOKS {
        if envoys.iter().all(|envoy| envoy.revision >= revision) {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        revision = store.revision().await?;
        envoys = store.list_envoys(OffsetDateTime::now_utc()).await?;
    }
    if envoys.is_empty() {
        match is_running {
            true => report.fail(
                CHECK,
                "no Envoy is connected, so nobody is served; start one with what `cubegate bootstrap` prints, and look into its log",
            ),
            false => report.warn(CHECK, "no Envoy is connected to a control plane of this database"),
        }
    }
    for envoy in &envoys {
        let name = &envoy.node;
        match envoy.state.refused_total {
            0 if envoy.revision >= revision => report.ok(CHECK, format!("{name} ({}) is up to date", envoy.state.version)),
            0 => report.warn(CHECK, format!("{name} has not answered the last change yet; ask again in a moment, then look into its log")),
            _ => {}
        }
        for refused in &envoy.state.refused {
            report.fail(
                CHECK,
                format!(
                    "{name} refuses the {} {}: {}; what it had before goes on there",
                    refused.kind, refused.name, refused.reason
                ),
            );
        }
    }
    Ok(envoys.len())
}

/// What was found of one member.
struct Found {
    probed: Result<(String, Vec<String>), String>,
    clock: Option<i64>,
    envoys: Option<Result<CheckVerdict, StoreError>>,
}

async fn members(report: &mut Report, store: &Store, envoys: bool) -> anyhow::Result<()> {
    const CHECK: &str = "members";
    let clusters = store.list_clusters().await?;
    if clusters.is_empty() {
        report.warn(
            CHECK,
            "no cluster is registered; `cubegate cluster add NAME --kubeconfig FILE`",
        );
    }
    if store.host_cluster().await?.is_none() && !clusters.is_empty() {
        report.warn(
            CHECK,
            "there is no host cluster for paths that name none; `cubegate cluster host NAME`",
        );
    }
    let groups = Arc::new(store.impersonated_groups().await?);
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut asking = JoinSet::new();
    for (place, cluster) in clusters.into_iter().enumerate() {
        let (store, groups, turns) = (store.clone(), Arc::clone(&groups), Arc::clone(&turns));
        asking.spawn(async move {
            let _turn = turns.acquire().await;
            let probed = probe(&cluster, &groups).await;
            let probed = probed
                .map(|report| (report.version, report.warnings))
                .map_err(|error| sentence(&anyhow::Error::from(error)));
            let clock = match &probed {
                Ok(_) => apart(&cluster).await,
                Err(_) => None,
            };
            let envoys = match envoys {
                true => Some(
                    store
                        .check_cluster(cluster.name.as_str(), PATIENCE, OffsetDateTime::now_utc)
                        .await,
                ),
                false => None,
            };
            (
                place,
                cluster,
                Found {
                    probed,
                    clock,
                    envoys,
                },
            )
        });
    }
    let mut found = asking.join_all().await;
    found.sort_by_key(|(place, ..)| *place);
    for (_, cluster, found) in found {
        tell(report, &cluster, found);
    }
    Ok(())
}

async fn apart(cluster: &Cluster) -> Option<i64> {
    let before = OffsetDateTime::now_utc();
    let theirs = server_time(cluster).await?;
    Some((theirs - before).whole_seconds())
}

fn tell(report: &mut Report, cluster: &Cluster, found: Found) {
    const CHECK: &str = "members";
    let name = &cluster.name;
    match found.probed {
        Ok((version, warnings)) => {
            report.ok(
                CHECK,
                format!("{name} answers the control plane as Kubernetes {version}"),
            );
            for warning in warnings {
                report.warn(CHECK, format!("{name}: {warning}"));
            }
        }
        Err(error) => report.fail(
            CHECK,
            format!("{name} does not answer the control plane: {error}"),
        ),
    }
    if let Some(apart) = found.clock {
        compare(report, &format!("{name}'s"), apart);
    }
    match found.envoys {
        None => {}
        Some(Err(error)) => report.fail(
            CHECK,
            format!("{name} cannot be asked through Envoys: {error}"),
        ),
        Some(Ok(mut verdict)) => {
            if let Some(failure) = verdict.take_failure(false) {
                report.fail(CHECK, format!("{name}: {failure}"));
            } else {
                report.ok(
                    CHECK,
                    format!(
                        "{name} answers through {} of {} Envoys",
                        verdict.answers, verdict.connected
                    ),
                );
            }
            for warning in verdict.warnings {
                report.warn(CHECK, format!("{name}: {warning}"));
            }
        }
    }
}
