//! A name and a password become a user: the one way in for both APIs.

use std::net::IpAddr;

use cubegate_domain::{User, UserState};
use cubegate_store::{LoginHistory, Queue, StoreError};
use time::OffsetDateTime;

use crate::AppState;
use crate::audit::Note;
use crate::throttle::{self, Locked, TooMany};

/// Why somebody is not let in.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Too many tries, or the user is locked.
    TooMany(TooMany),
    /// No such user, or not this password.
    Wrong,
    /// The password is right and the user may not log in.
    Disabled,
    /// So many passwords are being checked that one more would wait too long.
    Busy {
        /// Seconds to wait.
        retry_after: u64,
    },
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
    let outcome = match check(state, name, password, address).await {
        Ok(user) => {
            note.user(&user.name);
            note.by_password();
            match user.state {
                UserState::Normal => Ok(user),
                UserState::Forbidden => Err(Refused::Disabled),
            }
        }
        Err(refused) => Err(refused),
    };
    state.metrics.login(&outcome);
    outcome
}

/// Returns the user of this name and password, in whatever state. Known and unknown users are
/// counted alike and take the same time.
pub(crate) async fn check(
    state: &AppState,
    name: &str,
    password: &str,
    address: Option<IpAddr>,
) -> Result<User, Refused> {
    let now = state.clock.now();
    let network = address.map(|address| throttle::network(address).to_string());
    let network = network.as_deref();
    let history = state.store.login_history(name, network).await?;
    let is_known = history.from_here.is_some();
    state
        .throttle
        .login(name, address, is_known)
        .map_err(Refused::TooMany)?;
    let lock_out = &state.throttle.lock_out;
    let attempt = match lock_out.begin(name, network, &history, now).await {
        Ok(attempt) => attempt,
        Err(Locked {
            too_many,
            unwritten,
        }) => {
            if let Some(until) = unwritten {
                write_lock(state, name, until);
            }
            return Err(Refused::TooMany(too_many));
        }
    };
    let queue = if is_known {
        Queue::Known
    } else {
        Queue::Anybody
    };
    match state.store.verify_password_in(queue, name, password).await {
        Ok(Some(user)) => {
            attempt.was_right();
            if let Some(network) = network {
                note_address(state, &user, network, &history).await;
            }
            Ok(user)
        }
        Ok(None) => {
            let locked = attempt.was_wrong().filter(|_| history.exists);
            if let Some(until) = locked {
                write_lock(state, name, until);
            }
            Err(Refused::Wrong)
        }
        Err(error) => {
            attempt.was_not_checked();
            Err(error.into())
        }
    }
}

/// Remembers where a user has logged in from, who may.
async fn note_address(state: &AppState, user: &User, network: &str, history: &LoginHistory) {
    if user.state != UserState::Normal {
        return;
    }
    let now = state.clock.now();
    let noted = state
        .store
        .note_login_address(&user.name, network, history, now)
        .await;
    if let Err(error) = noted {
        // The password is right all the same.
        tracing::warn!(%error, "the address of a login could not be noted");
    }
}

/// Writes that a user is locked. Not while the client waits: it could measure whether
/// there is such a user.
fn write_lock(state: &AppState, name: &str, until: OffsetDateTime) {
    let (store, name) = (state.store.clone(), name.to_owned());
    tokio::spawn(async move {
        tracing::warn!(
            user.name = name,
            "too many wrong passwords: logins from new addresses are refused for a while"
        );
        if let Err(error) = store.lock_user(&name, until).await {
            tracing::warn!(%error, "a lock could not be written; it holds in this process");
        }
    });
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy { retry_after } => Self::Busy { retry_after },
            error => Self::NotChecked(error),
        }
    }
}
