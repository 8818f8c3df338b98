//! Refresh tokens that the release before this one has made: they are of no generation,
//! and each has a row in `refresh_tokens`. The first refresh makes a session of today.

use time::OffsetDateTime;

use super::{REUSE_GRACE, Rotation, SessionTokens};
use crate::revision::{self, Topic};
use crate::row::from_time;
use crate::{Store, StoreError};

impl Store {
    /// [`Store::refresh_session`] for such a token.
    pub(super) async fn take_over(
        &self,
        shown: &str,
        tokens: SessionTokens<'_>,
        only: bool,
        former_until: OffsetDateTime,
    ) -> Result<Rotation, StoreError> {
        let now = tokens.issued_at;
        let hash = self.refresh_token_hash(shown);
        let mut tx = self.write().await?;
        let used = sqlx::query(
            "UPDATE refresh_tokens SET used_at = $2
             WHERE token_hash = $1 AND session = $3 AND used_at IS NULL AND expires_at > $2",
        )
        .bind(&hash)
        .bind(from_time(now))
        .bind(tokens.session)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if used > 0 {
            let revision = revision::bump(&mut tx, Topic::Sessions).await?;
            let replaced = Some((former_until, revision));
            if !self.insert(&mut tx, &tokens, replaced).await? {
                return Ok(Rotation::Refused);
            }
            return self
                .rotated(tx, &tokens, revision, only, former_until)
                .await;
        }
        let first_used: Option<i64> = sqlx::query_scalar(
            "SELECT used_at FROM refresh_tokens WHERE token_hash = $1 AND used_at IS NOT NULL",
        )
        .bind(&hash)
        .fetch_optional(&mut *tx)
        .await?;
        let grace = from_time(now - REUSE_GRACE);
        if first_used.is_none_or(|used| used >= grace) {
            return Ok(Rotation::Refused);
        }
        self.reused(tx, &tokens, former_until).await
    }
}
