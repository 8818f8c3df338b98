//! Hearing at once that somebody has changed the database.
//!
//! ```text
//! PostgreSQL: NOTIFY in the transaction ──at its commit──> LISTEN, a connection of its own ─┐
//! SQLite:     the file is touched after the commit ──> inotify ─────────────────────────────┴─> Heard
//! ```
//!
//! What is heard says only that there may be something: the revision says what. Whoever listens
//! again reads it once, since nobody keeps for him what he has missed. The poll beneath
//! (`crate::revision`) finds what nobody tells of: a change by hand, or by a process that was
//! killed between its commit and the touch.

mod file;
mod server;

use std::mem;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::OnceLock;
use std::time::Duration;

use sqlx::Error;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};
use url::Url;

use crate::DatabaseUrl;
use crate::database::Kind;
pub(crate) use file::touch;
pub(crate) use server::NOTIFY;

/// How long to wait before listening is tried again; doubled with each failure, up to
/// [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest wait before listening is tried again; who has listened for as long begins anew.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// What was heard so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// How often there may have been a change.
    pub(crate) wakes: u64,
    /// Whether the next change is heard.
    pub(crate) listens: bool,
}

/// Listens from the first time that somebody wants to know, to the end of the value.
pub(crate) struct Listener {
    source: Source,
    heard: watch::Sender<Heard>,
    task: OnceLock<AbortHandle>,
}

/// Where it is heard.
#[derive(Clone)]
enum Source {
    File(PathBuf),
    Server(Box<Url>),
}

// === impl Listener ===

impl Listener {
    /// Listens to nothing yet.
    pub(crate) fn new(database: &DatabaseUrl) -> Self {
        let source = match database.kind() {
            Kind::Sqlite(path) => Source::File(path.clone()),
            Kind::Postgres(url) => Source::Server(url.clone()),
        };
        Self {
            source,
            heard: watch::Sender::default(),
            task: OnceLock::new(),
        }
    }

    /// Follows what is heard; it ends with the listener.
    pub(crate) fn heard(&self) -> watch::Receiver<Heard> {
        self.heard.subscribe()
    }

    /// Begins, once. Commands that only read or write once never do, and cost the server no
    /// connection.
    pub(crate) fn start(&self) {
        // Nothing outside of a runtime reads the store again and again.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        self.task.get_or_init(|| {
            let listening = listen(self.source.clone(), self.heard.clone());
            runtime.spawn(listening).abort_handle()
        });
    }

    /// Ends it: nothing is heard any more.
    pub(crate) fn stop(&self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
        self.heard
            .send_if_modified(|heard| mem::take(&mut heard.listens));
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop();
    }
}

// === impl Source ===

impl Source {
    /// Says of each change, until it cannot. The first word is that it listens.
    async fn follow(&self, heard: &watch::Sender<Heard>) -> Result<(), Error> {
        let told = || {
            heard.send_modify(|heard| {
                heard.wakes = heard.wakes.wrapping_add(1);
                heard.listens = true;
            });
        };
        match self {
            Self::File(path) => file::follow(path, told).await.map_err(Error::Io),
            Self::Server(url) => server::follow(url, told).await,
        }
    }
}

/// Listens again and again.
async fn listen(source: Source, heard: watch::Sender<Heard>) {
    let mut pause = FIRST_PAUSE;
    let mut failing = false;
    loop {
        let began = Instant::now();
        let mut listening = pin!(source.follow(&heard));
        let mut states = heard.subscribe();
        let error = loop {
            tokio::select! {
                ended = &mut listening => break ended.err(),
                Ok(_) = states.wait_for(|heard| heard.listens), if failing => {
                    tracing::info!("changes by other processes are heard at once again");
                    failing = false;
                }
            }
        };
        heard.send_modify(|heard| heard.listens = false);
        if began.elapsed() >= LONGEST_PAUSE {
            pause = FIRST_PAUSE;
        }
        if !failing {
            let error = error.map(|error| error.to_string());
            tracing::warn!(
                error,
                "changes by other processes are not heard at once; the database is asked for them"
            );
            failing = true;
        }
        sleep(pause.mul_f64(rand::random_range(0.75..1.25))).await;
        pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
    }
}
