//! Makes the module of its text.

use std::error::Error;
use std::path::Path;

const TEXT: &str = "carrier.wat";

/// How long a module's magic and version are together.
const PREAMBLE: usize = 8;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={TEXT}");
    let module = wat::parse_file(TEXT)?;
    let module = without_names(&module).ok_or("the module is no module")?;
    let out = std::env::var("OUT_DIR")?;
    std::fs::write(Path::new(&out).join("carrier.wasm"), module)?;
    Ok(())
}

/// Leaves out the custom sections (id 0): the names of functions and locals would be a quarter
/// of the module.
fn without_names(module: &[u8]) -> Option<Vec<u8>> {
    let (preamble, mut rest) = module.split_at_checked(PREAMBLE)?;
    let mut kept = preamble.to_vec();
    while let Some((id, behind)) = rest.split_first() {
        let (size, head) = leb128(behind)?;
        let (section, next) = rest.split_at_checked(1 + head + size)?;
        if *id != 0 {
            kept.extend_from_slice(section);
        }
        rest = next;
    }
    Some(kept)
}

/// A number of variable length, and how many bytes it has.
fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate().take(5) {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
    }
    None
}
