use std::time::Duration;

use super::clusters::mk_cluster;
use super::envoys::mk_report;
use super::{Kind, TestStore, at, on_each_database};
use crate::{CheckAnswer, CheckVerdict, ClusterCheck, EnvoyReport, Store};

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(600);

/// An Envoy that has everything, and has answered this.
async fn mk_answer(store: &Store, node: &str, answers: &[(&str, CheckAnswer)]) -> EnvoyReport {
    let mut report = mk_report(node, store.revision().await.unwrap(), &[]);
    let answers = answers.iter();
    report.state.checks = answers
        .map(|(id, answer)| ((*id).to_owned(), answer.clone()))
        .collect();
    report
}

/// Waits for the question, and answers it for each Envoy as it says.
async fn answer(store: &Store, answers: &[(&str, CheckAnswer)]) -> ClusterCheck {
    let check = loop {
        if let Some(check) = store.list_cluster_checks(at(0)).await.unwrap().pop() {
            break check;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let mut reports = Vec::new();
    for (stream, (node, answer)) in (1..).zip(answers) {
        let report = mk_answer(store, node, &[(&check.id, answer.clone())]).await;
        reports.push(EnvoyReport { stream, ..report });
    }
    store.report_envoys("a", &reports, at(0)).await.unwrap();
    check
}

/// What comes of a check when the connected Envoys answer this.
async fn verdict(kind: Kind, answers: &[(&str, CheckAnswer)]) -> CheckVerdict {
    let store = TestStore::new(kind).await;
    store.add_cluster(&mk_cluster("m"), false).await.unwrap();
    let connected = mk_answer(&store, "edge", &[]).await;
    store.report_envoys("a", &[connected], at(0)).await.unwrap();
    let checked = store.check_cluster("m", LONG, || at(0));
    let (verdict, check) = tokio::join!(checked, answer(&store, answers));
    assert_eq!(check.cluster, "m");
    verdict.unwrap()
}

async fn a_check_ends_with_what_the_envoys_say(kind: Kind) {
    let answers = ("east", CheckAnswer::Answers);
    let said = verdict(kind, std::slice::from_ref(&answers)).await;
    let good = CheckVerdict {
        connected: 1,
        answers: 1,
        ..CheckVerdict::default()
    };
    assert_eq!(said, good);

    let unknown = ("west", CheckAnswer::NotAsked("no connection".to_owned()));
    let said = verdict(kind, &[answers.clone(), unknown]).await;
    assert_eq!((said.answers, said.failure), (1, None));
    assert!(
        said.warnings[0].contains("through the Envoy west is not known: no connection"),
        "{:?}",
        said.warnings
    );

    let bad = ("west", CheckAnswer::Fails("TLS error".to_owned()));
    let said = verdict(kind, &[answers, bad]).await;
    assert_eq!(
        said.failure.as_deref(),
        Some("through the Envoy west its API server cannot be used: TLS error")
    );
}

async fn nobody_waits_for_envoys_that_are_not_there_or_do_not_have_the_cluster(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.add_cluster(&mk_cluster("m"), false).await.unwrap();
    let nobody = store.check_cluster("m", LONG, || at(0)).await.unwrap();
    assert_eq!(nobody, CheckVerdict::default());
    assert!(store.list_cluster_checks(at(0)).await.unwrap().is_empty());

    let behind = mk_report("slow", 0, &[]);
    store.report_envoys("a", &[behind], at(0)).await.unwrap();
    let said = store.check_cluster("m", SHORT, || at(0)).await.unwrap();
    assert_eq!((said.answers, said.failure), (0, None));
    assert!(said.warnings[0].contains("slow has not answered yet"));

    let refuses = mk_report("stern", 0, &[("m", "bad key")]);
    store.report_envoys("a", &[refuses], at(0)).await.unwrap();
    let said = store.check_cluster("m", LONG, || at(0)).await.unwrap();
    assert_eq!(
        said.failure.as_deref(),
        Some("the Envoy stern refuses it: bad key")
    );
}

async fn a_question_is_heard_by_other_processes_and_forgotten_after_a_minute(kind: Kind) {
    let store = TestStore::new(kind).await;
    let other = store.open_again().await;
    let before = store.revision().await.unwrap();
    let check = store.ask_envoys("m", at(0)).await.unwrap();
    assert!(check.revision > before);
    let heard = other.list_cluster_checks(at(30)).await.unwrap();
    assert_eq!(heard, std::slice::from_ref(&check));
    assert!(other.list_cluster_checks(at(90)).await.unwrap().is_empty());
    let second = store.ask_envoys("n", at(90)).await.unwrap();
    assert_ne!(check.id, second.id);
    assert_eq!(other.list_cluster_checks(at(0)).await.unwrap(), [second]);
}

async fn what_was_written_is_undone_unless_somebody_else_has_changed_it(kind: Kind) {
    let store = TestStore::new(kind).await;
    let former = mk_cluster("m");
    let mut written = mk_cluster("m");
    written.server.port = 1;
    store.add_cluster(&written, false).await.unwrap();
    store.undo_cluster(&written, Some(&former)).await.unwrap();
    assert_eq!(
        store.get_cluster("m").await.unwrap().unwrap().server,
        former.server
    );
    // It is another one by now.
    store.undo_cluster(&written, None).await.unwrap();
    assert!(store.get_cluster("m").await.unwrap().is_some());
    store.undo_cluster(&former, None).await.unwrap();
    assert_eq!(store.get_cluster("m").await.unwrap(), None);
    assert_eq!(store.host_cluster().await.unwrap(), None);
}

on_each_database!(
    a_check_ends_with_what_the_envoys_say,
    nobody_waits_for_envoys_that_are_not_there_or_do_not_have_the_cluster,
    a_question_is_heard_by_other_processes_and_forgotten_after_a_minute,
    what_was_written_is_undone_unless_somebody_else_has_changed_it,
);
