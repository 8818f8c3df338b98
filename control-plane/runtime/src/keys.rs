//! The keys of an installation: what cannot be made again without losing something.
//!
//! ```text
//! master.key        32 random bytes; seals the clusters' credentials, hashes keys and refresh tokens
//! signing.pem       the Ed25519 key of our tokens, and another one while it is rotated
//! xds-ca.crt, .key  the CA of the certificates between control planes and Envoys
//! gateway-ca.crt, .key  the CA of the listener's certificate, unless the operator brings one
//! ```
//!
//! They lie in the data directory, the CAs below `pki/`, and are made there when they are
//! missing. Several control planes on one database share a folder of them instead
//! (`--keys-dir`), which `cubegate keys init` makes once and nobody else writes to: a
//! mounted secret will do.

mod rotation;
mod signing;

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use cubegate_store::MasterKey;
use cubegate_token::Ed25519Signer;

pub(crate) use self::rotation::CaRotation;
use self::signing::parse_keys;
pub(crate) use self::signing::{Role, SigningFile, SigningKeys};
use crate::data_dir::write_secret;
use crate::pki::Ca;

const MASTER_KEY: &str = "master.key";
const SIGNING_KEY: &str = "signing.pem";

/// Where the keys are.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    folder: PathBuf,
    place: Place,
    /// Whether what is missing is made.
    makes: bool,
}

/// What kind of folder it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The data directory: what is missing is made.
    Own,
    /// One that several control planes read: what is missing is an error.
    Shared,
    /// One that is being made, to be shared.
    New,
}

/// The files of a folder of keys, in the order in which they are told.
const FILES: [&str; 6] = [
    MASTER_KEY,
    SIGNING_KEY,
    "xds-ca.crt",
    "xds-ca.key",
    "gateway-ca.crt",
    "gateway-ca.key",
];

// === impl Keys ===

impl Keys {
    /// Those of a data directory, or of the folder that is shared.
    pub(crate) fn of(shared: Option<&Path>, data_dir: &Path) -> Self {
        Self {
            folder: shared.unwrap_or(data_dir).to_path_buf(),
            makes: shared.is_none(),
            place: if shared.is_some() {
                Place::Shared
            } else {
                Place::Own
            },
        }
    }

    /// Makes what is missing of a folder that is to be shared, and says which files those
    /// were. Whoever comes at the same time waits.
    pub(crate) fn init(folder: &Path) -> anyhow::Result<Vec<&'static str>> {
        let advice = || format!("the keys cannot be made in {}", folder.display());
        fs::create_dir_all(folder).with_context(advice)?;
        let lock = File::open(folder).with_context(advice)?;
        lock.lock().with_context(advice)?;
        let keys = Self {
            folder: folder.to_path_buf(),
            place: Place::New,
            makes: true,
        };
        let made = FILES.into_iter().filter(|file| !folder.join(file).exists());
        let made: Vec<_> = made.collect();
        if made.contains(&MASTER_KEY) {
            fs::set_permissions(folder, Permissions::from_mode(0o700)).with_context(advice)?;
            keys.make_master_key()?;
        }
        // The issuer stands in tokens and not in the key.
        keys.signing_keys("cubegate")?;
        Ca::xds(&keys)?;
        Ca::gateway(&keys)?;
        Ok(made)
    }

    /// The same, of which nothing is made.
    pub(crate) fn as_they_are(&self) -> Self {
        Self {
            makes: false,
            ..self.clone()
        }
    }

    /// Whether several control planes have them.
    pub(crate) fn are_shared(&self) -> bool {
        self.place == Place::Shared
    }

    /// Where the master key is, or belongs.
    pub(crate) fn master_key_path(&self) -> PathBuf {
        self.folder.join(MASTER_KEY)
    }

    /// The folder of a CA's files, if they are there or may be made.
    pub(crate) fn ca_folder(&self, file: &str) -> anyhow::Result<PathBuf> {
        if self.place == Place::Own {
            let folder = self.folder.join("pki");
            if self.makes {
                fs::create_dir_all(&folder)
                    .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
            }
            self.may_make_ca(&folder, file)?;
            return Ok(folder);
        }
        self.may_make_ca(&self.folder, file)?;
        Ok(self.folder.clone())
    }

    fn may_make_ca(&self, folder: &Path, file: &str) -> anyhow::Result<()> {
        for file in [format!("{file}.crt"), format!("{file}.key")] {
            self.may_make(&folder.join(file))?;
        }
        Ok(())
    }

    /// The master key; `None` if there is none.
    pub(crate) fn master_key(&self) -> anyhow::Result<Option<MasterKey>> {
        let path = self.master_key_path();
        match fs::read(&path) {
            Ok(bytes) => MasterKey::from_bytes(&bytes)
                .map(Some)
                .with_context(|| format!("{} cannot be used", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(anyhow!(error).context(format!("{} cannot be read", path.display()))),
        }
    }

    /// The master key of a new database.
    pub(crate) fn make_master_key(&self) -> anyhow::Result<MasterKey> {
        let path = self.master_key_path();
        self.may_make(&path)?;
        let made = write_new_secret(&path, MasterKey::generate()?.as_bytes())?;
        Ok(MasterKey::from_bytes(&made)?)
    }

    /// The keys of our tokens, made when they are missing and may be made.
    pub(crate) fn signing_keys(&self, issuer: &str) -> anyhow::Result<SigningKeys> {
        let path = self.signing_key_path();
        if path.exists() {
            let pem = fs::read_to_string(&path)
                .with_context(|| format!("the signing key {} cannot be read", path.display()))?;
            return parse_keys(&pem, issuer)
                .with_context(|| format!("the signing key {} cannot be used", path.display()));
        }
        self.may_make(&path)?;
        let made = write_new_secret(&path, Ed25519Signer::generate(issuer).to_pem().as_bytes())?;
        parse_keys(&String::from_utf8(made)?, issuer)
    }

    /// Where they are.
    pub(crate) fn signing_key_path(&self) -> PathBuf {
        self.folder.join(SIGNING_KEY)
    }

    /// An error if this file is not there and is not to be made.
    fn may_make(&self, path: &Path) -> anyhow::Result<()> {
        if self.makes || path.exists() {
            return Ok(());
        }
        if self.place == Place::Own {
            bail!(
                "{} is missing; the first start makes it, and that of an old gateway comes from its backup",
                path.display()
            );
        }
        bail!(
            "{} is missing; `cubegate keys init --keys-dir {}` makes the keys of a new installation, and those of an old one come from its backup",
            path.display(),
            self.folder.display()
        )
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_only_their_owner_may_read_them() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::of(None, folder.path());
        let first = keys.signing_keys("cubegate").unwrap();
        let second = keys.signing_keys("cubegate").unwrap();
        assert_eq!(first.signer.kid(), second.signer.kid());
        let mode = fs::metadata(folder.path().join("signing.pem"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn shared_keys_are_made_by_nobody_but_init_and_by_that_once() {
        let folder = tempfile::tempdir().unwrap();
        let shared = folder.path().join("keys");
        let keys = Keys::of(Some(&shared), folder.path());
        let refused = [
            keys.signing_keys("cubegate").err().unwrap().to_string(),
            keys.make_master_key().err().unwrap().to_string(),
            Ca::xds(&keys).err().unwrap().to_string(),
            Ca::gateway(&keys).err().unwrap().to_string(),
        ];
        for refused in refused {
            assert!(
                refused.contains("cubegate keys init --keys-dir"),
                "{refused}"
            );
        }
        assert!(!shared.exists());

        assert_eq!(Keys::init(&shared).unwrap(), FILES);
        let ca = Ca::xds(&keys).unwrap().certificate_pem().to_owned();
        assert!(keys.master_key().unwrap().is_some());
        assert!(Keys::init(&shared).unwrap().is_empty());
        assert_eq!(Ca::xds(&keys).unwrap().certificate_pem(), ca);
        for file in fs::read_dir(&shared).unwrap().map(Result::unwrap) {
            let private = !file.file_name().to_string_lossy().ends_with(".crt");
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077 == 0, private, "{file:?}");
        }
    }
}
