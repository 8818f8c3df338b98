//! A machine whose clock is set: for the programs of one site, by `clock.c` in `LD_PRELOAD`.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use crate::cli::Site;

/// Seconds that are added to the machine's time, in a file that programs map.
pub struct Clock {
    seconds: File,
    library: PathBuf,
    path: PathBuf,
}

// === impl Clock ===

impl Clock {
    /// Makes one in this folder, which goes right.
    ///
    /// # Errors
    /// No C compiler, with the command that provides it, or one that fails.
    pub async fn new(dir: &Path) -> Result<Self> {
        let (library, path) = (dir.join("clock.so"), dir.join("clock"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("clock.c");
        let compiled = Command::new("cc")
            .args([
                "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o",
            ])
            .args([&library, &source])
            .output()
            .await
            .context("there is no C compiler; run: apt-get install gcc libc6-dev")?;
        ensure!(
            compiled.status.success(),
            "{}",
            String::from_utf8_lossy(&compiled.stderr)
        );
        let clock = Self {
            seconds: File::create(&path)?,
            library,
            path,
        };
        clock.set(0)?;
        Ok(clock)
    }

    /// The site whose programs go by it.
    ///
    /// # Errors
    /// A path that is no text.
    pub fn of(&self, site: Site) -> Result<Site> {
        let text = |path: &Path| path.to_str().map(str::to_owned);
        let library = text(&self.library).context("a path that is no text")?;
        let path = text(&self.path).context("a path that is no text")?;
        Ok(site
            .with_variable("LD_PRELOAD", &library)
            .with_variable("CUBEGATE_CLOCK", &path))
    }

    /// Sets it so many seconds before the right time.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn set(&self, ahead: i64) -> Result<()> {
        // In place: programs have it mapped.
        self.seconds.write_all_at(&ahead.to_ne_bytes(), 0)?;
        Ok(())
    }
}
