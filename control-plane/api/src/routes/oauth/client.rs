//! Which program asks (RFC 6749 2.3).

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;

use crate::OauthSettings;
use crate::error::OauthError;
use crate::routes::oauth::form::Form;

/// Checks the client: named in the body, by HTTP Basic, or not at all, which is what
/// KubeSphere's documented call does.
pub(super) fn check(
    settings: &OauthSettings,
    headers: &HeaderMap,
    form: &Form,
) -> Result<(), OauthError> {
    let id = form.optional("client_id")?;
    let secret = form.optional("client_secret")?;
    match basic(headers) {
        // Another scheme, a stale bearer token for example, names no client.
        None => match (id, secret) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(OauthError::UnknownClient),
            (Some(id), secret) => {
                let known = settings
                    .clients
                    .iter()
                    .find(|client| client.id == id)
                    .ok_or(OauthError::UnknownClient)?;
                same(&known.secret, secret.unwrap_or_default())
            }
        },
        Some(_) if secret.is_some() => Err(OauthError::TwoClients),
        Some(named) => {
            let (name, password) = named.ok_or(OauthError::ClientCredential)?;
            if id.is_some_and(|id| id != name) {
                return Err(OauthError::TwoClients);
            }
            let known = settings.clients.iter().find(|client| client.id == name);
            let known = known.ok_or(OauthError::ClientCredential)?;
            same(&known.secret, &password)
        }
    }
}

fn same(known: &str, given: &str) -> Result<(), OauthError> {
    if bool::from(known.as_bytes().ct_eq(given.as_bytes())) {
        Ok(())
    } else {
        Err(OauthError::ClientCredential)
    }
}

/// The client of an `Authorization: Basic`; both halves are form-encoded (RFC 6749
/// 2.3.1). `Some(None)`: it cannot be read.
fn basic(headers: &HeaderMap) -> Option<Option<(String, String)>> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let read = || {
        let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (id, secret) = decoded.split_once(':')?;
        Some((form_decoded(id), form_decoded(secret)))
    };
    Some(read())
}

fn form_decoded(text: &str) -> String {
    // Neither `&` nor `=` is left in a value that was encoded.
    let mut pairs = form_urlencoded::parse(text.as_bytes());
    match (pairs.next(), pairs.next()) {
        (Some((name, value)), None) if value.is_empty() && !text.contains('=') => name.into_owned(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic_of(plain: &str) -> Option<Option<(String, String)>> {
        let mut headers = HeaderMap::new();
        let value = format!("Basic {}", STANDARD.encode(plain));
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        basic(&headers)
    }

    #[test]
    fn both_halves_are_form_encoded() {
        let pair = |id: &str, secret: &str| Some(Some((id.to_owned(), secret.to_owned())));
        assert_eq!(basic_of("a%3Ab:c+d%26"), pair("a:b", "c d&"));
        assert_eq!(
            basic_of("kubesphere:kubesphere"),
            pair("kubesphere", "kubesphere")
        );
        // Not encoded by a client that does not care.
        assert_eq!(basic_of("a:b=c&d"), pair("a", "b=c&d"));
        assert_eq!(basic_of("a:"), pair("a", ""));
        assert_eq!(basic_of("a"), Some(None));
    }
}
