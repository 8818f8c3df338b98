//! The data directory: what is kept where, and with which rights.
//!
//! ```text
//! DIR/cubegate.db        users, keys (hashed), clusters (credentials sealed), unless --database-url says where
//! DIR/master.key         seals what the database holds; 0600
//! DIR/signing.pem        the Ed25519 key of our tokens; 0600
//! DIR/pki/               the CA of control plane and Envoys, the listener's CA and certificate
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
use cubegate_store::{DatabaseUrl, MasterKey, Store};
use cubegate_token::Ed25519Signer;

/// An existing data directory.
#[derive(Debug, Clone)]
pub(crate) struct DataDir(PathBuf);

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
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
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
        Ok(Self(path))
    }

    /// Takes the directory of a gateway that there is; nothing is made.
    pub(crate) fn of_gateway(path: &Path) -> anyhow::Result<Self> {
        if !path.join("master.key").exists() && !path.join("cubegate.db").exists() {
            return Err(no_gateway(path));
        }
        Self::open(path)
    }

    /// The directory as it is, if it is there at all.
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_path_buf())
    }

    /// A path inside.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A folder inside, made when it is not there.
    pub(crate) fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.0.join(name);
        fs::create_dir_all(&path)
            .with_context(|| format!("the folder {} cannot be made", path.display()))?;
        Ok(path)
    }

    /// Keeps a second control plane off the directory.
    pub(crate) fn lock(&self) -> anyhow::Result<Lock> {
        let path = self.0.join("lock");
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
                self.0.display()
            );
        }
        Ok(Lock { _file: file })
    }

    /// Opens this database, or the one in the directory. A database that is new, and
    /// may be made, gets a new master key.
    pub(crate) async fn store(
        &self,
        database: Option<DatabaseUrl>,
        missing: Missing,
    ) -> anyhow::Result<Store> {
        let key_path = self.0.join("master.key");
        let is_own = database.is_none();
        let database = database.unwrap_or_else(|| self.0.join("cubegate.db").into());
        // Looked at first: another process makes the key before the database.
        let had_database = !database.is_new().await?;
        if !had_database && missing == Missing::Refuse {
            return Err(if is_own {
                no_gateway(&self.0)
            } else {
                anyhow!(
                    "there is no gateway in the database {database}; start one or give another --database-url"
                )
            });
        }
        let key = match fs::read(&key_path) {
            Ok(bytes) => MasterKey::from_bytes(&bytes)
                .with_context(|| format!("{} cannot be used", key_path.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if had_database {
                    bail!(
                        "{} is missing, and without it {database} cannot be read; put it back from a backup, or from the other control plane on that database",
                        key_path.display(),
                    );
                }
                let made = write_new_secret(&key_path, MasterKey::generate()?.as_bytes())?;
                MasterKey::from_bytes(&made)?
            }
            Err(error) => {
                return Err(
                    anyhow!(error).context(format!("{} cannot be read", key_path.display()))
                );
            }
        };
        Ok(Store::open(database, &key).await?)
    }

    /// The key that signs our tokens, made at the first start.
    pub(crate) fn signing_key(&self, issuer: &str) -> anyhow::Result<Ed25519Signer> {
        let path = self.0.join("signing.pem");
        if path.exists() {
            let pem = fs::read_to_string(&path)
                .with_context(|| format!("the signing key {} cannot be read", path.display()))?;
            return Ed25519Signer::from_pem(&pem, issuer)
                .with_context(|| format!("the signing key {} cannot be used", path.display()));
        }
        let made = write_new_secret(&path, Ed25519Signer::generate(issuer).to_pem().as_bytes())?;
        Ok(Ed25519Signer::from_pem(&String::from_utf8(made)?, issuer)?)
    }
}

fn no_gateway(path: &Path) -> anyhow::Error {
    anyhow!(
        "there is no gateway in {}; start one or give --data-dir",
        path.display()
    )
}

/// Writes a secret that must be made only once, and returns it. When another
/// process has made one meanwhile, that one counts.
fn write_new_secret(path: &Path, contents: &[u8]) -> anyhow::Result<Vec<u8>> {
    let candidate = path.with_extension(format!("{}.new", std::process::id()));
    write_secret(&candidate, contents)?;
    // A link, unlike a rename, does not take the place of what is there.
    let linked = fs::hard_link(&candidate, path);
    fs::remove_file(&candidate)
        .with_context(|| format!("{} cannot be removed", candidate.display()))?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(anyhow!(error).context(format!("{} cannot be written", path.display())))
        }
        _ => fs::read(path).with_context(|| format!("{} cannot be read", path.display())),
    }
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

    #[test]
    fn keys_are_made_once_and_only_their_owner_may_read_them() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(&folder.path().join("new")).unwrap();
        let first = data.signing_key("cubegate").unwrap();
        let second = data.signing_key("cubegate").unwrap();
        assert_eq!(first.kid(), second.kid());
        let mode = fs::metadata(data.join("signing.pem"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_second_control_plane_is_kept_off() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path()).unwrap();
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
        let refused = DataDir::of_gateway(&wrong).unwrap_err().to_string();
        let expected = format!(
            "there is no gateway in {}; start one or give --data-dir",
            wrong.display()
        );
        assert_eq!(refused, expected);
        assert!(!wrong.exists());

        let data = DataDir::open(folder.path()).unwrap();
        let refused = data.store(None, Missing::Refuse).await.err().unwrap();
        assert!(refused.to_string().starts_with("there is no gateway in"));
        let other = folder.path().join("other.db");
        let url: DatabaseUrl = format!("sqlite://{}", other.display()).parse().unwrap();
        let refused = data.store(Some(url), Missing::Refuse).await.err().unwrap();
        assert!(refused.to_string().contains("--database-url"), "{refused}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

        data.store(None, Missing::Make).await.unwrap().close().await;
        let found = DataDir::of_gateway(folder.path()).unwrap();
        found.store(None, Missing::Refuse).await.unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_one_sentence() {
        let error = DataDir::open(Path::new("/proc/nothing-here"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("--data-dir"), "{error}");
    }
}
