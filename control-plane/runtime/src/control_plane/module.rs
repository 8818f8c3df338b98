//! The filter module, as it lies on this machine.

use std::path::Path;

use anyhow::anyhow;

/// Reads the filter module.
pub(crate) fn read_module(path: &Path) -> anyhow::Result<Vec<u8>> {
    let module = std::fs::read(path).map_err(|error| {
        anyhow!(
            "the filter module {} cannot be read: {error}; give its path with --filter (`make build` makes it)",
            path.display()
        )
    })?;
    if !module.starts_with(b"\0asm") {
        return Err(anyhow!("{} is no wasm module", path.display()));
    }
    Ok(module)
}
