//! Claims for tests, benchmarks and examples. It comes with the feature `sign` and has
//! none of its own: with other features, all that stands on this crate would be compiled
//! once more for the tests.

use crate::Claims;

/// Returns the claims of a token of `user` that lives for an hour from `now` and says
/// nothing else: of no group, key or session, and without an id.
///
/// A test writes over it what it is about:
///
/// ```
/// use cubegate_token::{Claims, testing::claims};
///
/// let of_a_key = Claims {
///     access_key: Some("key-1".to_owned()),
///     ..claims("jeff", 1_700_000_000)
/// };
/// assert_eq!(of_a_key.expires_at, 1_700_003_600);
/// ```
pub fn claims(user: &str, now: u64) -> Claims {
    Claims {
        user: user.to_owned(),
        groups: Vec::new(),
        access_key: None,
        key_epoch: None,
        scope: None,
        limits: None,
        session: None,
        generation: None,
        authenticated_at: None,
        epoch: None,
        id: None,
        issued_at: now,
        expires_at: now.saturating_add(3_600),
    }
}
