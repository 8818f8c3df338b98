use std::time::Duration;

use cubegate_domain::{ADMIN_GROUP, UserState};

use super::{Kind, TestStore, at, mk_user, on_each_database};
use crate::password::Queue;
use crate::{Store, StoreError, Written};

/// Whether this is the user's password.
async fn takes(store: &TestStore, user: &str, password: &str) -> bool {
    store
        .verify_password(user, password)
        .await
        .unwrap()
        .is_some()
}

async fn a_created_user_is_found_with_its_groups(kind: Kind) {
    let store = TestStore::new(kind).await;
    let mut new = mk_user("jeff");
    new.groups = vec!["ops".to_owned(), ADMIN_GROUP.to_owned(), "ops".to_owned()];
    let created = store.create_user(new, at(0)).await.unwrap();
    assert_eq!(created.groups, [ADMIN_GROUP, "ops"]);
    assert!(created.is_admin());
    assert_eq!(
        (created.display_name.as_str(), created.version),
        ("jeff", 1)
    );
    assert_eq!(created.created_at, at(0));
    assert_eq!(store.get_user("jeff").await.unwrap(), Some(created.clone()));
    assert_eq!(store.list_users().await.unwrap(), [created]);
    assert_eq!(store.get_user("Jeff").await.unwrap(), None);
    assert_eq!(store.list_users().await.unwrap().len(), 1);
}

async fn a_second_user_of_the_same_name_is_refused_and_changes_nothing(kind: Kind) {
    let store = TestStore::new(kind).await;
    let first = store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    let mut second = mk_user("jeff");
    second.password = "another-one".to_owned();
    second.groups = vec!["ops".to_owned()];
    let refused = store.create_user(second, at(1)).await;
    assert!(matches!(refused, Err(StoreError::UserExists(name)) if name == "jeff"));
    assert_eq!(store.get_user("jeff").await.unwrap(), Some(first));
    assert!(!takes(&store, "jeff", "another-one").await);
}

async fn names_of_kubernetes_and_short_passwords_are_refused(kind: Kind) {
    let store = TestStore::new(kind).await;
    for name in ["system:admin", "a b", "", "system:masters"] {
        let refused = store.create_user(mk_user(name), at(0)).await;
        assert!(matches!(refused, Err(StoreError::Subject(_))), "{name}");
        let refused = store.import_user(mk_user(name), at(0)).await;
        assert!(matches!(refused, Err(StoreError::Subject(_))), "{name}");
    }
    let mut grouped = mk_user("jeff");
    grouped.groups = vec!["system:masters".to_owned()];
    assert!(matches!(
        store.create_user(grouped, at(0)).await,
        Err(StoreError::Subject(_))
    ));
    let mut short = mk_user("jeff");
    short.password = "1234567".to_owned();
    assert!(matches!(
        store.create_user(short, at(0)).await,
        Err(StoreError::PasswordTooShort)
    ));
    assert_eq!(store.list_users().await.unwrap().len(), 0);
}

async fn an_import_takes_any_password_and_replaces_what_is_there(kind: Kind) {
    let store = TestStore::new(kind).await;
    let mut user = mk_user("dd");
    user.password = "x".to_owned();
    user.groups = vec!["a".to_owned()];
    user.display_name = Some("DD".to_owned());
    assert_eq!(
        store.import_user(user, at(0)).await.unwrap(),
        Written::Created
    );
    assert!(takes(&store, "dd", "x").await);

    let mut user = mk_user("dd");
    user.password = "y".to_owned();
    user.groups = vec!["b".to_owned()];
    user.state = UserState::Forbidden;
    assert_eq!(
        store.import_user(user, at(9)).await.unwrap(),
        Written::Replaced
    );
    assert!(!takes(&store, "dd", "x").await);
    let user = store.verify_password("dd", "y").await.unwrap().unwrap();
    assert_eq!(user.groups, ["b"]);
    assert_eq!(user.state, UserState::Forbidden);
    assert_eq!((user.created_at, user.version), (at(0), 2));
    assert_eq!(user.display_name, "DD");
}

async fn a_password_is_checked_and_changed(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    assert!(takes(&store, "jeff", "Admin123456").await);
    assert!(!takes(&store, "jeff", " Admin123456 ").await);
    assert!(!takes(&store, "zed", "Admin123456").await);

    assert!(matches!(
        store.set_password("jeff", "short", at(9_000)).await,
        Err(StoreError::PasswordTooShort)
    ));
    assert!(takes(&store, "jeff", "Admin123456").await);
    store
        .set_password("jeff", "NewOne123", at(9_000))
        .await
        .unwrap();
    assert!(!takes(&store, "jeff", "Admin123456").await);
    assert!(takes(&store, "jeff", "NewOne123").await);
    let missing = store.set_password("zed", "NewOne123", at(9_000)).await;
    assert!(matches!(missing, Err(StoreError::UserNotFound(name)) if name == "zed"));
}

async fn a_disabled_user_keeps_its_password(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    store
        .set_user_state("jeff", UserState::Forbidden, at(9_000))
        .await
        .unwrap();
    let user = store
        .verify_password("jeff", "Admin123456")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(user.state, UserState::Forbidden);
    assert!(
        store
            .set_user_state("zed", UserState::Normal, at(9_000))
            .await
            .is_err()
    );
}

async fn a_login_is_noted(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    let user = store
        .record_login("jeff", Some("127.0.0.1"), at(7))
        .await
        .unwrap();
    assert_eq!(user.last_login_at, Some(at(7)));
    assert_eq!(user.last_login_ip.as_deref(), Some("127.0.0.1"));
    assert_eq!(user.version, 2);
    assert!(matches!(
        store.record_login("zed", None, at(8)).await,
        Err(StoreError::UserNotFound(_))
    ));
}

async fn the_database_holds_no_password(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    let bytes = store.contents().await;
    assert!(!bytes.windows(11).any(|window| window == b"Admin123456"));
    assert!(bytes.windows(9).any(|window| window == b"$argon2id"));
}

async fn lists_come_in_the_order_of_their_bytes(kind: Kind) {
    let store = TestStore::new(kind).await;
    let ordered = ["Zed", "a-c", "aB", "ab", "a\u{e9}", "\u{e9}"];
    for name in ["ab", "\u{e9}", "Zed", "a\u{e9}", "aB", "a-c"] {
        let mut user = mk_user(name);
        user.groups = ordered
            .iter()
            .rev()
            .map(|&group| group.to_owned())
            .collect();
        store.import_user(user, at(0)).await.unwrap();
    }
    let users = store.list_users().await.unwrap();
    let names: Vec<_> = users.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(names, ordered);
    for user in &users {
        assert_eq!(user.groups, ordered);
        assert_eq!(
            store.get_user(&user.name).await.unwrap().as_ref(),
            Some(user)
        );
    }
}

async fn groups_of_kubernetes_own_that_stand_in_the_database_are_given_to_nobody(kind: Kind) {
    let store = TestStore::new(kind).await;
    let mut user = mk_user("jeff");
    user.groups = vec!["ops".to_owned()];
    store.create_user(user, at(0)).await.unwrap();
    for group in ["system:masters", "System:nodes", " system:masters"] {
        let mut tx = store.write_rows().await.unwrap();
        sqlx::query("INSERT INTO user_groups (user_name, group_name) VALUES ('jeff', $1)")
            .bind(group)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    assert_eq!(
        store.get_user("jeff").await.unwrap().unwrap().groups,
        ["ops"]
    );
    let groups = store.impersonated_groups().await.unwrap();
    let groups: Vec<_> = groups.iter().map(String::as_str).collect();
    assert_eq!(groups, ["kubecube", "ops", "system:authenticated"]);
}

async fn who_is_disabled_while_a_password_is_checked_begins_nothing_new(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    // Others wait before it in the same queue, some 300 ms long.
    let cores = std::thread::available_parallelism().map_or(1, Into::into);
    for _ in 0..cores * 10 {
        let store = Store::clone(&store);
        tokio::spawn(async move {
            let _ = store
                .verify_password_in(Queue::Anybody, "nobody", "x")
                .await;
        });
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    let check = store.verify_password_in(Queue::Anybody, "jeff", "Admin123456");
    let forbid = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        for state in [UserState::Forbidden, UserState::Normal] {
            store
                .set_user_state("jeff", state, at(9_000))
                .await
                .unwrap();
        }
    };
    let (checked, ()) = tokio::join!(check, forbid);
    assert_eq!(checked.unwrap(), None);
    assert!(takes(&store, "jeff", "Admin123456").await);
}

on_each_database!(
    who_is_disabled_while_a_password_is_checked_begins_nothing_new,
    groups_of_kubernetes_own_that_stand_in_the_database_are_given_to_nobody,
    lists_come_in_the_order_of_their_bytes,
    a_created_user_is_found_with_its_groups,
    a_second_user_of_the_same_name_is_refused_and_changes_nothing,
    names_of_kubernetes_and_short_passwords_are_refused,
    an_import_takes_any_password_and_replaces_what_is_there,
    a_password_is_checked_and_changed,
    a_disabled_user_keeps_its_password,
    a_login_is_noted,
    the_database_holds_no_password,
);
