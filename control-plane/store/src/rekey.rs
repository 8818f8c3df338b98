//! Another master key in the place of the one that there is.
//!
//! Cluster credentials are sealed anew. What secrets of access keys and refresh tokens are hashed
//! with stays, sealed under the new key: nobody could hash them anew, since nobody knows them.

use crate::change::{Changed, note};
use crate::cluster::reseal;
use crate::patience::Statements;
use crate::seal::Sealer;
use crate::{DatabaseUrl, MasterKey, StoreError};

/// Seals everything under another master key, in one transaction, and says how many clusters it
/// were. Nobody else may use the database meanwhile, as in [`crate::copy_database`].
///
/// # Errors
/// [`StoreError::InUse`], [`StoreError::WrongMasterKey`], and a credential that cannot be read;
/// nothing has changed then.
pub async fn replace_master_key(
    database: &DatabaseUrl,
    old: &MasterKey,
    new: &MasterKey,
) -> Result<usize, StoreError> {
    let mut sealer = Sealer::new(old);
    let (mut connection, dialect) = database.alone(&mut sealer).await?;
    let next = sealer.under(new);
    let tx = sqlx::Connection::begin_with(&mut connection, dialect.begin()).await?;
    let mut tx = Statements::of(tx, dialect);
    let clusters = reseal::under_another_key(&mut tx, &sealer, &next).await?;
    sqlx::query("UPDATE installation SET master_key_check = $1, kept_subkeys = $2 WHERE id = 1")
        .bind(next.check())
        .bind(next.keep()?)
        .execute(&mut tx)
        .await?;
    let noted = note(&mut tx, &[Changed::one("")]).await?;
    tx.commit().await?;
    noted.committed();
    Ok(clusters)
}
