//! Impersonation that a caller asks for: `kubectl --as`.
//!
//! A request that names somebody in `Impersonate-*` headers runs as that one when the
//! cluster's own rules let the caller impersonate it, and never as the caller. The
//! gateway's credential may impersonate everybody there, so what an API server would ask
//! itself of the caller is asked before, by SelfSubjectAccessReviews as the caller: the
//! verb `impersonate` on each name, as `k8s.io/apiserver/pkg/endpoints/filters/impersonation`
//! does.

mod questions;
mod verdicts;

use percent_encoding::percent_decode_str;
use thiserror::Error;

use crate::Headers;

pub(crate) use questions::{Verdict, review, verdict};
pub(crate) use verdicts::{Asker, Verdicts};

/// What the names of all headers begin with that say for whom a request is made.
const PREFIX: &str = "impersonate-";

const USER: &str = "impersonate-user";
const GROUP: &str = "impersonate-group";
const UID: &str = "impersonate-uid";
const EXTRA_PREFIX: &str = "impersonate-extra-";

/// How many groups and extra values a request may name together: each is a question.
const MAX_NAMES: usize = 64;

/// Longest name, extra key or extra value, in bytes.
const MAX_BYTES: usize = 1024;

/// Somebody else than its caller, for whom a request is to be made. Whether the caller may
/// do so is not said by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Impersonation {
    user: String,
    groups: Vec<String>,
    uid: Option<String>,
    extras: Vec<Extra>,
}

/// A value of the impersonated user's `extra`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Extra {
    /// The header's whole name, as it came.
    header: String,
    /// The key that Kubernetes reads in it.
    key: String,
    value: String,
}

/// Why nobody can be told from a request's headers. Nothing of them is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Malformed {
    #[error(
        "The request has a header Impersonate-* that is none of Impersonate-User, Impersonate-Group, Impersonate-Uid and Impersonate-Extra-{{key}}; take it out."
    )]
    Unknown,
    #[error(
        "Impersonate-Group, Impersonate-Uid and Impersonate-Extra-{{key}} need an Impersonate-User whom they belong to (kubectl --as)."
    )]
    NoUser,
    #[error("A request can have one Impersonate-User and one Impersonate-Uid; send each once.")]
    Twice,
    #[error(
        "The value of an Impersonate-* header must be UTF-8 of 1 to {MAX_BYTES} bytes, without control characters and without blanks at its ends."
    )]
    Value,
    #[error(
        "The key of an Impersonate-Extra-{{key}} header must be UTF-8 of 1 to {MAX_BYTES} bytes, percent-encoded where it is no plain text."
    )]
    Key,
    #[error("A request can impersonate {MAX_NAMES} groups and extra values; name fewer.")]
    TooMany,
}

/// Returns whether a header of this name, in lower case, says for whom a request is made.
pub(crate) fn is_header(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// Returns whether a request names anybody.
pub(crate) fn is_asked(headers: &Headers) -> bool {
    headers.iter().any(|(name, _)| is_header(name))
}

// === impl Impersonation ===

impl Impersonation {
    /// Returns for whom a request is to be made, if it says so.
    ///
    /// # Errors
    /// [`Malformed`], when it cannot be told. Kubernetes passes over an empty name and takes
    /// the first of two; then the request would run as somebody that it does not name.
    pub(crate) fn find(headers: &Headers) -> Result<Option<Self>, Malformed> {
        let (mut user, mut uid) = (None, None);
        let (mut groups, mut extras) = (Vec::new(), Vec::new());
        let mut is_asked = false;
        for (name, value) in headers.iter() {
            if !is_header(name) {
                continue;
            }
            is_asked = true;
            let value = text(value)?;
            let once = match name {
                USER => user.replace(value),
                UID => uid.replace(value),
                GROUP => {
                    groups.push(value);
                    None
                }
                _ => {
                    let key = name.strip_prefix(EXTRA_PREFIX).ok_or(Malformed::Unknown)?;
                    let key = extra_key(key)?;
                    extras.push(Extra {
                        header: name.to_owned(),
                        key,
                        value,
                    });
                    None
                }
            };
            if once.is_some() {
                return Err(Malformed::Twice);
            }
            if groups.len().saturating_add(extras.len()) > MAX_NAMES {
                return Err(Malformed::TooMany);
            }
        }
        match user {
            Some(user) => Ok(Some(Self {
                user,
                groups,
                uid,
                extras,
            })),
            None if is_asked => Err(Malformed::NoUser),
            None => Ok(None),
        }
    }

    /// Returns the user's name.
    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    /// Returns the groups that are named with the user; what Kubernetes adds is not among them.
    pub(crate) fn groups(&self) -> &[String] {
        &self.groups
    }

    /// Adds the headers by which an API server is asked as this user.
    pub(crate) fn put(&self, headers: &mut Headers) {
        headers.add(USER, self.user.as_bytes());
        for group in &self.groups {
            headers.add(GROUP, group.as_bytes());
        }
        if let Some(uid) = &self.uid {
            headers.add(UID, uid.as_bytes());
        }
        for extra in &self.extras {
            headers.add(&extra.header, extra.value.as_bytes());
        }
    }
}

/// Returns a name as it will be read. A blank at its end would not survive the way.
fn text(value: &[u8]) -> Result<String, Malformed> {
    let value = std::str::from_utf8(value).map_err(|_| Malformed::Value)?;
    let is_plain = !value.is_empty()
        && value.len() <= MAX_BYTES
        && value.trim() == value
        && !value.chars().any(char::is_control);
    is_plain.then(|| value.to_owned()).ok_or(Malformed::Value)
}

/// Returns the key that Kubernetes reads in the rest of a header's name.
fn extra_key(encoded: &str) -> Result<String, Malformed> {
    let mut rest = encoded;
    // What is half encoded Kubernetes reads in another way.
    while let Some((_, behind)) = rest.split_once('%') {
        let is_byte = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !behind.get(..2).is_some_and(is_byte) {
            return Err(Malformed::Key);
        }
        rest = behind;
    }
    let key = percent_decode_str(encoded)
        .decode_utf8()
        .map_err(|_| Malformed::Key)?;
    let is_plain = !key.is_empty() && key.len() <= MAX_BYTES && !key.chars().any(char::is_control);
    is_plain.then(|| key.into_owned()).ok_or(Malformed::Key)
}

#[cfg(test)]
mod tests;
