//! The user whom a path names.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::extract::Caller;
use crate::{ApiError, AppState};

/// The variable `{name}` of a path below `/user`, of somebody who exists. It comes behind
/// the extractor that says who asks: nobody else learns who exists.
pub(crate) struct UserName(pub(crate) String);

/// The same, asked for by that user itself or an administrator: nobody else learns who
/// exists.
pub(crate) struct OwnName<C> {
    /// Who asks.
    pub(crate) caller: C,
    /// The user.
    pub(crate) name: String,
}

// === impl UserName ===

impl FromRequestParts<AppState> for UserName {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let name = named(parts, state).await?;
        if state.store.get_user(&name).await?.is_none() {
            return Err(ApiError::NoSuchUser);
        }
        Ok(Self(name))
    }
}

async fn named(parts: &mut Parts, state: &AppState) -> Result<String, ApiError> {
    #[derive(serde::Deserialize)]
    struct Named {
        name: String,
    }
    let named = Path::<Named>::from_request_parts(parts, state).await;
    // A name that is no UTF-8 names nobody.
    let Path(Named { name }) = named.map_err(|_| ApiError::PageNotFound)?;
    Ok(name)
}

// === impl OwnName ===

impl<C> FromRequestParts<AppState> for OwnName<C>
where
    C: FromRequestParts<AppState, Rejection = ApiError> + AsRef<Caller> + Send,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let caller = C::from_request_parts(parts, state).await?;
        caller.as_ref().must_be(&named(parts, state).await?)?;
        let UserName(name) = UserName::from_request_parts(parts, state).await?;
        Ok(Self { caller, name })
    }
}
