//! Lists in the form of a Table.

use cubegate_list::{Finished, Limits, ListEngine, ListError, ListRequest, Progress, Reading};

const TABLE: &str = r#"{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"7"},"columnDefinitions":[{"name":"Name","type":"string"},{"name":"Ready"},{"name":"Restarts","type":"integer"},{"name":"Age"}],"rows":[{"cells":["b","1/1",9,"7d4h"],"object":{"kind":"PartialObjectMetadata","metadata":{"name":"b","labels":{"app":"web"},"managedFields":[{}]}}},{"cells":["a","0/1",86,"6m56s"],"object":{"metadata":{"name":"a","labels":{"app":"db"}}}},{"cells":["c","1/1",868,"23h"],"object":{"metadata":{"name":"c","labels":{"app":"web"}}}}]}"#;

fn run(raw_query: &str, body: &str, chunk: usize) -> Result<Finished, ListError> {
    let query = ListRequest::parse(raw_query).query.unwrap();
    let mut engine = ListEngine::reading(query, Limits::default(), Reading::Table);
    for chunk in body.as_bytes().chunks(chunk) {
        if let Progress::PassThrough(body) = engine.push(chunk)? {
            return Ok(Finished::PassThrough(body));
        }
    }
    engine.finish()
}

/// The first cells of the rows on the page and the total.
fn names(raw_query: &str) -> (String, u64) {
    let Ok(Finished::Page(page)) = run(raw_query, TABLE, 7) else {
        panic!("no page for {raw_query}");
    };
    assert_eq!(
        run(raw_query, TABLE, 10_000),
        Ok(Finished::Page(page.clone()))
    );
    let page: serde_json::Value = serde_json::from_slice(&page).unwrap();
    let rows = page["rows"].as_array().unwrap().iter();
    let names = rows.map(|row| row["cells"][0].as_str().unwrap());
    (names.collect(), page["total"].as_u64().unwrap())
}

#[test]
fn rows_that_are_null_are_none() {
    let (head, _) = TABLE.split_once("[{\"cells\"").unwrap();
    for chunk in [1, 3, 1000] {
        let page = format!(r#"{head}[],"total":0}}"#);
        let found = run("filter=Ready=1/1", &format!("{head}null}}"), chunk);
        assert_eq!(found, Ok(Finished::Page(page.into())));
        let body = format!("{head}0}}");
        let found = run("count=only", &body, chunk);
        let Ok(Finished::PassThrough(_)) = found else {
            panic!("{found:?}");
        };
    }
}

#[test]
fn rows_are_sorted_and_paged_and_stay_as_they_came() {
    let (head, _) = TABLE.split_once(r#"{"cells":["b""#).unwrap();
    let row = r#"{"cells":["a","0/1",86,"6m56s"],"object":{"metadata":{"name":"a","labels":{"app":"db"}}}}"#;
    assert!(TABLE.contains(row));
    let page = format!(r#"{head}{row}],"total":3}}"#);
    assert_eq!(run("pageSize=1", TABLE, 5), Ok(Finished::Page(page.into())));
    assert_eq!(names("pageSize=2&pageNum=2"), ("c".into(), 3));
}

#[test]
fn rows_are_selected_by_the_metadata_of_their_objects() {
    assert_eq!(names("selector=metadata.labels.app=web"), ("bc".into(), 2));
    assert_eq!(names("filter=metadata.name in (a,c)"), ("ac".into(), 2));
    assert_eq!(names("sortOrder=desc"), ("cba".into(), 3));
}

#[test]
fn rows_are_selected_and_sorted_by_their_cells() {
    assert_eq!(names("selector=ready=1/1"), ("bc".into(), 2));
    assert_eq!(names("filter=Restarts>=86"), ("ac".into(), 2));
    assert_eq!(names("sort=-Restarts:number"), ("cab".into(), 3));
    assert_eq!(names("sort=age:duration"), ("acb".into(), 3));
}

#[test]
fn a_path_that_no_row_holds_is_an_error() {
    for query in [
        "selector=spec.nodeName=x",
        "sortName=status.phase",
        "filter=Node=x",
    ] {
        let refused = run(query, TABLE, 10_000);
        assert!(
            matches!(refused, Err(ListError::NoColumn { .. })),
            "{query}"
        );
    }
}

#[test]
fn metadata_can_be_stripped_from_the_objects_of_rows() {
    let Ok(Finished::Page(page)) = run("strip=managedFields", TABLE, 10_000) else {
        panic!("no page");
    };
    let page = String::from_utf8(page).unwrap();
    assert!(!page.contains("managedFields"), "{page}");
    assert!(page.contains(r#""cells":["b","1/1",9,"7d4h"]"#), "{page}");
}

#[test]
fn a_server_without_tables_answers_with_a_plain_list() {
    let list = r#"{"kind":"L","items":[{"metadata":{"name":"b"}},{"metadata":{"name":"a"}}]}"#;
    let page = r#"{"kind":"L","items":[{"metadata":{"name":"a"}}],"total":2}"#;
    assert_eq!(run("pageSize=1", list, 3), Ok(Finished::Page(page.into())));
}

#[test]
fn without_tables_rows_are_a_member_like_any_other() {
    let query = ListRequest::parse("").query.unwrap();
    let mut engine = ListEngine::new(query, Limits::default());
    assert_eq!(
        engine.push(TABLE.as_bytes()),
        Ok(Progress::PassThrough(TABLE.into()))
    );
}
