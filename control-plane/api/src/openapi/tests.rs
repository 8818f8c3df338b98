use std::collections::BTreeSet;

use utoipa::OpenApi as _;

use super::{Document, document, family};
use crate::router;

#[test]
fn every_route_is_described_and_nothing_else() {
    let mut documented = BTreeSet::new();
    for (path, item) in &mut Document::openapi().paths.paths {
        for (method, _) in family::operations(item) {
            documented.insert((path.clone(), method.to_ascii_uppercase()));
        }
    }
    let routed: BTreeSet<_> = router::operations()
        .into_iter()
        // They answer what is wrong with a request, and are not served.
        .filter(|operation| !operation.path.starts_with("/api/v1/cube/extend/"))
        .map(|operation| (operation.path, operation.method.to_owned()))
        .collect();
    let missing: Vec<_> = routed.difference(&documented).collect();
    let left_over: Vec<_> = documented.difference(&routed).collect();
    assert!(
        missing.is_empty() && left_over.is_empty(),
        "not described: {missing:?}; described but not routed: {left_over:?}"
    );
}

#[test]
fn the_committed_document_is_this_one() {
    let committed = include_str!("../../../../docs/openapi.json");
    assert!(
        document() == committed,
        "docs/openapi.json is out of date; run `make generate` and look at the difference"
    );
}

#[test]
fn names_of_operations_are_unique() {
    let mut names = BTreeSet::new();
    for item in Document::openapi().paths.paths.values_mut() {
        for (_, operation) in family::operations(item) {
            let name = operation.operation_id.clone().unwrap();
            assert!(names.insert(name.clone()), "{name}");
        }
    }
    assert!(names.contains("deleteClustersByName"), "{names:?}");
}
