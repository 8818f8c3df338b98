use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{describe, document, operations, swagger};

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
    for item in describe().paths.paths.values_mut() {
        for (_, operation) in operations(item) {
            let name = operation.operation_id.clone().unwrap();
            assert!(names.insert(name.clone()), "{name}");
        }
    }
    assert!(names.contains("deleteClustersByName"), "{names:?}");
}

#[test]
fn every_answer_has_an_example_that_fits_its_schema() {
    let document = serde_json::to_value(describe()).unwrap();
    let mut seen = 0;
    for (path, item) in fields(&document["paths"]) {
        for (method, operation) in fields(item) {
            for (status, answer) in fields(&operation["responses"]) {
                if !status.starts_with('2') {
                    continue;
                }
                for (_, content) in fields(&answer["content"]) {
                    let schema = resolved(&document, &content["schema"]);
                    let example = content.get("example").unwrap_or(&schema["example"]);
                    let at = format!("{method} {path} {status}");
                    assert!(!example.is_null(), "{at} has no example");
                    let misfit = misfit(&document, schema, example);
                    assert_eq!(misfit, None, "{at}: {example}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 50, "{seen}");
}

#[test]
fn an_example_that_does_not_fit_is_found() {
    let document = json!({ "components": { "schemas": { "Key": {
        "type": "object",
        "properties": { "name": { "type": "string" }, "end": { "type": ["string", "null"] } },
        "required": ["name"],
    } } } });
    let keys = json!({ "type": "array", "items": { "$ref": "#/components/schemas/Key" } });
    let misfit = |example| misfit(&document, &keys, &example);
    assert_eq!(
        misfit(json!([{ "name": "a" }, { "name": "a", "end": null }])),
        None
    );
    assert_eq!(misfit(json!([{}])).unwrap(), "name is missing");
    assert_eq!(
        misfit(json!([{ "name": "a", "nam": 1 }])).unwrap(),
        "nam is unknown"
    );
    assert_eq!(misfit(json!([{ "name": 1 }])).unwrap(), "1 is no string");
}

/// What of a value its schema does not know.
fn misfit(document: &Value, schema: &Value, value: &Value) -> Option<String> {
    let schema = resolved(document, schema);
    if let Some(choices) = schema["oneOf"].as_array() {
        let fits = |choice| misfit(document, choice, value).is_none();
        return (!choices.iter().any(fits)).then(|| format!("{value} is none of the choices"));
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    match &schema["type"] {
        Value::String(wanted) if wanted != kind => return Some(format!("{value} is no {wanted}")),
        Value::Array(wanted) if !wanted.contains(&json!(kind)) => {
            return Some(format!("{value} is none of {wanted:?}"));
        }
        _ => {}
    }
    if let Some(elements) = value.as_array() {
        let misfit = |element| misfit(document, &schema["items"], element);
        return elements.iter().find_map(misfit);
    }
    let required = schema["required"].as_array().into_iter().flatten();
    let mut names = required.filter_map(Value::as_str);
    if let Some(name) = names.find(|name| value.get(name).is_none()) {
        return Some(format!("{name} is missing"));
    }
    let is_described = schema.get("properties").is_some();
    fields(value).find_map(|(name, value)| {
        let schema = [
            schema["properties"].get(name),
            schema.get("additionalProperties"),
        ]
        .into_iter()
        .flatten()
        .next();
        match schema {
            Some(schema) => misfit(document, schema, value),
            None => is_described.then(|| format!("{name} is unknown")),
        }
    })
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let reference = schema["$ref"].as_str();
    match reference.and_then(|reference| reference.strip_prefix('#')) {
        Some(pointer) => document.pointer(pointer).expect(pointer),
        None => schema,
    }
}

fn fields(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flatten()
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
    let newer = serde_json::to_value(describe()).unwrap();
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
