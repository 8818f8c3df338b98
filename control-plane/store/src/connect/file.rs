//! The file of SQLite, and who may read it.

use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use url::Url;

use crate::StoreError;
use crate::database::sqlite_url;

/// Makes the file, or checks it, and returns its URL for the driver.
pub(super) fn prepare_file(path: &Path) -> Result<Url, StoreError> {
    let prepare = || -> io::Result<PathBuf> {
        protect(path)?;
        fs::canonicalize(path)
    };
    let failed = |source| StoreError::File {
        path: path.to_path_buf(),
        source,
    };
    let path = prepare().map_err(failed)?;
    sqlite_url(&path).map_err(|error| failed(io::Error::other(error)))
}

/// Makes the file with mode 0600, or takes others' rights off an existing one.
/// SQLite gives the -wal and -shm files the mode of the database file.
fn protect(path: &Path) -> io::Result<()> {
    // Read and write, so that a file that is not writable fails here, in the
    // system's words.
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    let mode = file.metadata()?.permissions().mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(path, Permissions::from_mode(mode & !0o077))?;
    }
    Ok(())
}
