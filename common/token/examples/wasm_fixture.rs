//! Writes the tokens that `tests/wasm.rs` reads; the wasm build cannot sign.
//!
//! `cargo run -p cubegate-token --features sign --example wasm_fixture`

use std::fs;
use std::path::Path;

use cubegate_token::{Claims, Ed25519Signer, Hs256Secret, Signer, testing};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wasm_fixture");
    fs::create_dir_all(&folder)?;
    let claims = Claims {
        groups: vec!["kubecube".to_owned(), "dev".to_owned()],
        id: Some("wasm".to_owned()),
        ..testing::claims("admin", 1_700_000_000)
    };
    let signer = Ed25519Signer::generate("cubegate");
    let key = hex::encode(signer.public_key_bytes());
    fs::write(folder.join("public_key.hex"), key)?;
    fs::write(folder.join("kid.txt"), signer.kid())?;
    fs::write(
        folder.join("ed25519.jwt"),
        Signer::Ed25519(Box::new(signer)).sign(&claims)?,
    )?;
    let shared = Signer::Hs256(Hs256Secret::new("56F0D8DB90241C6E")?);
    fs::write(folder.join("hs256.jwt"), shared.sign(&claims)?)?;
    Ok(())
}
