//! From the database to every Envoy: whenever the store's revision moves, or a cluster
//! has other resources, what has changed is read, and a snapshot is published whole.
//!
//! ```text
//! clusters ─────> gateway (clusters, listener, routes, filter) ─┐
//! users, keys ──> epochs ───────────────────────────────────────┼──> snapshot ──> xds
//! sessions ─────> sessions (a task of its own) ─────────────────┘
//! ```
//!
//! Who is disabled and which clusters there are never waits for a million sessions.

mod documents;
mod sessions;

use std::collections::BTreeSet;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use cubegate_api::Document;
use cubegate_filter_config::{Epochs, FilterLimits, RevocationPart, TokenKeys};
use cubegate_snapshot::{
    FilterModule, GatewayState, ListenerSettings, Made, Resource, Snapshot, clock, revocations,
};
use cubegate_store::{Changes, Revision, Store, StoreError};
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep};

use self::documents::{Gate, SessionsSize};
use crate::control_plane::Live;
use crate::discovery::KnownResources;
use crate::route_pass::Period;
use crate::system_ca::Bundle;

/// How long to wait after the database has failed.
const RETRY: Duration = Duration::from_secs(1);

/// What of a snapshot does not change while the control plane runs, but for what is [`Live`].
pub(crate) struct Fixed {
    pub(crate) tokens: TokenKeys,
    pub(crate) cors_origins: BTreeSet<String>,
    /// Whether requests for somebody else than their caller are refused.
    pub(crate) no_impersonation: bool,
    /// Whether paths that name no cluster are refused.
    pub(crate) no_host_paths: bool,
    pub(crate) limits: FilterLimits,
    /// How often the filter's pass changes.
    pub(crate) pass_period: Duration,
    /// How often Envoys are told the time; `None` is never.
    pub(crate) clock: Option<Duration>,
    pub(crate) module: FilterModule,
    pub(crate) listener: ListenerSettings,
}

/// Publishes, and keeps what it has made last.
pub(crate) struct Publisher {
    store: Store,
    known: watch::Receiver<KnownResources>,
    system_ca: watch::Receiver<Bundle>,
    /// What of `fixed` may change all the same.
    live: watch::Receiver<Live>,
    fixed: Fixed,
    /// The revision that gateway and epochs are of at least.
    revision: Option<Revision>,
    /// Everything but what is refused.
    gateway: Snapshot,
    made: Made,
    epochs: Parts,
    sessions: Parts,
    size: SessionsSize,
    clock: Arc<Resource>,
    /// The document of sessions, as it is made.
    documents: watch::Receiver<sessions::Document>,
    gate: Gate,
}

/// What is refused by one of the lists.
type Parts = Vec<(RevocationPart, Arc<Resource>)>;

// === impl Publisher ===

impl Publisher {
    /// Reads everything.
    ///
    /// # Errors
    /// A database that fails.
    pub(crate) async fn new(
        store: Store,
        known: watch::Receiver<KnownResources>,
        system_ca: watch::Receiver<Bundle>,
        live: watch::Receiver<Live>,
        fixed: Fixed,
    ) -> anyhow::Result<Self> {
        let mut publisher = Self {
            revision: None,
            gateway: Snapshot::default(),
            made: Made::default(),
            epochs: Parts::new(),
            sessions: Parts::new(),
            size: SessionsSize::default(),
            clock: clock_now(),
            documents: sessions::feed(store.clone()).await?,
            gate: Gate::new(),
            store,
            known,
            system_ca,
            live,
            fixed,
        };
        // What is read after it is of this revision or a later one.
        let revision = *publisher.store.subscribe().borrow();
        publisher.follow(revision, false).await?;
        publisher.take_sessions();
        Ok(publisher)
    }

    /// Returns what Envoys should have now; `former` is what they have been told.
    pub(crate) fn snapshot(&mut self, former: &Snapshot) -> Snapshot {
        let mut snapshot = self.gateway.clone();
        for (part, resource) in self.epochs.iter().chain(&self.sessions) {
            snapshot.insert_revocations(*part, Arc::clone(resource));
        }
        snapshot.insert_clock(Arc::clone(&self.clock));
        self.gate.pass(&snapshot, former, self.size)
    }

    /// Follows how large what Envoys are told is.
    pub(crate) fn sizes(&self) -> watch::Receiver<Vec<Document>> {
        self.gate.sizes()
    }

    /// Publishes a new snapshot whenever the store, what is known of clusters or the
    /// filter's pass changes, until nobody listens. `published` follows with the revision,
    /// but for its sessions. While the database fails, Envoys keep what they have.
    pub(crate) async fn run(
        mut self,
        publish: watch::Sender<Arc<Snapshot>>,
        published: watch::Sender<u64>,
    ) {
        let mut revision = self.store.subscribe();
        // It may have moved since everything was read.
        revision.mark_changed();
        let mut resources = false;
        // The first snapshot has the time already.
        let ticks = self.fixed.clock;
        let mut ticks = ticks.map(|period| interval_at(Instant::now() + period, period));
        if let Some(ticks) = &mut ticks {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        loop {
            let period = Period::at(OffsetDateTime::now_utc(), self.fixed.pass_period);
            tokio::select! {
                changed = revision.changed() => if changed.is_err() {
                    return;
                },
                changed = self.documents.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.take_sessions();
                }
                Ok(()) = self.known.changed() => resources = true,
                Ok(()) = self.system_ca.changed() => resources = true,
                Ok(()) = self.live.changed() => self.take_live(),
                () = sleep(period.left) => resources = true,
                () = tick(ticks.as_mut()) => self.clock = clock_now(),
            }
            let now = *revision.borrow_and_update();
            match self.follow(now, resources).await {
                Ok(()) => {
                    resources = false;
                    self.publish(now, &publish);
                    published.send_replace(now.total);
                }
                Err(error) => {
                    let error = crate::output::sentence(&error);
                    tracing::error!(%error, "what has changed cannot be read; Envoys keep what they have");
                    sleep(RETRY).await;
                    revision.mark_changed();
                }
            }
            if publish.is_closed() {
                return;
            }
        }
    }

    fn publish(&mut self, revision: Revision, publish: &watch::Sender<Arc<Snapshot>>) {
        let former = Arc::clone(&publish.borrow());
        let mut made = self.snapshot(&former);
        made.revision = revision.total;
        if *former != made {
            publish.send_replace(Arc::new(made));
            tracing::debug!(
                store.revision = revision.total,
                "a new snapshot is published"
            );
        }
    }

    /// Reads what has changed of everything but the sessions. `resources`: what is known of
    /// the clusters' resources, the CA bundle or the filter's pass is something else.
    async fn follow(&mut self, now: Revision, resources: bool) -> anyhow::Result<()> {
        let changes = self.revision.map_or(Changes::ALL, |own| now.since(own));
        if changes.clusters || resources {
            let state = gateway(&self.store, &self.known, &self.system_ca, &self.fixed).await?;
            self.gateway = state.snapshot(&mut self.made)?;
        }
        if changes.epochs {
            let epochs = epochs(&self.store, OffsetDateTime::now_utc()).await?;
            self.epochs = list(&epochs.to_parts(), &self.epochs);
        }
        self.revision = Some(now);
        Ok(())
    }

    /// Takes other keys or another certificate, which everything is made anew with.
    fn take_live(&mut self) {
        let Live {
            tokens,
            certificate,
        } = self.live.borrow_and_update().clone();
        self.fixed.tokens = tokens;
        self.fixed.listener.certificate = certificate;
        self.revision = None;
        self.take_sessions();
    }

    /// Takes the document of sessions as it was made last.
    fn take_sessions(&mut self) {
        let sessions::Document { parts, left_out } = &*self.documents.borrow_and_update();
        self.size = SessionsSize {
            bytes: parts.iter().map(|(_, bytes)| bytes.len()).sum(),
            left_out: *left_out,
        };
        self.sessions = list(parts, &self.sessions);
    }
}

/// Makes the resources of a list's parts; one that says the same as before stays the very same.
fn list(parts: &[(RevocationPart, Vec<u8>)], former: &Parts) -> Parts {
    let mut made = Parts::with_capacity(parts.len());
    for (part, document) in parts {
        let resource = revocations(*part, document);
        let same = former
            .iter()
            .find(|(of, known)| of == part && **known == resource);
        let same = same.map(|(_, known)| Arc::clone(known));
        made.push((*part, same.unwrap_or_else(|| Arc::new(resource))));
    }
    made
}

/// What time it is, as Envoys are told it.
fn clock_now() -> Arc<Resource> {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    Arc::new(clock(u64::try_from(now).unwrap_or_default()))
}

/// Ends with the next tick, or never.
async fn tick(ticks: Option<&mut Interval>) {
    match ticks {
        Some(ticks) => drop(ticks.tick().await),
        None => pending().await,
    }
}

/// Reads what the store holds of clusters now, and adds what is known of them.
async fn gateway(
    store: &Store,
    known: &watch::Receiver<KnownResources>,
    system_ca: &watch::Receiver<Bundle>,
    fixed: &Fixed,
) -> anyhow::Result<GatewayState> {
    let Fixed {
        tokens,
        cors_origins,
        no_impersonation,
        no_host_paths,
        limits,
        pass_period,
        clock: _,
        module,
        listener,
    } = fixed;
    let period = Period::at(OffsetDateTime::now_utc(), *pass_period);
    let (resources, unreachable) = {
        let known = known.borrow();
        (known.resources.clone(), known.unreachable.clone())
    };
    let system_ca = system_ca.borrow().clone();
    Ok(GatewayState {
        clusters: store.list_clusters().await?,
        host_cluster: store.host_cluster().await?,
        resources,
        unreachable,
        system_ca,
        tokens: tokens.clone(),
        cors_origins: cors_origins.clone(),
        no_impersonation: *no_impersonation,
        no_host_paths: *no_host_paths,
        limits: limits.clone(),
        passes: period.passes(store),
        module: module.clone(),
        listener: listener.clone(),
    })
}

/// Returns which tokens of users and keys are refused.
async fn epochs(store: &Store, now: OffsetDateTime) -> Result<Epochs, StoreError> {
    let listed = store.list_epochs(now).await?;
    let mut epochs = Epochs::default();
    for (user, lowest) in &listed.users {
        epochs.raise_user(user, *lowest);
    }
    for (access_key, lowest) in &listed.keys {
        epochs.raise_key(access_key, *lowest);
    }
    Ok(epochs)
}
