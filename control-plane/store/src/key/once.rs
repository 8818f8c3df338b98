//! Requests that are done once, however often they are sent.

use time::{Duration, OffsetDateTime};

use crate::StoreError;
use crate::metrics::Write;
use crate::row::from_time;

/// How long a request is known. No session of a browser, whose form may be sent again, is
/// longer by default.
const LIFETIME: Duration = Duration::DAY;

/// How many of a user's are known: whoever sends more within a day loses the oldest.
const MOST: i64 = 100;

/// Longest name of a request, in bytes.
const MAX_BYTES: usize = 128;

/// What a request is called by whoever sends it (`Idempotency-Key`): the same for the same
/// request sent again, on whichever control plane of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

// === impl IdempotencyKey ===

impl IdempotencyKey {
    /// Reads it; `None` unless it is 1 to 128 visible ASCII characters.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=MAX_BYTES).contains(&text.len());
        (fits && text.bytes().all(|byte| byte.is_ascii_graphic())).then(|| Self(text.to_owned()))
    }
}

/// Notes that this request of the user is done with the transaction, and forgets what is long
/// ago.
///
/// # Errors
/// [`StoreError::DoneAlready`] when it was done before.
pub(super) async fn claim(
    tx: &mut Write,
    user: &str,
    once: &IdempotencyKey,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM idempotency_keys WHERE user_name = $1 AND done_at < $2")
        .bind(user)
        .bind(from_time(now - LIFETIME))
        .execute(&mut **tx)
        .await?;
    let noted = sqlx::query(
        "INSERT INTO idempotency_keys (user_name, id, done_at) VALUES ($1, $2, $3)
         ON CONFLICT (user_name, id) DO NOTHING",
    )
    .bind(user)
    .bind(&once.0)
    .bind(from_time(now))
    .execute(&mut **tx)
    .await?;
    if noted.rows_affected() == 0 {
        return Err(StoreError::DoneAlready);
    }
    sqlx::query(
        "DELETE FROM idempotency_keys WHERE user_name = $1 AND id NOT IN
         (SELECT id FROM idempotency_keys WHERE user_name = $1
          ORDER BY done_at DESC, id LIMIT $2)",
    )
    .bind(user)
    .bind(MOST)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_break_a_log_or_fill_a_table_is_no_name() {
        assert!(IdempotencyKey::parse("8e03978e-40d5-43dd-bc93-6894a57f9324").is_some());
        assert!(IdempotencyKey::parse(&"x".repeat(128)).is_some());
        for text in ["", "a b", "a\n", "ä", "\u{0}", &"x".repeat(129)] {
            assert_eq!(IdempotencyKey::parse(text), None, "{text:?}");
        }
    }
}
