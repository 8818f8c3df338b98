//! Users who are deleted, and their groups.

use cubegate_domain::{ADMIN_GROUP, KeyAttributes, UserState};

use super::{Kind, TestStore, at, mk_user, on_each_database};
use crate::{StoreError, TokenMarks};

const UNTIL: i64 = 9_000;

impl TestStore {
    /// A user in these groups.
    async fn user_in(&self, name: &str, groups: &[&str]) {
        let mut user = mk_user(name);
        user.groups = groups.iter().map(|group| (*group).to_owned()).collect();
        self.create_user(user, at(0)).await.unwrap();
    }

    async fn epoch(&self, name: &str) -> u64 {
        self.get_user(name).await.unwrap().unwrap().token_epoch
    }

    async fn refuses(&self, user: &str, epoch: u64) -> bool {
        let marks = TokenMarks {
            user,
            epoch: Some(epoch),
            ..TokenMarks::default()
        };
        self.is_revoked(marks).await.unwrap()
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn a_deleted_user_leaves_nothing_that_works(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.user_in("jeff", &["dev"]).await;
    store.user_in("eve", &[]).await;
    let key = store.create_key("jeff", at(0)).await.unwrap().access_key;
    let made = store
        .create_key_by(Some(&key), "jeff", KeyAttributes::default(), None, at(0))
        .await
        .unwrap();
    let others = store.create_key("eve", at(0)).await.unwrap();
    let before = store.revision().await.unwrap();
    let old = store.epoch("jeff").await;

    let mut keys = store.delete_user("jeff", at(UNTIL)).await.unwrap();
    keys.sort();
    let mut expected = vec![key.clone(), made.access_key];
    expected.sort();
    assert_eq!(keys, expected);
    assert!(store.revision().await.unwrap() > before);
    assert!(store.get_user("jeff").await.unwrap().is_none());
    assert!(store.get_key(&key).await.unwrap().is_none());
    assert!(store.get_key(&others.access_key).await.unwrap().is_some());
    assert!(store.refuses("jeff", old).await);
    let marks = TokenMarks {
        key: Some(&key),
        key_epoch: Some(1),
        user: "jeff",
        ..TokenMarks::default()
    };
    assert!(store.is_revoked(marks).await.unwrap());

    // Whoever comes back under that name is somebody else.
    store.user_in("jeff", &[]).await;
    let new = store.epoch("jeff").await;
    assert!(new > old && !store.refuses("jeff", new).await);
    assert!(store.refuses("jeff", old).await);
    assert!(store.list_keys("jeff").await.unwrap().is_empty());
    let again = store.get_user("jeff").await.unwrap().unwrap();
    assert!(again.groups.is_empty());
    let missing = store.delete_user("zed", at(UNTIL)).await;
    assert!(matches!(missing, Err(StoreError::UserNotFound(_))));
}

async fn an_imported_user_of_an_old_name_is_somebody_else(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.user_in("jeff", &[]).await;
    let old = store.epoch("jeff").await;
    store.delete_user("jeff", at(UNTIL)).await.unwrap();
    store.import_user(mk_user("jeff"), at(1)).await.unwrap();
    assert!(store.epoch("jeff").await > old);
    assert!(!store.refuses("jeff", store.epoch("jeff").await).await);
}

async fn groups_come_with_new_tokens_and_go_with_the_old_ones(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.user_in("jeff", &["dev"]).await;
    let old = store.epoch("jeff").await;
    let added = store.add_groups("jeff", &names(&["dev", "ops"])).await;
    assert_eq!(added.unwrap(), ["ops"]);
    assert_eq!(store.epoch("jeff").await, old);
    let groups = store.get_user("jeff").await.unwrap().unwrap().groups;
    assert_eq!(groups, ["dev", "ops"]);

    let none = store.remove_groups("jeff", &names(&["x"]), at(UNTIL)).await;
    assert!(none.unwrap().is_empty());
    assert!(!store.refuses("jeff", old).await);
    let gone = store
        .remove_groups("jeff", &names(&["dev", "x"]), at(UNTIL))
        .await;
    assert_eq!(gone.unwrap(), ["dev"]);
    assert!(store.refuses("jeff", old).await);

    let bad = store.add_groups("jeff", &names(&["system:masters"])).await;
    assert!(matches!(bad, Err(StoreError::Subject(_))));
    let many: Vec<_> = (0..60).map(|number| format!("{number:0>40}")).collect();
    let bad = store.add_groups("jeff", &many).await;
    assert!(matches!(bad, Err(StoreError::TooManyGroups)));
    let groups = store.get_user("jeff").await.unwrap().unwrap().groups;
    assert_eq!(groups, ["ops"]);
    for missing in [
        store.add_groups("zed", &names(&["a"])).await,
        store.remove_groups("zed", &names(&["a"]), at(UNTIL)).await,
    ] {
        assert!(matches!(missing, Err(StoreError::UserNotFound(_))));
    }
}

async fn somebody_manages_the_gateway_always(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.user_in("admin", &[ADMIN_GROUP]).await;
    store.user_in("jeff", &[]).await;
    let admins = names(&[ADMIN_GROUP]);
    let refused = store.delete_user("admin", at(UNTIL)).await;
    assert!(matches!(refused, Err(StoreError::LastAdmin(_))));
    let refused = store.remove_groups("admin", &admins, at(UNTIL)).await;
    assert!(matches!(refused, Err(StoreError::LastAdmin(_))));
    let forbid = store.set_user_state("admin", UserState::Forbidden, at(UNTIL));
    assert!(matches!(forbid.await, Err(StoreError::LastAdmin(_))));
    assert!(store.get_user("admin").await.unwrap().unwrap().is_admin());
    store.add_groups("jeff", &admins).await.unwrap();
    store.delete_user("admin", at(UNTIL)).await.unwrap();
    let refused = store.delete_user("jeff", at(UNTIL)).await;
    assert!(matches!(refused, Err(StoreError::LastAdmin(_))));
}

on_each_database!(
    a_deleted_user_leaves_nothing_that_works,
    an_imported_user_of_an_old_name_is_somebody_else,
    groups_come_with_new_tokens_and_go_with_the_old_ones,
    somebody_manages_the_gateway_always,
);
