//! `Cluster` objects of the host cluster, of whatever product's they are.
//!
//! ```text
//! the host cluster, as it is registered ──watch_objects──> shape (kubecube, kubesphere) ──> Keeper
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cubegate_domain::Cluster;
use cubegate_member::{
    AddressPolicy, FileAccess, ObjectEvent, ObjectKind, ObjectsError, parse_kubeconfig,
    watch_objects,
};
use cubegate_store::{Revision, Store};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use kube::api::DynamicObject;
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::keeper::{Keeper, Member};
use super::{MAX_CLUSTERS, MAX_KUBECONFIG, MAX_KUBECONFIGS};

/// How long after an event what came of it is written: events come in groups.
const PAUSE: Duration = Duration::from_millis(50);

/// How long to wait before it is begun anew where it cannot even begin.
const RETRY: Duration = Duration::from_secs(10);

/// How long after an error a watch of which nothing is heard is taken to go on.
const LULL: Duration = Duration::from_secs(180);

/// How often a kubeconfig that cannot be used is tried again although its object is the same.
const AGAIN: Duration = Duration::from_secs(60);

/// How one product writes its clusters.
pub(super) struct Shape {
    pub(super) kind: ObjectKind,
    /// Takes out what says how a cluster is reached.
    pub(super) read: fn(&DynamicObject) -> Reached,
}

/// How the cluster of an object is reached.
pub(super) enum Reached {
    /// By this kubeconfig.
    By(String),
    /// It is none of the gateway's: the host cluster itself, or one that is switched off.
    PassedOver,
    /// Not, and why: a sentence.
    Not(String),
}

/// Follows the objects of one product.
pub(super) struct Objects {
    shape: Shape,
    store: Store,
    addresses: Arc<AddressPolicy>,
    keeper: Keeper,
    members: BTreeMap<String, Known>,
    /// Those of a list that is not complete.
    listed: BTreeMap<String, Known>,
    listed_bytes: u64,
}

/// An object as it was read.
struct Known {
    /// By what it is known to be the same as before.
    version: Option<String>,
    /// Its kubeconfig, as long as it cannot be used: what is wrong may be a name that is not
    /// found at the moment.
    bad: Option<String>,
    bytes: u64,
    member: Option<Member>,
}

type Events = BoxStream<'static, Result<ObjectEvent, ObjectsError>>;

// === impl Objects ===

impl Objects {
    pub(super) fn new(
        shape: Shape,
        store: Store,
        addresses: Arc<AddressPolicy>,
        keeper: Keeper,
    ) -> Self {
        Self {
            shape,
            store,
            addresses,
            keeper,
            members: BTreeMap::new(),
            listed: BTreeMap::new(),
            listed_bytes: 0,
        }
    }

    /// Follows them until it is stopped, on whichever cluster is the host.
    pub(super) async fn follow(mut self) {
        let mut revision = self.store.subscribe();
        let mut former: Option<Cluster> = None;
        loop {
            revision.mark_unchanged();
            let host = match self.host().await {
                Ok(host) => host,
                Err(sentence) => {
                    self.keeper.away(&sentence);
                    sleep(RETRY).await;
                    continue;
                }
            };
            let Some(host) = host else {
                self.keeper
                    .away("there is no host cluster whose objects could be followed");
                // The next change may make one.
                if revision.changed().await.is_err() {
                    return;
                }
                continue;
            };
            if former
                .as_ref()
                .is_none_or(|former| former.name != host.name || former.server != host.server)
            {
                self.keeper.begin_anew();
                self.members.clear();
            }
            match watch_objects(&host, self.shape.kind) {
                Ok(events) => self.watch(events, &host, &mut revision).await,
                Err(error) => {
                    self.keeper.away(&error.to_string());
                    sleep(RETRY).await;
                }
            }
            former = Some(host);
        }
    }

    /// Returns the host cluster, if there is one.
    async fn host(&self) -> Result<Option<Cluster>, String> {
        let failed = |error| format!("the host cluster cannot be read: {error}");
        let Some(name) = self.store.host_cluster().await.map_err(failed)? else {
            return Ok(None);
        };
        self.store.get_cluster(&name).await.map_err(failed)
    }

    /// Follows the events of one watch, until the host cluster is another one, or the watch
    /// ends.
    async fn watch(
        &mut self,
        mut events: Events,
        host: &Cluster,
        revision: &mut watch::Receiver<Revision>,
    ) {
        // Nothing is settled before all is known.
        let mut due: Option<Instant> = None;
        let mut seen = *revision.borrow();
        loop {
            let settle_at = due.unwrap_or_else(|| Instant::now() + LULL);
            tokio::select! {
                event = events.next() => match event {
                    Some(Ok(event)) => {
                        let complete = matches!(event, ObjectEvent::Complete);
                        if let Err(sentence) = self.take(event).await {
                            self.keeper.away(&sentence);
                            sleep(RETRY).await;
                            return;
                        }
                        if complete || due.is_some() {
                            due = Some(Instant::now() + PAUSE);
                        }
                    }
                    Some(Err(error)) => {
                        self.keeper.away(&error.to_string());
                        // A watch that goes on has nothing to say of it.
                        due = due.map(|_| Instant::now() + LULL);
                    }
                    None => return,
                },
                () = sleep_until(settle_at), if due.is_some() => {
                    let pause = self.settle().await;
                    due = Some(Instant::now() + pause);
                }
                Ok(()) = revision.changed() => {
                    let now = *revision.borrow_and_update();
                    let changed = now.since(seen).clusters;
                    seen = now;
                    if changed {
                        let now = self.host().await;
                        if !matches!(&now, Ok(Some(now)) if is_same(now, host)) {
                            return;
                        }
                    }
                }
            }
        }
    }

    /// Makes what is registered what is known now. Returns when that is due again.
    async fn settle(&mut self) -> Duration {
        let mut bad = false;
        for name in self.members.keys().cloned().collect::<Vec<_>>() {
            let again = self
                .members
                .get_mut(&name)
                .and_then(|known| known.bad.take());
            if let Some(kubeconfig) = again {
                let member = self.member(&kubeconfig).await;
                if let Some(known) = self.members.get_mut(&name) {
                    known.bad = member.is_err().then_some(kubeconfig);
                    bad |= member.is_err();
                    known.member = Some(member);
                }
            }
        }
        let members = self.members.iter();
        let members = members
            .filter_map(|(name, known)| Some((name.clone(), known.member.clone()?)))
            .collect();
        let due = self.keeper.settle(&members).await;
        if bad { due.min(AGAIN) } else { due }
    }

    /// Takes an event.
    ///
    /// # Errors
    /// A sentence, when there is more than is ever kept.
    async fn take(&mut self, event: ObjectEvent) -> Result<(), String> {
        match event {
            ObjectEvent::Begin => {
                self.listed.clear();
                self.listed_bytes = 0;
            }
            ObjectEvent::Listed(object) => {
                let (name, known) = self.known(&object).await;
                self.listed_bytes += known.bytes;
                self.listed.insert(name, known);
                self.bounded(self.listed.len(), self.listed_bytes)?;
            }
            ObjectEvent::Complete => self.members = std::mem::take(&mut self.listed),
            ObjectEvent::Applied(object) => {
                let (name, known) = self.known(&object).await;
                self.members.insert(name, known);
                let bytes = self.members.values().map(|known| known.bytes).sum();
                self.bounded(self.members.len(), bytes)?;
            }
            ObjectEvent::Deleted(object) => {
                let name = object.metadata.name.unwrap_or_default();
                self.members.remove(&name);
            }
        }
        Ok(())
    }

    fn bounded(&self, objects: usize, bytes: u64) -> Result<(), String> {
        if objects <= MAX_CLUSTERS && bytes <= MAX_KUBECONFIGS {
            return Ok(());
        }
        Err(format!(
            "there are more than {MAX_CLUSTERS} {}, or their kubeconfigs have more than {} MiB together",
            self.shape.kind.name(),
            MAX_KUBECONFIGS >> 20
        ))
    }

    async fn known(&self, object: &DynamicObject) -> (String, Known) {
        let name = object.metadata.name.clone().unwrap_or_default();
        let version = object.metadata.resource_version.clone();
        // Of a list that is read again most is known.
        if let Some(same) = self.members.get(&name)
            && same.version == version
            && let Some(Ok(_)) = &same.member
        {
            let known = Known {
                version,
                bad: None,
                bytes: same.bytes,
                member: same.member.clone(),
            };
            return (name, known);
        }
        let mut known = Known {
            version,
            bad: None,
            bytes: 0,
            member: None,
        };
        match (self.shape.read)(object) {
            Reached::PassedOver => {}
            Reached::Not(sentence) => known.member = Some(Err(sentence)),
            Reached::By(kubeconfig) => {
                let member = self.member(&kubeconfig).await;
                known.bytes = kubeconfig.len() as u64;
                known.bad = member.is_err().then_some(kubeconfig);
                known.member = Some(member);
            }
        }
        (name, known)
    }

    async fn member(&self, kubeconfig: &str) -> Member {
        if kubeconfig.len() as u64 > MAX_KUBECONFIG {
            return Err(format!(
                "its kubeconfig is longer than {} KiB",
                MAX_KUBECONFIG >> 10
            ));
        }
        // It comes over the network: it must not name files of this machine, or its addresses.
        let now = OffsetDateTime::now_utc();
        let spec = parse_kubeconfig(kubeconfig, None, &FileAccess::Refused, now)
            .map_err(|error| error.to_string())?;
        let addresses = self.addresses.check(&spec.server).await;
        addresses.map_err(|error| error.to_string())?;
        Ok(Arc::new(spec))
    }
}

/// Whether objects are read from the same place in the same way.
fn is_same(one: &Cluster, other: &Cluster) -> bool {
    one.name == other.name
        && one.server == other.server
        && one.tls == other.tls
        && one.credential == other.credential
}
