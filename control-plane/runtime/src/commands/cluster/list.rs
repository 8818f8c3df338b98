//! `cubegate cluster list`

use cubegate_api::{ClusterState, views};
use cubegate_api_types::cube::ClusterItem;
use cubegate_domain::ClusterCredential;
use cubegate_store::EnvoyAnswers;
use serde::Serialize;
use time::OffsetDateTime;

use crate::args::ListingArgs;
use crate::cluster_reports::states_of;
use crate::discovery::{credential, expiring};
use crate::{commands, output};

/// As `GET /clusters`, and what only an operator is told.
#[derive(Serialize)]
struct List {
    items: Vec<Item>,
    total: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    #[serde(flatten)]
    shown: ClusterItem,
    /// How the gateway proves itself there.
    credential: &'static str,
}

pub(super) async fn run(args: &ListingArgs) -> anyhow::Result<()> {
    let ListingArgs { output, data } = args;
    let store = commands::open(data).await?;
    let host = store.host_cluster().await?;
    let clusters = store.list_clusters().await?;
    let revision = store.revision().await?;
    let now = OffsetDateTime::now_utc();
    let envoys = store.list_envoys(now).await?;
    let ends = clusters.iter().filter_map(|cluster| {
        let ends = credential::ends(&cluster.credential)?;
        expiring::warning(cluster.name.as_str(), ends, now)
    });
    let ending: Vec<String> = ends.collect();
    let mut states = states_of(store.list_cluster_reports(now).await?);
    let items: Vec<_> = clusters
        .iter()
        .map(|cluster| {
            let name = cluster.name.as_str();
            let answers = EnvoyAnswers::of(name, revision, envoys.clone());
            let is_host = host.as_deref() == Some(name);
            let state = states
                .entry(name.to_owned())
                .or_insert_with(|| ClusterState::unknown(cluster.created_at, None));
            state.credential_ends = credential::ends(&cluster.credential);
            Item {
                shown: views::cluster(cluster, is_host, Some(&*state), answers),
                credential: match cluster.credential {
                    ClusterCredential::None => "none",
                    ClusterCredential::ClientCertificate { .. } => "clientCertificate",
                    ClusterCredential::BearerToken(_) => "token",
                    ClusterCredential::TokenFile { .. } => "tokenFile",
                },
            }
        })
        .collect();
    let list = List {
        total: items.len(),
        items,
    };
    if output.format.print(&list)? {
        return Ok(());
    }
    let rows: Vec<_> = list.items.iter().map(row).collect();
    output::table(
        &[
            "NAME",
            "SERVER",
            "CREDENTIAL",
            "HOST",
            "REGISTERED",
            "FROM",
            "STATUS",
            "ENVOYS",
        ],
        &rows,
    );
    for Item { shown, .. } in &list.items {
        if !shown.reason.is_empty() {
            output::warn(&format!(
                "cluster {} is abnormal since {}: {}",
                shown.name, shown.since, shown.reason
            ));
        }
        for refusal in &shown.envoys.refused {
            output::warn(&format!(
                "the Envoy {} refuses cluster {}: {}",
                refusal.envoy, shown.name, refusal.reason
            ));
        }
    }
    for warning in &ending {
        output::warn(warning);
    }
    Ok(())
}

fn row(item: &Item) -> Vec<String> {
    let Item {
        shown, credential, ..
    } = item;
    vec![
        shown.name.clone(),
        shown.server.clone(),
        match *credential {
            "clientCertificate" => "client certificate",
            "tokenFile" => "token in a file",
            other => other,
        }
        .to_owned(),
        if shown.host { "yes" } else { "" }.to_owned(),
        shown.created_at.clone(),
        shown.source.clone(),
        shown.status.clone(),
        taken(shown),
    ]
}

/// Returns how many of the connected Envoys have a cluster as it is.
fn taken(cluster: &ClusterItem) -> String {
    let envoys = &cluster.envoys;
    let connected = envoys.connected;
    match (connected, envoys.refused.len()) {
        (0, _) => "none connected".to_owned(),
        (_, 0) => format!("{} of {connected}", connected - envoys.waiting),
        (_, refused) => format!("refused by {refused} of {connected}"),
    }
}
