use cubegate_member::{FileAccess, parse_kubeconfig};
use cubegate_testing::cluster;
use tempfile::TempDir;
use tokio::time::sleep;

use super::*;

const FOLDER: ClusterSource = ClusterSource::Folder;

struct Test {
    store: Store,
    _folder: TempDir,
}

fn mk_spec(port: u16) -> Member {
    let kubeconfig = format!(
        "{{\"clusters\": [{{\"name\": \"c\", \"cluster\": {{\"server\": \"http://127.0.0.1:{port}\"}}}}],
          \"users\": [{{\"name\": \"u\", \"user\": {{}}}}], \"current-context\": \"x\",
          \"contexts\": [{{\"name\": \"x\", \"context\": {{\"cluster\": \"c\", \"user\": \"u\"}}}}]}}"
    );
    let now = OffsetDateTime::UNIX_EPOCH;
    let spec = parse_kubeconfig(&kubeconfig, None, &FileAccess::Refused, now).unwrap();
    Ok(Arc::new(spec))
}

fn mk_members(members: &[(&str, u16)]) -> BTreeMap<String, Member> {
    let members = members.iter();
    members
        .map(|(name, port)| ((*name).to_owned(), mk_spec(*port)))
        .collect()
}

impl Test {
    async fn new() -> Self {
        let (store, folder) = cubegate_testing::store().await;
        let _folder = folder;
        Self { store, _folder }
    }

    fn keeper(&self) -> Keeper {
        Keeper::new(self.store.clone(), FOLDER)
    }

    /// Names and ports of what is registered.
    async fn registered(&self) -> Vec<(String, u16)> {
        let clusters = self.store.list_clusters().await.unwrap();
        let clusters = clusters.into_iter();
        clusters
            .map(|one| (one.name.to_string(), one.server.port))
            .collect()
    }

    async fn expect(&self, expected: &[(&str, u16)]) {
        let registered = self.registered().await;
        let registered: Vec<_> = registered.iter().map(|(n, p)| (n.as_str(), *p)).collect();
        assert_eq!(registered, expected);
    }
}

#[tokio::test]
async fn what_changes_is_written_and_nothing_else() {
    let test = Test::new().await;
    let mut keeper = test.keeper();
    keeper.settle(&mk_members(&[("a", 1), ("b", 2)])).await;
    test.expect(&[("a", 1), ("b", 2)]).await;
    let revision = test.store.revision().await.unwrap();
    for _ in 0..3 {
        keeper.settle(&mk_members(&[("a", 1), ("b", 2)])).await;
        test.keeper()
            .settle(&mk_members(&[("a", 1), ("b", 2)]))
            .await;
    }
    assert_eq!(test.store.revision().await.unwrap(), revision);
    keeper.settle(&mk_members(&[("a", 9), ("b", 2)])).await;
    test.expect(&[("a", 9), ("b", 2)]).await;
    assert_eq!(test.store.revision().await.unwrap(), revision + 1);
}

#[tokio::test]
async fn what_has_gone_is_removed_when_it_stays_away() {
    let test = Test::new().await;
    let mut keeper = test.keeper();
    keeper.settle(&mk_members(&[("a", 1), ("b", 2)])).await;
    let due = keeper.settle(&mk_members(&[("a", 1)])).await;
    assert!(due <= GONE, "{due:?}");
    test.expect(&[("a", 1), ("b", 2)]).await;
    // It was only written anew.
    keeper.settle(&mk_members(&[("a", 1), ("b", 2)])).await;
    sleep(GONE).await;
    keeper.settle(&mk_members(&[("a", 1)])).await;
    test.expect(&[("a", 1), ("b", 2)]).await;
    sleep(GONE).await;
    keeper.settle(&mk_members(&[("a", 1)])).await;
    test.expect(&[("a", 1)]).await;
    // Also the last one, which was seen there.
    keeper.settle(&BTreeMap::new()).await;
    sleep(GONE).await;
    keeper.settle(&BTreeMap::new()).await;
    test.expect(&[]).await;
}

#[tokio::test]
async fn a_member_that_cannot_be_read_stays_as_it_was() {
    let test = Test::new().await;
    let mut keeper = test.keeper();
    keeper.settle(&mk_members(&[("a", 1), ("b", 2)])).await;
    let mut members = mk_members(&[("a", 3)]);
    members.insert("b".to_owned(), Err("it is broken".to_owned()));
    members.insert("No Name".to_owned(), mk_spec(1));
    keeper.settle(&members).await;
    sleep(GONE).await;
    keeper.settle(&members).await;
    test.expect(&[("a", 3), ("b", 2)]).await;
}

#[tokio::test]
async fn a_source_that_was_away_and_is_empty_removes_nothing() {
    let test = Test::new().await;
    let mut keeper = test.keeper();
    keeper.settle(&mk_members(&[("a", 1), ("b", 2)])).await;
    keeper.away("the folder cannot be read");
    for _ in 0..3 {
        keeper.settle(&BTreeMap::new()).await;
        sleep(OTHERS).await;
    }
    test.expect(&[("a", 1), ("b", 2)]).await;
    // Likewise after a start.
    let mut keeper = test.keeper();
    for _ in 0..3 {
        keeper.settle(&BTreeMap::new()).await;
        sleep(OTHERS).await;
    }
    test.expect(&[("a", 1), ("b", 2)]).await;
    // With one of them there it is believed, a while later: nobody has seen the other one go.
    keeper.settle(&mk_members(&[("a", 1)])).await;
    test.expect(&[("a", 1), ("b", 2)]).await;
    sleep(OTHERS).await;
    keeper.settle(&mk_members(&[("a", 1)])).await;
    test.expect(&[("a", 1)]).await;
}

#[tokio::test]
async fn what_another_has_made_is_not_touched_and_is_taken_when_it_is_gone() {
    let test = Test::new().await;
    let by_hand = cluster("a", "http://127.0.0.1:7");
    test.store.add_cluster(&by_hand, false).await.unwrap();
    let mut keeper = test.keeper();
    keeper.settle(&mk_members(&[("a", 1), ("b", 2)])).await;
    test.expect(&[("a", 7), ("b", 2)]).await;
    keeper.settle(&mk_members(&[("b", 2)])).await;
    sleep(OTHERS).await;
    keeper.settle(&mk_members(&[("b", 2)])).await;
    test.expect(&[("a", 7), ("b", 2)]).await;
    test.store.remove_cluster("a").await.unwrap();
    keeper.settle(&mk_members(&[("a", 1), ("b", 2)])).await;
    test.expect(&[("a", 1), ("b", 2)]).await;
}

/// Two control planes, of which one sees what changes later.
#[tokio::test]
async fn one_that_sees_changes_later_undoes_none() {
    let test = Test::new().await;
    let old = mk_members(&[("a", 1), ("b", 2), ("c", 3)]);
    let new = mk_members(&[("a", 9), ("b", 2), ("d", 4)]);
    let expected = [("a", 9), ("b", 2), ("d", 4)];
    let (mut first, mut second) = (test.keeper(), test.keeper());
    first.settle(&old).await;
    second.settle(&old).await;
    first.settle(&new).await;
    sleep(GONE).await;
    first.settle(&new).await;
    test.expect(&expected).await;
    let revision = test.store.revision().await.unwrap();
    for _ in 0..2 {
        second.settle(&old).await;
        first.settle(&new).await;
        sleep(GONE).await;
    }
    second.settle(&new).await;
    sleep(GONE).await;
    second.settle(&new).await;
    test.expect(&expected).await;
    assert_eq!(test.store.revision().await.unwrap(), revision);
}

#[tokio::test]
async fn what_somebody_takes_out_by_force_comes_back_after_a_while() {
    let test = Test::new().await;
    let mut keeper = test.keeper();
    let members = mk_members(&[("a", 1), ("b", 2)]);
    keeper.settle(&members).await;
    let removed = test.store.remove_cluster_of_any_source("a").await.unwrap();
    assert!(removed);
    keeper.settle(&members).await;
    test.expect(&[("b", 2)]).await;
    sleep(OTHERS).await;
    keeper.settle(&members).await;
    test.expect(&[("a", 1), ("b", 2)]).await;
}
