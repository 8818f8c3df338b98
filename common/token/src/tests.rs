//! Tokens through the front door, `KeySet::verify`.

use hmac::Mac;
use jwt_simple::reexports::ct_codecs::{Base64UrlSafeNoPadding, Encoder};

use crate::*;

const NOW: u64 = 1_700_000_000;
const SECRET: &str = "56F0D8DB90241C6E";

fn claims(user: &str) -> Claims {
    Claims {
        user: user.to_owned(),
        groups: vec!["kubecube".to_owned(), "dev".to_owned()],
        access_key: Some("ak".to_owned()),
        scope: None,
        session: None,
        epoch: None,
        id: Some("id-1".to_owned()),
        issued_at: NOW,
        expires_at: NOW + 3_600,
    }
}

fn ed25519() -> (Signer, KeySet) {
    let signer = Ed25519Signer::generate("cubegate");
    let keys = KeySet::ed25519("cubegate", [signer.public_key().unwrap()]).unwrap();
    (Signer::Ed25519(Box::new(signer)), keys)
}

fn hs256() -> (Signer, KeySet) {
    let secret = Hs256Secret::new(SECRET).unwrap();
    (Signer::Hs256(secret.clone()), KeySet::Hs256(secret))
}

fn verify(keys: &KeySet, token: &str, now: u64) -> Result<Claims, TokenError> {
    keys.verify(&UnverifiedToken::new(token), now)
}

/// A token under KubeCube's secret with any header and payload.
fn raw_hs256(header: &str, payload: &str) -> String {
    let encode = |text: &str| Base64UrlSafeNoPadding::encode_to_string(text).unwrap();
    let signed = format!("{}.{}", encode(header), encode(payload));
    let mut mac = Hs256Secret::new(SECRET).unwrap().mac().unwrap();
    mac.update(signed.as_bytes());
    let signature = Base64UrlSafeNoPadding::encode_to_string(mac.finalize().into_bytes()).unwrap();
    format!("{signed}.{signature}")
}

#[test]
fn what_is_signed_is_what_is_read() {
    let (signer, keys) = ed25519();
    assert_eq!(
        verify(&keys, &signer.sign(&claims("admin")).unwrap(), NOW).unwrap(),
        claims("admin")
    );
}

#[test]
fn a_kubecube_token_means_the_group_kubecube_whatever_it_says() {
    let payload = format!(
        r#"{{"UserInfo":{{"username":"admin","groups":["a","b"]}},"exp":{}}}"#,
        NOW + 60
    );
    let token = raw_hs256(r#"{"alg":"HS256","typ":"JWT"}"#, &payload);
    let read = verify(&hs256().1, &token, NOW).unwrap();
    assert_eq!(
        (read.user.as_str(), read.groups),
        ("admin", vec!["kubecube".to_owned()])
    );
}

#[test]
fn the_guides_own_token_is_read() {
    // The guide prints tokens of this form; its secret is not known, so the
    // payload is signed anew.
    let payload = r#"{"UserInfo":{"username":"admin","groups":["kubecube"]},"exp":1624003112}"#;
    let token = raw_hs256(r#"{"alg":"HS256","typ":"JWT"}"#, payload);
    assert_eq!(
        verify(&hs256().1, &token, 1_624_000_000).unwrap().user,
        "admin"
    );
    assert_eq!(
        verify(&hs256().1, &token, NOW).unwrap_err(),
        TokenError::Expired
    );
}

#[test]
fn expiry_is_required_and_honoured_to_thirty_seconds() {
    for (signer, keys) in [ed25519(), hs256()] {
        let token = signer.sign(&claims("a")).unwrap();
        let end = NOW + 3_600;
        assert!(verify(&keys, &token, end + 29).is_ok());
        assert_eq!(
            verify(&keys, &token, end + 31).unwrap_err(),
            TokenError::Expired
        );
    }
    let eternal = raw_hs256(r#"{"alg":"HS256"}"#, r#"{"UserInfo":{"username":"a"}}"#);
    assert_eq!(
        verify(&hs256().1, &eternal, NOW).unwrap_err(),
        TokenError::NoExpiry
    );
}

#[test]
fn a_token_of_tomorrow_is_not_valid_today() {
    let (signer, keys) = ed25519();
    let token = signer.sign(&claims("a")).unwrap();
    assert!(verify(&keys, &token, NOW - 29).is_ok());
    assert_eq!(
        verify(&keys, &token, NOW - 31).unwrap_err(),
        TokenError::Invalid
    );
    let payload = format!(
        r#"{{"UserInfo":{{"username":"a"}},"exp":{},"nbf":{}}}"#,
        NOW + 9_000,
        NOW + 100
    );
    let token = raw_hs256(r#"{"alg":"HS256"}"#, &payload);
    assert_eq!(
        verify(&hs256().1, &token, NOW).unwrap_err(),
        TokenError::Invalid
    );
}

#[test]
fn the_algorithm_is_the_keys_and_never_the_tokens() {
    let payload = format!(r#"{{"UserInfo":{{"username":"a"}},"exp":{}}}"#, NOW + 60);
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"HS512"}"#,
        r#"{"alg":"HS256","crit":["b64"]}"#,
        "{}",
        "[]",
    ] {
        let token = raw_hs256(header, &payload);
        assert!(verify(&hs256().1, &token, NOW).is_err(), "{header}");
        let unsigned = token.rsplit_once('.').unwrap().0.to_owned() + ".";
        assert!(verify(&hs256().1, &unsigned, NOW).is_err(), "{header}");
    }
    // The public key as an HMAC secret is the classic confusion.
    let signer = Ed25519Signer::generate("cubegate");
    let confused = Signer::Hs256(Hs256Secret::new(signer.public_key_bytes()).unwrap());
    let keys = KeySet::ed25519("cubegate", [signer.public_key().unwrap()]).unwrap();
    let token = confused.sign(&claims("a")).unwrap();
    assert_eq!(
        verify(&keys, &token, NOW).unwrap_err(),
        TokenError::Algorithm
    );
}

#[test]
fn another_key_issuer_or_signature_is_refused() {
    let (signer, keys) = ed25519();
    let (stranger, _) = ed25519();
    let foreign = stranger.sign(&claims("a")).unwrap();
    assert_eq!(
        verify(&keys, &foreign, NOW).unwrap_err(),
        TokenError::UnknownKey
    );

    let other_issuer = Ed25519Signer::generate("somebody");
    let trusted = KeySet::ed25519("cubegate", [other_issuer.public_key().unwrap()]).unwrap();
    let token = Signer::Ed25519(Box::new(other_issuer))
        .sign(&claims("a"))
        .unwrap();
    assert_eq!(
        verify(&trusted, &token, NOW).unwrap_err(),
        TokenError::Invalid
    );

    let token = signer.sign(&claims("a")).unwrap();
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        // The last character of base64 has bits that say nothing.
        if changed != token && at + 1 != token.len() {
            assert!(verify(&keys, &changed, NOW).is_err(), "at {at}");
        }
    }
}

#[test]
fn nobody_becomes_somebody_of_kubernetes_own() {
    for (signer, keys) in [ed25519(), hs256()] {
        for user in ["system:admin", "", " system:masters", "a\nb"] {
            let token = signer.sign(&claims(user)).unwrap();
            assert_eq!(
                verify(&keys, &token, NOW).unwrap_err(),
                TokenError::Subject,
                "{user:?}"
            );
        }
    }
    let (signer, keys) = ed25519();
    let mut masters = claims("a");
    masters.groups = vec!["system:masters".to_owned()];
    let token = signer.sign(&masters).unwrap();
    assert_eq!(verify(&keys, &token, NOW).unwrap_err(), TokenError::Subject);
}

#[test]
fn what_is_no_token_is_refused() {
    let long = "a".repeat(MAX_TOKEN_BYTES + 1);
    for (_, keys) in [ed25519(), hs256()] {
        for text in [
            "",
            ".",
            "..",
            "a.b",
            "a.b.c",
            "a.b.c.d",
            "é.é.é",
            long.as_str(),
        ] {
            assert!(verify(&keys, text, NOW).is_err(), "{text:?}");
        }
    }
}

#[test]
fn short_secrets_are_refused_and_kubecubes_own_are_weak() {
    assert_eq!(
        Hs256Secret::new("0123456789abcde").unwrap_err(),
        KeyError::SecretTooShort { bytes: 15 }
    );
    assert!(Hs256Secret::new(SECRET).unwrap().is_weak());
    assert!(!Hs256Secret::new("a".repeat(32)).unwrap().is_weak());
}

#[test]
fn a_key_pair_survives_its_file() {
    let signer = Ed25519Signer::generate("cubegate");
    let again = Ed25519Signer::from_pem(&signer.to_pem(), "cubegate").unwrap();
    assert_eq!(signer.kid(), again.kid());
    assert!(Ed25519Signer::from_pem("no key", "cubegate").is_err());
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    assert!(!format!("{:?}", Hs256Secret::new(SECRET).unwrap()).contains(SECRET));
    assert_eq!(
        format!("{:?}", UnverifiedToken::new("abc")),
        "UnverifiedToken(3 bytes)"
    );
}
