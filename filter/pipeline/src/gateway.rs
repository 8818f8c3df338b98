//! A configuration, compiled once per push and shared by all exchanges.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use cubegate_filter_config::{ConfigError, FilterConfig, LineForm, TokenKeys};
use cubegate_kube::Family;
use cubegate_token::{Ed25519Key, Hs256Secret, KeyError, KeySet, TokenError, UnverifiedToken};
use thiserror::Error;

use crate::answers::Answers;
use crate::basic::Remembered;
use crate::impersonation::Verdicts;
use crate::members::{Member, Members};
use crate::meters::Meters;
use crate::outages::{self, Probe, Turn};
use crate::revocation::Revocations;
use crate::route::MemberTarget;
use crate::streams::Streams;
use crate::throttle::Throttle;
use crate::verify::{Caller, Verifier};
use crate::{Headers, Reply};

/// What KubeSphere calls the host cluster, whatever its name is.
const HOST: &str = "host";

/// What one version of the configuration says, ready to be used.
pub struct Gateway {
    tokens: TokenKeys,
    pub(crate) verifier: Rc<Verifier>,
    pass: String,
    /// Those that stand in the configuration itself.
    clusters: BTreeMap<String, Rc<Member>>,
    /// The others, if there are to be any.
    members: Option<Members>,
    host_cluster: Option<String>,
    cors_origins: BTreeSet<String>,
    pub(crate) no_impersonation: bool,
    /// Paths that name no cluster are refused.
    pub(crate) no_host_paths: bool,
    /// An audit note of each request is left with the proxy.
    pub(crate) audit: bool,
    /// How what its access line says is left there.
    pub(crate) line: LineForm,
    revocations: Revocations,
    pub(crate) answers: Rc<Answers>,
    pub(crate) remembered: Remembered,
    pub(crate) verdicts: Verdicts,
    pub(crate) streams: Streams,
    pub(crate) throttle: Throttle,
}

/// Why a configuration is refused. The filter keeps the one it has.
#[derive(Debug, Error)]
pub enum CompileError {
    /// The document cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A public key is not 32 bytes of hex.
    #[error("key {kid:?} is not 32 bytes in hex")]
    KeyHex {
        /// The key's id.
        kid: String,
    },
    /// The shared secret is not where the configuration says.
    #[error(
        "the environment variable {name} is not set for Envoy; start Envoy with the KubeCube secret in it"
    )]
    SecretMissing {
        /// The variable.
        name: String,
    },
}

// === impl Gateway ===

impl Gateway {
    /// Reads and checks a configuration document. `env` looks up an environment
    /// variable of the Envoy process. `previous` is the configuration in use: what is
    /// the same in both is shared, and the tokens it has verified stay known while the
    /// keys are the same. `revocations` is what is refused in this VM, and `members` are the
    /// clusters that it is told of in parts; they come and go without the configuration. What
    /// happens is counted by `meters`.
    ///
    /// # Errors
    /// [`CompileError`], in one sentence for the operator.
    pub fn compile(
        document: &[u8],
        env: impl Fn(&str) -> Option<String>,
        previous: Option<&Self>,
        revocations: &Revocations,
        members: &Members,
        meters: &Meters,
    ) -> Result<Self, CompileError> {
        let FilterConfig {
            version: _,
            pass,
            tokens,
            clusters,
            clusters_apart,
            host_cluster,
            cors_origins,
            no_impersonation,
            no_host_paths,
            audit,
            line,
            limits,
        } = FilterConfig::from_json(document)?;
        let verifier = match previous {
            Some(previous)
                if previous.tokens == tokens
                    && previous.answers.limits.token_cache_entries
                        == limits.token_cache_entries =>
            {
                Rc::clone(&previous.verifier)
            }
            _ => Rc::new(Verifier::new(
                key_set(&tokens, env)?,
                limits.token_cache_entries,
                meters.clone(),
            )),
        };
        let clusters = clusters
            .into_iter()
            .map(|(name, entry)| (name, Rc::new(Member::of(entry))));
        let know_origins = !cors_origins.is_empty();
        let answers = match previous.map(|previous| &previous.answers) {
            Some(answers) if answers.limits == limits && answers.know_origins == know_origins => {
                Rc::clone(answers)
            }
            answers => Rc::new(Answers {
                limits,
                know_origins,
                memory: answers
                    .map(|known| known.memory.clone())
                    .unwrap_or_default(),
                learned: answers
                    .map(|known| known.learned.clone())
                    .unwrap_or_default(),
                unsent: answers
                    .map(|known| known.unsent.clone())
                    .unwrap_or_default(),
                refusals: answers
                    .map(|known| known.refusals.clone())
                    .unwrap_or_default(),
                outages: answers
                    .map(|known| known.outages.clone())
                    .unwrap_or_default(),
                last_word: answers
                    .map(|known| known.last_word.clone())
                    .unwrap_or_default(),
                meters: meters.clone(),
            }),
        };
        let remembered = previous
            .map(|previous| previous.remembered.clone())
            .unwrap_or_default();
        let verdicts = previous
            .map(|previous| previous.verdicts.clone())
            .unwrap_or_default();
        let throttle = previous
            .map(|previous| previous.throttle.clone())
            .unwrap_or_default();
        let streams = previous
            .map(|previous| previous.streams.clone())
            .unwrap_or_default();
        Ok(Self {
            tokens,
            verifier,
            pass,
            clusters: clusters.collect(),
            members: clusters_apart.then(|| members.clone()),
            host_cluster,
            cors_origins,
            no_impersonation,
            no_host_paths,
            audit,
            line,
            revocations: revocations.clone(),
            answers,
            remembered,
            verdicts,
            streams,
            throttle,
        })
    }

    /// Returns who somebody is, by a token that is valid at this time and was not taken back.
    pub(crate) fn caller(&self, token: &UnverifiedToken, now: u64) -> Result<Caller, TokenError> {
        let caller = self.verifier.verify(token, now)?;
        if self.revocations.holds(caller.marks()) {
            return Err(TokenError::Revoked);
        }
        Ok(caller)
    }

    /// Returns what is refused although it has not expired, now and later.
    pub fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    /// Returns whether it is known which clusters there are. Before that nobody may be told that
    /// one is not there.
    pub(crate) fn are_clusters_known(&self) -> bool {
        self.members.as_ref().is_none_or(Members::are_known)
    }

    /// Returns the cluster of this name, if it is registered.
    pub(crate) fn cluster(&self, name: &str) -> Option<Rc<Member>> {
        match &self.members {
            Some(members) => members.get(name),
            None => self.clusters.get(name).cloned(),
        }
    }

    /// Returns the name of the cluster that a path means: the one that it names, or else the
    /// host. `host` on all paths but KubeCube's means it too, unless a cluster is called so.
    pub(crate) fn name_of<'a>(&'a self, target: &'a MemberTarget<'_>) -> Option<&'a str> {
        let host = self.host_cluster.as_deref();
        match target.cluster.as_deref() {
            None => host,
            Some(HOST) if target.family != Family::KubeCube && self.cluster(HOST).is_none() => {
                host.or(Some(HOST))
            }
            named => named,
        }
    }

    /// Returns whether pages of this origin may call.
    pub(crate) fn allows_origin(&self, origin: &str) -> bool {
        self.cors_origins.contains(origin)
    }

    /// By what Envoy's route table knows the filter's requests.
    pub(crate) fn pass(&self) -> &str {
        &self.pass
    }

    /// Returns the streams, by the proxy's numbers, that must end at this time: a new request
    /// with their token would be refused, or they have lasted as long as they may. `now` is the
    /// time of day, `steady` that of the clock that nobody sets, which all others here go by.
    pub fn overdue_streams(&self, now: u64, steady: u64) -> Vec<u32> {
        let max_seconds = self.answers.limits.max_stream_seconds;
        self.streams
            .overdue((now, steady), max_seconds, &self.revocations)
    }

    /// Takes out the refusals that wait no longer for the rest of their requests, by the
    /// proxy's numbers of the streams. Whoever takes one answers with it.
    pub fn take_overdue_refusals(&self, now: u64) -> Vec<(u32, Reply)> {
        self.answers.refusals.take_overdue(now)
    }

    /// Returns the looks at members that are to be made now, each of which is to be followed by
    /// [`Self::looked`].
    pub fn take_due_looks(&self, now: u64) -> Vec<Probe> {
        let outages = &self.answers.outages;
        if let Some(members) = &self.members {
            outages.follow(members, now);
        }
        outages.take_due(now, |name| self.cluster(name))
    }

    /// A look has ended, with these headers and this body, or without any. Returns whether
    /// requests for the member go another way from now on.
    pub fn looked(
        &self,
        member: &str,
        headers: Option<Headers>,
        body: Vec<u8>,
        now: u64,
    ) -> Option<Turn> {
        let answers = outages::is_answer(headers, body);
        self.answers.outages.looked(member, answers, now)
    }

    /// The control plane was heard of so many seconds ago; `None`: never yet.
    pub fn heard(&self, age: Option<u64>) {
        self.answers.last_word.is_of(age);
    }

    /// Returns how many bytes all list requests hold now.
    pub fn held_bytes(&self) -> usize {
        self.answers.memory.held()
    }
}

fn key_set(
    tokens: &TokenKeys,
    env: impl Fn(&str) -> Option<String>,
) -> Result<KeySet, CompileError> {
    match tokens {
        TokenKeys::Ed25519 { issuer, keys } => {
            let keys = keys
                .iter()
                .map(|(kid, key)| {
                    let mut bytes = [0; 32];
                    hex::decode_to_slice(key, &mut bytes)
                        .map_err(|_| CompileError::KeyHex { kid: kid.clone() })?;
                    Ok(Ed25519Key::from_bytes(kid.clone(), &bytes)?)
                })
                .collect::<Result<Vec<_>, CompileError>>()?;
            Ok(KeySet::ed25519(issuer.clone(), keys)?)
        }
        TokenKeys::Hs256 { secret_env } => {
            let secret = env(secret_env)
                .filter(|secret| !secret.is_empty())
                .ok_or_else(|| CompileError::SecretMissing {
                    name: secret_env.clone(),
                })?;
            Ok(KeySet::Hs256(Hs256Secret::new(secret)?))
        }
    }
}
