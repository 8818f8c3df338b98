use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use tokio::time::timeout;

use super::{Kind, TestDatabase, TestStore, at, mk_key, mk_user, on_each_database};
use crate::{DatabaseUrl, Store, StoreError};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_files_are_for_their_owner_only() {
    let store = TestStore::new(Kind::Sqlite).await;
    let folder = store.database.folder.path();
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    for name in ["cubegate.db", "cubegate.db-wal", "cubegate.db-shm"] {
        assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
    }
    store.close().await;
    let file = folder.join("cubegate.db");
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let _again = store.open_again().await;
    assert_eq!(mode(&file), 0o600);
}

/// Without its log: what a commit would otherwise have to bring into it at some time.
#[tokio::test]
async fn the_file_itself_has_what_was_written_soon() {
    let store = TestStore::new(Kind::Sqlite).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("cubegate.db");
    let found = async || loop {
        fs::copy(store.database.folder.path().join("cubegate.db"), &copy).unwrap();
        let copied = Store::open(copy.as_path(), &mk_key(1)).await.unwrap();
        let users = copied.list_users().await.unwrap();
        copied.close().await;
        if users.iter().any(|user| user.name == "jeff") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    timeout(Duration::from_secs(10), found()).await.unwrap();
}

async fn another_master_key_is_refused_and_changes_nothing(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    let refused = Store::open(store.database(), &mk_key(2)).await;
    assert!(matches!(refused, Err(StoreError::WrongMasterKey { .. })));
    assert_eq!(
        store.open_again().await.list_users().await.unwrap().len(),
        1
    );
}

async fn a_database_is_new_until_a_store_was_in_it(kind: Kind) {
    let database = TestDatabase::new(kind).await;
    assert!(database.parsed().is_new().await.unwrap());
    database.open().await.unwrap();
    assert!(!database.parsed().is_new().await.unwrap());
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cubegate.db");
    fs::write(
        &path,
        "not a database, but long enough to look at\n".repeat(100),
    )
    .unwrap();
    let error = Store::open(&path, &mk_key(1)).await.err().unwrap();
    assert!(matches!(error, StoreError::Open { .. }), "{error}");
    assert!(error.to_string().contains("cubegate.db"), "{error}");

    let error = Store::open(folder.path().join("no/such.db"), &mk_key(1))
        .await
        .err()
        .unwrap();
    assert!(matches!(error, StoreError::File { .. }), "{error}");
    assert!(
        error.to_string().contains("check that its folder exists"),
        "{error}"
    );
}

async fn processes_that_meet_at_a_new_database_all_open_it(kind: Kind) {
    let database = TestDatabase::new(kind).await;
    let opened: Vec<_> = (0..8)
        .map(|_| {
            let url = database.parsed();
            tokio::spawn(async move { Store::open(url, &mk_key(1)).await })
        })
        .collect();
    for store in opened {
        store.await.unwrap().unwrap();
    }
}

/// A transaction that was begun for nobody would hold the lock for half a minute.
async fn who_goes_away_while_waiting_to_write_leaves_nothing_behind(kind: Kind) {
    let store = TestStore::new(kind).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    for step in 0..200 {
        // Ever a little later in what is done to begin.
        let wait = Duration::from_micros(step * 10);
        let _ = timeout(wait, store.end_session("s", "jeff", at(0), at(0))).await;
    }
    let next = async {
        for _ in 0..8 {
            store.end_session("s", "jeff", at(0), at(0)).await.unwrap();
        }
    };
    timeout(Duration::from_secs(5), next).await.unwrap();
}

async fn who_has_waited_too_long_gives_up_and_does_no_harm(kind: Kind) {
    let store = TestStore::new(kind).await;
    let other = store.open_again().await;
    let held = other.write().await.unwrap();
    let gave_up = timeout(
        Duration::from_secs(20),
        store.end_session("s", "jeff", at(0), at(0)),
    )
    .await
    .unwrap();
    assert!(
        matches!(gave_up, Err(StoreError::Database(_))),
        "{gave_up:?}"
    );
    drop(held);
    for _ in 0..8 {
        store.end_session("s", "jeff", at(0), at(0)).await.unwrap();
    }
}

/// The process is not asked to stop; it writes until it is killed. The test binary
/// plays it itself (see `writer`).
async fn a_committed_key_survives_kill_9(kind: Kind) {
    let database = TestDatabase::new(kind).await;
    let store = database.open().await.unwrap();
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    store.close().await;

    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "tests::durability::writer",
            "--ignored",
            "--nocapture",
        ])
        .env("CUBEGATE_TEST_DATABASE", &database.url)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = Vec::new();
    let output = child.stdout.take().unwrap();
    for line in std::io::BufRead::lines(std::io::BufReader::new(output)) {
        if let Some((_, key)) = line.unwrap().split_once("committed ") {
            said.push(key.to_owned());
        }
        if said.len() == 3 {
            child.kill().unwrap();
            break;
        }
    }
    child.wait().unwrap();

    let store = database.open().await.unwrap();
    let kept: Vec<_> = store
        .list_keys("jeff")
        .await
        .unwrap()
        .into_iter()
        .map(|key| key.access_key)
        .collect();
    for key in &said {
        assert!(kept.contains(key), "{key} was committed and is lost");
    }
}

#[tokio::test]
#[ignore = "the child of a_committed_key_survives_kill_9"]
async fn writer() {
    use std::io::Write as _;
    let Ok(url) = std::env::var("CUBEGATE_TEST_DATABASE") else {
        return;
    };
    let url: DatabaseUrl = url.parse().unwrap();
    let store = Store::open(url, &mk_key(1)).await.unwrap();
    for n in 0..3 {
        let key = store.create_key("jeff", at(n)).await.unwrap();
        let mut stdout = std::io::stdout();
        writeln!(stdout, "committed {}", key.access_key).unwrap();
        stdout.flush().unwrap();
    }
    // Alive, with the log not yet written back, until the parent kills it.
    tokio::time::sleep(Duration::from_secs(60)).await;
}

on_each_database!(
    another_master_key_is_refused_and_changes_nothing,
    a_database_is_new_until_a_store_was_in_it,
    processes_that_meet_at_a_new_database_all_open_it,
    who_goes_away_while_waiting_to_write_leaves_nothing_behind,
    who_has_waited_too_long_gives_up_and_does_no_harm,
    a_committed_key_survives_kill_9,
);
