//! What clusters have, in the database: a control plane that is started knows it at once, and
//! tells Envoys what they have been told before. Without it each start would send them
//! everything twice, and a cluster that is down just then would have no resources.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cubegate_domain::Cluster;
use cubegate_member::Discovery;
use cubegate_store::{ClusterDiscovery, Store, StoreError};
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::sleep;

use super::tables::{Table, Tables};

/// From one writing to the next: clusters are read a few at a time.
const PAUSE: Duration = Duration::from_secs(1);

/// How long to wait after the database has failed.
const RETRY: Duration = Duration::from_secs(10);

/// What is known of clusters, by name: which server it is of, and what that has.
pub(super) type Memory = BTreeMap<String, Remembered>;

/// What is known of one cluster.
#[derive(Clone)]
pub(super) struct Remembered {
    pub(super) server: String,
    pub(super) table: Arc<Table>,
}

// === impl Remembered ===

impl Remembered {
    pub(super) fn of(cluster: &Cluster, table: &Arc<Table>) -> Self {
        Self {
            server: cluster.server.to_string(),
            table: Arc::clone(table),
        }
    }

    /// What it has, if it is still this server.
    pub(super) fn table_of(self, cluster: &Cluster) -> Option<Arc<Table>> {
        (self.server == cluster.server.to_string()).then_some(self.table)
    }

    fn is(&self, other: &Self) -> bool {
        self.server == other.server && Arc::ptr_eq(&self.table, &other.table)
    }
}

/// Reads what was written down.
///
/// # Errors
/// A database that fails.
pub(super) async fn read(store: &Store, tables: &Tables) -> Result<Memory, StoreError> {
    let mut memory = Memory::new();
    // A thousand clusters have the same text.
    let mut read: Vec<(Arc<str>, Option<Arc<Table>>)> = Vec::new();
    for kept in store.list_discoveries().await? {
        let ClusterDiscovery {
            cluster,
            server,
            document,
        } = kept;
        let known = read.iter().find(|(text, _)| Arc::ptr_eq(text, &document));
        let table = match known {
            Some((_, table)) => table.clone(),
            None => {
                let table = Discovery::from_text(&document).map(|found| tables.of(found));
                read.push((document, table.clone()));
                table
            }
        };
        if let Some(table) = table {
            memory.insert(cluster, Remembered { server, table });
        }
    }
    Ok(memory)
}

/// Writes down what is new until nobody tells any more. `written` is what is there already.
pub(super) async fn keep(store: Store, mut written: Memory, mut told: watch::Receiver<Memory>) {
    while told.changed().await.is_ok() {
        let memory = told.borrow_and_update().clone();
        written.retain(|name, _| memory.contains_key(name));
        let news = memory.iter().filter(|(name, now)| {
            let former = written.get(*name);
            former.is_none_or(|former| !former.is(now))
        });
        let news: Vec<_> = news.collect();
        if !news.is_empty() {
            let kept = store
                .keep_discoveries(&to_rows(&news), OffsetDateTime::now_utc())
                .await;
            match kept {
                Ok(()) => written = memory,
                Err(error) => {
                    tracing::warn!(%error, "what clusters have could not be written down");
                    told.mark_changed();
                    sleep(RETRY).await;
                }
            }
        }
        sleep(PAUSE).await;
    }
}

fn to_rows(news: &[(&String, &Remembered)]) -> Vec<ClusterDiscovery> {
    let mut texts: Vec<(Arc<Table>, Arc<str>)> = Vec::new();
    let rows = news.iter().map(|(name, now)| {
        let known = texts
            .iter()
            .find(|(table, _)| Arc::ptr_eq(table, &now.table));
        let document = match known {
            Some((_, text)) => Arc::clone(text),
            None => {
                let text: Arc<str> = now.table.discovery.to_text().into();
                texts.push((Arc::clone(&now.table), Arc::clone(&text)));
                text
            }
        };
        ClusterDiscovery {
            cluster: (*name).clone(),
            server: now.server.clone(),
            document,
        }
    });
    rows.collect()
}
