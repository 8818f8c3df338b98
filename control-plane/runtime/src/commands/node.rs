//! `cubegate node list | revoke | renew`

pub(crate) mod renew;

use cubegate_domain::Node;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::args::{DataArgs, ListingArgs, NodeCommand};
use crate::commands::audit::changing;
use crate::{commands, output};

/// The Envoys that were given a certificate.
#[derive(Serialize)]
struct NodeList {
    items: Vec<NodeItem>,
    total: usize,
}

/// One of them, with the certificate that was given last.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeItem {
    name: String,
    /// `good`, `expired` or `revoked`.
    state: &'static str,
    issued_at: String,
    expires_at: String,
    /// `null`: never.
    last_seen_at: Option<String>,
}

pub(crate) async fn run(command: NodeCommand) -> anyhow::Result<()> {
    match command {
        NodeCommand::List(args) => list(&args).await,
        NodeCommand::Revoke { name, data } => revoke(&name, &data).await,
        NodeCommand::Renew(args) => renew::run(&args).await,
    }
}

async fn list(args: &ListingArgs) -> anyhow::Result<()> {
    let ListingArgs { output, data } = args;
    let store = commands::open(data).await?;
    let now = OffsetDateTime::now_utc();
    let text = |time: OffsetDateTime| time.format(&Rfc3339).unwrap_or_default();
    let nodes = store.list_nodes().await?;
    let items: Vec<_> = nodes
        .iter()
        .map(|node| NodeItem {
            name: node.certificate.node.clone(),
            state: state(node, now),
            issued_at: text(node.certificate.issued_at),
            expires_at: text(node.certificate.expires_at),
            last_seen_at: node.last_seen_at.map(text),
        })
        .collect();
    let list = NodeList {
        total: items.len(),
        items,
    };
    if output.format.print(&list)? {
        return Ok(());
    }
    let rows: Vec<_> = list
        .items
        .into_iter()
        .map(|item| {
            vec![
                item.name,
                item.state.to_owned(),
                item.issued_at,
                item.expires_at,
                item.last_seen_at.unwrap_or_else(|| "never".to_owned()),
            ]
        })
        .collect();
    output::table(&["NAME", "STATE", "ISSUED", "EXPIRES", "LAST SEEN"], &rows);
    Ok(())
}

fn state(node: &Node, now: OffsetDateTime) -> &'static str {
    if node.is_revoked() {
        "revoked"
    } else if node.certificate.expires_at <= now {
        "expired"
    } else {
        "good"
    }
}

async fn revoke(name: &str, data: &DataArgs) -> anyhow::Result<()> {
    let store = commands::open(data).await?;
    let revoke = store.revoke_node(name, OffsetDateTime::now_utc());
    let known = changing("delete", "nodes", name, revoke).await?;
    if !known {
        output::warn(&format!(
            "no certificate of an Envoy {name} is noted here; `cubegate node list` shows those there are"
        ));
    }
    output::line(&format!(
        "{name} is shut out; `cubegate bootstrap --node-id {name} --write-certs DIR` lets it in again, with a new certificate"
    ));
    Ok(())
}
