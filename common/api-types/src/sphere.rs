//! Bodies of KubeSphere's paths (`/kapis`).

use serde::{Deserialize, Serialize};

/// What a path that is none is answered with, as Go's net/http does it: plain text with
/// the newline.
pub const PAGE_NOT_FOUND: &str = "404 page not found\n";

/// What a path is answered with that does not have this method: plain text.
pub const METHOD_NOT_ALLOWED: &str = "405: Method Not Allowed";

/// Answer of `GET /kapis/version`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// `v0.1.0`
    pub git_version: String,
    /// Its first number.
    pub git_major: String,
    /// Its second number.
    pub git_minor: String,
    /// `unknown` where a build does not tell, as in KubeSphere.
    pub git_commit: String,
    /// The same.
    pub git_tree_state: String,
    /// The same.
    pub build_date: String,
    /// KubeSphere's Go; there is none here.
    pub go_version: String,
    /// What the program was compiled with.
    pub compiler: String,
    /// `linux/amd64`
    pub platform: String,
}
