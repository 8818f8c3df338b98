//! Logins that can be refreshed: one row each, and the end of a session.
//!
//! A refresh begins a new generation of a session's tokens and ends the one before it.
//! Tokens say of which generation they are, so nothing is kept of a former one but when
//! its access token has expired.

use cubegate_token::CLOCK_SKEW_SECONDS;
use time::{Duration, OffsetDateTime};

use crate::metrics::Write;
use crate::revision::{self, Topic};
use crate::revocation::{bound, refuse_session};
use crate::row::{from_time, to_time};
use crate::user::forget_login;
use crate::{Revision, Store, StoreError};

mod expired;
mod former;

/// Two uses of one refresh token within this time are a client's own race; a later
/// one is somebody else's.
pub const REUSE_GRACE: Duration = Duration::seconds(5);

/// The tokens of one generation of a session.
#[derive(Clone, Copy)]
pub struct SessionTokens<'a> {
    /// The login that they go back to.
    pub session: &'a str,
    /// Its user.
    pub user: &'a str,
    /// [`token_epoch`](cubegate_domain::User::token_epoch) of the user that they were made
    /// for.
    pub user_epoch: u64,
    /// Their generation; the first one is 1.
    pub generation: u64,
    /// The whole refresh token; only a MAC of it is kept.
    pub refresh_token: &'a str,
    /// When they were issued.
    pub issued_at: OffsetDateTime,
    /// When nobody takes the access token any more.
    pub access_until: OffsetDateTime,
    /// When the refresh token expires.
    pub expires_at: OffsetDateTime,
}

/// A refresh token that is shown.
#[derive(Clone, Copy)]
pub struct ShownRefreshToken<'a> {
    /// The whole token.
    pub token: &'a str,
    /// Its generation. A former release has made those that carry none.
    pub generation: Option<u64>,
}

/// What became of a refresh token that was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// Its successor is good now, and it is not any more.
    Rotated,
    /// There is no such token, or not any more, or another one was faster.
    Refused,
    /// It had been used before: somebody has a copy. Its session has ended.
    Reused,
}

// === impl Store ===

impl Store {
    /// Begins a session; says whether it did. It does not when its user is not any more
    /// what the tokens were made for: the password was changed meanwhile, say. With
    /// `only`, all other sessions of the user end; `former_until` is when tokens of a
    /// session have expired of which nothing better is known.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn begin_session(
        &self,
        tokens: SessionTokens<'_>,
        only: bool,
        former_until: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        if !self.insert(&mut tx, &tokens, None).await? {
            return Ok(false);
        }
        let revision = self
            .end_others(&mut tx, &tokens, only, former_until)
            .await?;
        self.commit_change(tx, "", revision).await?;
        Ok(true)
    }

    /// Puts the tokens of a new generation in the place of those that came with the
    /// refresh token that is shown, at most once. A second use ends the session. `only`
    /// and `former_until` are as in [`Self::begin_session`].
    ///
    /// # Errors
    /// [`StoreError::Database`]; nothing has changed then.
    pub async fn refresh_session(
        &self,
        shown: ShownRefreshToken<'_>,
        tokens: SessionTokens<'_>,
        only: bool,
        former_until: OffsetDateTime,
    ) -> Result<Rotation, StoreError> {
        let Some(generation) = shown.generation else {
            return self
                .take_over(shown.token, tokens, only, former_until)
                .await;
        };
        let mut tx = self.write().await?;
        let revision = revision::bump(&mut tx, Topic::Sessions).await?;
        if self
            .rotate(&mut tx, shown, generation, &tokens, revision)
            .await?
        {
            return self
                .rotated(tx, &tokens, revision, only, former_until)
                .await;
        }
        let kept: Option<(i64, i64)> =
            sqlx::query_as("SELECT generation, rotated_at FROM sessions WHERE id = $1")
                .bind(tokens.session)
                .fetch_optional(&mut *tx)
                .await?;
        let grace = from_time(tokens.issued_at - REUSE_GRACE);
        let was_used = kept.is_some_and(|(present, rotated_at)| {
            u64::try_from(present).is_ok_and(|present| present > generation) && rotated_at < grace
        });
        // What the transaction has moved so far is rolled back.
        if !was_used {
            return Ok(Rotation::Refused);
        }
        self.reused(tx, &tokens, former_until).await
    }

    /// Commits a rotation. With `only`, all other sessions of the user end.
    async fn rotated(
        &self,
        mut tx: Write,
        tokens: &SessionTokens<'_>,
        revision: Revision,
        only: bool,
        former_until: OffsetDateTime,
    ) -> Result<Rotation, StoreError> {
        let ended = self.end_others(&mut tx, tokens, only, former_until).await?;
        self.commit_change(tx, "", Some(ended.unwrap_or(revision)))
            .await?;
        Ok(Rotation::Rotated)
    }

    /// Ends the session of a refresh token that was used before: somebody has a copy.
    async fn reused(
        &self,
        mut tx: Write,
        tokens: &SessionTokens<'_>,
        former_until: OffsetDateTime,
    ) -> Result<Rotation, StoreError> {
        let revision = end_session(&mut tx, tokens.session, tokens.user, former_until).await?;
        self.commit_change(tx, "", Some(revision)).await?;
        Ok(Rotation::Reused)
    }

    /// Ends a session of this user: its refresh token is gone, its access tokens are
    /// refused until the last one has expired. `until` is when that is, for a session that
    /// has no row here.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn end_session(
        &self,
        session: &str,
        user: &str,
        until: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let revision = end_session(&mut tx, session, user, until).await?;
        let bounded = bound(self, &mut tx, user, None, now).await?;
        self.commit_change(tx, "", Some(bounded.unwrap_or(revision)))
            .await
    }

    async fn rotate(
        &self,
        tx: &mut Write,
        shown: ShownRefreshToken<'_>,
        generation: u64,
        new: &SessionTokens<'_>,
        revision: Revision,
    ) -> Result<bool, StoreError> {
        let rotated = sqlx::query(
            "UPDATE sessions SET generation = $3, token_hash = $4, rotated_at = $5,
             replaced_until = CASE WHEN replaced_until > access_until
                THEN replaced_until ELSE access_until END,
             access_until = $6, expires_at = $7, revision = $8
             WHERE id = $1 AND generation = $2 AND token_hash = $9 AND expires_at > $5
             AND user_name = $10 AND user_epoch = $11",
        )
        .bind(new.session)
        .bind(to_i64(generation))
        .bind(to_i64(new.generation))
        .bind(self.refresh_token_hash(new.refresh_token))
        .bind(from_time(new.issued_at))
        .bind(from_time(new.access_until))
        .bind(from_time(new.expires_at))
        .bind(to_i64(revision.sessions()))
        .bind(self.refresh_token_hash(shown.token))
        .bind(new.user)
        .bind(to_i64(new.user_epoch))
        .execute(&mut **tx)
        .await?
        .rows_affected();
        Ok(rotated > 0)
    }

    /// A row for a new session, unless its user is another now. `replaced` is until when
    /// tokens of it that are of no generation must be refused, and the revision of that.
    async fn insert(
        &self,
        tx: &mut Write,
        new: &SessionTokens<'_>,
        replaced: Option<(OffsetDateTime, Revision)>,
    ) -> Result<bool, StoreError> {
        let (replaced_until, revision) = match replaced {
            Some((until, revision)) => (from_time(until), to_i64(revision.sessions())),
            None => (0, 0),
        };
        let inserted = sqlx::query(
            "INSERT INTO sessions (id, user_name, user_epoch, generation, token_hash,
             rotated_at, access_until, replaced_until, expires_at, revision)
             SELECT $1, name, token_epoch, $4, $5, $6, $7, $8, $9, $10 FROM users
             WHERE name = $2 AND token_epoch = $3 AND state = 'normal'
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(new.session)
        .bind(new.user)
        .bind(to_i64(new.user_epoch))
        .bind(to_i64(new.generation))
        .bind(self.refresh_token_hash(new.refresh_token))
        .bind(from_time(new.issued_at))
        .bind(from_time(new.access_until))
        .bind(replaced_until)
        .bind(from_time(new.expires_at))
        .bind(revision)
        .execute(&mut **tx)
        .await?
        .rows_affected();
        Ok(inserted > 0)
    }

    /// Ends all other sessions of a user if this one is to be the only one, and gives the
    /// revision when there were any.
    async fn end_others(
        &self,
        tx: &mut Write,
        kept: &SessionTokens<'_>,
        only: bool,
        former_until: OffsetDateTime,
    ) -> Result<Option<Revision>, StoreError> {
        if !only {
            return Ok(None);
        }
        let others: Vec<String> = sqlx::query_scalar(
            "SELECT id FROM sessions WHERE user_name = $1 AND id <> $2
             UNION SELECT session FROM refresh_tokens WHERE user_name = $1 AND session <> $2",
        )
        .bind(kept.user)
        .bind(kept.session)
        .fetch_all(&mut **tx)
        .await?;
        let mut revision = None;
        for session in &others {
            revision = Some(end_session(tx, session, kept.user, former_until).await?);
        }
        if revision.is_none() {
            return Ok(None);
        }
        let bounded = bound(self, tx, kept.user, None, kept.issued_at).await?;
        Ok(bounded.or(revision))
    }

    fn refresh_token_hash(&self, token: &str) -> String {
        self.inner.sealer.hash_secret("refresh_token", token)
    }
}

async fn end_session(
    tx: &mut Write,
    session: &str,
    user: &str,
    until: OffsetDateTime,
) -> Result<Revision, StoreError> {
    let kept: Option<(i64, i64)> = sqlx::query_as(
        "DELETE FROM sessions WHERE id = $1 AND user_name = $2
         RETURNING access_until, replaced_until",
    )
    .bind(session)
    .bind(user)
    .fetch_optional(&mut **tx)
    .await?;
    sqlx::query("DELETE FROM refresh_tokens WHERE session = $1 AND user_name = $2")
        .bind(session)
        .bind(user)
        .execute(&mut **tx)
        .await?;
    let kubeconfig = forget_login(tx, session).await?;
    let until = match (kept, kubeconfig) {
        (Some((access, replaced)), _) => {
            to_time(access.max(replaced), "sessions", "access_until", session)?
        }
        (None, Some(ends_at)) => {
            let skew = i64::try_from(CLOCK_SKEW_SECONDS).unwrap_or(i64::MAX);
            until.max(ends_at.saturating_add(Duration::seconds(skew)))
        }
        (None, None) => until,
    };
    refuse_session(tx, session, user, until).await
}

fn to_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
