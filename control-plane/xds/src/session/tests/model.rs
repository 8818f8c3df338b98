//! Random interleavings against a model of Envoy: whatever happens, it never
//! holds a reference to something that it does not have, and ends up with the
//! newest snapshot.

mod envoy;

use std::collections::{BTreeSet, HashMap, VecDeque};

use proptest::prelude::*;

use super::*;

/// What a snapshot is made of. The configuration e and the routes r refer to
/// clusters, the listener l to e and r, and each cluster to the secret of its
/// name.
#[derive(Debug, Clone)]
struct Network {
    /// Version by cluster number.
    clusters: BTreeMap<u8, u8>,
    secret_version: u8,
    config_version: u8,
    /// Which clusters the routes refer to, as bits.
    routed: u8,
    listener: bool,
}

#[derive(Debug, Clone)]
enum Op {
    Publish(Network),
    /// Envoy reads a response, and takes it or not.
    EnvoyReads {
        takes: bool,
    },
    ServerReads,
    Reconnect,
}

/// Envoy, the session, and what is under way between them.
struct Model {
    session: Session,
    snapshot: Arc<Snapshot>,
    now: Instant,
    to_envoy: VecDeque<proto::DeltaDiscoveryResponse>,
    to_server: VecDeque<proto::DeltaDiscoveryRequest>,
    /// What Envoy has: name → version, which is also the content.
    has: BTreeMap<ResourceType, BTreeMap<String, String>>,
    /// What it has asked for, by name; clusters and listeners come as a whole.
    wants: BTreeMap<ResourceType, BTreeSet<String>>,
    asked: BTreeSet<ResourceType>,
    /// Secrets that it waits for, and the answer that waits with it.
    cold: BTreeSet<String>,
    cluster_answer: Option<proto::DeltaDiscoveryRequest>,
    /// Clusters that it has refused at some time.
    refused: BTreeSet<String>,
    /// Clusters of which the server has read that Envoy has them.
    acked: BTreeSet<String>,
}

impl Network {
    fn snapshot(&self) -> Arc<Snapshot> {
        let mut snapshot = Snapshot::default();
        let mut put = |kind, name: &str, content: String| {
            snapshot.insert(kind, name, mk_resource(&content, &content));
        };
        for (number, version) in &self.clusters {
            put(Cluster, &format!("c{number}"), version.to_string());
            put(
                Secret,
                &format!("c{number}"),
                self.secret_version.to_string(),
            );
        }
        let refer = |version: u8, mask: u8| {
            let referred = self
                .clusters
                .keys()
                .filter(|number| mask & (1 << **number) != 0);
            referred.fold(format!("v{version}"), |text, number| {
                format!("{text} c{number}")
            })
        };
        put(ExtensionConfig, "e", refer(self.config_version, u8::MAX));
        put(
            RouteConfiguration,
            "r",
            refer(self.secret_version, self.routed),
        );
        if self.listener {
            put(Listener, "l", self.config_version.to_string());
        }
        Arc::new(snapshot)
    }
}

fn referred(content: &str) -> impl Iterator<Item = &str> {
    content.split(' ').skip(1)
}

impl Model {
    fn new(world: &Network) -> Self {
        let mut this = Self {
            session: Session::new(),
            snapshot: world.snapshot(),
            now: Instant::now(),
            to_envoy: VecDeque::new(),
            to_server: VecDeque::new(),
            has: BTreeMap::new(),
            wants: BTreeMap::new(),
            asked: BTreeSet::new(),
            cold: BTreeSet::new(),
            cluster_answer: None,
            refused: BTreeSet::new(),
            acked: BTreeSet::new(),
        };
        this.asked.insert(Cluster);
        this.connect();
        this
    }

    fn has(&self, kind: ResourceType, name: &str) -> Option<&String> {
        self.has.get(&kind).and_then(|has| has.get(name))
    }

    /// Opens a stream and lists, in one burst, what was asked for before.
    fn connect(&mut self) {
        self.session = Session::new();
        self.session.on_snapshot(self.snapshot.clone());
        self.to_envoy.clear();
        self.to_server.clear();
        self.cluster_answer = None;
        self.acked = self
            .has
            .get(&Cluster)
            .into_iter()
            .flatten()
            .map(|(n, _)| n.clone())
            .collect();
        for kind in [
            Cluster,
            Secret,
            Listener,
            ExtensionConfig,
            RouteConfiguration,
        ] {
            if self.asked.contains(&kind) {
                let mut request = mk_request(kind, "");
                request.node = Some(ProtoNode {
                    id: "edge-1".into(),
                    ..Default::default()
                });
                request.resource_names_subscribe = self
                    .wants
                    .get(&kind)
                    .into_iter()
                    .flatten()
                    .cloned()
                    .collect();
                request.initial_resource_versions = self
                    .has
                    .get(&kind)
                    .cloned()
                    .unwrap_or_default()
                    .into_iter()
                    .collect::<HashMap<_, _>>();
                self.to_server.push_back(request);
            }
        }
    }

    fn server_reads(&mut self) {
        let Some(request) = self.to_server.pop_front() else {
            return;
        };
        if request.type_url == Cluster.type_url() && !request.response_nonce.is_empty() {
            self.acked = self
                .has
                .get(&Cluster)
                .into_iter()
                .flatten()
                .map(|(n, _)| n.clone())
                .collect();
        }
        self.session.on_request(request).unwrap();
    }

    fn poll(&mut self) {
        for response in self.session.poll_responses(self.now) {
            let response = decoded(&response);
            if response.type_url == ExtensionConfig.type_url() {
                for resource in &response.resources {
                    for name in referred(&resource.version) {
                        assert!(
                            self.acked.contains(name) || self.refused.contains(name),
                            "{name} is referred to and not acknowledged"
                        );
                    }
                }
            }
            self.to_envoy.push_back(response);
        }
    }

    fn publish(&mut self, world: &Network) {
        self.snapshot = world.snapshot();
        self.session.on_snapshot(self.snapshot.clone());
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Publish(world) => self.publish(&world),
            Op::EnvoyReads { takes } => self.envoy_reads(takes),
            Op::ServerReads => self.server_reads(),
            Op::Reconnect => self.connect(),
        }
        self.poll();
    }

    fn settle(&mut self) {
        for round in 0.. {
            assert!(round < 1000, "no end of messages");
            self.poll();
            if self.to_envoy.is_empty() && self.to_server.is_empty() {
                break;
            }
            self.server_reads();
            self.envoy_reads(true);
        }
    }

    fn assert_converged(&mut self) {
        self.settle();
        assert!(
            self.cold.is_empty(),
            "Envoy still waits for {:?}",
            self.cold
        );
        // Less than the patience, so that nothing is solved by giving up.
        self.now += Session::OPENING;
        self.settle();
        let listener = self.snapshot.get(Listener, "l").is_some();
        for kind in ResourceType::ALL {
            let behind = matches!(kind, ExtensionConfig | RouteConfiguration);
            let should: BTreeMap<String, String> = self
                .snapshot
                .all(kind)
                .filter(|_| listener || !behind)
                .map(|(name, resource)| (name.to_string(), resource.version.to_string()))
                .collect();
            let has = self.has.get(&kind).cloned().unwrap_or_default();
            assert_eq!(has, should, "{kind:?}");
        }
    }
}

prop_compose! {
    fn any_world()(
        clusters in prop::collection::btree_map(0..4_u8, 0..3_u8, 0..4),
        secret_version in 0..2_u8,
        config_version in 0..2_u8,
        routed in any::<u8>(),
        listener in prop::bool::weighted(0.9),
    ) -> Network {
        Network { clusters, secret_version, config_version, routed, listener }
    }
}

fn any_op(refusals: bool) -> impl Strategy<Value = Op> {
    let takes = if refusals {
        prop::bool::weighted(0.8).boxed()
    } else {
        Just(true).boxed()
    };
    prop_oneof![
        1 => any_world().prop_map(Op::Publish),
        8 => takes.prop_map(|takes| Op::EnvoyReads { takes }),
        8 => Just(Op::ServerReads),
        1 => Just(Op::Reconnect),
    ]
}

proptest! {
    #[test]
    fn envoy_that_accepts_all_ends_with_the_newest_snapshot(
        world in any_world(),
        ops in prop::collection::vec(any_op(false), 0..120),
    ) {
        let mut model = Model::new(&world);
        ops.into_iter().for_each(|op| model.apply(op));
        prop_assert!(model.refused.is_empty());
        model.assert_converged();
    }

    #[test]
    fn envoy_that_refused_much_recovers_with_the_next_versions(
        world in any_world(),
        ops in prop::collection::vec(any_op(true), 0..200),
        mut last in any_world(),
    ) {
        let mut model = Model::new(&world);
        ops.into_iter().for_each(|op| model.apply(op));
        model.settle();
        // Versions that were never there before.
        last.clusters.values_mut().for_each(|version| *version += 100);
        last.secret_version += 100;
        last.config_version += 100;
        model.publish(&last);
        model.assert_converged();
    }
}
