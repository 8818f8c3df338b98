//! A folder of kubeconfigs: one file for each cluster, named like the cluster.
//!
//! ```text
//! the folder changes ──inotify──┐
//! every 10 s ───────────────────┴─> look: what is another file than before is read ──> Keeper
//! ```
//!
//! A Secret that is mounted as a folder is one, too: its files are links, and a link in their way
//! is put in the place of another one.

mod files;
mod watch;

use std::path::PathBuf;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::sleep;

use self::files::Files;
use self::watch::Watch;
use super::keeper::Keeper;

/// How often the folder is looked at although nothing was told of it: not every file system
/// tells, and nobody tells of the files that kubeconfigs point to.
const POLL: Duration = Duration::from_secs(10);

/// How long after a change it is looked at: changes come in groups.
const PAUSE: Duration = Duration::from_millis(50);

/// Follows it until it is stopped.
pub(super) async fn follow(folder: PathBuf, mut keeper: Keeper) {
    let mut files = Files::new(folder.clone());
    let mut watch = Watch::new(folder);
    loop {
        // Before the look, so that what changes meanwhile is told.
        watch.renew();
        let looked = spawn_blocking(move || {
            let looked = files.look();
            (files, looked)
        });
        // It does not end otherwise than by a panic, of which there is none.
        let Ok((back, looked)) = looked.await else {
            return;
        };
        files = back;
        let again = match looked {
            Ok(look) => {
                let due = keeper.settle(&look.members).await;
                look.again.map_or(due, |again| again.min(due))
            }
            Err(sentence) => {
                keeper.away(&sentence);
                POLL
            }
        };
        tokio::select! {
            () = watch.changed() => sleep(PAUSE).await,
            () = sleep(again.min(POLL)) => {}
        }
    }
}
