//! Examples of bodies, out of the document.

use serde_json::Value;

/// Returns an example of a media type, its own or that of its schema, as it is written there.
pub(super) fn example(document: &Value, media_type: &str, media: &Value) -> Option<String> {
    let schema = media.get("schema");
    let reference = schema.and_then(|schema| {
        let direct = schema.get("$ref");
        let among = || schema.pointer("/oneOf/1/$ref");
        direct.or_else(among)?.as_str()
    });
    let referred = reference
        .and_then(|reference| reference.strip_prefix('#'))
        .and_then(|pointer| document.pointer(pointer));
    let example = media
        .get("example")
        .or_else(|| schema?.get("example"))
        .or_else(|| referred?.get("example"))
        .cloned()
        .or_else(|| skeleton(referred?))?;
    if media_type == "application/x-www-form-urlencoded" {
        return as_form(&example);
    }
    serde_json::to_string_pretty(&example).ok()
}

/// Writes the members of an object as a form does.
fn as_form(example: &Value) -> Option<String> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in example.as_object()? {
        form.append_pair(name, value.as_str().unwrap_or_default());
    }
    Some(form.finish())
}

/// Makes something of a schema that has no example: its members, empty.
fn skeleton(schema: &Value) -> Option<Value> {
    let properties = schema.get("properties")?.as_object()?;
    let members = properties.iter().map(|(name, property)| {
        let kind = match property.get("type") {
            Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
            Some(kind) => kind.as_str(),
            None => None,
        };
        let value = match kind {
            Some("string") => Value::from(""),
            Some("integer" | "number") => Value::from(0),
            Some("boolean") => Value::from(false),
            Some("array") => Value::Array(Vec::new()),
            _ => Value::Null,
        };
        (name.clone(), value)
    });
    Some(Value::Object(members.collect()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_has_an_example_that_is_one() {
        let document = json!({ "schemas": { "Form": { "properties": {
            "grant_type": {"type": "string"}, "scope": {"type": ["string", "null"]},
        } } } });
        let media = json!({ "schema": { "$ref": "#/schemas/Form" } });
        let of = |media_type| example(&document, media_type, &media);
        assert_eq!(
            of("application/x-www-form-urlencoded").as_deref(),
            Some("grant_type=&scope=")
        );
        assert!(of("application/json").unwrap().starts_with("{\n"));
        assert_eq!(example(&document, "text/plain", &json!({})), None);
    }
}
