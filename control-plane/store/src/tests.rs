//! The store on real database files and on a real PostgreSQL.

mod audit;
mod checks;
mod cluster_sources;
mod cluster_states;
mod clusters;
mod database;
mod deletion;
mod discoveries;
mod durability;
mod envoys;
mod key_attributes;
mod keys;
mod kubecube;
mod logins;
mod migrate;
mod nodes;
mod once;
mod revision;
mod revocations;
mod server;
mod sessions;
mod silence;
mod users;
mod wake;

use cubegate_domain::{KeyAttributes, UserState};
use time::OffsetDateTime;

use crate::{IssuedKey, MasterKey, NewUser, Store, StoreError};

use database::{Kind, TestDatabase, on_each_database};

/// A store on a database of its own, which goes away with it.
struct TestStore {
    store: Store,
    database: TestDatabase,
}

impl TestStore {
    async fn new(kind: Kind) -> Self {
        let database = TestDatabase::new(kind).await;
        let store = database.open().await.unwrap();
        Self { store, database }
    }

    /// The same database once more, as another process would have it.
    async fn open_again(&self) -> Store {
        self.database.open().await.unwrap()
    }

    /// What somebody does to the database by hand.
    async fn execute(&self, sql: &'static str) {
        let mut tx = self.store.write().await.unwrap();
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// As many ended sessions of a user, named `filled-` and a number.
    async fn fill_sessions(&self, user: &str, count: i64, until: OffsetDateTime) {
        let mut tx = self.store.write().await.unwrap();
        for number in 0..count {
            sqlx::query(
                "INSERT INTO revocations (kind, subject, user_name, expires_at)
                 VALUES ('session', $1, $2, $3)",
            )
            .bind(format!("filled-{number}"))
            .bind(user)
            .bind(until.unix_timestamp())
            .execute(&mut *tx)
            .await
            .unwrap();
        }
        tx.commit().await.unwrap();
    }

    /// A refresh token as the release before this one has kept them.
    async fn add_former_token(
        &self,
        token: &str,
        session: &str,
        user: &str,
        expires_at: OffsetDateTime,
    ) {
        let mut tx = self.store.write().await.unwrap();
        sqlx::query(
            "INSERT INTO refresh_tokens (token_hash, session, user_name, issued_at, expires_at)
             VALUES ($1, $2, $3, 0, $4)",
        )
        .bind(self.store.inner.sealer.hash_secret("refresh_token", token))
        .bind(session)
        .bind(user)
        .bind(expires_at.unix_timestamp())
        .execute(&mut *tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
    }

    /// Closes it and gives all that the database holds.
    async fn contents(&self) -> Vec<u8> {
        self.store.close().await;
        self.database.contents().await
    }
}

impl Store {
    /// Makes a key without attributes.
    async fn create_key(&self, user: &str, now: OffsetDateTime) -> Result<IssuedKey, StoreError> {
        let attributes = KeyAttributes::default();
        self.create_key_with(user, attributes, now).await
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
