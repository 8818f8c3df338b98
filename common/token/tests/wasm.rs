//! Verification where the filter runs it: in a wasm VM, without a clock.
#![cfg(target_arch = "wasm32")]

use cubegate_token::{Ed25519Key, Hs256Secret, KeySet, TokenError, UnverifiedToken};
use wasm_bindgen_test::wasm_bindgen_test;

const NOW: u64 = 1_700_000_000;

// Made with the host's signer; see `examples/wasm_fixture.rs`.
const PUBLIC_KEY: &str = include_str!("wasm_fixture/public_key.hex");
const KID: &str = include_str!("wasm_fixture/kid.txt");
const ED25519: &str = include_str!("wasm_fixture/ed25519.jwt");
const HS256: &str = include_str!("wasm_fixture/hs256.jwt");

fn keys() -> KeySet {
    let bytes = hex::decode(PUBLIC_KEY.trim()).unwrap();
    KeySet::ed25519(
        "cubegate",
        [Ed25519Key::from_bytes(KID.trim(), &bytes).unwrap()],
    )
    .unwrap()
}

fn token(text: &str) -> UnverifiedToken {
    UnverifiedToken::new(text.trim())
}

#[wasm_bindgen_test]
fn an_ed25519_token_is_read_and_expires() {
    let claims = keys().verify(&token(ED25519), NOW).unwrap();
    assert_eq!(claims.user, "admin");
    assert_eq!(claims.groups, ["kubecube", "dev"]);
    let late = claims.expires_at + 31;
    assert_eq!(
        keys().verify(&token(ED25519), late).unwrap_err(),
        TokenError::Expired
    );
}

#[wasm_bindgen_test]
fn a_kubecube_token_is_read() {
    let keys = KeySet::Hs256(Hs256Secret::new("56F0D8DB90241C6E").unwrap());
    assert_eq!(
        keys.verify(&token(HS256), NOW).unwrap().groups,
        ["kubecube"]
    );
    assert_eq!(
        keys.verify(&token(ED25519), NOW).unwrap_err(),
        TokenError::Algorithm
    );
}

#[wasm_bindgen_test]
fn a_changed_token_is_refused() {
    let changed = ED25519.trim().replacen("eyJ", "eyK", 2);
    assert!(keys().verify(&token(&changed), NOW).is_err());
}
