use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::{TestStore, at, mk_key, mk_user};
use crate::{Store, StoreError};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_files_are_for_their_owner_only() {
    let store = TestStore::new().await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    for name in ["cubegate.db", "cubegate.db-wal", "cubegate.db-shm"] {
        assert_eq!(mode(&store.folder.path().join(name)), 0o600, "{name}");
    }
    store.close().await;
    fs::set_permissions(store.path(), Permissions::from_mode(0o644)).unwrap();
    let again = store.open_again().await;
    assert_eq!(mode(again.path()), 0o600);
}

#[tokio::test]
async fn another_master_key_is_refused_and_changes_nothing() {
    let store = TestStore::new().await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    let refused = Store::open(store.path(), &mk_key(2)).await;
    assert!(matches!(refused, Err(StoreError::WrongMasterKey { .. })));
    assert_eq!(store.open_again().await.count_users().await.unwrap(), 1);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_meet_at_a_new_file_all_open_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cubegate.db");
    let opened = futures_of(8, || {
        let path = path.clone();
        async move { Store::open(path, &mk_key(1)).await.map(|_| ()) }
    })
    .await;
    for result in opened {
        result.unwrap();
    }
}

/// The process is not asked to stop; it writes until it is killed. The test binary
/// plays it itself (see `writer`).
#[tokio::test]
async fn a_committed_key_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cubegate.db");
    let store = Store::open(&path, &mk_key(1)).await.unwrap();
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    store.close().await;

    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "tests::durability::writer",
            "--ignored",
            "--nocapture",
        ])
        .env("CUBEGATE_TEST_DATABASE", &path)
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

    let store = Store::open(&path, &mk_key(1)).await.unwrap();
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
    let Ok(path) = std::env::var("CUBEGATE_TEST_DATABASE") else {
        return;
    };
    let store = Store::open(path, &mk_key(1)).await.unwrap();
    for n in 0..3 {
        let key = store.create_key("jeff", at(n)).await.unwrap();
        let mut stdout = std::io::stdout();
        writeln!(stdout, "committed {}", key.access_key).unwrap();
        stdout.flush().unwrap();
    }
    // Alive, with the log not yet written back, until the parent kills it.
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
}

async fn futures_of<F, T>(count: usize, make: impl Fn() -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let tasks: Vec<_> = (0..count).map(|_| tokio::spawn(make())).collect();
    let mut results = Vec::with_capacity(count);
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}
