//! PEM and tokens, inline or in files.

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::KubeconfigError;
use crate::kubeconfig::private_key::{self, NoKey};

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

/// Certificates: the `-data` field, or else the file.
pub(super) fn certificates(
    field: &'static str,
    data: Option<&str>,
    file: Option<&str>,
    files: &FileAccess,
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
    files: &FileAccess,
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

/// A file's text.
pub(super) fn read_file(
    field: &'static str,
    file: &str,
    files: &FileAccess,
) -> Result<String, KubeconfigError> {
    let FileAccess::RelativeTo(folder) = files else {
        return Err(KubeconfigError::FileRefused { field });
    };
    // An absolute path stays what it is.
    let path = folder.join(file);
    fs::read_to_string(&path).map_err(|source| KubeconfigError::File {
        field,
        path,
        source,
    })
}

fn pem(
    field: &'static str,
    data: Option<&str>,
    file: Option<&str>,
    files: &FileAccess,
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
        .map(|file| read_file(field, file, files))
        .transpose()
}
