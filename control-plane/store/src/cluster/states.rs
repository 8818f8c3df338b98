//! How clusters are: each control plane reports what it sees itself, so that the commands,
//! which are other processes, can say it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::row::from_time;
use crate::{Store, StoreError};

/// How often a control plane reports at least.
pub const CLUSTER_REPORT_INTERVAL: Duration = Duration::from_secs(30);

/// What a control plane has said that reports no more is of a process that has ended.
const REPORT_LIFETIME: Duration = Duration::from_secs(90);

/// How many rows one transaction writes, so that nobody else waits long for it.
const BATCH: usize = 500;

/// How a control plane sees a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ClusterReport {
    /// The cluster.
    #[serde(skip)]
    pub cluster: String,
    /// In one word, as the API says it.
    pub status: String,
    /// Why it is so, in one sentence; empty when there is nothing to say.
    pub reason: String,
    /// When that began, in Unix seconds.
    pub since: i64,
    /// Its version; empty when it is not known.
    pub version: String,
    /// How many milliseconds it took to answer the look that is reported; `None` when it did
    /// not.
    pub latency_ms: Option<u64>,
}

#[derive(sqlx::FromRow)]
struct ReportRow {
    cluster: String,
    state: String,
}

// === impl Store ===

impl Store {
    /// Says how a control plane sees some clusters, and that it sees others no more. What it
    /// has said of the rest stays, and counts for as long as it calls this again.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn report_clusters(
        &self,
        control_plane: &str,
        reports: &[ClusterReport],
        gone: &[String],
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut tx = self.write_rows().await?;
        // Also those of processes that are long gone.
        for statement in [
            "DELETE FROM cluster_states WHERE control_plane IN
             (SELECT id FROM control_planes WHERE reported_at < $1)",
            "DELETE FROM control_planes WHERE reported_at < $1",
        ] {
            sqlx::query(statement)
                .bind(from_time(now - 10 * REPORT_LIFETIME))
                .execute(&mut *tx)
                .await?;
        }
        sqlx::query(
            "INSERT INTO control_planes (id, reported_at) VALUES ($1, $2)
             ON CONFLICT (id) DO UPDATE SET reported_at = excluded.reported_at",
        )
        .bind(control_plane)
        .bind(from_time(now))
        .execute(&mut *tx)
        .await?;
        for cluster in gone {
            sqlx::query("DELETE FROM cluster_states WHERE control_plane = $1 AND cluster = $2")
                .bind(control_plane)
                .bind(cluster)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        for batch in reports.chunks(BATCH) {
            self.write_reports(control_plane, batch).await?;
        }
        Ok(())
    }

    async fn write_reports(
        &self,
        control_plane: &str,
        reports: &[ClusterReport],
    ) -> Result<(), StoreError> {
        let mut tx = self.write_rows().await?;
        for report in reports {
            let state = serde_json::to_string(report).unwrap_or_default();
            sqlx::query(
                "INSERT INTO cluster_states (control_plane, cluster, state) VALUES ($1, $2, $3)
                 ON CONFLICT (control_plane, cluster) DO UPDATE SET state = excluded.state",
            )
            .bind(control_plane)
            .bind(&report.cluster)
            .bind(state)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Takes back all that a control plane has said, when it ends.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn withdraw_reports(&self, control_plane: &str) -> Result<(), StoreError> {
        let mut tx = self.write_rows().await?;
        for statement in [
            "DELETE FROM cluster_states WHERE control_plane = $1",
            "DELETE FROM control_planes WHERE id = $1",
        ] {
            sqlx::query(statement)
                .bind(control_plane)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Returns what the running control planes say, by cluster: of one that several look at,
    /// there are several.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn list_cluster_reports(
        &self,
        now: OffsetDateTime,
    ) -> Result<Vec<ClusterReport>, StoreError> {
        let rows: Vec<ReportRow> = sqlx::query_as(
            "SELECT cluster, state FROM cluster_states JOIN control_planes ON id = control_plane
             WHERE reported_at >= $1 ORDER BY cluster, control_plane",
        )
        .bind(from_time(now - REPORT_LIFETIME))
        .fetch_all(self.reader())
        .await?;
        rows.into_iter().map(ReportRow::into_report).collect()
    }
}

// === impl ReportRow ===

impl ReportRow {
    fn into_report(self) -> Result<ClusterReport, StoreError> {
        let Self { cluster, state } = self;
        match serde_json::from_str(&state) {
            Ok(report) => Ok(ClusterReport { cluster, ..report }),
            Err(_) => Err(StoreError::Inconsistent {
                table: "cluster_states",
                column: "state",
                row: cluster,
            }),
        }
    }
}
