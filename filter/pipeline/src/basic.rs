//! HTTP Basic (RFC 7617) on KubeSphere's paths: a user name and a password, which
//! the control plane redeems for a token.
//!
//! To redeem one costs a password hash, and a client sends its password with every
//! request. So what came of it is remembered for a moment, under a salted digest:
//! no password stays in this memory, and nobody can compute the digests beforehand.

use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use cubegate_filter_config::{CONTROL_PLANE_CLUSTER, EXCHANGE_BASIC, EXCHANGE_HEADER, TOKEN_PATH};
use cubegate_kube::Family;
use cubegate_token::UnverifiedToken;
use lru::LruCache;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::call::CallAnswer;
use crate::{Call, Headers, Reply};

/// Longest time that a token stands for a password, in seconds: so long may a
/// changed password still work with this worker.
pub(crate) const REMEMBERED_SECONDS: u64 = 30;

/// How many passwords' tokens one worker remembers; each takes about 700 bytes.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

/// Longest time to redeem one. The control plane queues password hashes.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(10);

/// What is kept of the request meanwhile: where it came from, which the control
/// plane counts by, and how it is found again in logs.
const KEPT: [&str; 8] = [
    ":authority",
    ":scheme",
    "traceparent",
    "user-agent",
    "x-envoy-external-address",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-request-id",
];

/// With or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A user name and a password that nobody has checked yet. It has no `Debug` form.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Basic {
    user: String,
    password: String,
}

/// The tokens that passwords were redeemed for, in one worker.
#[derive(Clone)]
pub(crate) struct Remembered(Rc<Inner>);

struct Inner {
    /// `None`: there is no randomness, and nothing is remembered.
    salt: Option<[u8; 32]>,
    tokens: RefCell<LruCache<[u8; 32], RedeemedToken>>,
}

struct RedeemedToken {
    token: UnverifiedToken,
    /// Unix seconds.
    until: u64,
}

/// What the control plane gives.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
}

// === impl Basic ===

impl Basic {
    /// Returns the user name and password of a request's only `Authorization` header, when
    /// it is of this scheme and can be read.
    pub(crate) fn find(family: Family, headers: &Headers) -> Option<Self> {
        if family == Family::KubeCube {
            return None;
        }
        let mut values = headers.all("authorization");
        let (value, None) = (values.next()?, values.next()) else {
            return None;
        };
        let (scheme, encoded) = std::str::from_utf8(value).ok()?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = BASE64.decode(encoded.trim()).ok()?;
        let (user, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
        Some(Self {
            user: user.to_owned(),
            password: password.to_owned(),
        })
    }

    /// Returns the call that redeems it, for a request with these headers.
    pub(crate) fn call(&self, request: &Headers) -> Call {
        let mut headers = request.clone();
        headers.retain(|name| KEPT.contains(&name));
        headers.set(":method", "POST");
        headers.set(":path", TOKEN_PATH);
        headers.set("accept", "application/json");
        headers.set("content-type", "application/x-www-form-urlencoded");
        headers.set(EXCHANGE_HEADER, EXCHANGE_BASIC);
        let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let body = format!(
            "grant_type=password&username={}&password={}",
            encoded(&self.user),
            encoded(&self.password)
        );
        Call {
            cluster: CONTROL_PLANE_CLUSTER.to_owned(),
            headers,
            body: body.into_bytes(),
            timeout: EXCHANGE_TIMEOUT,
        }
    }
}

/// Returns the token of such a call's answer, or what the client is told instead.
pub(crate) fn granted(family: Family, answer: &CallAnswer) -> Result<UnverifiedToken, Reply> {
    match answer.status {
        Some(200) => serde_json::from_slice(&answer.body)
            .map(|Granted { access_token }| UnverifiedToken::new(access_token))
            .map_err(|_| Reply::password_unchecked(family)),
        // Wrong, or right for somebody who may not log in.
        Some(400 | 401) => Err(Reply::password_wrong(family)),
        Some(429) => {
            let seconds = answer.headers.get_str("retry-after");
            let seconds = seconds.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            Err(Reply::too_many_tries(family, seconds))
        }
        _ => Err(Reply::password_unchecked(family)),
    }
}

// === impl Remembered ===

impl Remembered {
    /// The token that this password was redeemed for a moment ago.
    pub(crate) fn token(&self, basic: &Basic, now: u64) -> Option<UnverifiedToken> {
        let digest = self.digest(basic)?;
        let mut tokens = self.0.tokens.borrow_mut();
        match tokens.get(&digest) {
            Some(known) if now < known.until => Some(known.token.clone()),
            Some(_) => {
                tokens.pop(&digest);
                None
            }
            None => None,
        }
    }

    /// Remembers what a password was redeemed for. Wrong ones are not remembered:
    /// the control plane counts them.
    pub(crate) fn put(&self, digest: [u8; 32], token: UnverifiedToken, now: u64) {
        let until = now.saturating_add(REMEMBERED_SECONDS);
        let known = RedeemedToken { token, until };
        self.0.tokens.borrow_mut().put(digest, known);
    }

    /// Forgets what a password was redeemed for.
    pub(crate) fn forget(&self, basic: &Basic) {
        if let Some(digest) = self.digest(basic) {
            self.0.tokens.borrow_mut().pop(&digest);
        }
    }

    /// The name that a password has here. The user's length stands before it, so
    /// that no two pairs are the same bytes.
    pub(crate) fn digest(&self, basic: &Basic) -> Option<[u8; 32]> {
        let salt = self.0.salt?;
        let mut hash = Sha256::new();
        hash.update(salt);
        hash.update(u64::try_from(basic.user.len()).ok()?.to_be_bytes());
        hash.update(&basic.user);
        hash.update(&basic.password);
        Some(hash.finalize().into())
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.tokens.borrow().len()
    }
}

impl Default for Remembered {
    fn default() -> Self {
        let mut salt = [0; 32];
        let salt = getrandom::fill(&mut salt).ok().map(|()| salt);
        Self(Rc::new(Inner {
            salt,
            tokens: RefCell::new(LruCache::new(REMEMBERED)),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(value: &str) -> Option<(String, String)> {
        let mut headers = Headers::default();
        headers.add("authorization", value);
        Basic::find(Family::Kubernetes, &headers).map(|basic| (basic.user, basic.password))
    }

    fn pair(user: &str, password: &str) -> Option<(String, String)> {
        Some((user.to_owned(), password.to_owned()))
    }

    #[test]
    fn the_first_colon_ends_the_name() {
        // a:b:c, admin:P#$$w0rd, a:
        assert_eq!(find("Basic YTpiOmM="), pair("a", "b:c"));
        assert_eq!(find("basic YTpiOmM"), pair("a", "b:c"));
        assert_eq!(
            find("BASIC YWRtaW46UCMkJHcwcmQ="),
            pair("admin", "P#$$w0rd")
        );
        assert_eq!(find("Basic YTo="), pair("a", ""));
    }

    #[test]
    fn what_cannot_be_read_is_none() {
        // no colon; not UTF-8 (FF 3A FF); no base64; other schemes
        for value in [
            "Basic YWI=",
            "Basic /zr/",
            "Basic !",
            "Basic",
            "Bearer YTpi",
            "",
        ] {
            assert_eq!(find(value), None, "{value:?}");
        }
        let mut headers = Headers::default();
        headers.add("authorization", "Basic YTpi");
        assert!(Basic::find(Family::KubeCube, &headers).is_none());
        headers.add("authorization", "Basic YTpi");
        assert!(Basic::find(Family::Kubernetes, &headers).is_none());
    }

    #[test]
    fn digests_are_of_one_worker_and_of_both_halves() {
        let basic = |user: &str, password: &str| Basic {
            user: user.to_owned(),
            password: password.to_owned(),
        };
        let (one, other) = (Remembered::default(), Remembered::default());
        let digest = one.digest(&basic("ab", "c"));
        assert!(digest.is_some());
        assert_eq!(digest, one.clone().digest(&basic("ab", "c")));
        assert_ne!(digest, one.digest(&basic("a", "bc")));
        assert_ne!(digest, other.digest(&basic("ab", "c")));
    }

    #[test]
    fn the_memory_is_bounded() {
        let remembered = Remembered::default();
        for number in 0..2 * REMEMBERED.get() {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&number.to_be_bytes());
            remembered.put(digest, UnverifiedToken::new("t"), 0);
        }
        assert_eq!(remembered.len(), REMEMBERED.get());
    }
}
