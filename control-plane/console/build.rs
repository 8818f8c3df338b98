//! Gives each asset a name that changes with its content, and a form compressed by brotli.
//!
//! Browsers then keep what they have for ever, and nothing is compressed while it is served.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use brotli::enc::BrotliEncoderParams;
use sha2::{Digest as _, Sha256};

const ASSETS: [&str; 3] = ["console.css", "console.js", "icon.svg"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=assets");
    let out = env::var("OUT_DIR")?;
    let mut rows = String::new();
    for name in ASSETS {
        let plain = fs::read(Path::new("assets").join(name))?;
        let mut compressed = Vec::new();
        brotli::BrotliCompress(
            &mut plain.as_slice(),
            &mut compressed,
            &BrotliEncoderParams::default(),
        )?;
        fs::write(Path::new(&out).join(format!("{name}.br")), compressed)?;
        let digest = hex::encode(Sha256::digest(&plain));
        let digest = digest.get(..12).ok_or("a digest is longer")?;
        let (stem, extension) = name.split_once('.').ok_or("an asset has an extension")?;
        rows.push_str(&format!(
            "    Asset {{ name: {name:?}, file: \"{stem}.{digest}.{extension}\", \
             plain: include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/assets/{name}\")), \
             brotli: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}.br\")) }},\n"
        ));
    }
    let table = format!("const ASSETS: [Asset; {}] = [\n{rows}];\n", ASSETS.len());
    fs::write(Path::new(&out).join("assets.rs"), table)?;
    Ok(())
}
