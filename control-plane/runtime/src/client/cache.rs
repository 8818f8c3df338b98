//! Where tokens are kept until they end: a folder that nobody but its owner may enter, in it for
//! each credential at a gateway one file, whole or not at all, and one to lock.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use cubegate_token::MAX_TOKEN_BYTES;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::GatewayUrl;
use super::source::Source;

/// Longest file that is read, in bytes: some thousands of clusters.
const MAX_BYTES: u64 = 16 << 20;

/// How long another process may renew a token: what it asks may take as long, and a keyring
/// longer.
const LOCK_TIMEOUT: Duration = Duration::from_secs(180);
const LOCK_POLL: Duration = Duration::from_millis(20);

/// Of a token's lifetime this part is left when it is renewed, at most [`MAX_MARGIN`] seconds.
const MARGIN: u64 = 4;
const MAX_MARGIN: u64 = 60;

/// The tokens of one credential at one gateway.
pub(super) struct Cache {
    file: PathBuf,
    asked: PathBuf,
    lock: PathBuf,
}

/// What is kept.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Entries {
    /// Of which credential they are; those of another one do not count.
    pub(super) credential: String,
    /// For every cluster.
    pub(super) wide: Option<Entry>,
    /// For one cluster each.
    pub(super) clusters: BTreeMap<String, Entry>,
}

/// A token.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) token: String,
    /// Unix seconds by this machine's clock: from then on another one is got.
    pub(super) renew_at: i64,
}

/// Who was given a token last: whoever comes again before its end was refused with it.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) process: u32,
    pub(super) cluster: Option<String>,
    pub(super) renew_at: i64,
}

// === impl Cache ===

impl Cache {
    /// Makes the folder when there is none.
    ///
    /// # Errors
    /// A folder that others may enter, or that is somebody else's.
    pub(super) fn open(
        dir: Option<&Path>,
        gateway: &GatewayUrl,
        source: &Source,
    ) -> anyhow::Result<Self> {
        let dir = match dir {
            Some(dir) => dir.to_path_buf(),
            None => default_dir()
                .context("give --cache-dir: there is no HOME in which tokens could be kept")?,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&dir)
            .with_context(|| format!("the folder {} cannot be made", dir.display()))?;
        let metadata = fs::metadata(&dir)
            .with_context(|| format!("the folder {} cannot be read", dir.display()))?;
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            bail!(
                "the folder {} is another user's; give --cache-dir",
                dir.display()
            );
        }
        if metadata.mode() & 0o077 != 0 {
            bail!(
                "others may enter the folder {0}, in which tokens are kept; say `chmod 700 {0}`",
                dir.display()
            );
        }
        let name = Sha256::digest(format!("{gateway}\0{source}"));
        let name = hex::encode(name.get(..16).unwrap_or(&name));
        let file = |kind: &str| dir.join(format!("{name}.{kind}"));
        Ok(Self {
            file: file("json"),
            asked: file("asked"),
            lock: file("lock"),
        })
    }

    /// What is kept; nothing when it cannot be read.
    pub(super) fn read(&self) -> Entries {
        read(&self.file).unwrap_or_default()
    }

    /// Keeps this, without what has ended.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn write(&self, entries: &mut Entries, now: i64) -> anyhow::Result<()> {
        entries.clusters.retain(|_, entry| entry.is_good(now));
        write(&self.file, entries)
    }

    /// Returns whether this process was given this very token before, and remembers that it is now.
    pub(super) fn comes_again(&self, asked: &Asked) -> bool {
        let former: Option<Asked> = read(&self.asked);
        let again = former.as_ref() == Some(asked);
        if !again {
            // Without it a token that was taken back is found out later.
            let _ = write(&self.asked, asked);
        }
        again
    }

    /// Waits until no other process renews tokens here. The lock ends with the value, and with
    /// the process.
    ///
    /// # Errors
    /// Another process that is not done in time.
    pub(super) async fn lock(&self) -> anyhow::Result<File> {
        let unusable = || format!("{} cannot be locked", self.lock.display());
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&self.lock)
            .with_context(unusable)?;
        let waiting = async {
            loop {
                match file.try_lock() {
                    Ok(()) => return Ok(()),
                    Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_POLL).await,
                    Err(TryLockError::Error(error)) => return Err(error),
                }
            }
        };
        tokio::time::timeout(LOCK_TIMEOUT, waiting)
            .await
            .with_context(|| {
                format!(
                    "another cubegate has held {} for {} s",
                    self.lock.display(),
                    LOCK_TIMEOUT.as_secs()
                )
            })?
            .with_context(unusable)?;
        Ok(file)
    }
}

// === impl Entry ===

impl Entry {
    /// A token that was got now. Its own times say how long it lasts, and this machine's clock
    /// when that is: the two clocks may differ.
    ///
    /// # Errors
    /// What is no token of the gateway.
    pub(super) fn new(token: String, now: i64) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Times {
            iat: u64,
            exp: u64,
        }
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;

        let payload = token
            .split('.')
            .nth(1)
            .filter(|_| token.len() <= MAX_TOKEN_BYTES)
            .and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
        let times: Option<Times> =
            payload.and_then(|payload| serde_json::from_slice(&payload).ok());
        let Times { iat, exp } = times.context("the gateway's answer holds no token of its own")?;
        let lifetime = exp.saturating_sub(iat);
        let margin = (lifetime / MARGIN).min(MAX_MARGIN);
        let left = i64::try_from(lifetime - margin).unwrap_or(i64::MAX);
        Ok(Self {
            token,
            renew_at: now.saturating_add(left),
        })
    }

    /// Returns whether it needs not be renewed yet.
    pub(super) fn is_good(&self, now: i64) -> bool {
        now < self.renew_at
    }
}

fn default_dir() -> Option<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .map(|dir| dir.join("cubegate/tokens"))
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Option<T> {
    let mut text = Vec::new();
    File::open(path)
        .ok()?
        .take(MAX_BYTES)
        .read_to_end(&mut text)
        .ok()?;
    serde_json::from_slice(&text).ok()
}

/// Writes a file whole or not at all. It need not survive the machine, so nothing is synced.
fn write<T: Serialize>(path: &Path, value: &T) -> anyhow::Result<()> {
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let text = serde_json::to_vec(value)?;
    let write = || -> std::io::Result<()> {
        // What an earlier process of this number has left may have other rights.
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(&text)?;
        fs::rename(&temporary, path)
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    fn open(dir: &Path) -> anyhow::Result<Cache> {
        let source = Source::Helper("pass".to_owned());
        Cache::open(Some(dir), &"https://gw.example".parse().unwrap(), &source)
    }

    fn mk_token(iat: u64, exp: u64) -> String {
        let payload = json!({ "iat": iat, "exp": exp }).to_string();
        format!("h.{}.s", URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn folder_and_files_are_their_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("a/b");
        let cache = open(&dir).unwrap();
        assert_eq!(mode(&dir), 0o700);
        let token = mk_token(1_000, 2_000);
        let mut entries = Entries {
            wide: Some(Entry::new(token.clone(), 50).unwrap()),
            ..Entries::default()
        };
        entries
            .clusters
            .insert("a".to_owned(), Entry::new(token, 50).unwrap());
        cache.write(&mut entries, 60).unwrap();
        assert_eq!(mode(&cache.file), 0o600);
        assert_eq!(cache.read().clusters.len(), 1);
        // By this machine's clock, and a minute before its end.
        assert_eq!(cache.read().wide.unwrap().renew_at, 50 + 940);
        cache.write(&mut entries, 990).unwrap();
        assert!(cache.read().clusters.is_empty());
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o750)).unwrap();
        let refused = open(&dir).err().unwrap().to_string();
        assert!(refused.contains("chmod 700"), "{refused}");
    }

    #[test]
    fn a_short_token_is_renewed_when_a_quarter_of_it_is_left() {
        let entry = Entry::new(mk_token(1_000, 1_020), 0).unwrap();
        assert_eq!(entry.renew_at, 15);
        assert!(entry.is_good(14) && !entry.is_good(15));
        for text in ["", "a.b", "a.b.c", &mk_token(1, 2).repeat(1_000)] {
            assert!(Entry::new(text.to_owned(), 0).is_err());
        }
    }

    #[test]
    fn what_cannot_be_read_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(&folder.path().join("c")).unwrap();
        for text in ["", "{", "[]", "\u{0}"] {
            fs::write(&cache.file, text).unwrap();
            assert!(cache.read().wide.is_none());
        }
    }

    #[test]
    fn whoever_comes_again_for_the_same_token_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(&folder.path().join("c")).unwrap();
        let asked = |process, renew_at| Asked {
            process,
            cluster: Some("a".to_owned()),
            renew_at,
        };
        assert!(!cache.comes_again(&asked(1, 5)));
        assert!(cache.comes_again(&asked(1, 5)));
        assert!(!cache.comes_again(&asked(1, 6)));
        assert!(!cache.comes_again(&asked(2, 6)));
        assert_eq!(mode(&cache.asked), 0o600);
    }

    #[tokio::test]
    async fn one_at_a_time_holds_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(&folder.path().join("c")).unwrap();
        let held = cache.lock().await.unwrap();
        let waiting = tokio::time::timeout(Duration::from_millis(200), cache.lock());
        assert!(waiting.await.is_err());
        drop(held);
        cache.lock().await.unwrap();
    }
}
