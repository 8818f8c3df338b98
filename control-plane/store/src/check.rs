//! Whether a cluster answers through the connected Envoys: the question, and what comes of it.
//!
//! ```text
//! cluster add ──ask_envoys──> cluster_checks ──> control planes ──GET /version──> their Envoys
//!      └─────── wait ──────── envoys.state <────────┘
//! ```
//!
//! Whoever asks is often another process than the one that an Envoy is connected to; the
//! database is what they have in common.

use std::time::Duration;

use cubegate_domain::Cluster;
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::revision::{self, Topic};
use crate::row::{from_time, to_u64};
use crate::{EnvoyAnswers, EnvoyReport, Store, StoreError, Written};

/// A question is answered after that, or nobody waits for it any more.
pub const CHECK_LIFETIME: Duration = Duration::from_secs(60);

/// Most questions that are looked at: nobody makes control planes ask without end.
const MAX_CHECKS: i64 = 64;

/// Longest time that Envoys which have a cluster may take to say whether it answers.
const PATIENCE: Duration = Duration::from_secs(12);

/// A question to all connected Envoys: does this cluster answer through you?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterCheck {
    /// Its own name; answers refer to it.
    pub id: String,
    /// The cluster.
    pub cluster: String,
    /// An Envoy that has everything of this revision has the cluster as it is meant.
    pub revision: u64,
}

/// What came of a question at one Envoy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CheckAnswer {
    /// The API server answers through it.
    Answers,
    /// It does not, and why: half a sentence.
    Fails(String),
    /// The Envoy could not be asked, and why: half a sentence.
    NotAsked(String),
}

/// What the connected Envoys make of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckVerdict {
    /// How many are connected.
    pub connected: usize,
    /// Through how many of them the API server answers.
    pub answers: usize,
    /// Why the cluster is of no use through one of them: a sentence about `it`.
    pub failure: Option<String>,
    /// A sentence for each of which nothing is known.
    pub warnings: Vec<String>,
}

#[derive(sqlx::FromRow)]
struct CheckRow {
    id: String,
    cluster: String,
    revision: i64,
}

// === impl Store ===

impl Store {
    /// Asks the connected Envoys whether this cluster, which was just written, answers
    /// through them, and waits for what they say; for no longer than `patience` until they
    /// have it, and 12 s from then on. `clock` tells the time.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn check_cluster(
        &self,
        cluster: &str,
        patience: Duration,
        clock: impl Fn() -> OffsetDateTime,
    ) -> Result<CheckVerdict, StoreError> {
        if self.list_envoys(clock()).await?.is_empty() {
            return Ok(CheckVerdict::default());
        }
        let check = self.ask_envoys(cluster, clock()).await?;
        let taken = self.wait_for_envoys(cluster, patience, &clock).await?;
        let deadline = Instant::now() + PATIENCE;
        let mut polls = self.polls();
        loop {
            let reports = self.list_envoys(clock()).await?;
            let (verdict, complete) = CheckVerdict::of(&check, &taken, &reports);
            if complete || verdict.failure.is_some() || Instant::now() >= deadline {
                return Ok(verdict);
            }
            polls.next().await;
        }
    }

    /// Makes a cluster what it was before this one was written: another one of that name,
    /// or none. What somebody else has made of it meanwhile stays.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn undo_cluster(
        &self,
        written: &Cluster,
        former: Option<&Cluster>,
    ) -> Result<(), StoreError> {
        if self.compare_cluster(written).await? != Written::Unchanged {
            return Ok(());
        }
        match former {
            Some(former) if is_same(written, former) => Ok(()),
            Some(former) => self.add_cluster(former, true).await,
            // It is one of those that are not followed: it has just been written.
            None => self.remove_cluster(written.name.as_str()).await.map(drop),
        }
    }

    /// Puts the question.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn ask_envoys(
        &self,
        cluster: &str,
        now: OffsetDateTime,
    ) -> Result<ClusterCheck, StoreError> {
        let mut id = [0_u8; 16];
        rand::rng().fill_bytes(&mut id);
        let id = hex::encode(id);
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM cluster_checks WHERE asked_at < $1")
            .bind(from_time(now - CHECK_LIFETIME))
            .execute(&mut *tx)
            .await?;
        // It is how control planes hear of it.
        let revision = revision::bump(&mut tx, Topic::Clusters).await?;
        sqlx::query(
            "INSERT INTO cluster_checks (id, cluster, revision, asked_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(&id)
        .bind(cluster)
        .bind(i64::try_from(revision.total).unwrap_or(i64::MAX))
        .bind(from_time(now))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        self.inner.touched.note(revision, &[]);
        self.publish(revision);
        Ok(ClusterCheck {
            id,
            cluster: cluster.to_owned(),
            revision: revision.total,
        })
    }

    /// The questions that somebody may still wait for.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn list_cluster_checks(
        &self,
        now: OffsetDateTime,
    ) -> Result<Vec<ClusterCheck>, StoreError> {
        let rows: Vec<CheckRow> = sqlx::query_as(
            "SELECT id, cluster, revision FROM cluster_checks WHERE asked_at >= $1
             ORDER BY asked_at DESC, id LIMIT $2",
        )
        .bind(from_time(now - CHECK_LIFETIME))
        .bind(MAX_CHECKS)
        .fetch_all(self.reader())
        .await?;
        let rows = rows.into_iter().map(|row| {
            Ok(ClusterCheck {
                revision: to_u64(row.revision, "cluster_checks", "revision", &row.id)?,
                id: row.id,
                cluster: row.cluster,
            })
        });
        rows.collect()
    }
}

/// Whether two clusters are the same to everybody who uses them.
fn is_same(one: &Cluster, other: &Cluster) -> bool {
    one.server == other.server && one.tls == other.tls && one.credential == other.credential
}

// === impl CheckVerdict ===

impl CheckVerdict {
    /// Takes why the cluster is of no use. Where the decision was left to the Envoys, that
    /// none of them has answered is a reason, too.
    pub fn take_failure(&mut self, left_to_them: bool) -> Option<String> {
        self.failure.take().or_else(|| {
            (left_to_them && self.answers == 0)
                .then(|| "no Envoy is there that has reached its API server".to_owned())
        })
    }

    /// Returns what these reports say, and whether no more is to be expected. `taken` is
    /// which Envoys have the cluster at all.
    fn of(check: &ClusterCheck, taken: &EnvoyAnswers, reports: &[EnvoyReport]) -> (Self, bool) {
        let mut verdict = Self {
            connected: reports.len(),
            ..Self::default()
        };
        if let Some((node, reason)) = taken.refused.first() {
            verdict.failure = Some(format!("the Envoy {node} refuses it: {reason}"));
        }
        let mut silent = false;
        for report in reports {
            let node = &report.node;
            match report.state.checks.get(&check.id) {
                Some(CheckAnswer::Answers) => verdict.answers += 1,
                Some(CheckAnswer::Fails(reason)) => {
                    let failure =
                        format!("through the Envoy {node} its API server cannot be used: {reason}");
                    verdict.failure.get_or_insert(failure);
                }
                Some(CheckAnswer::NotAsked(reason)) => verdict.warnings.push(format!(
                    "whether the cluster answers through the Envoy {node} is not known: {reason}"
                )),
                None => {
                    silent |= !taken.waiting.contains(node);
                    verdict.warnings.push(format!(
                        "the Envoy {node} has not answered yet; `cubegate cluster list` says later whether it has taken the cluster"
                    ));
                }
            }
        }
        (verdict, !silent)
    }
}
