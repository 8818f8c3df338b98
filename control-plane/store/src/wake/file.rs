//! SQLite: whoever has changed something sets the times of the database's file, and that is an
//! event of the file.
//!
//! The log beside it (`-wal`) has events, too, but they come before the commit can be read, and
//! come with every audit record. The file is touched by its path: to open and close it once more
//! would take the locks away that this process has on it.

use std::io;
use std::path::Path;
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, utimensat};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;
use tokio::time::sleep;

/// Bytes of an event.
const EVENT: usize = 16;

/// Room for those that come at a time.
const ROOM: usize = 64 * EVENT;

/// From one change that is told to the next at least.
const PAUSE: Duration = Duration::from_millis(2);

/// Tells those who listen that the file's database has changed.
pub(crate) fn touch(path: &Path) {
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: UTIME_NOW,
    };
    // Both: one alone would look like a read or a write, of which there are others.
    let times = Timestamps {
        last_access: now,
        last_modification: now,
    };
    if let Err(error) = utimensat(CWD, path, &times, AtFlags::empty()) {
        tracing::debug!(%error, "other processes are not told of a change; they find it by themselves");
    }
}

/// Says of each touch, until the file goes or becomes another one.
pub(super) async fn follow(path: &Path, told: impl Fn()) -> io::Result<()> {
    let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    let of_interest = WatchFlags::ATTRIB | WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
    inotify::add_watch(&watch, path, of_interest)?;
    // Events are read as bytes are from a pipe, and the runtime waits for both alike.
    let mut events = Receiver::from_owned_fd_unchecked(watch)?;
    told();
    let mut bytes = [0; ROOM];
    loop {
        let read = events.read(&mut bytes).await?;
        let gone = ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::IGNORED;
        if masks(bytes.get(..read).unwrap_or_default()).any(|mask| mask.intersects(gone)) {
            return Err(io::Error::other("the database's file is another one"));
        }
        told();
        sleep(PAUSE).await;
    }
}

/// What has happened, of each event (`struct inotify_event`): the second number. Events of a
/// file have no name behind them.
fn masks(events: &[u8]) -> impl Iterator<Item = ReadFlags> {
    let events = events.chunks_exact(EVENT);
    events.filter_map(|event| {
        let (mask, _) = event.get(4..)?.split_first_chunk()?;
        Some(ReadFlags::from_bits_retain(u32::from_ne_bytes(*mask)))
    })
}
