//! Audit records.

use std::sync::Arc;

use time::Duration;

use super::{Kind, TestStore, at, mk_user, on_each_database};
use crate::{
    AuditClass, AuditOrder, AuditRange, AuditRow, ProfileChange, Purged, Recording, SINK_FORGOTTEN,
    SINK_HOLD, StoreError, recorded,
};

fn mk_row(number: u64, user: &str, cluster: &str) -> AuditRow {
    AuditRow {
        id: format!("{number:014x}0000000000"),
        user: user.to_owned(),
        cluster: cluster.to_owned(),
        record: format!("{{\"n\":{number}}}"),
        class: AuditClass::Traffic,
        settled: true,
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

async fn many_records_are_kept_in_few_statements(kind: Kind) {
    let store = TestStore::new(kind).await;
    assert!(store.hold_sink("s", "a", at(0)).await.unwrap());
    let mut rows: Vec<_> = (0..230).map(|number| mk_row(number, "jeff", "a")).collect();
    // The same one twice among those of a statement, and what is sent nowhere yet.
    rows[120] = mk_row(110, "jeff", "a");
    rows[120].record = "{\"n\":\"again\"}".to_owned();
    rows[7].settled = false;
    rows[8].user = "j\0hn".to_owned();
    store.add_audit_rows(&rows).await.unwrap();
    let all = AuditRange::default();
    let kept = store
        .read_audit(&all, AuditOrder::OldestFirst, 0, 1_000)
        .await
        .unwrap();
    assert_eq!(kept.len(), 229);
    for (id, record) in kept {
        let last = rows.iter().rfind(|row| row.id == id).unwrap();
        assert_eq!(record, last.record);
    }
    assert_eq!(store.count_unsent("s").await.unwrap(), 228);
    let john = store.count_audit(&range("j\u{fffd}hn", "a")).await;
    assert_eq!(john.unwrap(), 1);
}

async fn the_oldest_go_first_and_no_more_than_asked(kind: Kind) {
    let store = filled(kind).await;
    let traffic = AuditClass::Traffic;
    let purge = async |before: &str, limit| {
        let purged = store.purge_audit(traffic, before, limit).await.unwrap();
        assert_eq!(purged.unsent, 0);
        purged.records
    };
    assert_eq!(purge(&format!("{:014x}", 200), 2).await, 2);
    let order = AuditOrder::OldestFirst;
    let all = AuditRange::default();
    assert_eq!(
        numbers(&store, &all, order).await,
        [r#"{"n":11}"#, r#"{"n":200}"#]
    );
    assert_eq!(purge(&format!("{:014x}", 200), 100).await, 1);
    assert_eq!(purge("", 100).await, 1);
    assert_eq!(store.count_audit(&all).await.unwrap(), 0);
}

async fn a_class_is_counted_and_purged_alone(kind: Kind) {
    let store = TestStore::new(kind).await;
    let mut rows = Vec::new();
    for (number, class) in (0..9).zip(AuditClass::ALL.into_iter().cycle()) {
        rows.push(AuditRow {
            class,
            ..mk_row(number, "", "")
        });
    }
    store.add_audit_rows(&rows).await.unwrap();
    let anonymous = AuditClass::Anonymous;
    store.purge_audit(anonymous, "", 2).await.unwrap();
    for (class, left) in AuditClass::ALL.into_iter().zip([3, 3, 1]) {
        assert_eq!(store.count_audit_class(class).await.unwrap(), left);
    }
}

async fn a_count_that_grows_is_one_record(kind: Kind) {
    let store = TestStore::new(kind).await;
    for count in [1, 2, 30] {
        let row = AuditRow {
            record: format!("{{\"count\":{count}}}"),
            settled: false,
            ..mk_row(1, "", "")
        };
        store.add_audit_rows(&[row]).await.unwrap();
    }
    let all = AuditRange::default();
    let kept = numbers(&store, &all, AuditOrder::OldestFirst).await;
    assert_eq!(kept, [r#"{"count":30}"#]);
}

fn mk_recording() -> Arc<Recording> {
    Recording::new(|changed| AuditRow {
        record: format!("{{\"changed\":\"{}\"}}", changed.name),
        class: AuditClass::Change,
        ..mk_row(7, "admin", "")
    })
}

async fn a_change_and_its_record_are_there_together_or_not_at_all(kind: Kind) {
    let store = TestStore::new(kind).await;
    let all = AuditRange::default();
    let order = AuditOrder::OldestFirst;

    // No change, no record.
    let recording = mk_recording();
    let refused = recorded(
        Arc::clone(&recording),
        store.set_password("nobody", "a good Passw0rd", at(1)),
    )
    .await;
    assert!(matches!(refused, Err(StoreError::UserNotFound(_))));
    assert!(!recording.is_kept());
    assert_eq!(store.count_audit(&all).await.unwrap(), 0);

    // Several changes on one behalf are one record.
    let both = async {
        store.create_user(mk_user("jane"), at(0)).await?;
        store.create_key("jane", at(0)).await
    };
    recorded(Arc::clone(&recording), both).await.unwrap();
    assert!(recording.is_kept());
    assert_eq!(
        numbers(&store, &all, order).await,
        [r#"{"changed":"jane"}"#]
    );

    // What is changed by nobody's order leaves none.
    store.create_key("jane", at(0)).await.unwrap();
    assert_eq!(store.count_audit(&all).await.unwrap(), 1);

    // A record that cannot be kept undoes the change: the table is gone.
    sqlx::query("DROP TABLE audit_records")
        .execute(&store.inner.pools.writer)
        .await
        .unwrap();
    let recording = mk_recording();
    let failed = recorded(Arc::clone(&recording), store.create_key("jane", at(0))).await;
    assert!(matches!(failed, Err(StoreError::Database(_))), "{failed:?}");
    assert!(!recording.is_kept());
    assert_eq!(store.list_keys("jane").await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_full_disk_leaves_no_change_without_its_record() {
    let store = TestStore::new(Kind::Sqlite).await;
    store.create_user(mk_user("jane"), at(0)).await.unwrap();
    // No more than there is now: what needs another page finds the disk full.
    sqlx::query("PRAGMA max_page_count = 1")
        .execute(&store.inner.pools.writer)
        .await
        .unwrap();
    let mut done = 0;
    let error = loop {
        let number = done + 1;
        assert!(number < 1_000, "the disk is never full");
        let recording = Recording::new(move |_| mk_row(number, "", ""));
        let change = ProfileChange {
            display_name: Some(format!("jane {number}")),
            ..ProfileChange::default()
        };
        match recorded(recording, store.change_profile("jane", &change)).await {
            Ok(()) => done = number,
            Err(error) => break error,
        }
    };
    assert!(format!("{error:?}").contains("full"), "{error:?}");
    let kept = store.count_audit(&AuditRange::default()).await.unwrap();
    assert_eq!(kept, done);
    let jane = store.get_user("jane").await.unwrap().unwrap();
    let expected = match done {
        0 => "jane".to_owned(),
        done => format!("jane {done}"),
    };
    assert_eq!(jane.display_name, expected);
}

async fn what_is_to_be_sent_outlives_who_sends_and_goes_with_the_record(kind: Kind) {
    let store = TestStore::new(kind).await;
    let unsent = async |store: &crate::Store| -> Vec<String> {
        let unsent = store.unsent("webhook", 100).await.unwrap();
        unsent.into_iter().map(|unsent| unsent.record).collect()
    };
    store.add_audit_rows(&[mk_row(1, "", "")]).await.unwrap();
    assert!(store.hold_sink("webhook", "one", at(0)).await.unwrap());
    let growing = AuditRow {
        settled: false,
        ..mk_row(3, "", "")
    };
    // The newer one first, and one that is not settled yet.
    store
        .add_audit_rows(&[mk_row(4, "", ""), mk_row(2, "", ""), growing])
        .await
        .unwrap();
    let other = store.open_again().await;
    assert_eq!(unsent(&other).await, [r#"{"n":2}"#, r#"{"n":4}"#]);
    let first = store.unsent("webhook", 1).await.unwrap();
    store.mark_sent("webhook", &first).await.unwrap();
    assert_eq!(unsent(&other).await, [r#"{"n":4}"#]);
    store.add_audit_rows(&[mk_row(3, "", "")]).await.unwrap();
    assert_eq!(store.count_unsent("webhook").await.unwrap(), 2);

    // One sends at a time, and the next one when the first is gone.
    assert!(!other.hold_sink("webhook", "two", at(1)).await.unwrap());
    assert!(store.hold_sink("webhook", "one", at(2)).await.unwrap());
    let later = at(2) + SINK_HOLD;
    assert!(other.hold_sink("webhook", "two", later).await.unwrap());
    other.release_sink("webhook", "two", later).await.unwrap();
    assert!(store.hold_sink("webhook", "one", later).await.unwrap());

    let purged = store.purge_audit(AuditClass::Traffic, "", 3).await.unwrap();
    let expected = Purged {
        records: 3,
        unsent: 1,
    };
    assert_eq!(purged, expected);
    assert_eq!(unsent(&store).await, [r#"{"n":4}"#]);

    let gone = store.forget_sinks(later + SINK_FORGOTTEN).await.unwrap();
    assert_eq!(gone, []);
    let gone = store
        .forget_sinks(later + SINK_FORGOTTEN + SINK_HOLD + Duration::SECOND)
        .await
        .unwrap();
    assert_eq!(gone, [("webhook".to_owned(), 1)]);
    store.add_audit_rows(&[mk_row(5, "", "")]).await.unwrap();
    assert_eq!(unsent(&store).await, Vec::<String>::new());
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
    many_records_are_kept_in_few_statements,
    the_oldest_go_first_and_no_more_than_asked,
    a_class_is_counted_and_purged_alone,
    a_count_that_grows_is_one_record,
    a_change_and_its_record_are_there_together_or_not_at_all,
    what_is_to_be_sent_outlives_who_sends_and_goes_with_the_record,
);
