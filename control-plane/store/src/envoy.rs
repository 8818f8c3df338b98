//! What Envoys have taken: each control plane reports of its own, so that all of them,
//! and the commands, can say it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::row::{from_time, to_u64};
use crate::{CheckAnswer, Store, StoreError};

/// How often a control plane reports at least.
pub const ENVOY_REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// A report that is older is of a process that has ended without a word.
const REPORT_LIFETIME: Duration = Duration::from_secs(30);

/// How long whoever waits for reports waits before the second reading of them; twice as long
/// before each one that follows, up to the most. Mostly Envoys have answered within milliseconds.
const FIRST_POLL: Duration = Duration::from_millis(4);
const POLL: Duration = Duration::from_millis(100);

/// One Envoy, as the control plane that it is connected to knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvoyReport {
    /// The number of its stream at that control plane.
    pub stream: u64,
    /// Its name, as it says itself.
    pub node: String,
    /// It has answered everything up to this revision.
    pub revision: u64,
    /// The clusters of which it refuses something, and why, in its words.
    pub refusals: BTreeMap<String, String>,
    /// What else there is to say of it.
    pub state: EnvoyState,
}

/// What is said of a connected Envoy to whoever looks after it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EnvoyState {
    /// Its version, such as `1.40.0`; empty if it did not say.
    pub version: String,
    /// Where it calls from, IP address and port, if that is known.
    pub address: Option<String>,
    /// When its stream began, in Unix seconds.
    pub connected_at: i64,
    /// What it has accepted last of each type of resource.
    pub accepted: Vec<AcceptedResources>,
    /// The first of what it refuses now.
    pub refused: Vec<RefusedResource>,
    /// How many resources it refuses now.
    pub refused_total: usize,
    /// What it was asked lately about clusters ([`crate::ClusterCheck`]), by the question's
    /// name.
    pub checks: BTreeMap<String, CheckAnswer>,
}

/// The resources of one type that an Envoy has accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AcceptedResources {
    /// The name of the type in Envoy's API, such as `Cluster`.
    pub kind: String,
    /// A digest over all of them: two Envoys with the same one have the same resources.
    pub version: String,
    /// How many there are.
    pub resources: usize,
    /// When it said so, in Unix seconds.
    pub at: i64,
}

/// A resource that an Envoy refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusedResource {
    /// The name of the type in Envoy's API.
    pub kind: String,
    /// The name of the resource.
    pub name: String,
    /// Why, in Envoy's words.
    pub reason: String,
}

/// What the connected Envoys say of one cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvoyAnswers {
    /// How many are connected.
    pub connected: usize,
    /// Those that have not answered yet.
    pub waiting: Vec<String>,
    /// Those that refuse it, and why, in their words.
    pub refused: Vec<(String, String)>,
}

/// What [`Store::note_envoys`] was told last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Noted {
    control_plane: String,
    reports: Vec<EnvoyReport>,
}

#[derive(sqlx::FromRow)]
struct EnvoyRow {
    stream: i64,
    node: String,
    revision: i64,
    refusals: String,
    state: String,
}

// === impl Store ===

impl Store {
    /// Says in this process alone what the Envoys of its control plane have taken. It counts here
    /// in the place of what that control plane has in the database, which is written less often.
    pub fn note_envoys(&self, control_plane: &str, reports: &[EnvoyReport]) {
        let noted = Noted {
            control_plane: control_plane.to_owned(),
            reports: reports.to_vec(),
        };
        self.inner.noted.send_if_modified(|known| {
            let changed = *known != noted;
            *known = noted;
            changed
        });
    }

    /// Says what the Envoys of a control plane have taken; what it said before is gone.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn report_envoys(
        &self,
        control_plane: &str,
        reports: &[EnvoyReport],
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut tx = self.write_rows().await?;
        // Also those of processes that are long gone.
        sqlx::query("DELETE FROM envoys WHERE control_plane = $1 OR reported_at < $2")
            .bind(control_plane)
            .bind(from_time(now - 10 * REPORT_LIFETIME))
            .execute(&mut *tx)
            .await?;
        for report in reports {
            let refusals = serde_json::to_string(&report.refusals).unwrap_or_default();
            let state = serde_json::to_string(&report.state).unwrap_or_default();
            sqlx::query(
                "INSERT INTO envoys (control_plane, stream, node, revision, refusals, reported_at, state)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(control_plane)
            .bind(i64::try_from(report.stream).unwrap_or(i64::MAX))
            // A NUL is no character of a text on PostgreSQL.
            .bind(report.node.replace('\0', "\u{fffd}"))
            .bind(i64::try_from(report.revision).unwrap_or(i64::MAX))
            .bind(refusals)
            .bind(from_time(now))
            .bind(state)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// The Envoys that are connected to any control plane of this database.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn list_envoys(&self, now: OffsetDateTime) -> Result<Vec<EnvoyReport>, StoreError> {
        let Noted {
            control_plane,
            reports,
        } = self.inner.noted.borrow().clone();
        let rows: Vec<EnvoyRow> = sqlx::query_as(
            "SELECT stream, node, revision, refusals, state FROM envoys
             WHERE reported_at >= $1 AND control_plane <> $2
             ORDER BY node, control_plane, stream",
        )
        .bind(from_time(now - REPORT_LIFETIME))
        .bind(control_plane)
        .fetch_all(self.reader())
        .await?;
        let others = rows.into_iter().map(EnvoyRow::into_report);
        let mut all = others.collect::<Result<Vec<_>, _>>()?;
        if !reports.is_empty() {
            all.extend(reports);
            all.sort_by(|a, b| a.node.cmp(&b.node));
        }
        Ok(all)
    }

    /// For who waits for what Envoys say; to be had before the first reading.
    pub(crate) fn polls(&self) -> Polls {
        Polls {
            pause: FIRST_POLL,
            noted: self.inner.noted.subscribe(),
        }
    }

    /// Waits until every connected Envoy has answered all changes up to now, or one
    /// refuses this cluster, but for no longer than `patience`. `clock` tells
    /// the time.
    ///
    /// # Errors
    /// As [`Store::list_envoys`].
    pub async fn wait_for_envoys(
        &self,
        cluster: &str,
        patience: Duration,
        clock: impl Fn() -> OffsetDateTime,
    ) -> Result<EnvoyAnswers, StoreError> {
        let revision = self.revision().await?;
        let deadline = Instant::now() + patience;
        let mut polls = self.polls();
        loop {
            let reports = self.list_envoys(clock()).await?;
            let answers = EnvoyAnswers::of(cluster, revision, reports);
            if answers.waiting.is_empty()
                || !answers.refused.is_empty()
                || Instant::now() >= deadline
            {
                return Ok(answers);
            }
            polls.next().await;
        }
    }
}

/// When reports are read again: when there is something new in this process, and for those of
/// others after longer and longer pauses.
pub(crate) struct Polls {
    pause: Duration,
    noted: watch::Receiver<Noted>,
}

// === impl Polls ===

impl Polls {
    /// Waits until the next reading.
    pub(crate) async fn next(&mut self) {
        // The sender is in the store that is asked.
        let _ = timeout(self.pause, self.noted.changed()).await;
        self.pause = self.pause.saturating_mul(2).min(POLL);
    }
}

// === impl EnvoyAnswers ===

impl EnvoyAnswers {
    /// Returns what these reports say of a cluster that was changed with this revision.
    pub fn of(cluster: &str, revision: u64, reports: Vec<EnvoyReport>) -> Self {
        let mut answers = Self {
            connected: reports.len(),
            ..Self::default()
        };
        for mut report in reports {
            if let Some(reason) = report.refusals.remove(cluster) {
                answers.refused.push((report.node, reason));
            } else if report.revision < revision {
                answers.waiting.push(report.node);
            }
        }
        answers
    }

    /// One sentence for each Envoy that does not have the cluster.
    pub fn warnings(&self) -> Vec<String> {
        let refused = self.refused.iter().map(|(node, reason)| {
            format!("the Envoy {node} refuses the cluster and does not serve it: {reason}")
        });
        let waiting = self.waiting.iter().map(|node| {
            format!(
                "the Envoy {node} has not answered yet; `cubegate cluster list` says later whether it has taken the cluster"
            )
        });
        refused.chain(waiting).collect()
    }
}

// === impl EnvoyRow ===

impl EnvoyRow {
    fn into_report(self) -> Result<EnvoyReport, StoreError> {
        let number = |number, column| to_u64(number, "envoys", column, &self.node);
        let inconsistent = |column| StoreError::Inconsistent {
            table: "envoys",
            column,
            row: self.node.clone(),
        };
        Ok(EnvoyReport {
            stream: number(self.stream, "stream")?,
            revision: number(self.revision, "revision")?,
            refusals: serde_json::from_str(&self.refusals).map_err(|_| inconsistent("refusals"))?,
            state: serde_json::from_str(&self.state).map_err(|_| inconsistent("state"))?,
            node: self.node,
        })
    }
}
