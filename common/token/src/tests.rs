//! Tokens through the front door, `KeySet::verify`.

use hmac::Mac;

use crate::compact::{decode, encode};
use crate::*;

mod refresh;

const NOW: u64 = 1_700_000_000;
const SECRET: &str = "56F0D8DB90241C6E";

fn claims(user: &str) -> Claims {
    Claims {
        groups: vec!["kubecube".to_owned(), "dev".to_owned()],
        access_key: Some("ak".to_owned()),
        key_epoch: Some(3),
        authenticated_at: Some(7),
        id: Some("id-1".to_owned()),
        ..testing::claims(user, NOW)
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
    let signed = format!("{}.{}", encode(header), encode(payload));
    let mut mac = Hs256Secret::new(SECRET).unwrap().mac().unwrap();
    mac.update(signed.as_bytes());
    let signature = encode(mac.finalize().into_bytes());
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
    // Clocks that are a minute apart must not make every fresh token useless.
    for (signer, keys) in [ed25519(), hs256()] {
        let token = signer.sign(&claims("a")).unwrap();
        assert!(verify(&keys, &token, NOW - 300).is_ok());
        assert_eq!(
            verify(&keys, &token, NOW - 301).unwrap_err(),
            TokenError::ClockSkew
        );
    }
    let payload = format!(
        r#"{{"UserInfo":{{"username":"a"}},"exp":{},"nbf":{}}}"#,
        NOW + 9_000,
        NOW + 301
    );
    let token = raw_hs256(r#"{"alg":"HS256"}"#, &payload);
    assert!(verify(&hs256().1, &token, NOW + 1).is_ok());
    assert_eq!(
        verify(&hs256().1, &token, NOW).unwrap_err(),
        TokenError::NotYet
    );
}

#[test]
fn the_leeway_of_the_end_is_not_that_of_the_beginning() {
    for (signer, keys) in [ed25519(), hs256()] {
        let claims = claims("a");
        let token = signer.sign(&claims).unwrap();
        assert!(verify(&keys, &token, claims.expires_at + 29).is_ok());
        assert_eq!(
            verify(&keys, &token, claims.expires_at + 30).unwrap_err(),
            TokenError::Expired
        );
    }
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

/// An HS256 token with these claims and an hour to live.
fn payload(claims: &str) -> String {
    raw_hs256(
        r#"{"alg":"HS256","typ":"JWT"}"#,
        &format!(r#"{{{claims},"exp":{}}}"#, NOW + 3_600),
    )
}

#[test]
fn kubespheres_static_token_is_read() {
    let keys = hs256().1;
    let token = payload(
        r#""username":"admin","uid":"u-1","token_type":"static_token","iss":"kubesphere","nbf":1"#,
    );
    let read = verify(&keys, &token, NOW).unwrap();
    assert_eq!(read.user, "admin");
    assert_eq!(read.groups, ["kubecube"]);
    assert_eq!((read.id, read.session, read.epoch), (None, None, None));
}

#[test]
fn the_type_of_a_token_says_what_it_is_good_for() {
    let keys = hs256().1;
    let of_type = |token_type: &str, more: &str| {
        let claims = format!(r#""username":"admin","token_type":"{token_type}"{more}"#);
        verify(&keys, &payload(&claims), NOW).map(|claims| claims.user)
    };
    let admin = Ok("admin".to_owned());
    assert_eq!(of_type("static_token", ""), admin);
    assert_eq!(of_type("access_token", r#","jti":"i""#), admin);
    // Well signed, but of no login here.
    assert_eq!(of_type("access_token", ""), Err(TokenError::Unknown));
    for other in ["refresh_token", "id_token", "", "Access_Token"] {
        assert_eq!(
            of_type(other, r#","jti":"i""#),
            Err(TokenError::Type),
            "{other:?}"
        );
    }
}

#[test]
fn two_names_in_one_token_are_nobody() {
    let keys = hs256().1;
    let both = |user_info: &str, username: &str| {
        let claims = format!(r#""UserInfo":{{"username":"{user_info}"}},"username":"{username}""#);
        verify(&keys, &payload(&claims), NOW).map(|claims| claims.user)
    };
    assert_eq!(both("admin", "admin"), Ok("admin".to_owned()));
    assert_eq!(both("jeff", "admin"), Err(TokenError::Subject));
    assert_eq!(both("Admin", "admin"), Err(TokenError::Subject));
    assert_eq!(
        verify(&keys, &payload(r#""uid":"admin""#), NOW).unwrap_err(),
        TokenError::Malformed
    );
}

#[test]
fn one_token_carries_both_documented_claim_sets() {
    let (signer, _) = ed25519();
    let token = signer.sign(&claims("jeff")).unwrap();
    let payload = token.split('.').nth(1).unwrap();
    let payload = decode(payload).unwrap();
    let payload: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(payload["UserInfo"]["username"], "jeff");
    assert_eq!(payload["username"], "jeff");
    assert_eq!(payload["uid"], "jeff");
    assert_eq!(payload["token_type"], "access_token");
    assert_eq!(payload["exp"].as_u64(), Some(NOW + 3_600));
    assert_eq!(payload["iat"].as_u64(), Some(NOW));
}

#[test]
fn the_public_keys_are_those_that_verify() {
    let signer = Ed25519Signer::generate("cubegate");
    let keys = KeySet::ed25519("cubegate", [signer.public_key().unwrap()]).unwrap();
    let public: Vec<_> = keys
        .public_keys()
        .map(|key| (key.kid().to_owned(), key.to_bytes()))
        .collect();
    assert_eq!(
        public,
        [(signer.kid().to_owned(), signer.public_key_bytes())]
    );
    assert_eq!(hs256().1.public_keys().count(), 0);
}
