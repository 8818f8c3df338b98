//! `cubegate envoys`

use cubegate_api::views;
use cubegate_api_types::cube::EnvoyList;
use cubegate_store::{EnvoyReport, EnvoyState};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::args::ListingArgs;
use crate::{commands, output};

/// Lists the Envoys that are connected to any control plane of the database, and warns
/// of what they refuse.
pub(crate) async fn run(args: &ListingArgs) -> anyhow::Result<()> {
    let ListingArgs { output, data } = args;
    let store = commands::open(data).await?;
    let revision = store.revision().await?;
    let now = OffsetDateTime::now_utc();
    let envoys = store.list_envoys(now).await?;
    let list = EnvoyList {
        total: envoys.len(),
        items: envoys
            .iter()
            .map(|envoy| views::envoy(envoy.clone(), revision))
            .collect(),
    };
    if output.format.print(&list)? {
        return Ok(());
    }
    let rows: Vec<_> = envoys
        .iter()
        .map(|envoy| row(envoy, revision, now))
        .collect();
    output::table(
        &[
            "NAME",
            "VERSION",
            "ADDRESS",
            "CONNECTED",
            "STATE",
            "HEARD",
            "ACCEPTED",
        ],
        &rows,
    );
    for envoy in &envoys {
        for refused in &envoy.state.refused {
            output::warn(&format!(
                "the Envoy {} refuses the {} {}: {}",
                envoy.node, refused.kind, refused.name, refused.reason
            ));
        }
        let told = envoy.state.refused.len();
        if let Some(more @ 1..) = envoy.state.refused_total.checked_sub(told) {
            output::warn(&format!("the Envoy {} refuses {more} more", envoy.node));
        }
    }
    Ok(())
}

fn row(envoy: &EnvoyReport, revision: u64, now: OffsetDateTime) -> Vec<String> {
    let or_dash = |text: &str| match text {
        "" => "-".to_owned(),
        text => text.to_owned(),
    };
    let state = &envoy.state;
    let connected = OffsetDateTime::from_unix_timestamp(state.connected_at)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok());
    vec![
        envoy.node.clone(),
        or_dash(&state.version),
        or_dash(state.address.as_deref().unwrap_or_default()),
        or_dash(connected.as_deref().unwrap_or_default()),
        progress(envoy, revision),
        or_dash(&heard(state, now)),
        or_dash(&accepted(state)),
    ]
}

/// Returns how far it is: the changes of the database up to `revision` are what it should have.
fn progress(envoy: &EnvoyReport, revision: u64) -> String {
    match envoy.state.refused_total {
        0 if envoy.revision >= revision => "up to date".to_owned(),
        0 => "behind".to_owned(),
        refused => format!("refuses {refused}"),
    }
}

/// Returns how long ago it has accepted something, which all do that hear of their control plane
/// (`--stale-after`).
fn heard(state: &EnvoyState, now: OffsetDateTime) -> String {
    let last = state.accepted.iter().map(|accepted| accepted.at).max();
    let Some(last) = last else {
        return String::new();
    };
    match now.unix_timestamp().saturating_sub(last).max(0) {
        seconds @ ..120 => format!("{seconds} s ago"),
        seconds @ ..7_200 => format!("{} min ago", seconds / 60),
        seconds => format!("{} h ago", seconds / 3_600),
    }
}

fn accepted(state: &EnvoyState) -> String {
    let of_each = state
        .accepted
        .iter()
        .map(|accepted| format!("{} {}", accepted.resources, accepted.kind));
    of_each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use cubegate_store::AcceptedResources;

    use super::*;

    #[test]
    fn an_envoy_was_heard_when_it_has_accepted_something_last() {
        let accepted = |at| AcceptedResources {
            kind: "Cluster".to_owned(),
            version: String::new(),
            resources: 1,
            at,
        };
        let now = OffsetDateTime::from_unix_timestamp(100_000).unwrap();
        let says = |times: &[i64]| {
            let state = EnvoyState {
                accepted: times.iter().copied().map(accepted).collect(),
                ..EnvoyState::default()
            };
            heard(&state, now)
        };
        assert_eq!(says(&[]), "");
        assert_eq!(says(&[5, 99_990, 70_000]), "10 s ago");
        // Another machine's clock may be ahead.
        assert_eq!(says(&[100_003]), "0 s ago");
        assert_eq!(says(&[99_700]), "5 min ago");
        assert_eq!(says(&[50_000]), "13 h ago");
    }
}
