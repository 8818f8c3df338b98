//! All clusters, of which only those are read from the database that have changed.
//!
//! A change of one of a thousand clusters is followed by several readers at once, and to read and
//! open all of them took longer than all else that a change takes. Which clusters this process has
//! changed itself it need not find out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use cubegate_domain::Cluster;

use crate::change::Changed;
use crate::cluster::read::{ClusterRow, Seal, cluster_columns};
use crate::metrics::Write;
use crate::revision::{self, Revision, Topic};
use crate::{Store, StoreError};

/// Above so many that have changed all are read.
const FEW: usize = 32;

/// How many changes of this process are kept until they are read.
const MAX_TOUCHED: usize = 64;

/// The clusters as they were read last.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Of when, at least: nothing is read as long as no cluster has changed since.
    revision: Option<Revision>,
    clusters: ByName,
}

type ByName = BTreeMap<String, (Mark, Arc<Cluster>)>;

/// Of which clusters the changes were that this process has made last.
#[derive(Debug, Default)]
pub(crate) struct Touched(Mutex<VecDeque<(Revision, Vec<String>)>>);

/// By what a row is known to be the same: whoever writes one seals the credential anew, also a
/// former release, and the nonce in front of it is another each time.
type Mark = String;

/// The beginning of a sealed credential with all of its nonce: `2:` and 24 digits, which former
/// releases wrote without the first two.
macro_rules! mark {
    () => {
        "substr(credential_sealed, 1, 26)"
    };
}

// === impl Store ===

impl Store {
    /// Returns all clusters by name. One that cannot be read is logged and left out: the
    /// others must go on working. What stays as it is is shared by all who ask.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn list_clusters(&self) -> Result<Vec<Arc<Cluster>>, StoreError> {
        // Who comes meanwhile finds everything read.
        let mut known = self.inner.clusters.lock().await;
        let revision = revision::read(self.reader()).await?.revision;
        match known.revision {
            Some(before) if !revision.since(before).clusters => {}
            before => {
                let touched = before.and_then(|before| self.inner.touched.since(before, revision));
                self.read_changed(&mut known.clusters, touched).await?;
                known.revision = Some(revision);
            }
        }
        let clusters = known.clusters.values();
        Ok(clusters.map(|(_, cluster)| Arc::clone(cluster)).collect())
    }

    /// Reads what is another than it was: these clusters, or whatever has changed.
    async fn read_changed(
        &self,
        known: &mut ByName,
        touched: Option<BTreeSet<String>>,
    ) -> Result<(), StoreError> {
        let changed: Vec<String> = match touched {
            Some(names) => {
                known.retain(|name, _| !names.contains(name));
                names.into_iter().collect()
            }
            None => {
                let marks: Vec<(String, Mark)> =
                    sqlx::query_as(concat!("SELECT name, ", mark!(), " FROM clusters"))
                        .fetch_all(self.reader())
                        .await?;
                let marks: BTreeMap<String, Mark> = marks.into_iter().collect();
                known.retain(|name, (mark, _)| marks.get(name) == Some(mark));
                let names = marks.into_keys();
                names.filter(|name| !known.contains_key(name)).collect()
            }
        };
        for row in self.rows(&changed).await? {
            let (name, mark) = (row.name.clone(), row.mark());
            if known.contains_key(&name) {
                continue;
            }
            match row.into_cluster(&self.inner.sealer, Seal::Bound) {
                Ok(cluster) => drop(known.insert(name, (mark, Arc::new(cluster)))),
                Err(error) => {
                    tracing::error!(cluster.name = name, %error, "a cluster cannot be read and is left out");
                }
            }
        }
        Ok(())
    }

    /// Commits a change of these clusters, of which everybody is told.
    pub(super) async fn commit_clusters(
        &self,
        mut tx: Write,
        names: &[&str],
    ) -> Result<(), StoreError> {
        let revision = revision::bump(&mut tx, Topic::Clusters).await?;
        let changed: Vec<_> = names.iter().map(|name| Changed::one(name)).collect();
        self.commit_with(tx, &changed, || self.inner.touched.note(revision, names))
            .await?;
        self.publish(revision);
        Ok(())
    }

    /// Returns the rows of these clusters, as far as they are still there; of many those of all.
    async fn rows(&self, names: &[String]) -> Result<Vec<ClusterRow>, StoreError> {
        if names.len() > FEW {
            let all = sqlx::query_as(concat!("SELECT ", cluster_columns!(), " FROM clusters"));
            return Ok(all.fetch_all(self.reader()).await?);
        }
        let mut rows = Vec::with_capacity(names.len());
        for name in names {
            let row: Option<ClusterRow> = sqlx::query_as(concat!(
                "SELECT ",
                cluster_columns!(),
                " FROM clusters WHERE name = $1"
            ))
            .bind(name.as_str())
            .fetch_optional(self.reader())
            .await?;
            rows.extend(row);
        }
        Ok(rows)
    }
}

// === impl Touched ===

impl Touched {
    /// A change of these clusters was committed.
    pub(crate) fn note(&self, revision: Revision, names: &[&str]) {
        let mut touched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        touched.truncate(MAX_TOUCHED - 1);
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        touched.push_front((revision, names));
    }

    /// Returns of which clusters the changes between the two were; `None` if others have made some
    /// of them.
    fn since(&self, before: Revision, now: Revision) -> Option<BTreeSet<String>> {
        let mut touched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = now.cluster_changes_since(before)?;
        let is_between = |revision: Revision| {
            let since = revision.cluster_changes_since(before);
            since.is_some_and(|since| (1..=changes).contains(&since))
        };
        touched.retain(|(revision, _)| revision.cluster_changes_since(before) > Some(0));
        let between = touched.iter().filter(|(revision, _)| is_between(*revision));
        let (revisions, names): (BTreeSet<u64>, Vec<_>) = between
            .map(|(revision, names)| (revision.clusters(), names))
            .unzip();
        let is_all = u64::try_from(revisions.len()) == Ok(changes);
        is_all.then(|| names.into_iter().flatten().cloned().collect())
    }
}

// === impl ClusterRow ===

impl ClusterRow {
    /// The same as the database tells.
    fn mark(&self) -> Mark {
        self.credential_sealed.chars().take(26).collect()
    }
}
