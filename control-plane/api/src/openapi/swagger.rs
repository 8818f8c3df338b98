//! The description in the older form, Swagger 2.0, which KubeSphere and Kubernetes serve
//! at `/openapi/v2`.
//!
//! What the form cannot say is left out: a choice of several types is any value, and a
//! cookie is no way to log in.

use serde_json::{Map, Value, json};

use super::describe;

/// Where schemas are, here and there.
const SCHEMAS: [&str; 2] = ["#/components/schemas/", "#/definitions/"];

/// The content type of HTML forms.
const FORM: &str = "application/x-www-form-urlencoded";

/// Returns the whole document.
pub(crate) fn swagger() -> String {
    let mut new = serde_json::to_value(describe()).unwrap_or_default();
    let schemas = take(&mut take(&mut new, "components"), "schemas");
    let mut paths = take(&mut new, "paths");
    for operation in fields(&mut paths).flat_map(fields) {
        *operation = older_operation(operation.take(), &schemas);
    }
    let bearer = json!({ "type": "apiKey", "in": "header", "name": "Authorization", "description": "`Bearer <token>`" });
    json!({
        "swagger": "2.0",
        "info": take(&mut new, "info"),
        "tags": take(&mut new, "tags"),
        "paths": paths,
        "definitions": older_schema(schemas),
        "securityDefinitions": { "bearer": bearer },
    })
    .to_string()
}

fn older_operation(mut operation: Value, schemas: &Value) -> Value {
    let mut older = Map::new();
    for name in ["tags", "summary", "description", "operationId"] {
        put(&mut older, name, take(&mut operation, name));
    }
    let mut parameters: Vec<_> = elements(take(&mut operation, "parameters"))
        .map(older_parameter)
        .collect();
    let mut body = take(&mut operation, "requestBody");
    let required = take(&mut body, "required") == Value::Bool(true);
    let (consumes, schema) = content(&mut body);
    if consumes == [FORM] {
        parameters.extend(form(&schema, schemas));
    } else if !consumes.is_empty() {
        let schema = older_schema(schema);
        parameters
            .push(json!({ "in": "body", "name": "body", "required": required, "schema": schema }));
    }
    let mut responses = take(&mut operation, "responses");
    let mut produces = Vec::new();
    for response in fields(&mut responses) {
        let (types, schema) = content(response);
        let mut without = Map::new();
        put(&mut without, "description", take(response, "description"));
        put(&mut without, "schema", older_schema(schema));
        *response = Value::Object(without);
        produces.extend(types);
    }
    produces.sort();
    produces.dedup();
    put(&mut older, "consumes", json!(consumes));
    put(&mut older, "produces", json!(produces));
    put(&mut older, "parameters", Value::Array(parameters));
    put(&mut older, "responses", responses);
    if operation.get("security").is_some() {
        put(&mut older, "security", json!([{ "bearer": [] }]));
    }
    Value::Object(older)
}

/// Returns the content types of a body or an answer, and the schema of the first.
fn content(of: &mut Value) -> (Vec<String>, Value) {
    let mut content = take(of, "content");
    let types: Vec<String> = match &content {
        Value::Object(types) => types.keys().cloned().collect(),
        _ => Vec::new(),
    };
    let schema = fields(&mut content)
        .next()
        .map_or(Value::Null, |first| take(first, "schema"));
    (types, schema)
}

/// A parameter's type stands in the parameter.
fn older_parameter(mut parameter: Value) -> Value {
    let mut schema = older_schema(take(&mut parameter, "schema"));
    if let (Some(parameter), Some(schema)) = (parameter.as_object_mut(), schema.as_object_mut()) {
        parameter.remove("schema");
        parameter.append(schema);
    }
    parameter
}

/// Returns the fields of a form, each a parameter.
fn form(schema: &Value, schemas: &Value) -> Vec<Value> {
    let name = schema.get("$ref").and_then(Value::as_str);
    let name = name.and_then(|reference| reference.strip_prefix(SCHEMAS[0]));
    let schema = name.and_then(|name| schemas.get(name)).cloned();
    let mut schema = older_schema(schema.unwrap_or_default());
    let required: Vec<_> = elements(take(&mut schema, "required")).collect();
    let Value::Object(properties) = take(&mut schema, "properties") else {
        return Vec::new();
    };
    let parameter = |(name, mut field): (String, Value)| {
        let mut parameter = Map::new();
        put(&mut parameter, "in", json!("formData"));
        put(&mut parameter, "type", take(&mut field, "type"));
        put(
            &mut parameter,
            "description",
            take(&mut field, "description"),
        );
        let is_required = required.iter().any(|it| *it == name);
        put(&mut parameter, "required", json!(is_required));
        put(&mut parameter, "name", Value::String(name));
        Value::Object(parameter)
    };
    properties.into_iter().map(parameter).collect()
}

fn older_schema(schema: Value) -> Value {
    match schema {
        Value::Object(object) => {
            let mut older = Map::new();
            for (name, value) in object {
                match (name.as_str(), value) {
                    ("$ref", Value::String(reference)) => {
                        let reference = reference.replacen(SCHEMAS[0], SCHEMAS[1], 1);
                        older.insert(name, Value::String(reference));
                    }
                    // `["string", "null"]`
                    ("type", Value::Array(types)) => {
                        let one = types.into_iter().find(|it| it != "null");
                        older.extend(one.map(|one| (name, one)));
                    }
                    // One thing or nothing is that thing.
                    ("oneOf", Value::Array(mut choices)) => {
                        choices.retain(|choice| !is_null(choice));
                        if let (1, Some(only)) = (choices.len(), choices.pop())
                            && let Value::Object(only) = older_schema(only)
                        {
                            older.extend(only);
                        }
                    }
                    ("propertyNames", _) | ("default", Value::Null) => {}
                    (_, value) => {
                        older.insert(name, older_schema(value));
                    }
                }
            }
            Value::Object(older)
        }
        Value::Array(values) => Value::Array(values.into_iter().map(older_schema).collect()),
        other => other,
    }
}

/// `{"type": "null"}`
fn is_null(schema: &Value) -> bool {
    schema.get("type").is_some_and(|kind| kind == "null")
}

/// Takes a field out; null when it is not there.
fn take(from: &mut Value, name: &str) -> Value {
    from.get_mut(name).map_or(Value::Null, Value::take)
}

/// Puts a field in, unless there is nothing in it.
fn put(into: &mut Map<String, Value>, name: &str, value: Value) {
    if !value.is_null() && value.as_array().is_none_or(|values| !values.is_empty()) {
        into.insert(name.to_owned(), value);
    }
}

fn fields(object: &mut Value) -> impl Iterator<Item = &mut Value> {
    let object = object.as_object_mut().into_iter();
    object.flat_map(|object| object.values_mut())
}

fn elements(array: Value) -> impl Iterator<Item = Value> {
    let values = match array {
        Value::Array(values) => values,
        _ => Vec::new(),
    };
    values.into_iter()
}
