//! The folders, who may read what lies in them, and the room that is left.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::report::Report;
use crate::data_dir::DataDir;
use crate::keys::{Keys, Role};
use crate::output::sentence;
use crate::pki::Ca;

/// Room on the disk that is too little, and that soon may be, in MiB.
const LEAST_MIB: u64 = 100;
const FEW_MIB: u64 = 1024;

pub(super) fn check(report: &mut Report, folder: &DataDir, shared: Option<&Path>) {
    data_directory(report, folder.path());
    room(report, folder.path());
    keys(report, folder.keys(), shared);
}

fn data_directory(report: &mut Report, path: &Path) {
    const CHECK: &str = "data";
    let shown = path.display();
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => report.warn(
            CHECK,
            format!("there is no data directory {shown}; the first start makes it, or another --data-dir is meant"),
        ),
        Err(error) => report.fail(
            CHECK,
            format!("the data directory {shown} cannot be looked at: {error}; run this as the user of the control plane"),
        ),
        Ok(metadata) => match metadata.permissions().mode() & 0o007 {
            0 => report.ok(CHECK, format!("the data directory {shown} is there")),
            _ => report.warn(
                CHECK,
                format!("every user of this machine may look into {shown}; run chmod o= {shown}"),
            ),
        },
    }
}

fn room(report: &mut Report, path: &Path) {
    if let Ok(space) = rustix::fs::statvfs(path) {
        let free = space.f_bavail.saturating_mul(space.f_frsize);
        judge_room(report, path, free >> 20);
    }
}

/// Tells whether so many MiB are enough.
pub(super) fn judge_room(report: &mut Report, path: &Path, mib: u64) {
    const CHECK: &str = "disk";
    let told = format!("{mib} MiB are free where {} is", path.display());
    match mib {
        0..LEAST_MIB => report.fail(
            CHECK,
            format!("{told}: nothing can be written soon; make room, or keep fewer audit records (--audit-max-records)"),
        ),
        LEAST_MIB..FEW_MIB => report.warn(CHECK, format!("{told}; a million audit records take about 1 GiB")),
        _ => report.ok(CHECK, told),
    }
}

fn keys(report: &mut Report, keys: &Keys, shared: Option<&Path>) {
    const CHECK: &str = "keys";
    let keys = &keys.as_they_are();
    let ca_folder = match shared {
        Some(folder) => folder.to_path_buf(),
        None => match keys.master_key_path().parent() {
            Some(folder) => folder.join("pki"),
            None => return,
        },
    };
    let secrets = [
        keys.master_key_path(),
        keys.signing_key_path(),
        ca_folder.join("xds-ca.key"),
    ];
    let mut good = true;
    for secret in &secrets {
        let shown = secret.display();
        let told = match fs::metadata(secret) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                format!(
                    "{shown} is missing; put it back from a backup, or let the first start (or `cubegate keys init`) make it if nothing is there yet"
                )
            }
            Err(error) => format!("{shown} cannot be looked at: {error}"),
            Ok(metadata) if metadata.permissions().mode() & 0o007 != 0 => {
                format!("every user of this machine may read {shown}; run chmod o= {shown}")
            }
            Ok(_) => continue,
        };
        good = false;
        report.fail(CHECK, told);
    }
    if !good {
        return;
    }
    let used = keys
        .master_key()
        .and_then(|_| keys.signing_keys("cubegate"))
        .and_then(|_| Ca::xds(keys));
    match used {
        Ok(_) => report.ok(
            CHECK,
            "master key, signing key and xDS CA are there, and nobody else may read them",
        ),
        Err(error) => return report.fail(CHECK, sentence(&error)),
    }
    let rotated = fs::read_to_string(keys.signing_key_path())
        .ok()
        .and_then(|text| crate::keys::SigningFile::parse(&text).ok()?.role());
    match rotated {
        Some(Role::Next) => report.warn(
            CHECK,
            "a next signing key waits: go on with `cubegate keys rotate signing use`",
        ),
        Some(Role::Old) => report.warn(
            CHECK,
            "the old signing key is still taken: go on with `cubegate keys rotate signing drop`",
        ),
        None => {}
    }
}
