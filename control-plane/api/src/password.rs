//! A name and a password become a user: the one way in for both APIs.

use std::net::IpAddr;

use cubegate_domain::{User, UserState};
use cubegate_store::StoreError;

use crate::AppState;
use crate::audit::Note;
use crate::throttle::TooMany;

/// Why somebody is not let in.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Too many tries, or the user is locked.
    TooMany(TooMany),
    /// No such user, or not this password.
    Wrong,
    /// The password is right and the user may not log in.
    Disabled,
    /// The database does not answer.
    NotChecked(StoreError),
}

/// Lets a user in, whose password it is and who may log in.
pub(crate) async fn log_in(
    state: &AppState,
    note: &Note,
    name: &str,
    password: &str,
    address: Option<IpAddr>,
) -> Result<User, Refused> {
    note.claimed_user(name);
    let user = check(state, name, password, address).await?;
    note.user(&user.name);
    match user.state {
        UserState::Normal => Ok(user),
        UserState::Forbidden => Err(Refused::Disabled),
    }
}

/// The user of this name and password, in whatever state. Known and unknown users are
/// counted alike and take the same time.
pub(crate) async fn check(
    state: &AppState,
    name: &str,
    password: &str,
    address: Option<IpAddr>,
) -> Result<User, Refused> {
    state
        .throttle
        .login(name, address)
        .map_err(Refused::TooMany)?;
    let attempt = state
        .throttle
        .lock_out
        .begin(name, state.clock.now())
        .await
        .map_err(Refused::TooMany)?;
    match state.store.verify_password(name, password).await {
        Ok(Some(user)) => {
            attempt.was_right();
            Ok(user)
        }
        Ok(None) => {
            attempt.was_wrong();
            Err(Refused::Wrong)
        }
        Err(error) => {
            attempt.was_not_checked();
            Err(Refused::NotChecked(error))
        }
    }
}
