//! Asks clusters through the connected Envoys, for whoever wants to know whether they answer.
//!
//! The control plane speaks to API servers with another TLS library and another resolver
//! than Envoy, so what it finds says little about what clients will. Only an Envoy knows:
//!
//! ```text
//! cluster_checks ──> Checker ──GET /clusters/x/version──> listener of each Envoy ──> API server
//!                       ^ └──> answers ──> envoy_reports ──> envoys.state
//!                       └── why Envoy did not get through, from its access log ([`Said`])
//! ```

mod ask;
mod said;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use cubegate_api::Issuer;
use cubegate_snapshot::{ListenerSettings, ServingCertificate};
use cubegate_store::{Changes, CheckAnswer, ClusterCheck, EnvoyReport, Revision, Store};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use time::OffsetDateTime;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

pub(crate) use self::said::Said;
use crate::control_plane::Live;
use crate::envoy_reports::Sources;
use crate::listener::{ListenerClient, Proof};

/// How many Envoys are asked at the same time.
const AT_ONCE: usize = 16;

/// What each stream's Envoy has answered, by the question's name.
pub(crate) type Answers = BTreeMap<u64, BTreeMap<String, CheckAnswer>>;

/// Where Envoys serve clients, and how they are spoken to.
#[derive(Clone)]
pub(crate) struct Listener {
    address: SocketAddr,
    client: ListenerClient,
}

/// Asks, and keeps what was answered lately.
pub(crate) struct Checker {
    /// Where questions come from.
    pub(crate) store: Store,
    /// Which Envoys there are.
    pub(crate) sources: Sources,
    /// Where they serve.
    pub(crate) listener: Listener,
    /// What they prove themselves with.
    pub(crate) live: watch::Receiver<Live>,
    /// Makes the tokens to ask with.
    pub(crate) issuer: Arc<Issuer>,
    /// What they say of questions that failed.
    pub(crate) said: Said,
    /// Where answers go.
    pub(crate) answers: watch::Sender<Answers>,
}

/// Which questions there are, and of whom they were asked.
#[derive(Default)]
struct Asked {
    checks: Vec<ClusterCheck>,
    begun: BTreeSet<(String, u64)>,
}

// === impl Listener ===

impl Listener {
    /// As Envoys are told to listen.
    ///
    /// # Errors
    /// A certificate that cannot be read.
    pub(crate) fn new(address: SocketAddr, settings: &ListenerSettings) -> anyhow::Result<Self> {
        let proof = proof(settings.certificate.as_ref())?;
        let client = ListenerClient::new(proof, !settings.proxy_protocol.is_empty())?;
        Ok(Self { address, client })
    }

    /// Where they serve in clear.
    #[cfg(test)]
    pub(crate) fn in_clear(address: SocketAddr) -> Self {
        let client = ListenerClient::new(Proof::None, false).unwrap();
        Self { address, client }
    }

    /// From now on they prove themselves with this certificate.
    pub(crate) fn prove_by(
        &mut self,
        certificate: Option<&ServingCertificate>,
    ) -> anyhow::Result<()> {
        self.client = self.client.proven_by(proof(certificate)?)?;
        Ok(())
    }

    /// Returns what speaks to it.
    pub(crate) fn client(&self) -> &ListenerClient {
        &self.client
    }

    /// Returns where an Envoy serves that calls from `peer`.
    fn of(&self, peer: Option<&str>) -> SocketAddr {
        self.of_peer(peer.and_then(|peer| peer.parse().ok()))
    }

    /// The same of an address that is read already.
    pub(crate) fn of_peer(&self, peer: Option<SocketAddr>) -> SocketAddr {
        match peer {
            // It listens on all of its addresses, and one of them is known.
            Some(peer) if self.address.ip().is_unspecified() => {
                SocketAddr::new(peer.ip().to_canonical(), self.address.port())
            }
            _ => self.address,
        }
    }
}

fn proof(certificate: Option<&ServingCertificate>) -> anyhow::Result<Proof> {
    let Some(ServingCertificate {
        certificate_pem, ..
    }) = certificate
    else {
        return Ok(Proof::None);
    };
    CertificateDer::from_pem_slice(certificate_pem.as_bytes())
        .map(Proof::Exactly)
        .context("the certificate of the listener cannot be read")
}

// === impl Checker ===

impl Checker {
    /// Asks whenever there is a question, until it is dropped.
    pub(crate) async fn run(mut self) {
        let mut revision = self.store.subscribe();
        revision.mark_changed();
        let mut known = None;
        let mut revisions = BTreeMap::new();
        let mut asked = Asked::default();
        let mut asking = JoinSet::new();
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        loop {
            let reports = match asked.checks.as_slice() {
                [] => Vec::new(),
                _ => self.sources.reports(&mut revisions),
            };
            for (check, report) in asked.due(&reports) {
                let question = ask::Question {
                    listener: self.listener.clone(),
                    issuer: Arc::clone(&self.issuer),
                    said: self.said.clone(),
                    cluster: check.cluster.clone(),
                    address: self.listener.of(report.state.address.as_deref()),
                };
                let (turns, id, stream) = (Arc::clone(&turns), check.id.clone(), report.stream);
                asking.spawn(async move {
                    let _turn = turns.acquire().await;
                    (stream, id, question.ask().await)
                });
            }
            tokio::select! {
                Ok(()) = revision.changed() => {
                    let now = *revision.borrow_and_update();
                    let changes = known.map_or(Changes::ALL, |known: Revision| now.since(known));
                    known = Some(now);
                    if !changes.clusters {
                        continue;
                    }
                    match self.store.list_cluster_checks(OffsetDateTime::now_utc()).await {
                        Ok(checks) => self.take(&mut asked, checks),
                        // Whatever else needs the database says more.
                        Err(error) => tracing::warn!(%error, "what is asked about clusters could not be read"),
                    }
                }
                Ok(()) = self.live.changed() => {
                    let live = self.live.borrow_and_update().clone();
                    if let Err(error) = self.listener.prove_by(live.certificate.as_ref()) {
                        let error = crate::output::sentence(&error);
                        tracing::error!(%error, "clusters cannot be asked through Envoys");
                    }
                }
                Ok(()) = self.sources.envoys.changed(), if !asked.checks.is_empty() => {}
                Ok(()) = self.sources.revision.changed(), if !asked.checks.is_empty() => {}
                Some(Ok((stream, id, answer))) = asking.join_next() => {
                    self.answers.send_modify(|answers| {
                        answers.entry(stream).or_default().insert(id, answer);
                    });
                }
                else => return,
            }
        }
    }

    /// Takes the questions that there are now; what was answered to others is forgotten.
    fn take(&self, asked: &mut Asked, checks: Vec<ClusterCheck>) {
        let is_asked = |id: &str| checks.iter().any(|check| check.id == id);
        asked.begun.retain(|(id, _)| is_asked(id));
        self.answers.send_if_modified(|answers| {
            let before = answers.values().map(BTreeMap::len).sum::<usize>();
            for of_stream in answers.values_mut() {
                of_stream.retain(|id, _| is_asked(id));
            }
            answers.retain(|_, of_stream| !of_stream.is_empty());
            before != answers.values().map(BTreeMap::len).sum::<usize>()
        });
        asked.checks = checks;
    }
}

// === impl Asked ===

impl Asked {
    /// Returns what is to be asked now, once for each question and Envoy: whoever has the
    /// cluster as it is meant.
    fn due<'a>(&mut self, reports: &'a [EnvoyReport]) -> Vec<(ClusterCheck, &'a EnvoyReport)> {
        let Self { checks, begun } = self;
        let mut due = Vec::new();
        for check in checks {
            for report in reports {
                let is_ready = report.revision >= check.revision
                    && !report.refusals.contains_key(&check.cluster);
                if is_ready && begun.insert((check.id.clone(), report.stream)) {
                    due.push((check.clone(), report));
                }
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mk_check(id: &str, revision: u64) -> ClusterCheck {
        ClusterCheck {
            id: id.to_owned(),
            cluster: "m".to_owned(),
            revision,
        }
    }

    fn mk_report(stream: u64, revision: u64) -> EnvoyReport {
        EnvoyReport {
            stream,
            node: format!("edge-{stream}"),
            revision,
            refusals: BTreeMap::new(),
            state: cubegate_store::EnvoyState::default(),
        }
    }

    #[test]
    fn every_envoy_is_asked_once_as_soon_as_it_has_the_cluster() {
        let mut asked = Asked {
            checks: vec![mk_check("a", 5)],
            begun: BTreeSet::new(),
        };
        let mut refuses = mk_report(3, 9);
        refuses.refusals = [("m".to_owned(), "no".to_owned())].into();
        let streams = |asked: &mut Asked, reports: &[EnvoyReport]| -> Vec<u64> {
            let due = asked.due(reports);
            due.iter().map(|(_, report)| report.stream).collect()
        };
        let reports = [mk_report(1, 5), mk_report(2, 4), refuses];
        assert_eq!(streams(&mut asked, &reports), [1]);
        assert!(streams(&mut asked, &reports).is_empty());
        assert_eq!(streams(&mut asked, &[mk_report(2, 5)]), [2]);
        asked.checks.push(mk_check("b", 5));
        assert_eq!(streams(&mut asked, &reports), [1]);
    }

    #[test]
    fn an_envoy_that_listens_everywhere_is_asked_where_it_calls_from() {
        let listener = |address: &str| Listener::in_clear(address.parse().unwrap());
        for (listen, peer, asked) in [
            ("127.0.0.1:30443", Some("127.0.0.1:5000"), "127.0.0.1:30443"),
            ("0.0.0.0:30443", Some("10.0.0.3:5000"), "10.0.0.3:30443"),
            (
                "[::]:30443",
                Some("[::ffff:10.0.0.3]:5000"),
                "10.0.0.3:30443",
            ),
            ("10.0.0.9:443", Some("10.0.0.3:5000"), "10.0.0.9:443"),
            ("0.0.0.0:30443", None, "0.0.0.0:30443"),
        ] {
            assert_eq!(listener(listen).of(peer).to_string(), asked);
        }
    }
}
