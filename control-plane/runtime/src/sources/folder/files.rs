//! The files of the folder, of which only those are read that are other ones than before.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use cubegate_member::{FileAccess, parse_kubeconfig};
use time::OffsetDateTime;

use crate::sources::keeper::Member;
use crate::sources::{MAX_CLUSTERS, MAX_KUBECONFIG, MAX_KUBECONFIGS};

/// What may stand behind the cluster's name.
const SUFFIXES: [&str; 4] = [".yaml", ".yml", ".json", ".kubeconfig"];

/// How often a file that cannot be used is read again although it has not changed: what it
/// points to may have.
const RETRY: Duration = Duration::from_secs(60);

/// A file that was changed so lately may be half of what it will be.
const FRESH: Duration = Duration::from_secs(2);

/// What is known of the files.
pub(super) struct Files {
    folder: PathBuf,
    read: BTreeMap<PathBuf, ReadFile>,
}

/// What is in the folder.
pub(super) struct Look {
    /// By the cluster's name.
    pub(super) members: BTreeMap<String, Member>,
    /// How soon it has to be looked at again, if that is sooner than otherwise.
    pub(super) again: Option<Duration>,
}

/// A file as it was read.
struct ReadFile {
    stamp: Stamp,
    at: Instant,
    member: Member,
    /// What it points to.
    others: Vec<(PathBuf, Option<Stamp>)>,
}

/// By what a file is known to be the same as before.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    written: (i64, i64),
    changed: (i64, i64),
}

// === impl Files ===

impl Files {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            read: BTreeMap::new(),
        }
    }

    /// Looks at all files.
    ///
    /// # Errors
    /// A sentence, when the folder as a whole cannot be read or has too much in it.
    pub(super) fn look(&mut self) -> Result<Look, String> {
        let mut former = std::mem::take(&mut self.read);
        let mut members = BTreeMap::new();
        let mut again = None;
        let mut bytes = 0;
        for (name, path) in self.list()? {
            let file = match fs::metadata(&path) {
                Ok(metadata) if !metadata.is_file() => continue,
                Ok(metadata) => read(&path, &metadata, former.remove(&path)),
                Err(error) => Err(format!(
                    "its file {} cannot be read: {error}",
                    path.display()
                )),
            };
            let member = match file {
                Ok(file) => {
                    bytes += file.stamp.size;
                    let mut member = file.member.clone();
                    if member.is_err() && file.stamp.age() < FRESH {
                        // Told when it stays so.
                        member = Err(String::new());
                        again = Some(FRESH);
                    }
                    self.read.insert(path.clone(), file);
                    member
                }
                Err(sentence) => Err(sentence),
            };
            if members.insert(name.clone(), member).is_some() {
                let sentence = "two files have this name; remove one of them".to_owned();
                members.insert(name, Err(sentence));
            }
        }
        if bytes > MAX_KUBECONFIGS {
            return Err(format!(
                "the kubeconfigs in {} have more than {} MiB together",
                self.folder.display(),
                MAX_KUBECONFIGS >> 20
            ));
        }
        Ok(Look { members, again })
    }

    /// Names of clusters, and their files. What begins with a dot is none: Kubernetes and editors
    /// put what is their own there.
    fn list(&self) -> Result<Vec<(String, PathBuf)>, String> {
        let folder = self.folder.display();
        let unreadable = |error| format!("the folder {folder} cannot be read: {error}");
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            if files.len() == MAX_CLUSTERS {
                return Err(format!(
                    "there are more than {MAX_CLUSTERS} files in {folder}"
                ));
            }
            let stem = SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix));
            files.push((stem.unwrap_or(&name).to_owned(), entry.path()));
        }
        files.sort();
        Ok(files)
    }
}

/// Reads a file, unless it and what it points to are as they were.
fn read(path: &Path, metadata: &Metadata, former: Option<ReadFile>) -> Result<ReadFile, String> {
    let stamp = Stamp::of(metadata);
    if let Some(former) = former
        && former.stamp == stamp
        && former.is_current()
    {
        return Ok(former);
    }
    let text = text(path).map_err(|why| format!("its file {} {why}", path.display()))?;
    let folder = path.parent().unwrap_or(Path::new(".")).to_path_buf();
    let now = OffsetDateTime::now_utc();
    let parsed = parse_kubeconfig(&text, None, &FileAccess::RelativeTo(folder), now);
    let mut others = Vec::new();
    let member = match parsed {
        Ok(spec) => {
            let stamped = |file: &PathBuf| (file.clone(), Stamp::at(file));
            others.extend(spec.files.iter().map(stamped));
            Ok(Arc::new(spec))
        }
        Err(error) => Err(error.to_string()),
    };
    Ok(ReadFile {
        stamp,
        at: Instant::now(),
        member,
        others,
    })
}

/// Reads a text that is not too long, or says why not.
fn text(path: &Path) -> Result<String, String> {
    let unreadable = |error| format!("cannot be read: {error}");
    let mut bytes = Vec::new();
    let mut file = File::open(path)
        .map_err(unreadable)?
        .take(MAX_KUBECONFIG + 1);
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_KUBECONFIG {
        return Err(format!("is longer than {} KiB", MAX_KUBECONFIG >> 10));
    }
    String::from_utf8(bytes).map_err(|_| "is no text".to_owned())
}

// === impl ReadFile ===

impl ReadFile {
    /// Whether it needs not be read again while the file itself is the same.
    fn is_current(&self) -> bool {
        match self.member {
            Ok(_) => self
                .others
                .iter()
                .all(|(file, stamp)| Stamp::at(file) == *stamp),
            Err(_) => self.at.elapsed() < RETRY,
        }
    }
}

// === impl Stamp ===

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            written: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().as_ref().map(Self::of)
    }

    /// How long ago the file was changed.
    fn age(&self) -> Duration {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let changed = Duration::from_secs(self.changed.0.try_into().unwrap_or_default());
        now.unwrap_or_default().saturating_sub(changed)
    }
}

#[cfg(test)]
mod tests;
