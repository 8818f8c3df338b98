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
    pub(crate) fn take(metadata: &[u8]) -> (Self, Vec<u8>) {
        let mut rest = Self::default();
        let mut kept = vec![b'{'];
        each_member(metadata, &mut |name, value| match &*name {
            "continue" => {
                rest.token = serde_json::from_slice(value)
                    .ok()
                    .filter(|token: &String| !token.is_empty());
            }
            "remainingItemCount" => rest.count = serde_json::from_slice(value).ok(),
            _ => {
                if kept.len() > 1 {
                    kept.push(b',');
                }
                kept.extend_from_slice(serde_json::Value::from(&*name).to_string().as_bytes());
                kept.push(b':');
                kept.extend_from_slice(value);
            }
        });
        kept.push(b'}');
        (rest, kept)
    }
}
