//! What a kubelet does with a volume of a Secret: files are links into a folder that is put in
//! the place of the former one whole.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::run::unique;

/// A mounted volume.
pub struct Volume(PathBuf);

// === impl Volume ===

impl Volume {
    /// An empty one.
    ///
    /// # Errors
    /// A folder that cannot be made.
    pub fn new(path: PathBuf) -> Result<Self> {
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Puts these files there at one moment, in the place of those that were there
    /// (`AtomicWriter` of Kubernetes: `..data` is renamed over).
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn project(&self, files: &[(String, Vec<u8>)]) -> Result<()> {
        let name = format!("..{}", unique());
        let folder = self.0.join(&name);
        fs::create_dir(&folder)?;
        for (file, contents) in files {
            fs::write(folder.join(file), contents)?;
        }
        let (new, data) = (self.0.join("..data_tmp"), self.0.join("..data"));
        let former = fs::read_link(&data).ok();
        symlink(&name, &new)?;
        fs::rename(&new, &data)?;
        for (file, _) in files {
            let link = self.0.join(file);
            if !link.is_symlink() {
                symlink(Path::new("..data").join(file), link)?;
            }
        }
        if let Some(former) = former {
            fs::remove_dir_all(self.0.join(former))?;
        }
        Ok(())
    }
}

/// The files of a Secret, as it stands in the API.
///
/// # Errors
/// An object that is no Secret.
pub fn files(secret: &Value) -> Result<Vec<(String, Vec<u8>)>> {
    let data = secret["data"]
        .as_object()
        .context("a Secret without data")?;
    data.iter()
        .map(|(name, value)| {
            let value = value.as_str().context("no text")?;
            Ok((name.clone(), STANDARD.decode(value)?))
        })
        .collect()
}
