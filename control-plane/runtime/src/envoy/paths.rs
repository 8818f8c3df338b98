//! What of an Envoy is in the data directory, and how one is started from there.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::anyhow;
use tokio::process::Command;

use super::logs::Logs;
use super::process::{Process, arguments, has_environment, pid_from};
use super::{EnvoyOptions, Slot};
use crate::allocator::with_huge_pages;
use crate::data_dir::write_file;

/// An Envoy that runs.
pub(super) struct Running {
    pub(super) slot: Slot,
    pub(super) process: Process,
    /// Its logs have got other names, and it could not yet be told.
    logs_moved: bool,
}

/// The files of the Envoys of a data directory.
pub(super) struct Paths {
    folder: PathBuf,
    /// The process id of the Envoy that serves.
    pub(super) pid: PathBuf,
    /// Of the one that stands by.
    pub(super) standby_pid: PathBuf,
    pub(super) logs: Logs,
}

// === impl Running ===

impl Running {
    fn new(slot: Slot, process: Process) -> Self {
        Self {
            slot,
            process,
            logs_moved: false,
        }
    }

    /// Has it open its logs anew when they were `moved`, now or at an earlier look.
    pub(super) fn follow_logs(&mut self, moved: bool) {
        self.logs_moved |= moved;
        if self.logs_moved && self.process.reopen_logs() {
            self.logs_moved = false;
        }
    }
}

// === impl Paths ===

impl Paths {
    pub(super) fn new(folder: &Path, log_bytes: u64, log_files: u32) -> Self {
        Self {
            folder: folder.to_path_buf(),
            pid: folder.join("envoy.pid"),
            standby_pid: folder.join("standby.pid"),
            logs: Logs::new(folder, log_bytes, log_files),
        }
    }

    /// The Envoy that is recorded there, if it is still the process that was recorded.
    pub(super) fn running(&self, pid: &Path) -> Option<Running> {
        let pid: u32 = fs::read_to_string(pid).ok()?.trim().parse().ok()?;
        let pid = pid_from(pid)?;
        let arguments = arguments(pid);
        let slot = Slot::ALL.into_iter().find(|slot| {
            let bootstrap = slot.bootstrap(&self.folder);
            let bootstrap = bootstrap.as_os_str().as_bytes();
            arguments.iter().any(|argument| argument == bootstrap)
        })?;
        Some(Running::new(slot, Process::adopt(pid)))
    }

    /// Returns whether an Envoy is what would be started now.
    pub(super) fn is_right(&self, running: &Running, options: &EnvoyOptions) -> bool {
        let Running { slot, process, .. } = running;
        let Some(pid) = process.pid() else {
            return false;
        };
        let wanted = self.arguments(options, *slot);
        let wanted = wanted.iter().map(|argument| argument.as_bytes());
        fs::read_to_string(slot.bootstrap(&self.folder))
            .is_ok_and(|document| document == *options.bootstraps.of(*slot))
            && arguments(pid).iter().map(Vec::as_slice).eq(wanted)
            // The environment carries the HS256 secret, which a running process
            // keeps as it was.
            && has_environment(pid, &options.environment)
    }

    fn arguments(&self, options: &EnvoyOptions, slot: Slot) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec![
            "--config-path".into(),
            slot.bootstrap(&self.folder).into(),
            // No shared memory with other Envoys.
            "--disable-hot-restart".into(),
            "--log-level".into(),
            "info".into(),
            "--log-path".into(),
            self.logs.envoy.clone().into(),
            // What was logged is soon in the file.
            "--file-flush-interval-msec".into(),
            "1000".into(),
            // A client is asked to leave with the next answer, not by chance.
            "--drain-strategy".into(),
            "immediate".into(),
        ];
        if let Some(concurrency) = options.concurrency {
            arguments.extend(["--concurrency".into(), concurrency.to_string().into()]);
        }
        arguments
    }

    /// Notes which Envoy serves.
    pub(super) fn serves(&self, running: &Running) -> anyhow::Result<()> {
        note(&self.pid, running)
    }

    /// Notes which Envoy stands by.
    pub(super) fn stands_by(&self, running: &Running) -> anyhow::Result<()> {
        note(&self.standby_pid, running)
    }

    pub(super) fn spawn(&mut self, options: &EnvoyOptions, slot: Slot) -> anyhow::Result<Running> {
        let document = options.bootstraps.of(slot);
        write_file(&slot.bootstrap(&self.folder), document.as_bytes(), 0o600)?;
        let output = self.logs.begin()?;
        let mut command = Command::new(&options.binary);
        command
            .args(self.arguments(options, slot))
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            // A Ctrl-C on the terminal is for the control plane, which stops Envoy.
            .process_group(0)
            // Passwords that are the control plane's alone.
            .env_remove("CUBEGATE_DATABASE_URL")
            .env_remove("PGPASSWORD")
            .env_remove("CUBEGATE_ADMIN_PASSWORD")
            .kill_on_drop(false);
        for (name, value) in &options.environment {
            command.env(name, value);
        }
        let child = with_huge_pages(|| command.spawn()).map_err(|error| {
            anyhow!(
                "Envoy cannot be started from {}: {error}; give its path with --envoy",
                options.binary.display()
            )
        })?;
        Ok(Running::new(slot, Process::Child(child)))
    }
}

fn note(file: &Path, running: &Running) -> anyhow::Result<()> {
    if let Some(pid) = running.process.pid() {
        let pid = format!("{}\n", pid.as_raw_nonzero());
        write_file(file, pid.as_bytes(), 0o644)?;
    }
    Ok(())
}
