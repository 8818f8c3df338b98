use cubegate_list::ListRequest;
use serde_json::Value;

use super::*;
use crate::{Record, Source};

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_700_000_000 + seconds).unwrap()
}

/// Record `n` is of second n; every third one is jeff's, every other one was
/// refused.
async fn mk_store(records: i64) -> (Store, impl Sized) {
    let (store, folder) = cubegate_testing::store().await;
    let rows: Vec<_> = (0..records)
        .map(|n| {
            let mut record = Record::new(Source::Gateway, at(n), "list");
            record.user = Some(if n % 3 == 0 { "jeff" } else { "admin" }.to_owned());
            record.status = Some(if n % 2 == 0 { 200 } else { 403 });
            record.name = Some(format!("n{n}"));
            record.into_row()
        })
        .collect();
    store.add_audit_rows(&rows).await.unwrap();
    (store, folder)
}

async fn find(store: &Store, raw_query: &str) -> (Vec<String>, u64) {
    let query = ListRequest::parse(raw_query).query.unwrap();
    let search = Search::parse(raw_query).unwrap();
    let body = page(store, search, query, 7).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["dropped"], 7);
    let names = body["items"].as_array().unwrap().iter();
    let names = names.map(|item| item["name"].as_str().unwrap().to_owned());
    (names.collect(), body["total"].as_u64().unwrap())
}

#[tokio::test]
async fn the_newest_come_first_and_pages_go_back() {
    let (store, _folder) = mk_store(1_200).await;
    let (names, total) = find(&store, "").await;
    assert_eq!((names.len(), total), (10, 1_200));
    assert_eq!(names[0], "n1199");
    let (names, total) = find(&store, "pageSize=2&pageNum=3").await;
    assert_eq!(
        (names, total),
        (vec!["n1195".into(), "n1194".into()], 1_200)
    );
    let (names, _) = find(&store, "pageSize=1100").await;
    assert_eq!((names.len(), names[1099].as_str()), (1_100, "n100"));
    let (names, total) = find(&store, "count=only").await;
    assert_eq!((names.len(), total), (0, 1_200));
}

#[tokio::test]
async fn the_list_language_works_on_records() {
    let (store, _folder) = mk_store(1_200).await;
    let (names, total) = find(&store, "filter=status%3D403&pageSize=2").await;
    assert_eq!((names, total), (vec!["n1199".into(), "n1197".into()], 600));
    let (names, total) = find(&store, "user=jeff&filter=status%3D403&pageSize=1").await;
    assert_eq!((names, total), (vec!["n1197".into()], 200));
    let (names, _) = find(&store, "sort=time&pageSize=2").await;
    assert_eq!(names, ["n0", "n1"]);
    let (names, total) = find(&store, "selector=name%3Dn5").await;
    assert_eq!((names, total), (vec!["n5".into()], 1));
}

#[tokio::test]
async fn a_time_is_a_bound() {
    let (store, _folder) = mk_store(10).await;
    let (names, total) = find(&store, "from=1700000003&to=2023-11-14T22:13:25Z").await;
    assert_eq!((names, total), (vec!["n4".into(), "n3".into()], 2));
    for bad in ["from=yesterday", "to=1e9"] {
        assert!(
            matches!(Search::parse(bad), Err(SearchError::Time(_))),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn lines_are_all_of_them_the_oldest_first() {
    let (store, _folder) = mk_store(1_200).await;
    for (raw_query, count, first) in [
        ("", 1_200, "n0"),
        ("filter=status%3D403", 600, "n1"),
        ("user=jeff", 400, "n0"),
        ("from=1700001199", 1, "n1199"),
    ] {
        let query = ListRequest::parse(raw_query).query.unwrap();
        let search = Search::parse(raw_query).unwrap();
        let mut lines = Lines::new(store.clone(), search, query, at(5_000)).unwrap();
        let mut text = String::new();
        while let Some(batch) = lines.next().await {
            text.push_str(std::str::from_utf8(&batch.unwrap()).unwrap());
        }
        let names: Vec<_> = text
            .lines()
            .map(|line| serde_json::from_str::<Record>(line).unwrap().name.unwrap())
            .collect();
        assert_eq!(
            (names.len(), names[0].as_str()),
            (count, first),
            "{raw_query}"
        );
    }
}

#[tokio::test]
async fn lines_in_another_order_are_refused() {
    let (store, _folder) = mk_store(1).await;
    let query = ListRequest::parse("sort=user").query.unwrap();
    let lines = Lines::new(store, Search::default(), query, at(0));
    assert!(matches!(lines.err(), Some(SearchError::Order)));
}
