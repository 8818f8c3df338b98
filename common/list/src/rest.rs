//! What of a list a server has not sent yet.

use crate::path::each_member;

/// What a list's `metadata` says about the rest of the list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Rest {
    pub(crate) token: Option<String>,
    pub(crate) count: Option<u64>,
}

// === impl Rest ===

impl Rest {
    /// Takes `continue` and `remainingItemCount` out of the text of a `metadata`.
    pub(crate) fn take(metadata: &str) -> (Self, String) {
        let mut rest = Self::default();
        let mut kept = String::from("{");
        let read = each_member(metadata, &mut |name, value| match name.as_str() {
            "continue" => {
                rest.token = serde_json::from_str(value)
                    .ok()
                    .filter(|token: &String| !token.is_empty());
            }
            "remainingItemCount" => rest.count = serde_json::from_str(value).ok(),
            _ => {
                if kept.len() > 1 {
                    kept.push(',');
                }
                kept.push_str(&serde_json::Value::from(name).to_string());
                kept.push(':');
                kept.push_str(value);
            }
        });
        if read.is_err() {
            return (Self::default(), metadata.to_owned());
        }
        kept.push('}');
        (rest, kept)
    }
}
