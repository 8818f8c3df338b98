//! `cubegate node list | revoke | renew`

mod renew;

use cubegate_domain::Node;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::args::{DataArgs, NodeCommand};
use crate::commands::audit::changing;
use crate::{commands, output};

pub(crate) async fn run(command: NodeCommand) -> anyhow::Result<()> {
    match command {
        NodeCommand::List(data) => list(&data).await,
        NodeCommand::Revoke { name, data } => revoke(&name, &data).await,
        NodeCommand::Renew(args) => renew::run(&args).await,
    }
}

async fn list(data: &DataArgs) -> anyhow::Result<()> {
    let store = commands::open(data).await?;
    let now = OffsetDateTime::now_utc();
    let text = |time: OffsetDateTime| time.format(&Rfc3339).unwrap_or_default();
    let rows: Vec<_> = store
        .list_nodes()
        .await?
        .iter()
        .map(|node| {
            vec![
                node.certificate.node.clone(),
                state(node, now).to_owned(),
                text(node.certificate.issued_at),
                text(node.certificate.expires_at),
                node.last_seen_at.map_or_else(|| "never".to_owned(), text),
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
