//! How times and numbers stand in the database.

use time::OffsetDateTime;

use crate::StoreError;

/// Unix seconds.
pub(crate) fn from_time(time: OffsetDateTime) -> i64 {
    time.unix_timestamp()
}

/// Returns the time that stands in a column.
pub(crate) fn to_time(
    seconds: i64,
    table: &'static str,
    column: &'static str,
    row: &str,
) -> Result<OffsetDateTime, StoreError> {
    OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| StoreError::Inconsistent {
        table,
        column,
        row: row.to_owned(),
    })
}

/// A number that is never negative.
pub(crate) fn to_u64(
    number: i64,
    table: &'static str,
    column: &'static str,
    row: &str,
) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Inconsistent {
        table,
        column,
        row: row.to_owned(),
    })
}
