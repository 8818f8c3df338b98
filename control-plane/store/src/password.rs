//! Password hashes: argon2id, off the async threads, not more at a time than there are
//! cores, and never so many that the last one would wait for long.
//!
//! ```text
//! Queue::Known ───┬─> reserved slots ─┐
//!                 └─> common slots ───┴─> blocking threads
//! Queue::Anybody ───> common slots ───┘
//! ```

mod lanes;

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::task;

use self::lanes::Lanes;
pub use self::lanes::Queue;
use crate::StoreError;

/// A hash of nothing anybody types, with the parameters of [`Argon2::default`]:
/// what an unknown user's password is compared with, so that the answer takes as
/// long as for a known one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$8nxg/5pM2kMjLqPRKIV2eg$wOGWBbr+wCVsEdLLP8FSm+LlTH0uA1hVZBlYNHsKN3Y";

/// Computes and checks password hashes. A hash takes 19 MiB and some 30 ms of
/// one core, so a flood of logins must queue here and not in the runtime.
#[derive(Clone)]
pub(crate) struct Passwords {
    lanes: Arc<Lanes>,
}

// === impl Passwords ===

impl Passwords {
    pub(crate) fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, Into::into);
        Self {
            lanes: Arc::new(Lanes::new(cores)),
        }
    }

    /// Returns the PHC string of `password` with a new salt.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, StoreError> {
        let password = password.to_owned();
        self.run(Queue::Known, move || {
            Argon2::default()
                .hash_password(password.as_bytes())
                .map(|hash| hash.to_string())
                .map_err(|error| StoreError::Hash(error.to_string()))
        })
        .await?
    }

    /// Returns whether `password` belongs to `hash`. Without a hash the answer is no,
    /// after the same time.
    pub(crate) async fn verify(
        &self,
        queue: Queue,
        password: &str,
        hash: Option<String>,
    ) -> Result<bool, StoreError> {
        let password = password.to_owned();
        self.run(queue, move || {
            let known = hash.is_some();
            let hash = hash.as_deref().unwrap_or(NOBODY);
            let parsed =
                PasswordHash::new(hash).map_err(|error| StoreError::Hash(error.to_string()))?;
            let matches = Argon2::default()
                .verify_password(password.as_bytes(), &parsed)
                .is_ok();
            Ok(known && matches)
        })
        .await?
    }

    async fn run<T: Send + 'static>(
        &self,
        queue: Queue,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let lanes = Arc::clone(&self.lanes);
        let slot = lanes.enter(queue).await?;
        // The slot goes along: whoever waits may go away, and the work goes on.
        task::spawn_blocking(move || {
            let start = Instant::now();
            let result = work();
            lanes.took(start.elapsed());
            drop(slot);
            result
        })
        .await
        .map_err(|error| StoreError::Hash(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let passwords = Passwords::new();
        let hash = passwords.hash("Admin123456").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$"));
        assert!(
            passwords
                .verify(Queue::Known, "Admin123456", Some(hash.clone()))
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .verify(Queue::Anybody, "Admin1234567", Some(hash))
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn an_unknown_user_costs_a_hash_with_the_same_parameters() {
        let parameters = |hash: &str| {
            hash.split('$')
                .take(4)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let passwords = Passwords::new();
        let ours = passwords.hash("x").await.unwrap();
        assert_eq!(parameters(NOBODY), parameters(&ours));
        assert_eq!(NOBODY.len(), ours.len());
        assert!(!passwords.verify(Queue::Known, "", None).await.unwrap());
    }

    #[tokio::test]
    async fn a_damaged_hash_is_an_error_and_no_match() {
        assert!(
            Passwords::new()
                .verify(Queue::Known, "x", Some("md5:1234".to_owned()))
                .await
                .is_err()
        );
    }
}
