//! What is registered, kept as a source has it.
//!
//! Several control planes on one database follow the same source, and see its changes at different
//! moments: kubelets bring a Secret's new files to one pod a minute after the other. So each acts
//! at once on what it has seen change itself, and on what is otherwise not as its source says only
//! when that stays so ([`OTHERS`]): another one may know more, or be about to see it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cubegate_domain::{Cluster, ClusterName, ClusterSource};
use cubegate_member::MemberSpec;
use cubegate_store::{SOURCE_BATCH, Store, StoreError};
use time::OffsetDateTime;
use tokio::time::Instant;

use super::record;
use super::told::Told;

/// How long a member must be missing before it is removed: a file may be written anew by
/// taking it away first.
const GONE: Duration = Duration::from_millis(if cfg!(test) { 50 } else { 2_000 });

/// How long the database must be other than the source where this process has seen no change:
/// longer than kubelets take to bring what has changed to all pods.
const OTHERS: Duration = Duration::from_millis(if cfg!(test) { 800 } else { 120_000 });

/// How often what is registered is compared with the source although nothing has changed.
const COMPARE: Duration = Duration::from_millis(if cfg!(test) { 1_200 } else { 300_000 });

/// How long to wait after the database has failed.
const RETRY: Duration = Duration::from_secs(5);

/// A member as its source has it, or why it is of no use: a sentence, which is empty as long as
/// it is nothing to be told yet.
pub(super) type Member = Result<Arc<MemberSpec>, String>;

/// Keeps what one source has registered.
pub(super) struct Keeper {
    store: Store,
    source: ClusterSource,
    told: Told,
    /// What was registered, or was found so, as it is.
    settled: BTreeMap<String, Arc<MemberSpec>>,
    /// Since when a member is not as it should be.
    odd: BTreeMap<String, Instant>,
    compared: Option<Instant>,
    /// Whether a source without members is not believed: nothing was seen of it since the
    /// start, or since it was away.
    doubtful: bool,
}

/// What is to be done.
#[derive(Default)]
struct Plan {
    new: Vec<Cluster>,
    changed: Vec<Cluster>,
    gone: Vec<String>,
    /// Those whose oddity waits for its time.
    odd: BTreeMap<String, Instant>,
    /// When the first of them is due.
    due: Option<Instant>,
}

// === impl Keeper ===

impl Keeper {
    pub(super) fn new(store: Store, source: ClusterSource) -> Self {
        Self {
            store,
            source,
            told: Told::new(source),
            settled: BTreeMap::new(),
            odd: BTreeMap::new(),
            compared: None,
            doubtful: true,
        }
    }

    /// The source cannot be read, in a sentence: nothing is removed.
    pub(super) fn away(&mut self, sentence: &str) {
        self.doubtful = true;
        self.told.away(sentence);
    }

    /// The source is another one from now on: what it does not have was not removed from it.
    pub(super) fn begin_anew(&mut self) {
        self.doubtful = true;
        self.settled.clear();
        self.odd.clear();
    }

    /// Makes what is registered what the source has. Returns how long it may take until
    /// this is called again, though nothing changes.
    pub(super) async fn settle(&mut self, members: &BTreeMap<String, Member>) -> Duration {
        self.told.back();
        match self.try_settle(members).await {
            Ok(due) => due.map_or(COMPARE, |due| due.saturating_duration_since(Instant::now())),
            Err(error) => {
                self.told.failed(&error.to_string());
                RETRY
            }
        }
    }

    async fn try_settle(
        &mut self,
        members: &BTreeMap<String, Member>,
    ) -> Result<Option<Instant>, StoreError> {
        let registered = self.store.cluster_sources().await?;
        let now = Instant::now();
        let compare = self.compared.is_none_or(|at| now - at >= COMPARE);
        self.told.begin();
        let mut plan = Plan::default();
        let mut unsure = BTreeMap::new();
        for (name, member) in members {
            let (parsed, spec) = match (name.parse::<ClusterName>(), member) {
                (Ok(parsed), Ok(spec)) => (parsed, spec),
                (Err(error), _) => {
                    self.told.of_no_use(name, &error.to_string());
                    continue;
                }
                (_, Err(sentence)) => {
                    self.told.of_no_use(name, sentence);
                    continue;
                }
            };
            let known = self.settled.get(name).is_some_and(|known| known == spec);
            match registered.get(name) {
                Some(owner) if *owner != self.source => {
                    self.settled.remove(name);
                    self.told.of_no_use(name, &taken(*owner));
                }
                Some(_) if known && !compare => {}
                Some(_) => {
                    unsure.insert(name, (parsed, spec, known));
                }
                // Another control plane may know that it is gone.
                None if known && !self.is_due(name, OTHERS, now, &mut plan) => {}
                None => plan.new.push(self.cluster(parsed, spec)),
            }
        }
        if !unsure.is_empty() {
            let kept = self.store.list_clusters().await?;
            let kept: BTreeMap<_, _> = kept.iter().map(|one| (one.name.as_str(), one)).collect();
            for (name, (parsed, spec, known)) in unsure {
                let cluster = self.cluster(parsed, spec);
                let same = kept.get(name.as_str()).is_some_and(|kept| {
                    kept.server == cluster.server
                        && kept.tls == cluster.tls
                        && kept.credential == cluster.credential
                });
                if same {
                    self.settled.insert(name.clone(), Arc::clone(spec));
                } else if !known || self.is_due(name, OTHERS, now, &mut plan) {
                    plan.changed.push(cluster);
                }
            }
        }
        self.find_gone(members, &registered, now, &mut plan);
        self.told.end();
        self.settled
            .retain(|name, _| members.contains_key(name) || registered.contains_key(name));
        self.odd = std::mem::take(&mut plan.odd);
        self.write(&plan, members).await?;
        if compare {
            self.compared = Some(now);
        }
        Ok(plan.due)
    }

    /// Which of the registered ones the source has no more.
    fn find_gone(
        &mut self,
        members: &BTreeMap<String, Member>,
        registered: &BTreeMap<String, ClusterSource>,
        now: Instant,
        plan: &mut Plan,
    ) {
        let own = registered.iter().filter(|(_, from)| **from == self.source);
        let missing: Vec<_> = own
            .map(|(name, _)| name)
            .filter(|name| !members.contains_key(*name))
            .collect();
        self.doubtful &= members.is_empty();
        if self.doubtful && !missing.is_empty() {
            self.told.empty(missing.len());
            return;
        }
        for name in missing {
            // What this process has seen there, it has seen go.
            let seen = self.settled.contains_key(name);
            if self.is_due(name, if seen { GONE } else { OTHERS }, now, plan) {
                plan.gone.push(name.clone());
            }
        }
    }

    /// Whether something that is not as it should be has been so for that long.
    fn is_due(&self, name: &str, patience: Duration, now: Instant, plan: &mut Plan) -> bool {
        let since = self.odd.get(name).copied().unwrap_or(now);
        let due = since + patience;
        if now >= due {
            return true;
        }
        plan.odd.insert(name.to_owned(), since);
        plan.due = Some(plan.due.map_or(due, |first| first.min(due)));
        false
    }

    async fn write(
        &mut self,
        plan: &Plan,
        members: &BTreeMap<String, Member>,
    ) -> Result<(), StoreError> {
        let (store, source) = (self.store.clone(), self.source);
        for (verb, clusters) in [("create", &plan.new), ("update", &plan.changed)] {
            for batch in clusters.chunks(SOURCE_BATCH) {
                let put = store.put_source_clusters(batch);
                for name in record::changing(source.as_str(), verb, put).await? {
                    if let Some(Ok(spec)) = members.get(&name) {
                        let former = self.settled.insert(name.clone(), Arc::clone(spec));
                        self.told.put(&name, spec, former.as_deref());
                    }
                }
            }
        }
        for batch in plan.gone.chunks(SOURCE_BATCH) {
            let remove = store.remove_source_clusters(source, batch);
            for name in record::changing(source.as_str(), "delete", remove).await? {
                self.told.removed(&name);
            }
            for name in batch {
                self.settled.remove(name);
            }
        }
        Ok(())
    }

    fn cluster(&self, name: ClusterName, spec: &MemberSpec) -> Cluster {
        let now = OffsetDateTime::now_utc();
        spec.clone().into_cluster(name, now, self.source)
    }
}

/// Why a member is not registered whose name another cluster has.
fn taken(owner: ClusterSource) -> String {
    let by = match owner {
        ClusterSource::Unknown => "before",
        ClusterSource::Api => "over the API",
        ClusterSource::Cli => "on the command line",
        ClusterSource::Import => "by an import",
        ClusterSource::Folder => "from the folder of kubeconfigs",
        ClusterSource::KubeCube => "from KubeCube",
        ClusterSource::KubeSphere => "from KubeSphere",
    };
    format!(
        "a cluster of that name was registered {by} and stays as it is; remove it there, or give this one another name"
    )
}

#[cfg(test)]
mod tests;
