//! How this control plane sees the clusters, for the commands: a row of the database for
//! each, written when there is something new to say.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use cubegate_api::{ClusterState, ClusterStates, ClusterStatus};
use cubegate_store::{CLUSTER_REPORT_INTERVAL, ClusterReport, Store};
use rand::Rng as _;
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

/// From one report to the next, when there is something new.
const PAUSE: Duration = Duration::from_secs(1);

/// Reports until it is stopped; then it takes its rows along.
pub(crate) async fn keep(
    store: Store,
    mut states: watch::Receiver<ClusterStates>,
    stopped: impl Future<Output = ()>,
) {
    let mut stopped = pin!(stopped);
    let mut id = [0_u8; 16];
    rand::rng().fill_bytes(&mut id);
    let id = hex::encode(id);
    let mut reported = BTreeMap::new();
    let mut due = Instant::now();
    loop {
        let (news, gone) = news(&states.borrow_and_update(), &reported);
        if !news.is_empty() || !gone.is_empty() || Instant::now() >= due {
            let now = OffsetDateTime::now_utc();
            match store.report_clusters(&id, &news, &gone, now).await {
                Ok(()) => {
                    reported.retain(|cluster, _| !gone.contains(cluster));
                    reported.extend(news.into_iter().map(|one| (one.cluster.clone(), one)));
                }
                // Whatever else needs the database says more.
                Err(error) => tracing::warn!(%error, "how clusters are could not be written"),
            }
            due = Instant::now() + CLUSTER_REPORT_INTERVAL;
        }
        tokio::select! {
            () = sleep(PAUSE) => {}
            () = &mut stopped => break,
        }
        tokio::select! {
            Ok(()) = states.changed() => {}
            () = sleep_until(due) => {}
            () = &mut stopped => break,
        }
    }
    let _ = store.withdraw_reports(&id).await;
}

/// What is new beside what was reported, and what of that is gone. How long an answer takes
/// is another with every look, and no news.
fn news(
    states: &ClusterStates,
    reported: &BTreeMap<String, ClusterReport>,
) -> (Vec<ClusterReport>, Vec<String>) {
    let news = states.iter().filter(|(cluster, state)| {
        reported.get(*cluster).is_none_or(|report| {
            report.status != state.status.as_str()
                || report.since != state.since.unix_timestamp()
                || report.reason != state.reason
                || report.version != state.version
        })
    });
    let news = news.map(|(cluster, state)| report(cluster, state));
    let gone = reported.keys().filter(|known| !states.contains_key(*known));
    (news.collect(), gone.cloned().collect())
}

fn report(cluster: &str, state: &ClusterState) -> ClusterReport {
    ClusterReport {
        cluster: cluster.to_owned(),
        status: state.status.as_str().to_owned(),
        // A NUL is no character of a text on PostgreSQL, and the reason may be a server's.
        reason: state.reason.replace('\0', "\u{fffd}"),
        since: state.since.unix_timestamp(),
        version: state.version.clone(),
        latency_ms: state
            .latency
            .map(|latency| u64::try_from(latency.as_millis()).unwrap_or(u64::MAX)),
    }
}

/// Returns the states that were reported. Where control planes see a cluster differently, one
/// that cannot use it has something to say.
pub(crate) fn states_of(reports: Vec<ClusterReport>) -> ClusterStates {
    let mut states = ClusterStates::new();
    for report in reports {
        let cluster = report.cluster.clone();
        let state = to_state(report);
        let rank = |state: &ClusterState| {
            let rank = match state.status {
                ClusterStatus::Unknown => 0,
                ClusterStatus::Normal => 1,
                ClusterStatus::Abnormal => 2,
            };
            (rank, state.since)
        };
        if states
            .get(&cluster)
            .is_none_or(|known| rank(known) < rank(&state))
        {
            states.insert(cluster, state);
        }
    }
    states
}

fn to_state(report: ClusterReport) -> ClusterState {
    let since = OffsetDateTime::from_unix_timestamp(report.since);
    ClusterState {
        status: ClusterStatus::parse(&report.status),
        reason: report.reason,
        since: since.unwrap_or(OffsetDateTime::UNIX_EPOCH),
        version: report.version,
        latency: report.latency_ms.map(Duration::from_millis),
        credential_ends: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(seconds).unwrap()
    }

    fn mk_state(reason: Option<&str>, seconds: i64) -> ClusterState {
        let mut state = ClusterState::unknown(at(0), None);
        let latency = Some(Duration::from_millis(4));
        let version = Some("v1.20.4".to_owned());
        state.looked(latency, version, reason.map(str::to_owned), at(seconds));
        state
    }

    #[test]
    fn only_what_is_new_is_reported() {
        let mut states = ClusterStates::from([("a".to_owned(), mk_state(None, 1))]);
        let (first, gone) = news(&states, &BTreeMap::new());
        assert!(gone.is_empty());
        let mut reported: BTreeMap<_, _> = [("a".to_owned(), first[0].clone())].into();
        states.get_mut("a").unwrap().latency = Some(Duration::from_millis(9));
        assert_eq!(news(&states, &reported), (Vec::new(), Vec::new()));
        let state = states.get_mut("a").unwrap();
        state.looked(None, None, Some("refused".to_owned()), at(2));
        let (second, _) = news(&states, &reported);
        assert_eq!(second[0].reason, "refused");
        reported.insert("b".to_owned(), first[0].clone());
        assert_eq!(news(&states, &reported).1, ["b"]);
    }

    #[test]
    fn what_was_reported_is_read_again_and_the_worst_counts() {
        let (good, bad) = (mk_state(None, 1), mk_state(Some("refused"), 2));
        let reports = vec![report("a", &good), report("a", &bad), report("b", &good)];
        let mut states = states_of(reports);
        assert_eq!((&states["a"], &states["b"]), (&bad, &good));
        states = states_of(vec![report("a", &bad), report("a", &good)]);
        assert_eq!(states["a"], bad);
    }
}
