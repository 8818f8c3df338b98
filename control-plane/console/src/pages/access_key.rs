//! `/console/keys`: the user's access keys, the first page of the guide.

mod change;
mod created;
mod fields;
mod form;
pub(super) mod list;
mod one;
pub(super) mod words;

use axum::Router;
use axum::http::Method;
use axum::routing::{get, post};
use cubegate_api_types::cube::{KeyList, KeyObject};

use crate::Console;
use crate::ask::Refusal;
use crate::link::{segment, with_query};
use crate::session::Session;

const PATH: &str = "/api/v1/cube/key";

/// How many a user may have.
const MOST: usize = 5;

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route("/console/keys", get(list::page))
        .route("/console/keys/new", get(form::page).post(form::create))
        .route("/console/keys/{key}", get(one::page).post(change::change))
        .route("/console/keys/{key}/rotate", post(change::rotate))
        .route(
            "/console/keys/{key}/delete",
            get(one::confirm).post(change::delete),
        )
}

/// Returns the user's keys: those that are good first, the newest first among them.
async fn keys(session: &Session) -> Result<Vec<KeyObject>, Refusal> {
    let list: KeyList = session.ask.get(PATH).await?;
    let mut keys = list.items;
    keys.sort_by(|a, b| {
        let order = |key: &KeyObject| {
            (
                words::is_expired(key),
                key.metadata.creation_timestamp.clone(),
            )
        };
        let ((a_over, a_made), (b_over, b_made)) = (order(a), order(b));
        a_over.cmp(&b_over).then_with(|| b_made.cmp(&a_made))
    });
    Ok(keys)
}

/// Returns the user's key of this name.
async fn key(session: &Session, name: &str) -> Result<Option<KeyObject>, Refusal> {
    let keys = keys(session).await?;
    Ok(keys.into_iter().find(|key| key.metadata.name == name))
}

/// Returns the address of a key's page: what came from elsewhere may be called anything.
fn here_of(key: &str) -> String {
    format!("/console/keys/{}", segment(key))
}

/// Returns the address of the form for a key like this one.
fn like(key: &str) -> String {
    with_query("/console/keys/new", &[("from", key)])
}

/// Returns the path of the API for one key.
fn path_of(what: &str, name: &str) -> String {
    with_query(&format!("{PATH}{what}"), &[("accessKey", name)])
}

async fn delete(session: &Session, name: &str) -> Result<(), Refusal> {
    session
        .ask
        .change(Method::DELETE, &path_of("", name), None)
        .await
}
