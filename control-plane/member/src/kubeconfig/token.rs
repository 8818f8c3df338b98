//! When a bearer token ends, as far as it says so itself.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::KubeconfigError;

/// How soon an end is worth a warning.
const SOON: Duration = Duration::hours(24);

/// The one claim that is read (RFC 7519 4.1.4).
#[derive(Deserialize)]
struct Claims {
    exp: f64,
}

/// Warns of a token that ends soon; one that says nothing of its end is good for ever.
///
/// # Errors
/// [`KubeconfigError::TokenEnded`].
pub(super) fn check(
    token: &str,
    now: OffsetDateTime,
    warnings: &mut Vec<String>,
) -> Result<(), KubeconfigError> {
    let Some(ends) = end_of(token) else {
        return Ok(());
    };
    let at = ends.format(&Rfc3339).unwrap_or_default();
    if ends <= now {
        return Err(KubeconfigError::TokenEnded { at });
    }
    if ends - now < SOON {
        warnings.push(format!(
            "the token of the kubeconfig ends at {at}, and the gateway gets no other by itself: from then on the cluster answers nobody; give one that lasts, as in a Secret of type kubernetes.io/service-account-token, or add the cluster again with a new one before"
        ));
    }
    Ok(())
}

/// Returns when a JWT ends. Nothing else of it is believed, and its signature is not ours to
/// check.
fn end_of(token: &str) -> Option<OffsetDateTime> {
    let mut parts = token.split('.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let Claims { exp } = serde_json::from_slice(&payload).ok()?;
    // Beyond what an i64 holds it saturates, and no calendar has that.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a fraction of a second more or less is no matter"
    )]
    OffsetDateTime::from_unix_timestamp(exp as i64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn mk_token(payload: &str) -> String {
        let [header, payload] = [r#"{"alg":"RS256"}"#, payload].map(|p| URL_SAFE_NO_PAD.encode(p));
        format!("{header}.{payload}.c2ln")
    }

    fn checked(token: &str) -> Result<Vec<String>, String> {
        let now = OffsetDateTime::from_unix_timestamp(NOW).unwrap();
        let mut warnings = Vec::new();
        check(token, now, &mut warnings)
            .map(|()| warnings)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_token_that_ends_soon_is_warned_of_with_the_time() {
        let soon = mk_token(&format!(r#"{{"exp":{},"sub":"s3cret"}}"#, NOW + 3_600));
        let warnings = checked(&soon).unwrap();
        assert_eq!(warnings.len(), 1);
        assert!(
            warnings[0].contains("ends at 2023-11-14T23:13:20Z"),
            "{warnings:?}"
        );
        assert!(!warnings[0].contains("s3cret"));
        let later = mk_token(&format!(r#"{{"exp":{}}}"#, NOW + 90_000));
        assert_eq!(checked(&later).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_token_that_has_ended_is_refused() {
        for exp in ["1699999999", "1700000000", "1699999999.5", "0"] {
            let refused = checked(&mk_token(&format!(r#"{{"exp":{exp}}}"#))).unwrap_err();
            assert!(refused.contains("ended at"), "{refused}");
        }
    }

    #[test]
    fn what_says_nothing_of_its_end_is_taken() {
        for token in [
            "abc",
            "a.b.c",
            "a.b.c.d",
            "..",
            &mk_token("{}"),
            &mk_token("[]"),
            &mk_token(r#"{"exp":"soon"}"#),
            &mk_token(r#"{"exp":1e300}"#),
        ] {
            assert_eq!(checked(token).unwrap(), Vec::<String>::new(), "{token}");
        }
    }
}
