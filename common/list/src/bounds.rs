//! How much a query may ask. Each bound is told by an error that names it, and
//! `docs/query-language.md` lists them.

use crate::error::QueryError;
use crate::expression::Expression;
use crate::path::KeyPath;

/// The bytes of a query string as it stands in the URL.
pub(crate) const MAX_QUERY: usize = 256 * 1024;

/// The decoded bytes of one parameter.
pub(crate) const MAX_TEXT: usize = 8192;

/// The conditions of one parameter.
pub(crate) const MAX_CONDITIONS: usize = 64;

/// The conditions of all parameters together.
pub(crate) const MAX_ALL_CONDITIONS: usize = 128;

/// The values between which a condition leaves the choice.
pub(crate) const MAX_VALUES: usize = 256;

/// The whole query string.
pub(crate) fn check_query(raw_query: &str) -> Result<(), QueryError> {
    if raw_query.len() > MAX_QUERY {
        return Err(QueryError::whole(
            "query",
            "a query string may have 262144 bytes at most",
        ));
    }
    Ok(())
}

/// The decoded value of a parameter.
pub(crate) fn check_text(parameter: &'static str, text: &str) -> Result<(), QueryError> {
    if text.len() > MAX_TEXT {
        return Err(QueryError::whole(
            parameter,
            "it may have 8192 bytes at most",
        ));
    }
    Ok(())
}

/// The conditions of a parameter whose grammar has no place to point to.
pub(crate) fn check_conditions(parameter: &'static str, count: usize) -> Result<(), QueryError> {
    if count > MAX_CONDITIONS {
        return Err(QueryError::whole(
            parameter,
            "there may be 64 conditions at most",
        ));
    }
    Ok(())
}

/// The values of a condition of such a parameter.
pub(crate) fn check_values(parameter: &'static str, count: usize) -> Result<(), QueryError> {
    if count > MAX_VALUES {
        return Err(QueryError::whole(
            parameter,
            "a condition may have 256 values at most",
        ));
    }
    Ok(())
}

/// All conditions together.
pub(crate) fn check_all_conditions(all: &[Expression<KeyPath>]) -> Result<(), QueryError> {
    let count = all.iter().map(Expression::conditions).sum::<usize>();
    if count > MAX_ALL_CONDITIONS {
        return Err(QueryError::whole(
            "query",
            "all its parameters together may have 128 conditions at most",
        ));
    }
    Ok(())
}
