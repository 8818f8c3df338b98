//! Hearing that something in a folder has changed.

use std::fs;
use std::future::pending;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;

/// Room for the events that come at a time: each has 16 bytes and a name.
const ROOM: usize = 16 << 10;

/// Listens to one folder, as long as there is one.
pub(super) struct Watch {
    folder: PathBuf,
    events: Option<Receiver>,
    /// Which folder it is that is listened to, whatever its name leads to later.
    which: Option<(u64, u64)>,
}

// === impl Watch ===

impl Watch {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            events: None,
            which: None,
        }
    }

    /// Listens to what the path leads to now, if it does not already. Where nobody tells of
    /// changes they are found by looking.
    pub(super) fn renew(&mut self) {
        let which = fs::metadata(&self.folder).ok();
        let which = which.map(|folder| (folder.dev(), folder.ino()));
        if self.events.is_some() && self.which == which {
            return;
        }
        self.which = which;
        self.events = self.listen().ok();
    }

    fn listen(&self) -> std::io::Result<Receiver> {
        let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let of_interest = WatchFlags::ATTRIB
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        inotify::add_watch(&watch, &self.folder, of_interest)?;
        // Events are read as bytes are from a pipe, and the runtime waits for both alike.
        Receiver::from_owned_fd_unchecked(watch)
    }

    /// Ends when something has changed, or may have.
    pub(super) async fn changed(&mut self) {
        let Some(events) = &mut self.events else {
            return pending().await;
        };
        let mut bytes = vec![0; ROOM];
        if events.read(&mut bytes).await.is_err() {
            self.events = None;
            // It is found by looking.
            pending::<()>().await;
        }
    }
}
