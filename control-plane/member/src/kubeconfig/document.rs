//! From text to the parts of a kubeconfig, as tolerant of what is empty as kubectl is.

use kube::config::Kubeconfig;
use serde_json::Value;

use crate::KubeconfigError;

/// Reads the YAML or JSON of a kubeconfig; several documents are one.
///
/// Go reads `null` as nothing wherever it stands, also in an entry that is not used.
///
/// # Errors
/// [`KubeconfigError::Parse`].
pub(super) fn read(text: &str) -> Result<Kubeconfig, KubeconfigError> {
    Kubeconfig::from_yaml(text)
        .or_else(|error| without_nothing(text).ok_or_else(|| KubeconfigError::parse(&error)))
}

/// Reads the same text without what is empty in it.
fn without_nothing(text: &str) -> Option<Kubeconfig> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).ok()?;
    let documents: Vec<String> = documents
        .into_iter()
        .map(|mut document| {
            drop_nothing(&mut document);
            document.to_string()
        })
        .collect();
    // JSON is YAML.
    Kubeconfig::from_yaml(&documents.join("\n---\n")).ok()
}

/// Takes `null`, `{}` and `[]` out of every object. (The parser bounds the depth.)
fn drop_nothing(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(drop_nothing);
            fields.retain(|_, value| !is_nothing(value));
        }
        Value::Array(elements) => elements.iter_mut().for_each(drop_nothing),
        _ => {}
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        _ => false,
    }
}
