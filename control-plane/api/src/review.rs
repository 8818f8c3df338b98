//! Whose a token is, for those who ask for somebody else: TokenReviews of both APIs.

use cubegate_kube::token_review::ReviewedUser;
use cubegate_store::StoreError;
use cubegate_token::UnverifiedToken;

use crate::AppState;
use crate::extract::{Identity, NotIdentified, identify};

/// Whom a token stands for, with the groups that proxied requests have, too. Nobody
/// when it is not good, or of a key with a scope or an expiry: who asks knows no such
/// bounds and may believe the answer for longer than the token is good.
pub(crate) async fn review(
    state: &AppState,
    token: String,
) -> Result<Option<ReviewedUser>, StoreError> {
    match identify(state, &UnverifiedToken::new(token), None).await {
        Ok(Some(Identity { user, claims, .. })) => Ok(Some(ReviewedUser {
            uid: user.name.clone(),
            username: user.name,
            groups: claims.groups,
        })),
        Ok(None) | Err(NotIdentified::BoundedKey | NotIdentified::ClockSkew) => Ok(None),
        Err(NotIdentified::Store(error)) => Err(error),
    }
}
