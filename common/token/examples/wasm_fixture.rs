//! Writes the tokens that `tests/wasm.rs` reads; the wasm build cannot sign.
//!
//! `cargo run -p cubegate-token --features sign --example wasm_fixture`

use std::fs;
use std::path::Path;

use cubegate_token::{Claims, Ed25519Signer, Hs256Secret, Signer};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wasm_fixture");
    fs::create_dir_all(&folder)?;
    let claims = Claims {
        user: "admin".to_owned(),
        groups: vec!["kubecube".to_owned(), "dev".to_owned()],
        access_key: None,
        key_epoch: None,
        scope: None,
        limits: None,
        session: None,
        generation: None,
        authenticated_at: None,
        epoch: None,
        id: Some("wasm".to_owned()),
        issued_at: 1_700_000_000,
        expires_at: 1_700_003_600,
    };
    let signer = Ed25519Signer::generate("cubegate");
    let hex: String = signer
        .public_key_bytes()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    fs::write(folder.join("public_key.hex"), hex)?;
    fs::write(folder.join("kid.txt"), signer.kid())?;
    fs::write(
        folder.join("ed25519.jwt"),
        Signer::Ed25519(Box::new(signer)).sign(&claims)?,
    )?;
    let shared = Signer::Hs256(Hs256Secret::new("56F0D8DB90241C6E")?);
    fs::write(folder.join("hs256.jwt"), shared.sign(&claims)?)?;
    Ok(())
}
