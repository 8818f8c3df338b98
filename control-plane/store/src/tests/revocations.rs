use cubegate_domain::UserState;

use super::{Kind, TestStore, at, mk_user, on_each_database};
use crate::{Revocations, TokenMarks};

async fn who_is_disabled_or_gets_a_password_begins_a_new_epoch(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    store.create_user(mk_user("ann"), at(0)).await.unwrap();
    let before = store.revision().await.unwrap();
    store
        .set_password("jeff", "NewOne123", at(100))
        .await
        .unwrap();
    assert!(store.revision().await.unwrap() > before);
    assert_eq!(
        store.get_user("jeff").await.unwrap().unwrap().token_epoch,
        2
    );
    store
        .set_user_state("jeff", UserState::Forbidden, at(200))
        .await
        .unwrap();
    store
        .set_user_state("jeff", UserState::Normal, at(300))
        .await
        .unwrap();
    let listed = Revocations {
        users: [("jeff".to_owned(), 3)].into(),
        ..Revocations::default()
    };
    assert_eq!(store.list_revocations(at(199)).await.unwrap(), listed);
    assert_eq!(
        store.list_revocations(at(200)).await.unwrap(),
        Revocations::default()
    );
    let is_revoked = async |user, epoch| {
        let marks = TokenMarks {
            user,
            epoch,
            ..TokenMarks::default()
        };
        store.is_revoked(marks).await.unwrap()
    };
    assert!(is_revoked("jeff", Some(2)).await);
    assert!(!is_revoked("jeff", None).await);
    assert!(!is_revoked("jeff", Some(3)).await);
    assert!(!is_revoked("ann", Some(1)).await);
}

async fn a_deleted_key_is_refused_and_one_that_stays_is_not(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    let gone = store.create_key("jeff", at(1)).await.unwrap().access_key;
    let kept = store.create_key("jeff", at(1)).await.unwrap().access_key;
    let before = store.revision().await.unwrap();
    store.delete_key(&kept, Some("eve"), at(100)).await.unwrap();
    assert_eq!(store.revision().await.unwrap(), before);
    store
        .delete_key(&gone, Some("jeff"), at(100))
        .await
        .unwrap();
    assert!(store.revision().await.unwrap() > before);
    let listed = store.list_revocations(at(2)).await.unwrap();
    assert_eq!(listed.keys, [(gone.clone(), 2)].into());
    for (key, expected) in [(&gone, true), (&kept, false)] {
        let marks = TokenMarks {
            key: Some(key),
            key_epoch: Some(1),
            ..TokenMarks::default()
        };
        assert_eq!(store.is_revoked(marks).await.unwrap(), expected);
    }
}

on_each_database!(
    who_is_disabled_or_gets_a_password_begins_a_new_epoch,
    a_deleted_key_is_refused_and_one_that_stays_is_not,
);
