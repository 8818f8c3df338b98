use cubegate_domain::{Profile, UserState};

use super::{Kind, TestStore, at, mk_user, on_each_database};
use crate::user::hex_md5;
use crate::{ImportedKey, KubeCubeUser, Md5Password, StoreError, Written};

const SALT: &str = "a salt that everybody knows";

fn mk_kubecube(name: &str, password: Option<&str>) -> KubeCubeUser {
    KubeCubeUser {
        name: name.to_owned(),
        display_name: name.to_uppercase(),
        profile: Profile::default(),
        state: UserState::Normal,
        groups: Vec::new(),
        password: password
            .map(|password| Md5Password::new(&hex_md5(password, SALT), SALT).unwrap()),
    }
}

async fn logs_in(store: &TestStore, name: &str, password: &str) -> bool {
    let user = store.verify_password(name, password).await.unwrap();
    user.is_some()
}

async fn password_hash(store: &TestStore, name: &str) -> String {
    sqlx::query_scalar("SELECT password_hash FROM users WHERE name = $1")
        .bind(name)
        .fetch_one(store.reader())
        .await
        .unwrap()
}

async fn an_old_password_still_logs_in_and_is_hashed_anew_then(kind: Kind) {
    let store = TestStore::new(kind).await;
    let jeff = mk_kubecube("jeff", Some("Admin123456"));
    let done = store.import_kubecube_user(&jeff, at(0)).await.unwrap();
    assert_eq!(done, Written::Created);
    let imported = password_hash(&store, "jeff").await;
    assert!(imported.starts_with("$argon2id$"), "{imported}");

    // Neither another password nor the MD5 itself opens it, nor changes it.
    for wrong in ["Admin1234567", "", &hex_md5("Admin123456", SALT)] {
        assert!(!logs_in(&store, "jeff", wrong).await, "{wrong}");
    }
    assert_eq!(password_hash(&store, "jeff").await, imported);

    assert!(logs_in(&store, "jeff", "Admin123456").await);
    let own = password_hash(&store, "jeff").await;
    assert_ne!(own, imported);
    assert!(logs_in(&store, "jeff", "Admin123456").await);
    assert!(!logs_in(&store, "jeff", &hex_md5("Admin123456", SALT)).await);
    assert_eq!(password_hash(&store, "jeff").await, own, "hashed once");
}

async fn a_second_import_changes_nothing_also_after_a_login(kind: Kind) {
    let store = TestStore::new(kind).await;
    let jeff = mk_kubecube("jeff", Some("Admin123456"));
    store.import_kubecube_user(&jeff, at(0)).await.unwrap();
    for _ in 0..2 {
        let before = password_hash(&store, "jeff").await;
        let compared = store.compare_kubecube_user(&jeff).await.unwrap();
        assert_eq!(compared, Written::Unchanged);
        let done = store.import_kubecube_user(&jeff, at(9)).await.unwrap();
        assert_eq!(done, Written::Unchanged);
        assert_eq!(password_hash(&store, "jeff").await, before);
        assert!(logs_in(&store, "jeff", "Admin123456").await);
    }
    assert_eq!(store.get_user("jeff").await.unwrap().unwrap().version, 1);
}

async fn a_password_changed_here_stays_until_kubecube_has_another(kind: Kind) {
    let store = TestStore::new(kind).await;
    let old = mk_kubecube("jeff", Some("Admin123456"));
    store.import_kubecube_user(&old, at(0)).await.unwrap();
    store
        .set_password("jeff", "changed-here", at(2))
        .await
        .unwrap();
    assert!(!logs_in(&store, "jeff", "Admin123456").await);
    let done = store.import_kubecube_user(&old, at(1)).await.unwrap();
    assert_eq!(done, Written::Unchanged);
    // Another change there does not bring the password back either.
    let mut disabled = mk_kubecube("jeff", Some("Admin123456"));
    disabled.state = UserState::Forbidden;
    let done = store.import_kubecube_user(&disabled, at(2)).await.unwrap();
    assert_eq!(done, Written::Replaced);
    assert!(logs_in(&store, "jeff", "changed-here").await);

    let new = mk_kubecube("jeff", Some("changed-there"));
    let compared = store.compare_kubecube_user(&new).await.unwrap();
    assert_eq!(compared, Written::Replaced);
    store.import_kubecube_user(&new, at(3)).await.unwrap();
    assert!(logs_in(&store, "jeff", "changed-there").await);
    assert!(!logs_in(&store, "jeff", "changed-here").await);
}

async fn without_a_salt_there_is_no_password_and_with_one_it_comes_later(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("here"), at(0)).await.unwrap();
    for name in ["new", "here"] {
        let user = mk_kubecube(name, None);
        store.import_kubecube_user(&user, at(0)).await.unwrap();
        let again = store.import_kubecube_user(&user, at(1)).await.unwrap();
        assert_eq!(again, Written::Unchanged);
    }
    assert!(!logs_in(&store, "new", "Admin123456").await);
    assert!(!logs_in(&store, "new", "").await);
    assert!(
        logs_in(&store, "here", "Admin123456").await,
        "it is its own"
    );

    let with = mk_kubecube("new", Some("Admin123456"));
    let done = store.import_kubecube_user(&with, at(2)).await.unwrap();
    assert_eq!(done, Written::Replaced);
    assert!(logs_in(&store, "new", "Admin123456").await);
}

async fn groups_are_kept_and_names_of_kubernetes_refused(kind: Kind) {
    let store = TestStore::new(kind).await;
    let mut grouped = mk_user("jeff");
    grouped.groups = vec!["ops".to_owned()];
    store.create_user(grouped, at(0)).await.unwrap();
    let mut jeff = mk_kubecube("jeff", None);
    jeff.groups = vec!["not-these".to_owned()];
    jeff.profile.email = "jeff@example.com".to_owned();
    store.import_kubecube_user(&jeff, at(1)).await.unwrap();
    let kept = store.get_user("jeff").await.unwrap().unwrap();
    assert_eq!(kept.groups, ["ops"]);
    assert_eq!(kept.display_name, "JEFF");
    assert_eq!(kept.profile.email, "jeff@example.com");
    jeff.profile.email = String::new();
    let compared = store.compare_kubecube_user(&jeff).await.unwrap();
    assert_eq!(compared, Written::Replaced);

    let system = mk_kubecube("system:admin", None);
    let refused = store.import_kubecube_user(&system, at(1)).await;
    assert!(matches!(refused, Err(StoreError::Subject(_))));
    assert_eq!(store.list_users().await.unwrap().len(), 1);
}

async fn a_key_is_compared_with_what_is_kept(kind: Kind) {
    let store = TestStore::new(kind).await;
    let key = |secret: &str, user: &str| ImportedKey {
        access_key: "a".repeat(32),
        secret_key: secret.to_owned(),
        user: user.to_owned(),
    };
    let first = key("s", "jeff");
    assert_eq!(store.compare_key(&first).await.unwrap(), Written::Created);
    store.import_key(&first, at(0)).await.unwrap();
    assert_eq!(store.compare_key(&first).await.unwrap(), Written::Unchanged);
    for other in [key("t", "jeff"), key("s", "zed")] {
        assert_eq!(store.compare_key(&other).await.unwrap(), Written::Replaced);
    }
    let refused = store.compare_key(&key("", "jeff")).await;
    assert!(matches!(refused, Err(StoreError::KeyFormat { .. })));
}

on_each_database!(
    an_old_password_still_logs_in_and_is_hashed_anew_then,
    a_second_import_changes_nothing_also_after_a_login,
    a_password_changed_here_stays_until_kubecube_has_another,
    without_a_salt_there_is_no_password_and_with_one_it_comes_later,
    groups_are_kept_and_names_of_kubernetes_refused,
    a_key_is_compared_with_what_is_kept,
);
