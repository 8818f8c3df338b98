//! The built things that the tests run: the binary, the filter, Envoy.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// Where the built things are.
#[derive(Debug, Clone)]
pub struct Artifacts {
    /// `cubegate`.
    pub binary: PathBuf,
    /// `cubegate_filter.wasm`.
    pub filter: PathBuf,
    /// Envoy 1.40.
    pub envoy: PathBuf,
}

/// The checkout.
pub fn root() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest)
}

/// Where cargo builds to.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |dir| root().join(dir))
}

// === impl Artifacts ===

impl Artifacts {
    /// Finds them: where `CUBEGATE_BIN`, `CUBEGATE_FILTER` and `CUBEGATE_ENVOY`
    /// say, else where `make build` puts them.
    ///
    /// # Errors
    /// One that is not there, with the command that provides it.
    pub fn find() -> Result<Self> {
        Ok(Self {
            binary: find(
                "the cubegate binary",
                "CUBEGATE_BIN",
                target().join("release/cubegate"),
            )?,
            filter: find(
                "the filter module",
                "CUBEGATE_FILTER",
                target().join("wasm32-wasip1/filter/cubegate_filter.wasm"),
            )?,
            envoy: find("Envoy", "CUBEGATE_ENVOY", root().join(".tools/envoy"))?,
        })
    }
}

fn find(what: &str, variable: &str, default: PathBuf) -> Result<PathBuf> {
    let path = std::env::var_os(variable).map_or(default, PathBuf::from);
    if !path.is_file() {
        bail!(
            "{what} is not at {}; run: make build (or say where it is with {variable})",
            path.display()
        );
    }
    Ok(path)
}
