//! The built things that the tests run: the binary, the filter, Envoy; and the browser.

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

/// What pages are looked at with.
#[derive(Debug, Clone)]
pub struct BrowserTools {
    /// Chromium.
    pub chromium: PathBuf,
    /// ChromeDriver of the same version.
    pub chromedriver: PathBuf,
    /// `axe.min.js` of axe-core.
    pub axe: PathBuf,
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
    /// say, else where `make` puts them. The binary is that of the profile that this
    /// is compiled with: development for the tests, release for the benchmarks.
    ///
    /// # Errors
    /// One that is not there, with the command that provides it.
    pub fn find() -> Result<Self> {
        let (profile, build) = if cfg!(debug_assertions) {
            ("debug", "make build-dev")
        } else {
            ("release", "make build")
        };
        Ok(Self {
            binary: find(
                "the cubegate binary",
                "CUBEGATE_BIN",
                target().join(profile).join("cubegate"),
                build,
            )?,
            filter: find(
                "the filter module",
                "CUBEGATE_FILTER",
                target().join("wasm32-wasip1/filter/cubegate_filter.wasm"),
                build,
            )?,
            envoy: find(
                "Envoy",
                "CUBEGATE_ENVOY",
                root().join(".tools/envoy"),
                "make tools",
            )?,
        })
    }
}

// === impl BrowserTools ===

impl BrowserTools {
    /// Finds them: where `CUBEGATE_CHROMIUM`, `CUBEGATE_CHROMEDRIVER` and `CUBEGATE_AXE` say,
    /// else where `deploy/local/tools.sh` puts them.
    ///
    /// # Errors
    /// One that is not there, with the command that provides it.
    pub fn find() -> Result<Self> {
        let tool = |what, variable, name, command| {
            let default = root().join(".tools").join(name);
            find(what, variable, default, command)
        };
        let browser = "deploy/local/tools.sh chromium";
        let axe = "deploy/local/tools.sh axe";
        Ok(Self {
            chromium: tool("Chromium", "CUBEGATE_CHROMIUM", "chromium", browser)?,
            chromedriver: tool(
                "ChromeDriver",
                "CUBEGATE_CHROMEDRIVER",
                "chromedriver",
                browser,
            )?,
            axe: tool("axe-core", "CUBEGATE_AXE", "axe.min.js", axe)?,
        })
    }
}

fn find(what: &str, variable: &str, default: PathBuf, command: &str) -> Result<PathBuf> {
    let path = std::env::var_os(variable).map_or(default, PathBuf::from);
    if !path.is_file() {
        bail!(
            "{what} is not at {}; run: {command} (or say where it is with {variable})",
            path.display()
        );
    }
    Ok(path)
}
