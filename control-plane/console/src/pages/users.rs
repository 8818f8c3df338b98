//! `/console/users`: the users of the gateway, for administrators.
//!
//! A user's page has one address for all that is done on it, so that it can be read again
//! whatever was refused; the field `do` says what that is.

mod change;
mod fields;
mod groups;
mod keys;
mod list;
mod new;
mod one;
mod remove;
mod words;

use axum::Router;
use axum::routing::get;
use cubegate_api_types::cube::{KeyPage, UserGroups, UserItem, UserList, UserSessions};
use serde_json::Value;

use super::sessions;
use crate::Console;
use crate::ask::Refusal;
use crate::link::{segment, with_query};
use crate::session::Session;

const HERE: &str = "/console/users";

/// The API's.
const PATH: &str = "/api/v1/cube/user";

pub(super) fn router() -> Router<Console> {
    Router::new()
        .route(HERE, get(list::page))
        .route(keys::HERE, get(keys::page))
        .route("/console/users/new", get(new::page).post(new::create))
        // Below a segment of their own: a user may be called `new`.
        .route(
            "/console/users/name/{name}",
            get(one::page).post(change::change),
        )
        .route(
            "/console/users/name/{name}/end-sessions",
            get(remove::confirm_end).post(remove::end_sessions),
        )
        .route(
            "/console/users/name/{name}/delete",
            get(remove::confirm).post(remove::delete),
        )
}

/// A user with all that the page shows of it.
struct Whole {
    user: UserItem,
    groups: UserGroups,
    keys: KeyPage,
    sessions: UserSessions,
}

// === impl Whole ===

impl Whole {
    /// Returns the user of this name, if there is one.
    async fn of(session: &Session, name: &str) -> Result<Option<Self>, Refusal> {
        let Some(user) = user(session, name).await? else {
            return Ok(None);
        };
        let groups = format!("{}/groups", path_of(name));
        Ok(Some(Self {
            user,
            groups: session.ask.get(&groups).await?,
            keys: keys::of_user(&session.ask, name).await?,
            sessions: sessions::of(&session.ask, name).await?,
        }))
    }
}

/// Returns the user of this name, if there is one: the API has a list of them alone.
async fn user(session: &Session, name: &str) -> Result<Option<UserItem>, Refusal> {
    // A JSON string is what the list language takes for any text.
    let filter = format!("metadata.name={}", Value::from(name));
    let path = with_query(PATH, &[("filter", &filter), ("pageSize", "1")]);
    let list: UserList = session.ask.get(&path).await?;
    Ok(list.items.into_iter().find(|user| user.name == name))
}

/// Returns the path of the API for one user.
fn path_of(name: &str) -> String {
    format!("{PATH}/{}", segment(name))
}

/// Returns the address of a user's page.
fn here_of(name: &str) -> String {
    format!("{HERE}/name/{}", segment(name))
}
