//! Audit records.

use super::{Kind, TestStore, on_each_database};
use crate::{AuditOrder, AuditRange, AuditRow};

fn mk_row(number: u64, user: &str, cluster: &str) -> AuditRow {
    AuditRow {
        id: format!("{number:014x}0000000000"),
        user: user.to_owned(),
        cluster: cluster.to_owned(),
        record: format!("{{\"n\":{number}}}"),
    }
}

async fn filled(kind: Kind) -> TestStore {
    let store = TestStore::new(kind).await;
    let rows = [
        mk_row(9, "jeff", "a"),
        mk_row(10, "admin", "a"),
        mk_row(11, "jeff", "b"),
        mk_row(200, "", ""),
    ];
    store.add_audit_rows(&rows).await.unwrap();
    store
}

async fn numbers(store: &TestStore, range: &AuditRange, order: AuditOrder) -> Vec<String> {
    let rows = store.read_audit(range, order, 0, 100).await.unwrap();
    assert_eq!(store.count_audit(range).await.unwrap(), rows.len() as u64);
    rows.into_iter().map(|(_, record)| record).collect()
}

fn range(user: &str, cluster: &str) -> AuditRange {
    AuditRange {
        user: user.to_owned(),
        cluster: cluster.to_owned(),
        ..Default::default()
    }
}

async fn records_come_by_time_in_either_order(kind: Kind) {
    let store = filled(kind).await;
    let all = AuditRange::default();
    let newest = numbers(&store, &all, AuditOrder::NewestFirst).await;
    assert_eq!(
        newest,
        [r#"{"n":200}"#, r#"{"n":11}"#, r#"{"n":10}"#, r#"{"n":9}"#]
    );
    let oldest = numbers(&store, &all, AuditOrder::OldestFirst).await;
    assert_eq!(
        oldest.iter().rev().collect::<Vec<_>>(),
        newest.iter().collect::<Vec<_>>()
    );
    let page = store
        .read_audit(&all, AuditOrder::NewestFirst, 1, 2)
        .await
        .unwrap();
    assert_eq!(
        page,
        [
            (format!("{:014x}0000000000", 11), r#"{"n":11}"#.to_owned()),
            (format!("{:014x}0000000000", 10), r#"{"n":10}"#.to_owned()),
        ]
    );
}

async fn a_range_is_asked_by_user_cluster_and_time(kind: Kind) {
    let store = filled(kind).await;
    let order = AuditOrder::OldestFirst;
    assert_eq!(
        numbers(&store, &range("jeff", ""), order).await,
        [r#"{"n":9}"#, r#"{"n":11}"#]
    );
    assert_eq!(
        numbers(&store, &range("", "a"), order).await,
        [r#"{"n":9}"#, r#"{"n":10}"#]
    );
    assert_eq!(
        numbers(&store, &range("jeff", "a"), order).await,
        [r#"{"n":9}"#]
    );
    assert_eq!(
        numbers(&store, &range("nobody", ""), order).await,
        Vec::<String>::new()
    );
    let between = AuditRange {
        from: format!("{:014x}", 10),
        before: format!("{:014x}", 200),
        ..Default::default()
    };
    assert_eq!(
        numbers(&store, &between, order).await,
        [r#"{"n":10}"#, r#"{"n":11}"#]
    );
}

async fn a_record_that_is_there_is_not_kept_twice(kind: Kind) {
    let store = filled(kind).await;
    store
        .add_audit_rows(&[mk_row(9, "other", "x")])
        .await
        .unwrap();
    assert_eq!(store.count_audit(&AuditRange::default()).await.unwrap(), 4);
    assert_eq!(store.count_audit(&range("other", "")).await.unwrap(), 0);
}

async fn the_oldest_go_first_and_no_more_than_asked(kind: Kind) {
    let store = filled(kind).await;
    assert_eq!(
        store
            .purge_audit(&format!("{:014x}", 200), 2)
            .await
            .unwrap(),
        2
    );
    let order = AuditOrder::OldestFirst;
    let all = AuditRange::default();
    assert_eq!(
        numbers(&store, &all, order).await,
        [r#"{"n":11}"#, r#"{"n":200}"#]
    );
    assert_eq!(
        store
            .purge_audit(&format!("{:014x}", 200), 100)
            .await
            .unwrap(),
        1
    );
    assert_eq!(store.purge_audit("", 100).await.unwrap(), 1);
    assert_eq!(store.count_audit(&all).await.unwrap(), 0);
}

async fn a_record_with_a_nul_character_is_kept_without_it(kind: Kind) {
    let store = TestStore::new(kind).await;
    let good = mk_row(1, "jeff", "a");
    let bad = mk_row(2, "a\0b", "\0");
    store.add_audit_rows(&[good, bad]).await.unwrap();
    let found = range("a\u{fffd}b", "\u{fffd}");
    assert_eq!(store.count_audit(&found).await.unwrap(), 1);
    assert_eq!(store.count_audit(&AuditRange::default()).await.unwrap(), 2);
}

on_each_database!(
    a_record_with_a_nul_character_is_kept_without_it,
    records_come_by_time_in_either_order,
    a_range_is_asked_by_user_cluster_and_time,
    a_record_that_is_there_is_not_kept_twice,
    the_oldest_go_first_and_no_more_than_asked,
);
