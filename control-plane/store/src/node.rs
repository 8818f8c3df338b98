//! Which Envoys have a certificate, and which of them are shut out.

use std::collections::BTreeMap;

use cubegate_domain::{Node, NodeCertificate};
use time::{Duration, OffsetDateTime};

use crate::metrics::Write;
use crate::row::{from_time, to_time};
use crate::{Store, StoreError, revision};

#[derive(sqlx::FromRow)]
struct NodeRow {
    name: String,
    issued_at: i64,
    expires_at: i64,
    revoked_until: Option<i64>,
    last_seen_at: Option<i64>,
}

// === impl Store ===

impl Store {
    /// Notes that an Envoy gets a certificate, and says what stands in it. Who is given one
    /// after a revocation is let in with it, so it is issued after that.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn issue_node_certificate(
        &self,
        name: &str,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> Result<NodeCertificate, StoreError> {
        let mut tx = self.write().await?;
        let revoked = revoked_until(&mut tx, name).await?;
        let after = revoked.map(|until| until + Duration::SECOND);
        let certificate = write(
            &mut tx,
            name,
            after.map_or(now, |after| after.max(now)),
            lifetime,
        )
        .await?;
        self.commit_change(tx, name, None).await?;
        Ok(certificate)
    }

    /// Notes that an Envoy that has this certificate gets another one; `None` when it is
    /// shut out.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn renew_node_certificate(
        &self,
        old: &NodeCertificate,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> Result<Option<NodeCertificate>, StoreError> {
        let mut tx = self.write().await?;
        let revoked = revoked_until(&mut tx, &old.node).await?;
        if revoked.is_some_and(|until| old.issued_at <= until) {
            return Ok(None);
        }
        let issued_at = now.max(old.issued_at);
        let certificate = write(&mut tx, &old.node, issued_at, lifetime).await?;
        self.commit_change(tx, &old.node, None).await?;
        Ok(Some(certificate))
    }

    /// Shuts an Envoy out: no certificate that it was given until now is taken any more.
    /// Every control plane on the database is told of it. Says whether the Envoy was known.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn revoke_node(&self, name: &str, now: OffsetDateTime) -> Result<bool, StoreError> {
        let mut tx = self.write().await?;
        let known = sqlx::query(
            "UPDATE nodes SET revoked_until =
             CASE WHEN issued_at > $2 THEN issued_at ELSE $2 END WHERE name = $1",
        )
        .bind(name)
        .bind(from_time(now))
        .execute(&mut *tx)
        .await?
        .rows_affected()
            > 0;
        if !known {
            // A restored backup may not know of a certificate that is out there.
            sqlx::query(
                "INSERT INTO nodes (name, issued_at, expires_at, revoked_until)
                 VALUES ($1, $2, $2, $2)",
            )
            .bind(name)
            .bind(from_time(now))
            .execute(&mut *tx)
            .await?;
        }
        let revision = revision::bump_everything(&mut tx).await?;
        self.commit_change(tx, name, Some(revision)).await?;
        Ok(known)
    }

    /// Notes that an Envoy with this certificate is connected.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn note_node_seen(
        &self,
        certificate: &NodeCertificate,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut tx = self.write_rows().await?;
        sqlx::query(
            "INSERT INTO nodes (name, issued_at, expires_at, last_seen_at)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT (name) DO UPDATE SET last_seen_at = excluded.last_seen_at",
        )
        .bind(&certificate.node)
        .bind(from_time(certificate.issued_at))
        .bind(from_time(certificate.expires_at))
        .bind(from_time(now))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Returns all Envoys by name.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn list_nodes(&self) -> Result<Vec<Node>, StoreError> {
        let rows: Vec<NodeRow> = sqlx::query_as(
            "SELECT name, issued_at, expires_at, revoked_until, last_seen_at
             FROM nodes ORDER BY name",
        )
        .fetch_all(self.reader())
        .await?;
        rows.into_iter().map(NodeRow::into_node).collect()
    }

    /// Until when the certificates of an Envoy are refused that were issued, by its name.
    ///
    /// # Errors
    /// [`StoreError::Database`] or [`StoreError::Inconsistent`].
    pub async fn list_revoked_nodes(&self) -> Result<BTreeMap<String, OffsetDateTime>, StoreError> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT name, revoked_until FROM nodes WHERE revoked_until IS NOT NULL")
                .fetch_all(self.reader())
                .await?;
        rows.into_iter()
            .map(|(name, until)| {
                let until = to_time(until, "nodes", "revoked_until", &name)?;
                Ok((name, until))
            })
            .collect()
    }
}

async fn revoked_until(tx: &mut Write, name: &str) -> Result<Option<OffsetDateTime>, StoreError> {
    let until: Option<Option<i64>> =
        sqlx::query_scalar("SELECT revoked_until FROM nodes WHERE name = $1")
            .bind(name)
            .fetch_optional(&mut **tx)
            .await?;
    until
        .flatten()
        .map(|until| to_time(until, "nodes", "revoked_until", name))
        .transpose()
}

async fn write(
    tx: &mut Write,
    name: &str,
    issued_at: OffsetDateTime,
    lifetime: Duration,
) -> Result<NodeCertificate, StoreError> {
    // As it stands in a certificate.
    let issued_at = issued_at.replace_nanosecond(0).unwrap_or(issued_at);
    let certificate = NodeCertificate {
        node: name.to_owned(),
        issued_at,
        expires_at: issued_at + lifetime,
    };
    sqlx::query(
        "INSERT INTO nodes (name, issued_at, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET issued_at = excluded.issued_at,
         expires_at = excluded.expires_at",
    )
    .bind(name)
    .bind(from_time(certificate.issued_at))
    .bind(from_time(certificate.expires_at))
    .execute(&mut **tx)
    .await?;
    Ok(certificate)
}

// === impl NodeRow ===

impl NodeRow {
    fn into_node(self) -> Result<Node, StoreError> {
        let time = |seconds, column| to_time(seconds, "nodes", column, &self.name);
        Ok(Node {
            certificate: NodeCertificate {
                issued_at: time(self.issued_at, "issued_at")?,
                expires_at: time(self.expires_at, "expires_at")?,
                node: self.name.clone(),
            },
            revoked_until: self
                .revoked_until
                .map(|seconds| time(seconds, "revoked_until"))
                .transpose()?,
            last_seen_at: self
                .last_seen_at
                .map(|seconds| time(seconds, "last_seen_at"))
                .transpose()?,
        })
    }
}
