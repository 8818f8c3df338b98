//! Claims, key set, verification and (feature `sign`) signing of Cubegate tokens.
//!
//! ```text
//! header / cookie ──> UnverifiedToken ──KeySet::verify(now)──> Claims
//!                                                               │ user, groups, key, jti, expiry
//! (control plane) Claims ──Signer::sign──> compact JWT          ▼
//!                                              what the gateway may impersonate
//! ```
//!
//! Two token forms exist, and a key set holds keys of exactly one of them:
//!
//! - **Ed25519** (RFC 8037): `kid` in the header, `iss`, `iat`, `exp`, `jti`, the
//!   access key's id, scope and limits, the session, and the claims that KubeCube
//!   (`UserInfo`) and KubeSphere (`username`, `uid`, `token_type`) document: one
//!   token serves both.
//! - **HS256**: the plain tokens of KubeCube's guide and KubeSphere's static ones,
//!   for installations that already share that secret with other parts.
//!
//! What this crate deliberately does not do: it reads no clock (time is passed
//! in, so the same code runs in a wasm VM and in a test), holds no HTTP types
//! ([`carrier`] reads header values as text), and keeps no cache. The algorithm is pinned by the key, never by the token.

pub mod carrier;
mod claims;
mod compact;
mod error;
mod hs256;
mod key_set;
mod limits;
mod scope;
#[cfg(feature = "sign")]
mod sign;
mod subject;
#[cfg(feature = "sign")]
pub mod testing;
mod unverified;

#[cfg(test)]
#[cfg(feature = "sign")]
mod tests;

pub use claims::{AUTHENTICATED_GROUP, Claims, KUBECUBE_GROUP, RefreshClaims, UserInfo};
pub use error::{KeyError, TokenError};
pub use hs256::{Hs256Secret, MIN_HS256_SECRET_BYTES, STRONG_HS256_SECRET_BYTES};
pub use key_set::{CLOCK_SKEW_SECONDS, Ed25519Key, FUTURE_SKEW_SECONDS, KeySet};
pub use limits::KeyLimits;
pub use scope::KeyScope;
#[cfg(feature = "sign")]
pub use sign::{Ed25519Signer, Signer};
pub use subject::{SubjectError, check_group_name, check_user_name};
pub use unverified::{MAX_TOKEN_BYTES, UnverifiedToken};
