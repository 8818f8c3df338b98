//! Password hashes: argon2id, off the async threads and not more at a time than
//! there are cores.

use std::sync::Arc;
use std::thread;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;
use tokio::task;

use crate::StoreError;

/// A hash of nothing anybody types, with the parameters of [`Argon2::default`]:
/// what an unknown user's password is compared with, so that the answer takes as
/// long as for a known one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$8nxg/5pM2kMjLqPRKIV2eg$wOGWBbr+wCVsEdLLP8FSm+LlTH0uA1hVZBlYNHsKN3Y";

/// Computes and checks password hashes. A hash takes 19 MiB and some 30 ms of
/// one core, so a flood of logins must queue here and not in the runtime.
#[derive(Clone)]
pub(crate) struct Passwords {
    slots: Arc<Semaphore>,
}

// === impl Passwords ===

impl Passwords {
    pub(crate) fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, Into::into);
        Self {
            slots: Arc::new(Semaphore::new(cores)),
        }
    }

    /// The PHC string of `password` with a new salt.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, StoreError> {
        let password = password.to_owned();
        self.run(move || {
            Argon2::default()
                .hash_password(password.as_bytes())
                .map(|hash| hash.to_string())
                .map_err(|error| StoreError::Hash(error.to_string()))
        })
        .await?
    }

    /// Whether `password` belongs to `hash`. Without a hash the answer is no,
    /// after the same time.
    pub(crate) async fn verify(
        &self,
        password: &str,
        hash: Option<String>,
    ) -> Result<bool, StoreError> {
        let password = password.to_owned();
        self.run(move || {
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
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let failed = |error: &dyn std::fmt::Display| StoreError::Hash(error.to_string());
        let slot = Arc::clone(&self.slots)
            .acquire_owned()
            .await
            .map_err(|error| failed(&error))?;
        task::spawn_blocking(move || {
            let result = work();
            drop(slot);
            result
        })
        .await
        .map_err(|error| failed(&error))
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
                .verify("Admin123456", Some(hash.clone()))
                .await
                .unwrap()
        );
        assert!(!passwords.verify("Admin1234567", Some(hash)).await.unwrap());
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
        assert!(!passwords.verify("", None).await.unwrap());
    }

    #[tokio::test]
    async fn a_damaged_hash_is_an_error_and_no_match() {
        assert!(
            Passwords::new()
                .verify("x", Some("md5:1234".to_owned()))
                .await
                .is_err()
        );
    }
}
