//! The user whom a path names.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::{ApiError, AppState};

/// The variable `{name}` of a path below `/user`, of somebody who exists. It comes behind
/// the extractor that says who asks: nobody else learns who exists.
pub(crate) struct UserName(pub(crate) String);

// === impl UserName ===

impl FromRequestParts<AppState> for UserName {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        #[derive(serde::Deserialize)]
        struct Named {
            name: String,
        }
        let named = Path::<Named>::from_request_parts(parts, state).await;
        // A name that is no UTF-8 names nobody.
        let Path(Named { name }) = named.map_err(|_| ApiError::PageNotFound)?;
        if state.store.get_user(&name).await?.is_none() {
            return Err(ApiError::NoSuchUser);
        }
        Ok(Self(name))
    }
}
