use std::sync::atomic::{AtomicUsize, Ordering};

use cubegate_api::ClusterStatus;
use cubegate_domain::ClusterCredential;
use cubegate_testing::{cluster, path_of, serve};
use serde_json::json;
use tokio::time;

use super::*;

const INTERVAL: Duration = Duration::from_millis(40);

/// How often it was asked for its groups, and what it then does.
#[derive(Default)]
struct ApiServerState {
    asked: AtomicUsize,
    /// 0: nothing but the core; 1: widgets and a version, too; 2: an error; 3: another
    /// credential is wanted.
    mood: AtomicUsize,
}

fn answer(state: &ApiServerState, path: &str) -> (u16, String) {
    let mood = state.mood.load(Ordering::SeqCst);
    let resources = |plural: &str| {
        let resource =
            json!({ "name": plural, "kind": "K", "namespaced": true, "verbs": ["list"] });
        json!({ "resources": [resource] })
    };
    let document = match (path, mood) {
        (_, 2) => return (503, String::new()),
        (_, 3) => return (401, String::new()),
        ("/version", 1) => json!({ "gitVersion": "v1.20.4" }),
        ("/api", _) => json!({ "versions": ["v1"] }),
        ("/api/v1", _) => resources("pods"),
        ("/apis", 0) => {
            state.asked.fetch_add(1, Ordering::SeqCst);
            json!({ "groups": [] })
        }
        ("/apis", _) => {
            state.asked.fetch_add(1, Ordering::SeqCst);
            json!({ "groups": [{ "name": "a.example", "versions": [{ "version": "v1" }] }] })
        }
        ("/apis/a.example/v1", _) => resources("widgets"),
        _ => return (404, String::new()),
    };
    (200, document.to_string())
}

/// Its URL, and what it does.
fn api_server() -> (String, Arc<ApiServerState>) {
    let state = Arc::new(ApiServerState::default());
    let told = Arc::clone(&state);
    (serve(move |head| answer(&told, path_of(head))), state)
}

struct Test {
    store: Store,
    known: watch::Receiver<KnownResources>,
    states: watch::Receiver<ClusterStates>,
    nudges: Nudges,
    _folder: tempfile::TempDir,
}

// === impl Test ===

impl Test {
    async fn start() -> Self {
        Self::with(&[], INTERVAL).await
    }

    async fn with(clusters: &[Cluster], interval: Duration) -> Self {
        let (store, folder) = cubegate_testing::store().await;
        for cluster in clusters {
            store.add_cluster(cluster, false).await.unwrap();
        }
        let (found, task) = begin(&store, interval);
        tokio::spawn(task);
        let Found {
            known,
            states,
            nudges,
        } = found;
        Self {
            store,
            known,
            states,
            nudges,
            _folder: folder,
        }
    }

    /// Waits until a cluster has this status, and returns its state.
    async fn until_it_is(&mut self, cluster: &str, status: ClusterStatus) -> ClusterState {
        let is_so = |states: &ClusterStates| {
            let state = states.get(cluster);
            state.is_some_and(|state| state.status == status)
        };
        let waited = time::timeout(Duration::from_secs(10), self.states.wait_for(is_so)).await;
        let states = waited.unwrap_or_else(|_| panic!("{cluster} is never {status:?}"));
        states.unwrap()[cluster].clone()
    }

    /// Waits until the plural names of a cluster are these; `None`: nothing is known.
    async fn until(&mut self, cluster: &str, names: Option<&[&str]>) {
        let is_so = |known: &KnownResources| {
            let resources = known.resources.get(cluster);
            let found = resources.map(|found| found.keys().map(String::as_str).collect::<Vec<_>>());
            found.as_deref() == names
        };
        let waited = time::timeout(Duration::from_secs(10), self.known.wait_for(is_so)).await;
        waited
            .unwrap_or_else(|_| panic!("{cluster} never has {names:?}"))
            .unwrap();
    }
}

#[tokio::test]
async fn what_a_cluster_has_is_followed_while_it_is_registered() {
    let mut test = Test::start().await;
    test.known.wait_for(|known| known.complete).await.unwrap();
    let (url, server) = api_server();
    test.store
        .add_cluster(&cluster("a", &url), false)
        .await
        .unwrap();
    test.until("a", Some(&["pods"])).await;
    server.mood.store(1, Ordering::SeqCst);
    test.until("a", Some(&["pods", "widgets"])).await;
    test.store.remove_cluster("a").await.unwrap();
    test.until("a", None).await;
    let asked = server.asked.load(Ordering::SeqCst);
    sleep(INTERVAL * 5).await;
    assert!(
        server.asked.load(Ordering::SeqCst) <= asked + 1,
        "nobody asks a cluster that is gone"
    );
}

#[tokio::test]
async fn what_is_known_stays_while_the_cluster_does_not_answer() {
    let mut test = Test::start().await;
    let (url, server) = api_server();
    let (other, _) = api_server();
    test.store
        .add_cluster(&cluster("a", &url), false)
        .await
        .unwrap();
    server.mood.store(1, Ordering::SeqCst);
    test.until("a", Some(&["pods", "widgets"])).await;
    server.mood.store(2, Ordering::SeqCst);
    sleep(INTERVAL * 5).await;
    test.until("a", Some(&["pods", "widgets"])).await;
    // With another credential it is the same cluster.
    let mut changed = cluster("a", &url);
    changed.credential = ClusterCredential::BearerToken("other".to_owned());
    test.store.add_cluster(&changed, true).await.unwrap();
    sleep(INTERVAL * 5).await;
    test.until("a", Some(&["pods", "widgets"])).await;
    // On another server it is not.
    test.store
        .add_cluster(&cluster("a", &other), true)
        .await
        .unwrap();
    test.until("a", Some(&["pods"])).await;
}

#[tokio::test]
async fn the_same_resources_are_no_news() {
    let mut test = Test::start().await;
    let (url, server) = api_server();
    test.store
        .add_cluster(&cluster("a", &url), false)
        .await
        .unwrap();
    test.until("a", Some(&["pods"])).await;
    test.known.mark_unchanged();
    let asked = server.asked.load(Ordering::SeqCst);
    while server.asked.load(Ordering::SeqCst) < asked + 3 {
        sleep(INTERVAL / 4).await;
    }
    assert!(!test.known.has_changed().unwrap());
}

#[tokio::test]
async fn all_is_complete_when_each_cluster_was_asked_also_one_that_is_dead() {
    let (url, _) = api_server();
    let clusters = [cluster("a", &url), cluster("dead", "http://127.0.0.1:1")];
    let mut test = Test::with(&clusters, INTERVAL).await;
    let complete = test.known.wait_for(|known| known.complete);
    let known = time::timeout(Duration::from_secs(10), complete).await;
    let known = known.unwrap().unwrap().clone();
    assert_eq!(known.resources.into_keys().collect::<Vec<_>>(), ["a"]);
}

#[tokio::test]
async fn how_a_cluster_is_is_told_with_the_reason_and_since_when() {
    let mut test = Test::start().await;
    let (url, server) = api_server();
    let registered = cluster("a", &url);
    test.store.add_cluster(&registered, false).await.unwrap();
    let good = test.until_it_is("a", ClusterStatus::Normal).await;
    assert_eq!((good.version.as_str(), good.reason.as_str()), ("", ""));
    assert!(good.latency.is_some() && good.credential_ends.is_none());
    server.mood.store(1, Ordering::SeqCst);
    let has_version = |states: &ClusterStates| states["a"].version == "v1.20.4";
    test.states.wait_for(has_version).await.unwrap();

    server.mood.store(3, Ordering::SeqCst);
    let refused = test.until_it_is("a", ClusterStatus::Abnormal).await;
    assert!(refused.reason.contains("does not accept the credential"));
    assert!(refused.since >= good.since && refused.latency.is_none());
    assert_eq!(refused.version, "v1.20.4");
    server.mood.store(2, Ordering::SeqCst);
    let has_reason = |states: &ClusterStates| states["a"].reason.contains("503");
    let broken = test.states.wait_for(has_reason).await.unwrap()["a"].clone();
    assert_eq!(broken.since, refused.since);
    assert!(broken.latency.is_some());

    // With another credential it is looked at anew.
    let mut changed = registered;
    changed.credential = ClusterCredential::BearerToken("e30.eyJleHAiOjE5MDAwMDAwMDB9.c2ln".into());
    server.mood.store(0, Ordering::SeqCst);
    test.store.add_cluster(&changed, true).await.unwrap();
    let ends = |states: &ClusterStates| states["a"].credential_ends.is_some();
    test.states.wait_for(ends).await.unwrap();
    let good = test.until_it_is("a", ClusterStatus::Normal).await;
    let ends = good.credential_ends.unwrap().unix_timestamp();
    assert_eq!(ends, 1_900_000_000);
    test.store.remove_cluster("a").await.unwrap();
    test.states.wait_for(ClusterStates::is_empty).await.unwrap();
}

/// Longer than any test lasts: what happens sooner has another reason.
const NEVER: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn a_resource_that_is_asked_for_and_not_known_is_looked_for_at_once() {
    let (url, server) = api_server();
    let mut test = Test::with(&[cluster("a", &url)], NEVER).await;
    test.until("a", Some(&["pods"])).await;
    server.mood.store(1, Ordering::SeqCst);
    test.nudges.tell("a", Met::UnknownResource);
    test.nudges.tell("nowhere", Met::UnknownResource);
    test.until("a", Some(&["pods", "widgets"])).await;
    // However often, it is asked only now and then.
    let asked = server.asked.load(Ordering::SeqCst);
    for _ in 0..200 {
        test.nudges.tell("a", Met::UnknownResource);
        sleep(Duration::from_millis(1)).await;
    }
    assert!(server.asked.load(Ordering::SeqCst) <= asked + 1);
}

#[tokio::test]
async fn a_cluster_that_clients_do_not_reach_is_looked_at_at_once() {
    let (url, server) = api_server();
    let mut test = Test::with(&[cluster("a", &url)], NEVER).await;
    test.until_it_is("a", ClusterStatus::Normal).await;
    server.mood.store(3, Ordering::SeqCst);
    test.nudges.tell("a", Met::NoConnection);
    test.until_it_is("a", ClusterStatus::Abnormal).await;
}

#[tokio::test]
async fn what_hangs_delays_nobody() {
    let (url, _) = api_server();
    // The system accepts, and nobody answers.
    let silent: Vec<_> = (0..100)
        .map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    let mut clusters: Vec<_> = silent
        .iter()
        .enumerate()
        .map(|(number, listener)| {
            let url = format!("http://{}", listener.local_addr().unwrap());
            cluster(&format!("hanging-{number}"), &url)
        })
        .collect();
    clusters.push(cluster("last", &url));
    let mut test = Test::with(&clusters, INTERVAL).await;
    test.until("last", Some(&["pods"])).await;
    let states = test.states.borrow();
    let waited_for = states
        .values()
        .filter(|state| state.status == ClusterStatus::Abnormal);
    assert_eq!(waited_for.count(), 0, "none has used up its time yet");
}

#[tokio::test]
async fn clusters_that_have_the_same_share_it() {
    let ((first, _), (second, server)) = (api_server(), api_server());
    let clusters = [cluster("a", &first), cluster("b", &second)];
    let mut test = Test::with(&clusters, INTERVAL).await;
    let both = |known: &KnownResources| known.resources.len() == 2;
    let known = test.known.wait_for(both).await.unwrap().clone();
    assert!(Arc::ptr_eq(&known.resources["a"], &known.resources["b"]));
    server.mood.store(1, Ordering::SeqCst);
    test.until("b", Some(&["pods", "widgets"])).await;
    test.until("a", Some(&["pods"])).await;
}

#[tokio::test]
async fn what_clusters_have_is_known_after_a_start_before_they_are_asked() {
    let ((url, server), (other, _)) = (api_server(), api_server());
    server.mood.store(1, Ordering::SeqCst);
    let mut test = Test::with(&[cluster("a", &url), cluster("b", &other)], INTERVAL).await;
    test.until("a", Some(&["pods", "widgets"])).await;
    test.until("b", Some(&["pods"])).await;
    while test.store.list_discoveries().await.unwrap().len() < 2 {
        sleep(INTERVAL).await;
    }
    // One is down when the next control plane starts, one has become another server.
    server.mood.store(2, Ordering::SeqCst);
    let moved = cluster("b", "http://127.0.0.1:1");
    test.store.add_cluster(&moved, true).await.unwrap();
    let (found, task) = begin(&test.store, NEVER);
    tokio::spawn(task);
    test.known = found.known;
    test.until("a", Some(&["pods", "widgets"])).await;
    test.until("b", None).await;
    let mut states = found.states;
    let is_abnormal =
        |states: &ClusterStates| states.get("a").is_some_and(|a| a.reason.contains("503"));
    states.wait_for(is_abnormal).await.unwrap();
    test.until("a", Some(&["pods", "widgets"])).await;
}
