//! The store on real database files.

mod audit;
mod clusters;
mod durability;
mod key_attributes;
mod keys;
mod kubecube;
mod revocations;
mod sessions;
mod users;

use cubegate_domain::UserState;
use tempfile::TempDir;
use time::OffsetDateTime;

use crate::{MasterKey, NewUser, Store};

/// A store on a file of its own; the folder goes away with it.
struct TestStore {
    store: Store,
    folder: TempDir,
}

impl TestStore {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("cubegate.db"), &mk_key(1))
            .await
            .unwrap();
        Self { store, folder }
    }

    /// The same database once more, as another process would have it.
    async fn open_again(&self) -> Store {
        Store::open(self.folder.path().join("cubegate.db"), &mk_key(1))
            .await
            .unwrap()
    }
}

impl std::ops::Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

fn mk_key(byte: u8) -> MasterKey {
    MasterKey::from_bytes(&[byte; 32]).unwrap()
}

fn mk_user(name: &str) -> NewUser {
    NewUser {
        name: name.to_owned(),
        display_name: None,
        password: "Admin123456".to_owned(),
        state: UserState::Normal,
        groups: Vec::new(),
    }
}

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_700_000_000 + seconds).unwrap()
}
