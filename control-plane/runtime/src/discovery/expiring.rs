//! Credentials of the gateway's own that end soon are told in the log, and in the list of clusters.

use std::time::Duration;

use cubegate_api::ClusterStates;
use time::OffsetDateTime;

/// How often of each.
pub(super) const TOLD_EVERY: Duration = Duration::from_hours(24);

/// How long before the end.
const SOON: time::Duration = time::Duration::days(14);

/// Tells of those that end soon, or have ended.
pub(super) fn tell(states: &ClusterStates, now: OffsetDateTime) {
    for (cluster, ends) in soon(states, now) {
        let days = (ends - now).whole_days();
        if ends <= now {
            tracing::warn!(
                cluster.name = cluster,
                "the gateway's credential at a cluster has ended; add the cluster again with another one"
            );
        } else {
            tracing::warn!(
                cluster.name = cluster,
                days,
                "the gateway's credential at a cluster ends soon; add the cluster again with another one before"
            );
        }
    }
}

/// Returns what is to be said of a credential that ends then, if that is soon.
pub(crate) fn warning(cluster: &str, ends: OffsetDateTime, now: OffsetDateTime) -> Option<String> {
    let what = match (ends - now).whole_days() {
        _ if ends - now > SOON => return None,
        _ if ends <= now => "has ended".to_owned(),
        0 => "ends today".to_owned(),
        1 => "ends in a day".to_owned(),
        days => format!("ends in {days} days"),
    };
    Some(format!(
        "the gateway's credential at cluster {cluster} {what}; run `cubegate cluster add {cluster} --replace` with another one"
    ))
}

fn soon(
    states: &ClusterStates,
    now: OffsetDateTime,
) -> impl Iterator<Item = (&str, OffsetDateTime)> {
    let ends = states
        .iter()
        .filter_map(|(cluster, state)| Some((cluster.as_str(), state.credential_ends?)));
    ends.filter(move |(_, ends)| *ends - now <= SOON)
}

#[cfg(test)]
mod tests {
    use cubegate_api::ClusterState;

    use super::*;

    #[test]
    fn what_ends_within_two_weeks_ends_soon() {
        let now = OffsetDateTime::from_unix_timestamp(1_900_000_000).unwrap();
        let state = |days| {
            let ends = (now + time::Duration::days(days)).into();
            ClusterState::unknown(now, ends)
        };
        let states = ClusterStates::from([
            ("ended".to_owned(), state(-1)),
            ("soon".to_owned(), state(14)),
            ("later".to_owned(), state(15)),
            ("never".to_owned(), ClusterState::unknown(now, None)),
        ]);
        let found: Vec<_> = soon(&states, now).map(|(cluster, _)| cluster).collect();
        assert_eq!(found, ["ended", "soon"]);
        let says = |hours| {
            let said = warning("m", now + time::Duration::hours(hours), now);
            said.map(|said| said.split(';').next().unwrap_or_default().to_owned())
        };
        let begins = "the gateway's credential at cluster m";
        assert_eq!(says(-1), Some(format!("{begins} has ended")));
        assert_eq!(says(1), Some(format!("{begins} ends today")));
        assert_eq!(says(30), Some(format!("{begins} ends in a day")));
        assert_eq!(says(14 * 24), Some(format!("{begins} ends in 14 days")));
        assert_eq!(says(14 * 24 + 1), None);
    }
}
