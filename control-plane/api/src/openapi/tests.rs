use std::collections::BTreeSet;

use serde_json::{Value, json};
use utoipa::OpenApi as _;

use super::{Document, document, family, swagger};
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

#[test]
fn the_older_document_says_the_same() {
    let older = swagger();
    for word in [
        "#/components",
        "\"requestBody\"",
        "\"content\"",
        "\"oneOf\"",
        ":null",
    ] {
        assert!(!older.contains(word), "{word} is no word of Swagger 2.0");
    }
    let older: Value = serde_json::from_str(&older).unwrap();
    assert_eq!(older["swagger"], "2.0");
    let newer = serde_json::to_value(Document::openapi()).unwrap();
    let paths = |document: &Value| -> Vec<(String, Vec<String>)> {
        let paths = document["paths"].as_object().unwrap().iter();
        let keys = |item: &Value| item.as_object().unwrap().keys().cloned().collect();
        paths
            .map(|(path, item)| (path.clone(), keys(item)))
            .collect()
    };
    assert_eq!(paths(&older), paths(&newer));
    let removal = &older["paths"]["/api/v1/cube/clusters/{name}"]["delete"];
    assert_eq!(
        removal["parameters"],
        json!([{ "in": "path", "name": "name", "description": "The cluster", "required": true, "type": "string" }])
    );
    assert_eq!(
        removal["responses"]["200"]["schema"],
        json!({ "$ref": "#/definitions/Success" })
    );
    assert_eq!(removal["security"], json!([{ "bearer": [] }]));
    let login = &older["paths"]["/api/v1/cube/login"]["post"]["parameters"][0];
    assert_eq!(
        (&login["in"], &login["schema"]),
        (
            &json!("body"),
            &json!({ "$ref": "#/definitions/LoginRequest" })
        )
    );
    let token = &older["paths"]["/oauth/token"]["post"]["parameters"];
    let form: Vec<_> = token.as_array().unwrap().iter().collect();
    assert!(
        form.iter()
            .all(|it| it["in"] == "formData" && it["type"] == "string")
    );
    assert!(form.iter().any(|it| it["name"] == "grant_type"), "{token}");
}
