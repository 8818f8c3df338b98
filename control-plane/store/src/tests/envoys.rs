use std::collections::BTreeMap;
use std::time::Duration;

use super::{Kind, TestStore, at, mk_user, on_each_database};
use crate::{AcceptedResources, EnvoyAnswers, EnvoyReport, EnvoyState, RefusedResource};

pub(super) fn mk_report(node: &str, revision: u64, refusals: &[(&str, &str)]) -> EnvoyReport {
    EnvoyReport {
        stream: 1,
        node: node.to_owned(),
        revision,
        refusals: refusals
            .iter()
            .map(|(cluster, reason)| ((*cluster).to_owned(), (*reason).to_owned()))
            .collect(),
        state: EnvoyState {
            version: "1.40.0".to_owned(),
            address: Some("10.0.0.3:5000".to_owned()),
            connected_at: 1_760_000_000,
            accepted: vec![AcceptedResources {
                kind: "Cluster".to_owned(),
                version: "ab12".to_owned(),
                resources: 3,
                at: 1_760_000_001,
            }],
            refused: vec![RefusedResource {
                kind: "Secret".to_owned(),
                name: "member/m/ca".to_owned(),
                reason: "bad key".to_owned(),
            }],
            refused_total: 1,
            checks: BTreeMap::new(),
        },
    }
}

async fn each_control_plane_reports_of_its_own(kind: Kind) {
    let store = TestStore::new(kind).await;
    let report = async |control_plane, reports: &[EnvoyReport], now| {
        store
            .report_envoys(control_plane, reports, now)
            .await
            .unwrap();
    };
    let (east, west) = (
        mk_report("east", 7, &[]),
        mk_report("west", 6, &[("m", "no")]),
    );
    report("a", &[mk_report("old", 1, &[])], at(0)).await;
    report("a", std::slice::from_ref(&east), at(1)).await;
    report("b", std::slice::from_ref(&west), at(5)).await;
    let listed = store.list_envoys(at(6)).await.unwrap();
    assert_eq!(listed, [east, west.clone()]);
    // One that was killed reports no more, and one that stops takes its rows along.
    assert_eq!(store.list_envoys(at(33)).await.unwrap(), [west]);
    report("b", &[], at(33)).await;
    assert!(store.list_envoys(at(33)).await.unwrap().is_empty());
}

async fn what_this_process_knows_is_known_to_it_before_it_is_written(kind: Kind) {
    let store = TestStore::new(kind).await;
    let other = store.open_again().await;
    let (behind, current) = (mk_report("east", 1, &[]), mk_report("east", 7, &[]));
    let west = mk_report("west", 6, &[]);
    for (control_plane, report) in [("a", &behind), ("b", &west)] {
        let reports = std::slice::from_ref(report);
        store
            .report_envoys(control_plane, reports, at(0))
            .await
            .unwrap();
    }
    store.note_envoys("a", std::slice::from_ref(&current));
    let here = store.list_envoys(at(1)).await.unwrap();
    assert_eq!(here, [current, west.clone()]);
    // Another process has what is written.
    assert_eq!(
        other.list_envoys(at(1)).await.unwrap(),
        [behind, west.clone()]
    );
    store.note_envoys("a", &[]);
    assert_eq!(store.list_envoys(at(1)).await.unwrap(), [west]);
}

async fn waiting_ends_with_the_answers_and_has_an_end_without_them(kind: Kind) {
    let store = TestStore::new(kind).await;
    let (long, short) = (Duration::from_secs(600), Duration::from_millis(300));
    // Nobody is connected.
    let answers = store.wait_for_envoys("m", long, || at(0)).await.unwrap();
    assert_eq!(answers, EnvoyAnswers::default());

    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    store
        .set_password("jeff", "NewOne123", at(1))
        .await
        .unwrap();
    let revision = store.revision().await.unwrap();
    for (known, patience, waiting) in [(revision - 1, short, 1), (revision, long, 0)] {
        let report = mk_report("edge", known, &[]);
        store.report_envoys("a", &[report], at(0)).await.unwrap();
        let answers = store
            .wait_for_envoys("m", patience, || at(0))
            .await
            .unwrap();
        assert_eq!(answers.waiting.len(), waiting);
    }
    let report = mk_report("edge", 0, &[("m", "no")]);
    store.report_envoys("a", &[report], at(0)).await.unwrap();
    let answers = store.wait_for_envoys("m", long, || at(0)).await.unwrap();
    assert_eq!(answers.refused, [("edge".to_owned(), "no".to_owned())]);
}

on_each_database!(
    each_control_plane_reports_of_its_own,
    what_this_process_knows_is_known_to_it_before_it_is_written,
    waiting_ends_with_the_answers_and_has_an_end_without_them,
);

#[test]
fn a_cluster_is_taken_refused_or_not_answered() {
    let reports = vec![
        mk_report("east", 7, &[("other", "no")]),
        mk_report("west", 6, &[("m", "bad key")]),
        mk_report("north", 6, &[]),
    ];
    let answers = EnvoyAnswers::of("m", 7, reports);
    assert_eq!(answers.connected, 3);
    assert_eq!(answers.waiting, ["north"]);
    assert_eq!(answers.refused, [("west".to_owned(), "bad key".to_owned())]);
    let warnings = answers.warnings();
    assert!(
        warnings[0].contains("the Envoy west refuses the cluster and does not serve it: bad key")
    );
    assert!(warnings[1].contains("the Envoy north has not answered yet"));
}
