//! Tokens that are refused although they have not expired.

use std::collections::{HashMap, HashSet};

use cubegate_filter_config::Revoked;
use cubegate_token::Claims;

/// What the control plane has listed, for a look-up at each request. A token is
/// checked also when it was verified before: the list is newer than the check of its
/// signature.
#[derive(Debug, Default)]
pub(crate) struct Revocations {
    users: HashMap<String, u64>,
    keys: HashMap<String, u64>,
    sessions: HashSet<String>,
    tokens: HashSet<String>,
}

// === impl Revocations ===

impl From<Revoked> for Revocations {
    fn from(listed: Revoked) -> Self {
        let Revoked {
            users,
            keys,
            sessions,
            tokens,
        } = listed;
        Self {
            users: users.into_iter().collect(),
            keys: keys.into_iter().collect(),
            sessions: sessions.into_iter().collect(),
            tokens: tokens.into_iter().collect(),
        }
    }
}

impl Revocations {
    /// Whether a token that says this was taken back.
    pub(crate) fn holds(&self, claims: &Claims) -> bool {
        let listed = |set: &HashSet<String>, name: &Option<String>| {
            name.as_ref().is_some_and(|name| set.contains(name))
        };
        let is_old = self
            .users
            .get(&claims.user)
            .is_some_and(|lowest| claims.epoch.is_some_and(|epoch| epoch < *lowest));
        let is_old_key = claims
            .access_key
            .as_ref()
            .and_then(|key| self.keys.get(key))
            .is_some_and(|lowest| claims.key_epoch.unwrap_or(0) < *lowest);
        is_old
            || is_old_key
            || listed(&self.sessions, &claims.session)
            || listed(&self.tokens, &claims.id)
    }
}
