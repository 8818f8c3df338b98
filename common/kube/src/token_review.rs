//! `TokenReview` of `authentication.k8s.io`: what an API server asks a webhook.

use serde::{Deserialize, Serialize};

/// The API group's versions that there are.
pub const VERSIONS: [&str; 2] = ["authentication.k8s.io/v1", "authentication.k8s.io/v1beta1"];

/// The object's kind.
pub const KIND: &str = "TokenReview";

/// The question, of which only this matters.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TokenReviewRequest {
    /// One of [`VERSIONS`].
    pub api_version: String,
    /// [`KIND`].
    pub kind: String,
    /// What is asked.
    #[serde(default)]
    pub spec: TokenReviewSpec,
}

/// See [`TokenReviewRequest`].
#[derive(Clone, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenReviewSpec {
    /// The token that somebody has shown.
    #[serde(default)]
    pub token: String,
}

/// The answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
    "status": {
        "authenticated": true,
        "user": { "username": "jeff", "uid": "jeff", "groups": ["kubecube", "team-a"] },
    },
})))]
#[serde(rename_all = "camelCase")]
pub struct TokenReview {
    /// As in the question.
    pub api_version: String,
    /// [`KIND`].
    pub kind: String,
    /// What the token is.
    pub status: TokenReviewStatus,
}

/// See [`TokenReview`].
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenReviewStatus {
    /// Whether it stands for somebody.
    pub authenticated: bool,
    /// For whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<ReviewedUser>,
}

/// See [`TokenReviewStatus`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReviewedUser {
    /// The name.
    pub username: String,
    /// The name again: users have no other id.
    pub uid: String,
    /// Without `system:authenticated`, which the API server adds.
    pub groups: Vec<String>,
}
