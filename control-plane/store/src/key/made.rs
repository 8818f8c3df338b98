//! Keys that were made with the token of another key: none outlives its maker.

use time::OffsetDateTime;

use crate::metrics::Write;
use crate::revocation::revoke_key;
use crate::row::to_time;
use crate::{Store, StoreError};

// === impl Store ===

impl Store {
    /// The keys that were made with the tokens of this one, and with theirs.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn keys_made_by(&self, access_key: &str) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar(MADE)
            .bind(access_key)
            .fetch_all(self.reader())
            .await?)
    }
}

/// All that goes back to a key, itself not included. `UNION` leaves out what was seen
/// already, so that even a circle would come to an end.
const MADE: &str = "WITH RECURSIVE made (access_key) AS (
     SELECT access_key FROM access_keys WHERE made_by = $1
     UNION SELECT k.access_key FROM access_keys k JOIN made m ON k.made_by = m.access_key)
     SELECT access_key FROM made ORDER BY access_key";

/// Refuses a maker that is gone or has got a bound since its token was looked at.
pub(super) async fn check_maker(tx: &mut Write, maker: &str) -> Result<(), StoreError> {
    let unbounded: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM access_keys
         WHERE access_key = $1 AND expires_at IS NULL AND scope = ''",
    )
    .bind(maker)
    .fetch_one(&mut **tx)
    .await?;
    if unbounded == 0 {
        return Err(StoreError::Maker);
    }
    Ok(())
}

/// Refuses an end of a key that is later than that of its maker.
pub(super) async fn check_end(
    tx: &mut Write,
    access_key: &str,
    end: Option<i64>,
) -> Result<(), StoreError> {
    let longest: Option<i64> = sqlx::query_scalar(
        "SELECT m.expires_at FROM access_keys k JOIN access_keys m ON m.access_key = k.made_by
         WHERE k.access_key = $1 AND m.expires_at IS NOT NULL",
    )
    .bind(access_key)
    .fetch_optional(&mut **tx)
    .await?;
    match longest {
        Some(longest) if end.is_none_or(|end| end > longest) => Err(StoreError::OutlivesMaker {
            until: to_time(longest, "access_keys", "expires_at", access_key)?,
        }),
        _ => Ok(()),
    }
}

/// Gives all that a key has made the end that it has got, where theirs is later, and
/// takes their tokens back, which carry the old one.
pub(super) async fn shorten(
    tx: &mut Write,
    access_key: &str,
    end: i64,
    revoked_until: OffsetDateTime,
) -> Result<(), StoreError> {
    for made in made_by(tx, access_key).await? {
        let shortened = sqlx::query(
            "UPDATE access_keys SET expires_at = $2
             WHERE access_key = $1 AND (expires_at IS NULL OR expires_at > $2)",
        )
        .bind(&made)
        .bind(end)
        .execute(&mut **tx)
        .await?
        .rows_affected();
        if shortened > 0 {
            revoke_key(tx, &made, revoked_until).await?;
        }
    }
    Ok(())
}

pub(super) async fn made_by(tx: &mut Write, access_key: &str) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar(MADE)
        .bind(access_key)
        .fetch_all(&mut **tx)
        .await?)
}
