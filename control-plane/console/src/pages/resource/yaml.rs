//! An object as YAML, without what only servers read.

use serde_json::Value;

/// Returns the object as YAML.
///
/// # Errors
/// What cannot be written so.
pub(super) fn of_object(json: &[u8]) -> Result<String, String> {
    let mut object: Value = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    serde_saphyr::to_string(&object).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managed_fields_are_left_out_and_texts_stay_texts() {
        let yaml = of_object(
            br#"{"kind":"ConfigMap","metadata":{"name":"a","managedFields":[{"a":1}]},"data":{"port":"80","on":"yes","text":"a: b\n#c\n"}}"#,
        )
        .unwrap();
        assert!(!yaml.contains("managedFields"), "{yaml}");
        let back: Value = serde_saphyr::from_str(&yaml).unwrap();
        assert_eq!(back["data"]["port"], "80");
        assert_eq!(back["data"]["on"], "yes");
        assert_eq!(back["data"]["text"], "a: b\n#c\n");
    }
}
