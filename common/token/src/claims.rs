//! What a verified token says, and how it is written in the payload.

use serde::{Deserialize, Serialize};

use crate::{TokenError, check_group_name, check_user_name};

/// The group that every KubeCube token carries.
pub const KUBECUBE_GROUP: &str = "kubecube";

/// What a token says once its signature, times and issuer are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The user; passes [`check_user_name`].
    pub user: String,
    /// The groups that the gateway impersonates beside `system:authenticated`.
    pub groups: Vec<String>,
    /// The access key that the token was made from; absent after a login.
    pub access_key: Option<String>,
    /// The token's own id (`jti`, RFC 7519 4.1.7), absent in a plain KubeCube token.
    pub id: Option<String>,
    /// Unix seconds when it was issued (`iat`), 0 when it does not say.
    pub issued_at: u64,
    /// Unix seconds after which it is no longer valid (`exp`).
    pub expires_at: u64,
}

/// KubeCube's documented claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserInfo {
    /// The user's name.
    pub username: String,
    /// The user's groups.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// The claims beside the registered ones, as they stand in the payload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PrivateClaims {
    #[serde(rename = "UserInfo")]
    pub(crate) user_info: UserInfo,
    /// The access key's id.
    #[serde(rename = "key", default, skip_serializing_if = "Option::is_none")]
    pub(crate) access_key: Option<String>,
}

// === impl Claims ===

impl Claims {
    /// The private claims and times of a checked token as [`Claims`], unless a
    /// name in it may not be impersonated.
    pub(crate) fn from_payload(
        private: PrivateClaims,
        id: Option<String>,
        issued_at: Option<u64>,
        expires_at: u64,
    ) -> Result<Self, TokenError> {
        let PrivateClaims {
            user_info: UserInfo { username, groups },
            access_key,
        } = private;
        check_user_name(&username).map_err(|_| TokenError::Subject)?;
        for group in &groups {
            check_group_name(group).map_err(|_| TokenError::Subject)?;
        }
        Ok(Self {
            user: username,
            groups,
            access_key,
            id,
            issued_at: issued_at.unwrap_or(0),
            expires_at,
        })
    }

    #[cfg(feature = "sign")]
    pub(crate) fn to_private(&self) -> PrivateClaims {
        PrivateClaims {
            user_info: UserInfo {
                username: self.user.clone(),
                groups: self.groups.clone(),
            },
            access_key: self.access_key.clone(),
        }
    }
}
