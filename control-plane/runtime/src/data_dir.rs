//! The data directory: what is kept where, and with which rights.
//!
//! ```text
//! DIR/cubegate.db        users, keys (hashed), clusters (credentials sealed), unless --database-url says where
//! DIR/master.key         seals what the database holds; 0600
//! DIR/signing.pem        the Ed25519 key of our tokens; 0600
//! DIR/pki/               the CA of control plane and Envoys, the listener's CA and certificate
//!                        (keys and CAs lie in --keys-dir instead, if it is given)
//! DIR/filter/<sha>.wasm  the filter, under a name that changes with its contents
//! DIR/envoy/             bootstrap, log and process id of the Envoy of `up`, and its certificate (xds/)
//! DIR/endpoints.json     where the running `up` can be reached
//! DIR/lock               held while `serve` or `up` runs
//! ```

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use cubegate_store::{DatabaseUrl, Store};

use crate::args::DataDirArgs;
use crate::keys::Keys;

/// An existing data directory.
#[derive(Debug, Clone)]
pub(crate) struct DataDir {
    path: PathBuf,
    keys: Keys,
}

/// What is done where there is no gateway yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// One is made: `serve` and `up`.
    Make,
    /// It is an error: a folder that was mistyped must not look like an empty gateway.
    Refuse,
}

/// Held while a control plane runs on the directory.
pub(crate) struct Lock {
    _file: File,
}

// === impl DataDir ===

impl DataDir {
    /// Takes the directory, and makes it (mode 0700) when it is not there.
    pub(crate) fn open(args: &DataDirArgs) -> anyhow::Result<Self> {
        let path = &args.data_dir;
        let advice = || {
            format!(
                "the data directory {} cannot be used; give one that you may write to with --data-dir",
                path.display()
            )
        };
        if !path.is_dir() {
            fs::create_dir_all(path).with_context(advice)?;
            fs::set_permissions(path, Permissions::from_mode(0o700)).with_context(advice)?;
        }
        // Several commands may look at the same time.
        let probe = path.join(format!(".write-probe.{}", std::process::id()));
        File::create(&probe).with_context(advice)?;
        fs::remove_file(&probe).with_context(advice)?;
        let path = fs::canonicalize(path).with_context(advice)?;
        Ok(Self {
            keys: Keys::of(args.keys_dir.as_deref(), &path),
            path,
        })
    }

    /// Takes the directory of a gateway that there is; nothing is made.
    pub(crate) fn of_gateway(args: &DataDirArgs) -> anyhow::Result<Self> {
        let path = &args.data_dir;
        if !path.join("master.key").exists() && !path.join("cubegate.db").exists() {
            return Err(no_gateway(path));
        }
        Self::open(args)
    }

    /// The directory as it is, if it is there at all.
    pub(crate) fn at(args: &DataDirArgs) -> Self {
        Self {
            path: args.data_dir.clone(),
            keys: Keys::of(args.keys_dir.as_deref(), &args.data_dir),
        }
    }

    /// The keys of the installation.
    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A path inside.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A folder inside, made when it is not there.
    pub(crate) fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.path.join(name);
        fs::create_dir_all(&path)
            .with_context(|| format!("the folder {} cannot be made", path.display()))?;
        Ok(path)
    }

    /// Keeps a second control plane off the directory.
    pub(crate) fn lock(&self) -> anyhow::Result<Lock> {
        let path = self.path.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("{} cannot be opened", path.display()))?;
        if file.try_lock().is_err() {
            bail!(
                "another cubegate runs on {}; stop it first or give another --data-dir",
                self.path.display()
            );
        }
        Ok(Lock { _file: file })
    }

    /// Whether a control plane runs on the directory. Nothing is made.
    pub(crate) fn is_locked(&self) -> bool {
        let file = OpenOptions::new().write(true).open(self.path.join("lock"));
        file.is_ok_and(|file| file.try_lock().is_err())
    }

    /// Opens this database, or the one in the directory. A database that is new, and
    /// may be made, gets a new master key.
    pub(crate) async fn store(
        &self,
        database: Option<DatabaseUrl>,
        missing: Missing,
    ) -> anyhow::Result<Store> {
        let is_own = database.is_none();
        let database = database.unwrap_or_else(|| self.path.join("cubegate.db").into());
        // Looked at first: another process makes the key before the database.
        let had_database = !database.is_new().await?;
        if !had_database && missing == Missing::Refuse {
            return Err(if is_own {
                no_gateway(&self.path)
            } else {
                anyhow!(
                    "there is no gateway in the database {database}; start one or give another --database-url"
                )
            });
        }
        let key = if let Some(key) = self.keys.master_key()? {
            key
        } else if had_database {
            bail!(
                "{} is missing, and without it {database} cannot be read; put it back from a backup, or from the other control plane on that database",
                self.keys.master_key_path().display(),
            )
        } else {
            self.keys.make_master_key()?
        };
        Ok(Store::open(database, &key).await?)
    }
}

fn no_gateway(path: &Path) -> anyhow::Error {
    anyhow!(
        "there is no gateway in {}; start one or give --data-dir",
        path.display()
    )
}

/// Writes a file that only its owner may read, whole or not at all.
pub(crate) fn write_secret(path: &Path, contents: &[u8]) -> anyhow::Result<()> {
    write_file(path, contents, 0o600)
}

/// Writes a file with these rights, whole or not at all.
pub(crate) fn write_file(path: &Path, contents: &[u8], mode: u32) -> anyhow::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(mode)
            .open(&temporary)?;
        file.write_all(contents)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &Path) -> DataDirArgs {
        DataDirArgs {
            data_dir: path.to_path_buf(),
            keys_dir: None,
        }
    }

    #[test]
    fn a_second_control_plane_is_kept_off() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(&at(folder.path())).unwrap();
        let held = data.lock().unwrap();
        let refused = data.lock().err().unwrap().to_string();
        assert!(refused.contains("another cubegate runs on"), "{refused}");
        drop(held);
        data.lock().unwrap();
    }

    #[tokio::test]
    async fn a_gateway_that_is_not_there_is_made_for_those_who_may_make_one() {
        let folder = tempfile::tempdir().unwrap();
        let wrong = folder.path().join("mistyped");
        let refused = DataDir::of_gateway(&at(&wrong)).unwrap_err().to_string();
        let expected = format!(
            "there is no gateway in {}; start one or give --data-dir",
            wrong.display()
        );
        assert_eq!(refused, expected);
        assert!(!wrong.exists());

        let data = DataDir::open(&at(folder.path())).unwrap();
        let refused = data.store(None, Missing::Refuse).await.err().unwrap();
        assert!(refused.to_string().starts_with("there is no gateway in"));
        let other = folder.path().join("other.db");
        let url: DatabaseUrl = format!("sqlite://{}", other.display()).parse().unwrap();
        let refused = data.store(Some(url), Missing::Refuse).await.err().unwrap();
        assert!(refused.to_string().contains("--database-url"), "{refused}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

        data.store(None, Missing::Make).await.unwrap().close().await;
        let found = DataDir::of_gateway(&at(folder.path())).unwrap();
        found.store(None, Missing::Refuse).await.unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_one_sentence() {
        let error = DataDir::open(&at(Path::new("/proc/nothing-here")))
            .unwrap_err()
            .to_string();
        assert!(error.contains("--data-dir"), "{error}");
    }
}
