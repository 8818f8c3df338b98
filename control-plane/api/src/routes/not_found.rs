//! Every path and method that is no operation.

use crate::ApiError;
use crate::extract::Caller;

/// 404 as plain text, but only for somebody with a token: the table of paths is
/// nobody else's business, and KubeCube authenticates before it routes.
pub(crate) async fn handler(_caller: Caller) -> ApiError {
    ApiError::PageNotFound
}
