//! What keys are made with beyond KubeCube's, and how they are changed.
//!
//! Unknown fields are refused: a bound under a misspelt name would be none.

use cubegate_token::KeyScope;
use serde::{Deserialize, Deserializer, Serialize};

/// Body of `POST /key/create`; KubeCube's clients send none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct KeyCreateRequest {
    /// What it is called, at most 64 bytes.
    pub name: String,
    /// What it is for, at most 512 bytes.
    pub description: String,
    /// RFC 3339: from then on it gives no token. Null or absent: never.
    pub expires_at: Option<String>,
    /// What its tokens may be used for. Null or absent: for all that its owner may do.
    pub scope: Option<KeyScope>,
}

/// Body of `PUT /key`: what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct KeyUpdateRequest {
    /// What it is called, at most 64 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is for, at most 512 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// RFC 3339: from then on it gives no token. Null: never.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub expires_at: Option<Option<String>>,
    /// What its tokens may be used for. Null: for all that its owner may do.
    #[serde(deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<KeyScope>))]
    pub scope: Option<Option<KeyScope>>,
}

/// Body of `POST /key/rotate`; there need be none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct KeyRotateRequest {
    /// How long the old secret is good yet, in seconds; a day when absent, 30 days at
    /// most. With 0 the tokens made so far are refused, too.
    pub overlap_seconds: Option<u32>,
}

/// Answer of `POST /key/rotate`: the only time the new secret is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "accessKey": "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "secretKey": "9f8e7d6c5b4a39281706f5e4d3c2b1a0", "oldSecretUntil": "2026-11-26T06:10:11Z",
})))]
#[serde(rename_all = "camelCase")]
pub struct RotatedKey {
    /// The key's name, as before.
    pub access_key: String,
    /// 32 lower-case hex digits; kept hashed.
    pub secret_key: String,
    /// Until when the old secret is good, RFC 3339; absent when it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_secret_until: Option<String>,
}

/// Tells null from absent.
fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_takes_away_and_absent_leaves() {
        let read = |json| serde_json::from_str::<KeyUpdateRequest>(json).unwrap();
        assert_eq!(read("{}"), KeyUpdateRequest::default());
        let taken = read(r#"{"expiresAt":null,"scope":null}"#);
        assert_eq!((taken.expires_at, taken.scope), (Some(None), Some(None)));
        let bound = read(r#"{"scope":{"verbs":["get"]}}"#)
            .scope
            .unwrap()
            .unwrap();
        assert_eq!(bound.verbs, ["get"]);
    }

    #[test]
    fn a_misspelt_bound_is_refused() {
        for json in [
            r#"{"scopes":{}}"#,
            r#"{"scope":{"namespace":["a"]}}"#,
            r#"{"expires":"2030-01-01T00:00:00Z"}"#,
        ] {
            assert!(serde_json::from_str::<KeyCreateRequest>(json).is_err());
            assert!(serde_json::from_str::<KeyUpdateRequest>(json).is_err());
        }
    }
}
