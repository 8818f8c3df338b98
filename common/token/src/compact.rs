//! The compact form of a signed token (RFC 7515 7.1, RFC 7519): one way through it for
//! every algorithm.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::claims::{Checked, PrivateClaims};
use crate::{CLOCK_SKEW_SECONDS, FUTURE_SKEW_SECONDS, TokenError};

/// A token in its three parts, none of which may be believed yet.
pub(crate) struct Compact<'a> {
    pub(crate) header: Header,
    /// What the signature is over: header and payload as they were sent.
    pub(crate) signed: &'a [u8],
    pub(crate) signature: Vec<u8>,
    payload: &'a str,
}

/// What a token says of its own signature (RFC 7515 4.1).
#[derive(Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) alg: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) typ: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kid: Option<String>,
    /// Extensions that must be understood; none is here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crit: Option<Vec<String>>,
}

/// The registered claims (RFC 7519 4.1) beside the others.
#[derive(Serialize, Deserialize)]
pub(crate) struct Payload {
    #[serde(flatten)]
    pub(crate) private: PrivateClaims,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) iss: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sub: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exp: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) nbf: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) iat: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jti: Option<String>,
}

// === impl Compact ===

impl<'a> Compact<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// [`TokenError::Malformed`] when it is not three parts in base64url with a header in
    /// JSON, [`TokenError::Algorithm`] when its algorithm is not `algorithm`, or it has an
    /// extension that must be understood.
    pub(crate) fn parse(token: &'a str, algorithm: &str) -> Result<Self, TokenError> {
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        let header: Header = decode_json(header)?;
        if header.alg != algorithm || header.crit.is_some() {
            return Err(TokenError::Algorithm);
        }
        Ok(Self {
            header,
            signed: signed.as_bytes(),
            signature: decode(signature)?,
            payload,
        })
    }

    /// Returns what the token says, once its signature has been checked.
    ///
    /// # Errors
    /// Another issuer than `issuer`, where one is demanded; no end, or one that has come at
    /// the time `now` (Unix seconds); a start that is too far in the future.
    pub(crate) fn payload(&self, issuer: Option<&str>, now: u64) -> Result<Checked, TokenError> {
        let payload: Payload = decode_json(self.payload)?;
        if issuer.is_some() && issuer != payload.iss.as_deref() {
            return Err(TokenError::Invalid);
        }
        let expires_at = payload.exp.ok_or(TokenError::NoExpiry)?;
        if now >= expires_at.saturating_add(CLOCK_SKEW_SECONDS) {
            return Err(TokenError::Expired);
        }
        let latest = now.saturating_add(FUTURE_SKEW_SECONDS);
        if payload.iat.is_some_and(|issued_at| issued_at > latest) {
            return Err(TokenError::ClockSkew);
        }
        if payload.nbf.is_some_and(|starts_at| starts_at > latest) {
            return Err(TokenError::NotYet);
        }
        Ok(Checked {
            private: payload.private,
            id: payload.jti,
            issued_at: payload.iat,
            expires_at,
        })
    }
}

// === impl Header ===

impl Header {
    /// The header of a token that is signed here.
    #[cfg(feature = "sign")]
    pub(crate) fn of(algorithm: &str, kid: Option<&str>) -> Self {
        Self {
            alg: algorithm.to_owned(),
            typ: Some("JWT".to_owned()),
            kid: kid.map(str::to_owned),
            crit: None,
        }
    }
}

/// Returns the bytes of a part, which must be base64url without padding.
pub(crate) fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| TokenError::Malformed)
}

/// Returns the part of a token for these bytes.
#[cfg(any(feature = "sign", test))]
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode_json<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T, TokenError> {
    serde_json::from_slice(&decode(part)?).map_err(|_| TokenError::Malformed)
}
