//! Step 1, verify: a token becomes a [`Caller`].

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::rc::Rc;

use cubegate_token::{CLOCK_SKEW_SECONDS, Claims, KeySet, TokenError, UnverifiedToken};
use lru::LruCache;

use crate::meters::{Counter, Meters};
use crate::revocation::TokenMarks;

/// Somebody whose token has been verified. There is no other way to make one.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    verified: Rc<Verified>,
}

/// What is remembered of a token.
#[derive(Debug)]
struct Verified {
    claims: Claims,
    marks: TokenMarks,
}

/// The keys, and the tokens that were verified with them.
///
/// An Ed25519 signature costs about 150 µs in Envoy's VM and clients send the
/// same token again and again, so a verified token is remembered: bounded, by
/// its whole text, until it expires. New keys mean a new verifier and with it an
/// empty cache.
pub(crate) struct Verifier {
    keys: KeySet,
    verified: RefCell<LruCache<UnverifiedToken, Rc<Verified>>>,
    meters: Meters,
}

// === impl Caller ===

impl Caller {
    /// Returns what the token says.
    pub(crate) fn claims(&self) -> &Claims {
        &self.verified.claims
    }

    /// By what it would be taken back.
    pub(crate) fn marks(&self) -> &TokenMarks {
        &self.verified.marks
    }
}

// === impl Verifier ===

impl Verifier {
    pub(crate) fn new(keys: KeySet, cache_entries: usize, meters: Meters) -> Self {
        let entries = NonZeroUsize::new(cache_entries).unwrap_or(NonZeroUsize::MIN);
        Self {
            keys,
            verified: RefCell::new(LruCache::new(entries)),
            meters,
        }
    }

    pub(crate) fn verify(&self, token: &UnverifiedToken, now: u64) -> Result<Caller, TokenError> {
        let mut remembered = self.verified.borrow_mut();
        if let Some(verified) = remembered.get(token) {
            if now
                < verified
                    .claims
                    .expires_at
                    .saturating_add(CLOCK_SKEW_SECONDS)
            {
                self.meters.count(Counter::CacheHit);
                return Ok(Caller {
                    verified: Rc::clone(verified),
                });
            }
            remembered.pop(token);
            return Err(TokenError::Expired);
        }
        self.meters.count(Counter::CacheMiss);
        let claims = self.keys.verify(token, now)?;
        let marks = TokenMarks::of(&claims);
        let verified = Rc::new(Verified { claims, marks });
        remembered.put(token.clone(), Rc::clone(&verified));
        Ok(Caller { verified })
    }

    #[cfg(test)]
    pub(crate) fn remembered(&self) -> usize {
        self.verified.borrow().len()
    }
}

#[cfg(test)]
mod tests {
    use cubegate_token::{Ed25519Signer, Signer, testing};

    use super::*;

    fn verifier(signer: &Ed25519Signer, entries: usize) -> Verifier {
        Verifier::new(
            KeySet::ed25519("cubegate", [signer.public_key().unwrap()]).unwrap(),
            entries,
            Meters::default(),
        )
    }

    fn claims(user: &str) -> Claims {
        Claims {
            expires_at: 2_000,
            ..testing::claims(user, 1_000)
        }
    }

    #[test]
    fn a_remembered_token_still_expires() {
        let signer = Ed25519Signer::generate("cubegate");
        let verifier = verifier(&signer, 8);
        let token = Signer::Ed25519(Box::new(signer))
            .sign(&claims("a"))
            .unwrap();
        let token = UnverifiedToken::new(token);
        assert_eq!(verifier.verify(&token, 1_500).unwrap().claims().user, "a");
        assert_eq!(verifier.verify(&token, 2_029).unwrap().claims().user, "a");
        assert_eq!(
            verifier.verify(&token, 2_031).unwrap_err(),
            TokenError::Expired
        );
        assert_eq!(verifier.remembered(), 0);
        assert_eq!(
            verifier.verify(&token, 2_031).unwrap_err(),
            TokenError::Expired
        );
    }

    #[test]
    fn the_cache_is_bounded_and_holds_no_refused_token() {
        let signer = Ed25519Signer::generate("cubegate");
        let verifier = verifier(&signer, 2);
        let signer = Signer::Ed25519(Box::new(signer));
        for user in ["a", "b", "c"] {
            let token = signer.sign(&claims(user)).unwrap();
            verifier
                .verify(&UnverifiedToken::new(token), 1_500)
                .unwrap();
        }
        assert_eq!(verifier.remembered(), 2);
        verifier
            .verify(&UnverifiedToken::new("x.y.z"), 1_500)
            .unwrap_err();
        assert_eq!(verifier.remembered(), 2);
    }
}
