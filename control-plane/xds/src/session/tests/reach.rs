//! Of which snapshot Envoy has everything, while others come.

use super::*;

impl Envoy {
    /// Publishes one of this revision.
    fn publish_as(&mut self, revision: u64, resources: &[(ResourceType, &str)]) {
        let mut snapshot = Snapshot::clone(&mk_snapshot(resources));
        snapshot.revision = revision;
        self.session.on_snapshot(Arc::new(snapshot));
    }

    fn reached(&self) -> Option<u64> {
        self.session.reached().map(|snapshot| snapshot.revision)
    }

    /// One that has everything of revision 1.
    fn settled() -> Self {
        let mut envoy = Self::new(&[]);
        envoy.publish_as(1, &[(Cluster, "a@1"), (ExtensionConfig, "x@1")]);
        envoy.ask(Cluster, "");
        envoy.ask(ExtensionConfig, "+x");
        assert_eq!(envoy.reached(), None);
        envoy.settle();
        assert_eq!(envoy.reached(), Some(1));
        envoy
    }
}

#[test]
fn a_change_is_reached_while_others_go_on() {
    let mut envoy = Envoy::settled();
    let publish = |envoy: &mut Envoy, revision: u64| {
        let cluster = format!("a@{revision}");
        envoy.publish_as(revision, &[(Cluster, &cluster), (ExtensionConfig, "x@1")]);
        envoy.poll()
    };
    assert_eq!(publish(&mut envoy, 2), ["Cluster +a@2"]);
    for revision in 3..20 {
        // Envoy never has all of the newest.
        publish(&mut envoy, revision);
        assert_eq!(envoy.reached(), Some(revision - 2));
        envoy.ack(Cluster);
        assert_eq!(envoy.poll(), [format!("Cluster +a@{revision}")]);
        assert_eq!(envoy.reached(), Some(revision - 1));
    }
}

#[test]
fn what_was_on_its_way_before_is_no_answer() {
    let mut envoy = Envoy::settled();
    envoy.publish_as(2, &[(Cluster, "a@2"), (ExtensionConfig, "x@1")]);
    envoy.poll();
    let both = [(Cluster, "a@3"), (ExtensionConfig, "x@3")];
    envoy.publish_as(3, &both);
    envoy.poll();
    envoy.ack(Cluster);
    envoy.poll();
    assert_eq!(envoy.reached(), Some(2));
    // The newer cluster was sent, and what refers to it waits for the answer.
    envoy.ack(Cluster);
    envoy.poll();
    assert_eq!(envoy.reached(), Some(2));
    envoy.ack(ExtensionConfig);
    envoy.poll();
    assert_eq!(envoy.reached(), Some(3));
}

#[test]
fn a_refusal_is_an_answer_once_it_is_clear_what_is_refused() {
    let mut envoy = Envoy::settled();
    let older = [(ExtensionConfig, "x@1"), (Cluster, "a@2"), (Cluster, "b@2")];
    envoy.publish_as(2, &older);
    envoy.poll();
    envoy.nack(Cluster);
    // Each by itself now, and what is new before the second.
    assert_eq!(envoy.poll(), ["Cluster +a@2"]);
    envoy.publish_as(3, &[&older[..], &[(Cluster, "c@3")]].concat());
    envoy.ack(Cluster);
    assert_eq!(envoy.poll(), ["Cluster +c@3"]);
    envoy.ack(Cluster);
    assert_eq!(envoy.poll(), ["Cluster +b@2"]);
    assert_eq!(envoy.reached(), Some(1));
    envoy.nack(Cluster);
    envoy.poll();
    assert_eq!(envoy.reached(), Some(3));
}

#[test]
fn what_envoy_has_lost_interest_in_holds_up_nothing() {
    let mut envoy = Envoy::settled();
    envoy.publish_as(2, &[(Cluster, "a@1"), (ExtensionConfig, "x@2")]);
    envoy.poll();
    envoy.publish_as(3, &[(Cluster, "a@3"), (ExtensionConfig, "x@2")]);
    envoy.answer(ExtensionConfig, "-x", None);
    envoy.poll();
    assert_eq!(envoy.reached(), Some(2));
}
