//! A server that goes without a word: nothing comes over the connections that there are, and
//! nothing ends them. Whoever connects anew is answered, as by another server in its place.

use std::time::{Duration, Instant};

use futures::future::{pending, try_join_all};
use sqlx::Executor as _;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::{Kind, TestDatabase, at, mk_key, mk_user};
use crate::patience::STATEMENT;
use crate::wake::Heard;
use crate::{DatabaseUrl, Store};

/// How much longer something may take on a busy machine.
const SLACK: Duration = Duration::from_secs(15);

/// The way to a server.
struct Wire {
    port: u16,
    /// Which connections are answered: those of the present age.
    age: watch::Sender<u32>,
}

impl Wire {
    async fn lay(to: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (age, ages) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (to, mut ages) = (to.clone(), ages.clone());
                ages.mark_unchanged();
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(to).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        // Open on both sides, and nobody reads.
                        _ = ages.changed() => pending().await,
                    }
                });
            }
        });
        Self { port, age }
    }

    /// A database's URL by this way.
    fn through(&self, url: &str) -> DatabaseUrl {
        let (user, place) = url.split_once('@').unwrap();
        let (_, name) = place.split_once('/').unwrap();
        format!("{user}@127.0.0.1:{}/{name}", self.port)
            .parse()
            .unwrap()
    }

    fn falls_silent(&self) {
        self.age.send_modify(|age| *age += 1);
    }
}

/// The server of a URL.
fn server_of(url: &str) -> String {
    let (_, place) = url.split_once('@').unwrap();
    place.split('/').next().unwrap().to_owned()
}

/// Has every connection at the same time, so that none is missing.
async fn use_all(store: &Store) {
    for pool in [&store.inner.pools.reader, &store.inner.pools.writer] {
        let all = try_join_all((0..4).map(|_| pool.acquire())).await;
        assert_eq!(all.unwrap().len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_falls_silent_is_left_within_seconds() {
    let database = TestDatabase::new(Kind::Postgres).await;
    let wire = Wire::lay(server_of(&database.url)).await;
    let store = Store::open(wire.through(&database.url), &mk_key(1))
        .await
        .unwrap();
    let other = database.open().await.unwrap();
    let mut revisions = store.subscribe();
    use_all(&store).await;

    // What has arrived there is not asked again by TCP: it would be waited for for ever.
    let reading = async { store.reader().execute("SELECT pg_sleep(1)").await.map(drop) };
    let writing = async {
        let mut tx = store.write_rows().await.unwrap();
        (&mut *tx).execute("SELECT pg_sleep(1)").await.map(drop)
    };
    let meanwhile = async {
        sleep(Duration::from_millis(500)).await;
        wire.falls_silent();
        let began = Instant::now();
        other.create_user(mk_user("jane"), at(0)).await.unwrap();
        other
            .set_user_state("jane", cubegate_domain::UserState::Forbidden, at(90_000))
            .await
            .unwrap();
        assert_eq!(store.list_users().await.unwrap().len(), 1);
        store.create_user(mk_user("joe"), at(0)).await.unwrap();
        let took = began.elapsed();
        assert!(took < SLACK, "it took {took:?}");
        // What others change is heard again.
        revisions.mark_unchanged();
        other
            .set_user_state("joe", cubegate_domain::UserState::Forbidden, at(90_000))
            .await
            .unwrap();
        let heard = timeout(Duration::from_secs(10) + SLACK, revisions.changed()).await;
        heard.expect("the change is not heard").unwrap();
    };
    let ends = async {
        let ended = timeout(STATEMENT + SLACK, async { tokio::join!(reading, writing) }).await;
        let (read, written) = ended.expect("they wait for ever");
        for error in [read.unwrap_err(), written.unwrap_err()] {
            let told = error.to_string();
            assert!(told.contains("does not answer in time"), "{told}");
        }
    };
    tokio::join!(meanwhile, ends);
    // None of the silent ones is left in a pool.
    timeout(SLACK, use_all(&store))
        .await
        .expect("connections are missing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_listener_that_hears_nothing_any_more_finds_that_out() {
    let database = TestDatabase::new(Kind::Postgres).await;
    let wire = Wire::lay(server_of(&database.url)).await;
    let store = Store::open(wire.through(&database.url), &mk_key(1))
        .await
        .unwrap();
    let other = database.open().await.unwrap();
    other.create_user(mk_user("jane"), at(0)).await.unwrap();
    let mut revisions = store.subscribe();
    let mut heard = store.inner.listener.heard();
    let until = |listens| move |heard: &Heard| heard.listens == listens;
    heard.wait_for(until(true)).await.unwrap();
    wire.falls_silent();
    let noticed = timeout(SLACK, heard.wait_for(until(false))).await;
    noticed.expect("nobody notices").unwrap();
    let again = timeout(SLACK, heard.wait_for(until(true))).await;
    again.expect("it does not listen again").unwrap();
    revisions.mark_unchanged();
    let wakes = heard.borrow_and_update().wakes;
    other
        .set_user_state("jane", cubegate_domain::UserState::Forbidden, at(90_000))
        .await
        .unwrap();
    let told = timeout(SLACK, heard.wait_for(|heard| heard.wakes > wakes)).await;
    told.expect("it hears nothing").unwrap();
    timeout(SLACK, revisions.changed()).await.unwrap().unwrap();
}
