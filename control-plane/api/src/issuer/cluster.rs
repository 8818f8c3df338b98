//! Tokens that are for one cluster alone.

use std::time::Duration;

use cubegate_domain::{AccessKey, User};
use cubegate_filter_config::CHECK_USER;
use cubegate_token::{Claims, KeyError, KeyScope};
use time::OffsetDateTime;

use crate::metrics::Kind;

use super::{IssuedToken, Issuer, Origin, unix_seconds};

impl Issuer {
    /// Makes a token for a context of a kubeconfig: with a lifetime of its own, and for one
    /// cluster alone. kubectl may leave the cluster out of a path by itself, and must not reach
    /// another one then. A token that is asked for with the token of a key is one of that
    /// key: it ends with it. It is of the session `kubeconfig`, by which all contexts end.
    ///
    /// # Errors
    /// As [`Self::issue`].
    pub fn issue_for_cluster(
        &self,
        user: &User,
        cluster: &str,
        kubeconfig: &str,
        maker: Option<&AccessKey>,
        lifetime: Duration,
        now: OffsetDateTime,
    ) -> Result<IssuedToken, KeyError> {
        let origin = Origin {
            cluster: Some(cluster),
            session: Some(kubeconfig),
            key: maker,
            ends_at: maker.and_then(|key| key.attributes.expires_at.map(unix_seconds)),
            ..Origin::default()
        };
        self.make(Kind::Kubeconfig, user, origin, lifetime, now)
    }

    /// Makes a token that is good for one cluster alone of what a token of these claims is good
    /// for, and lasts as long. It is of the same session and key, and ends with them. Whether
    /// that token may be used for the cluster is the caller's business.
    ///
    /// # Errors
    /// [`KeyError::Sign`] when the crypto library fails.
    pub(crate) fn narrow(
        &self,
        claims: &Claims,
        cluster: &str,
        now: OffsetDateTime,
    ) -> Result<IssuedToken, KeyError> {
        let scope = KeyScope {
            clusters: vec![cluster.to_owned()],
            ..claims.scope.clone().unwrap_or_default()
        };
        let claims = Claims {
            scope: Some(scope),
            // It is no login's that a cookie renews.
            authenticated_at: None,
            issued_at: unix_seconds(now),
            ..claims.clone()
        };
        self.sign(Kind::Oauth, claims)
    }

    /// Makes a token for the gateway's own question whether a cluster answers. It is good for
    /// what this API server tells everybody of itself (`GET /version`), and for nobody's
    /// objects.
    ///
    /// # Errors
    /// [`KeyError::Sign`] when the crypto library fails.
    pub fn issue_for_check(
        &self,
        cluster: &str,
        lifetime: Duration,
        now: OffsetDateTime,
    ) -> Result<IssuedToken, KeyError> {
        let issued_at = unix_seconds(now);
        let expires_at = issued_at.saturating_add(lifetime.as_secs());
        let claims = Claims {
            user: CHECK_USER.to_owned(),
            groups: Vec::new(),
            access_key: None,
            key_epoch: None,
            scope: Some(KeyScope {
                clusters: vec![cluster.to_owned()],
                // None that there could be.
                namespaces: vec![String::new()],
                verbs: vec!["get".to_owned()],
            }),
            limits: None,
            session: None,
            generation: None,
            authenticated_at: None,
            epoch: None,
            id: None,
            issued_at,
            expires_at,
        };
        self.sign(Kind::Check, claims)
    }
}
