//! PEM and tokens, inline or in files.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{self, Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::KubeconfigError;
use crate::kubeconfig::private_key::{self, NoKey};

/// Longest file that a kubeconfig may point to, in bytes: a bundle of a few hundred CAs.
const MAX_FILE: u64 = 1 << 20;

/// Whether the files that a kubeconfig points to are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileAccess {
    /// For kubeconfigs that come over the network: a path in one would name a
    /// file of the server, not of the sender.
    Refused,
    /// For the command line: relative paths are relative to this folder, the one
    /// of the kubeconfig.
    RelativeTo(PathBuf),
}

/// The files that one kubeconfig points to.
pub(super) struct Files<'a> {
    access: &'a FileAccess,
    read: RefCell<Vec<PathBuf>>,
}

/// Certificates: the `-data` field, or else the file.
pub(super) fn certificates(
    field: &'static str,
    data: Option<&str>,
    file: Option<&str>,
    files: &Files<'_>,
) -> Result<Option<String>, KubeconfigError> {
    let Some(pem) = pem(field, data, file, files)? else {
        return Ok(None);
    };
    let mut certificates = CertificateDer::pem_slice_iter(pem.as_bytes()).peekable();
    if certificates.peek().is_none() || certificates.any(|certificate| certificate.is_err()) {
        return Err(KubeconfigError::Pem {
            field,
            what: "certificate",
        });
    }
    Ok(Some(pem))
}

/// A private key: the `-data` field, or else the file; under the label of what it is.
pub(super) fn private_key(
    field: &'static str,
    data: Option<&str>,
    file: Option<&str>,
    files: &Files<'_>,
) -> Result<Option<String>, KubeconfigError> {
    let Some(pem) = pem(field, data, file, files)? else {
        return Ok(None);
    };
    private_key::read(&pem).map(Some).map_err(|why| match why {
        NoKey::Encrypted => KubeconfigError::EncryptedKey { field },
        NoKey::Absent => KubeconfigError::Pem {
            field,
            what: "private key",
        },
    })
}

/// What a file holds, and where it is.
pub(super) struct ReadFile {
    pub(super) text: String,
    /// Absolute.
    pub(super) path: PathBuf,
}

/// Reads a file.
pub(super) fn read_file(
    field: &'static str,
    file: &str,
    files: &Files<'_>,
) -> Result<ReadFile, KubeconfigError> {
    let FileAccess::RelativeTo(folder) = files.access else {
        return Err(KubeconfigError::FileRefused { field });
    };
    // An absolute path stays what it is.
    let path = folder.join(file);
    let path = path::absolute(&path).unwrap_or(path);
    match text(&path) {
        Ok(text) => {
            files.read.borrow_mut().push(path.clone());
            Ok(ReadFile { text, path })
        }
        Err(source) => Err(KubeconfigError::File {
            field,
            path,
            source,
        }),
    }
}

/// Reads a text that is not longer than any of these files.
fn text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let mut file = File::open(path)?.take(MAX_FILE + 1);
    file.read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE {
        let reason = format!("it is longer than {} KiB", MAX_FILE >> 10);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
    }
    Ok(text)
}

fn pem(
    field: &'static str,
    data: Option<&str>,
    file: Option<&str>,
    files: &Files<'_>,
) -> Result<Option<String>, KubeconfigError> {
    if let Some(data) = data.filter(|data| !data.is_empty()) {
        // Base64 is often folded.
        let data: String = data.split_ascii_whitespace().collect();
        let bytes = STANDARD
            .decode(data)
            .map_err(|_| KubeconfigError::Base64 { field })?;
        return String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| KubeconfigError::Pem {
                field,
                what: "text",
            });
    }
    file.filter(|file| !file.is_empty())
        .map(|file| read_file(field, file, files).map(|read| read.text))
        .transpose()
}

// === impl Files ===

impl<'a> Files<'a> {
    pub(super) fn new(access: &'a FileAccess) -> Self {
        Self {
            access,
            read: RefCell::default(),
        }
    }

    /// Those that were read.
    pub(super) fn read(&self) -> Vec<PathBuf> {
        self.read.take()
    }
}
