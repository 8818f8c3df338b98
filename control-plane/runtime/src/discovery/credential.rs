//! When a credential ends, as far as it says so itself.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cubegate_domain::ClusterCredential;
use serde::Deserialize;
use time::OffsetDateTime;

use crate::pki;

/// What of a token of a service account is of interest (RFC 7519, 4.1.4). Nothing is proven:
/// it is the gateway's own.
#[derive(Deserialize)]
struct Claims {
    exp: Option<i64>,
}

/// Returns the end of a client certificate or of a token; nothing for those that do not end,
/// or do not say so.
pub(crate) fn ends(credential: &ClusterCredential) -> Option<OffsetDateTime> {
    let ends = match credential {
        ClusterCredential::None => None,
        ClusterCredential::ClientCertificate {
            certificate_pem, ..
        } => pki::ends_pem(certificate_pem),
        ClusterCredential::BearerToken(token) | ClusterCredential::TokenFile { token, .. } => {
            let payload = token.split('.').nth(1)?;
            let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
            serde_json::from_slice::<Claims>(&payload).ok()?.exp
        }
    };
    OffsetDateTime::from_unix_timestamp(ends?).ok()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_token_ends_when_it_says_so() {
        let token = |payload: &str| {
            let payload = URL_SAFE_NO_PAD.encode(payload);
            ClusterCredential::BearerToken(format!("e30.{payload}.c2ln"))
        };
        assert_eq!(
            ends(&token(r#"{"exp":1900000000,"sub":"a"}"#)),
            Some(datetime!(2030-03-17 17:46:40 UTC))
        );
        assert_eq!(ends(&token(r#"{"sub":"a"}"#)), None);
        let opaque = ClusterCredential::BearerToken("a-secret".to_owned());
        assert_eq!(ends(&opaque), None);
        assert_eq!(ends(&ClusterCredential::None), None);
    }
}
