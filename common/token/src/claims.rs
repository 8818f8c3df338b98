//! What a verified token says, and how it is written in the payload.

use serde::{Deserialize, Serialize};

use crate::{KeyLimits, KeyScope, TokenError, check_group_name, check_user_name};

/// The group that every KubeCube token carries.
pub const KUBECUBE_GROUP: &str = "kubecube";

/// The group of everybody who is authenticated, the only one of Kubernetes' own groups that
/// the gateway gives. Kubernetes does not add it to an impersonated user when groups are given.
pub const AUTHENTICATED_GROUP: &str = "system:authenticated";

/// What a token says once its signature, times and issuer are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The user; passes [`check_user_name`].
    pub user: String,
    /// The groups that the gateway impersonates beside `system:authenticated`.
    pub groups: Vec<String>,
    /// The access key that the token was made from; absent after a login.
    pub access_key: Option<String>,
    /// Which generation of that key's tokens it is of: a key whose scope or expiry
    /// was changed has a higher one.
    pub key_epoch: Option<u64>,
    /// What a token of that key may be used for; absent when it may be used for
    /// all that its user may do.
    pub scope: Option<KeyScope>,
    /// How much may be asked with tokens of that key, where it is another than with
    /// others.
    pub limits: Option<KeyLimits>,
    /// The login or family of refresh tokens that it belongs to; absent in a token
    /// made from a key.
    pub session: Option<String>,
    /// Which generation of the session's tokens it is of: a refresh begins a new one and
    /// ends those before it. Absent in a token of a session that is not refreshed, and
    /// older than all that carry one.
    pub generation: Option<u64>,
    /// Unix seconds when the password was given that the session began with, in a
    /// token that may be renewed; from then its longest time counts.
    pub authenticated_at: Option<u64>,
    /// Which generation of the user's tokens it is of: a disabled user, or one with
    /// a new password, has a higher one. Absent in a token that is not ours.
    pub epoch: Option<u64>,
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

/// What a token may be used for (`token_type`, KubeSphere's documented claim).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TokenType {
    /// To call with.
    AccessToken,
    /// To call with, in KubeSphere's form for programs: it is of no session.
    StaticToken,
    /// To get other tokens with, and for nothing else.
    RefreshToken,
    /// Whatever else there may be.
    #[serde(other)]
    Other,
}

/// The claims beside the registered ones, as they stand in the payload: those that
/// KubeCube documents, those that KubeSphere documents, and ours.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct PrivateClaims {
    /// KubeCube's.
    #[serde(rename = "UserInfo", default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_info: Option<UserInfo>,
    /// KubeSphere's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<String>,
    /// KubeSphere's: the user's id, which is the name here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) uid: Option<String>,
    /// KubeSphere's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token_type: Option<TokenType>,
    /// The access key's id.
    #[serde(rename = "key", default, skip_serializing_if = "Option::is_none")]
    pub(crate) access_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key_epoch: Option<u64>,
    #[serde(rename = "key_scope", default, skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<KeyScope>,
    #[serde(
        rename = "key_limits",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) limits: Option<KeyLimits>,
    /// OpenID Connect's name for a session (Front-Channel Logout 1.0, 3).
    #[serde(rename = "sid", default, skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<String>,
    #[serde(rename = "gen", default, skip_serializing_if = "Option::is_none")]
    pub(crate) generation: Option<u64>,
    /// OpenID Connect's name (Core 1.0, 2).
    #[serde(rename = "auth_time", default, skip_serializing_if = "Option::is_none")]
    pub(crate) authenticated_at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) epoch: Option<u64>,
}

/// A payload whose signature, issuer and times are checked, and nothing else yet.
pub(crate) struct Checked {
    pub(crate) private: PrivateClaims,
    pub(crate) id: Option<String>,
    pub(crate) issued_at: Option<u64>,
    pub(crate) expires_at: u64,
}

/// What a refresh token says (RFC 6749 1.5). It is good for getting other tokens and
/// for nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshClaims {
    /// The user; passes [`check_user_name`].
    pub user: String,
    /// The login that it goes back to, and all tokens that came of it.
    pub session: String,
    /// Which generation of the session's tokens it is of; a former release has made one
    /// without.
    pub generation: Option<u64>,
    /// The token's own id.
    pub id: String,
    /// Unix seconds when it was issued.
    pub issued_at: u64,
    /// Unix seconds after which it is no longer valid.
    pub expires_at: u64,
}

// === impl Claims ===

impl Claims {
    /// Returns the private claims and times of a checked token as [`Claims`], unless it is
    /// not one to call with or a name in it may not be impersonated.
    pub(crate) fn from_checked(checked: Checked) -> Result<Self, TokenError> {
        let Checked {
            private,
            id,
            issued_at,
            expires_at,
        } = checked;
        let PrivateClaims {
            user_info,
            username,
            uid: _,
            token_type,
            access_key,
            key_epoch,
            scope,
            limits,
            session,
            generation,
            authenticated_at,
            epoch,
        } = private;
        match token_type {
            None | Some(TokenType::StaticToken) => {}
            // Every one of ours has an id.
            Some(TokenType::AccessToken) if id.is_some() => {}
            Some(TokenType::AccessToken) => return Err(TokenError::Unknown),
            Some(TokenType::RefreshToken | TokenType::Other) => return Err(TokenError::Type),
        }
        let (user, groups) = match (user_info, username) {
            // Two names are two users.
            (Some(info), Some(name)) if info.username != name => return Err(TokenError::Subject),
            (Some(info), _) => (info.username, info.groups),
            (None, Some(name)) => (name, Vec::new()),
            (None, None) => return Err(TokenError::Malformed),
        };
        check_user_name(&user).map_err(|_| TokenError::Subject)?;
        for group in &groups {
            check_group_name(group).map_err(|_| TokenError::Subject)?;
        }
        Ok(Self {
            user,
            groups,
            access_key,
            key_epoch,
            scope,
            limits,
            session,
            generation,
            authenticated_at,
            epoch,
            id,
            issued_at: issued_at.unwrap_or(0),
            expires_at,
        })
    }

    #[cfg(feature = "sign")]
    pub(crate) fn to_private(&self) -> PrivateClaims {
        PrivateClaims {
            user_info: Some(UserInfo {
                username: self.user.clone(),
                groups: self.groups.clone(),
            }),
            username: Some(self.user.clone()),
            uid: Some(self.user.clone()),
            // As they are read: an access token has an id.
            token_type: Some(match self.id {
                Some(_) => TokenType::AccessToken,
                None => TokenType::StaticToken,
            }),
            access_key: self.access_key.clone(),
            key_epoch: self.key_epoch,
            scope: self.scope.clone(),
            limits: self.limits,
            session: self.session.clone(),
            generation: self.generation,
            authenticated_at: self.authenticated_at,
            epoch: self.epoch,
        }
    }
}

// === impl RefreshClaims ===

impl RefreshClaims {
    /// A checked token as a refresh token, unless it is none.
    pub(crate) fn from_checked(checked: Checked) -> Result<Self, TokenError> {
        let Checked {
            private,
            id,
            issued_at,
            expires_at,
        } = checked;
        if private.token_type != Some(TokenType::RefreshToken) {
            return Err(TokenError::Type);
        }
        // Nobody but us writes these, and ours have them all.
        let (Some(user), Some(session), Some(id)) = (private.username, private.session, id) else {
            return Err(TokenError::Malformed);
        };
        check_user_name(&user).map_err(|_| TokenError::Subject)?;
        Ok(Self {
            user,
            session,
            generation: private.generation,
            id,
            issued_at: issued_at.unwrap_or(0),
            expires_at,
        })
    }

    #[cfg(feature = "sign")]
    pub(crate) fn to_private(&self) -> PrivateClaims {
        PrivateClaims {
            username: Some(self.user.clone()),
            token_type: Some(TokenType::RefreshToken),
            session: Some(self.session.clone()),
            generation: self.generation,
            ..PrivateClaims::default()
        }
    }
}
