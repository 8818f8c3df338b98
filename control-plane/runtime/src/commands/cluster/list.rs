//! `cubegate cluster list`

use cubegate_api::views;
use cubegate_api_types::cube::ClusterItem;
use cubegate_domain::ClusterCredential;
use cubegate_store::EnvoyAnswers;
use serde::Serialize;
use time::OffsetDateTime;

use crate::args::ListingArgs;
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
    /// Whether paths mean it that name no cluster.
    host: bool,
}

pub(super) async fn run(args: &ListingArgs) -> anyhow::Result<()> {
    let ListingArgs { output, data } = args;
    let store = commands::open(data).await?;
    let host = store.host_cluster().await?;
    let clusters = store.list_clusters().await?;
    let revision = store.revision().await?;
    let envoys = store.list_envoys(OffsetDateTime::now_utc()).await?;
    let items: Vec<_> = clusters
        .iter()
        .map(|cluster| {
            let answers = EnvoyAnswers::of(cluster.name.as_str(), revision, envoys.clone());
            Item {
                shown: views::cluster(cluster, answers),
                credential: match cluster.credential {
                    ClusterCredential::None => "none",
                    ClusterCredential::ClientCertificate { .. } => "clientCertificate",
                    ClusterCredential::BearerToken(_) => "token",
                },
                host: host.as_deref() == Some(cluster.name.as_str()),
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
            "ENVOYS",
        ],
        &rows,
    );
    for Item { shown, .. } in &list.items {
        for refusal in &shown.envoys.refused {
            output::warn(&format!(
                "the Envoy {} refuses cluster {}: {}",
                refusal.envoy, shown.name, refusal.reason
            ));
        }
    }
    Ok(())
}

fn row(item: &Item) -> Vec<String> {
    let Item {
        shown,
        credential,
        host,
    } = item;
    vec![
        shown.name.clone(),
        shown.server.clone(),
        match *credential {
            "clientCertificate" => "client certificate",
            other => other,
        }
        .to_owned(),
        if *host { "yes" } else { "" }.to_owned(),
        shown.created_at.clone(),
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
