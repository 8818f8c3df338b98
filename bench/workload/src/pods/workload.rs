//! What pods are made from.

use std::borrow::Cow;

use crate::json::Json;
use crate::random::Random;

use super::{metadata, spec};

/// What Kubernetes makes the random parts of names from: no vowels, so that
/// they are no words.
pub(super) const SAFE: &str = "bcdfghjklmnpqrstvwxz2456789";

const NAMESPACES: [&str; 24] = [
    "billing",
    "checkout",
    "data-platform",
    "default",
    "edge-eu-west-1",
    "fraud",
    "identity",
    "ingress-nginx",
    "inventory",
    "istio-system",
    "kafka",
    "kube-system",
    "logistics",
    "media-prod",
    "media-staging",
    "ml-serving",
    "monitoring",
    "orders",
    "payments-prod",
    "payments-staging",
    "platform-tools",
    "search",
    "shop-prod",
    "web",
];
const SERVICES: [&str; 20] = [
    "account",
    "auth",
    "basket",
    "catalog",
    "customer",
    "delivery",
    "exporter",
    "gateway",
    "invoice",
    "ledger",
    "mailer",
    "notification",
    "order",
    "payment",
    "pricing",
    "recommendation",
    "reporting",
    "session",
    "stock",
    "user",
];
const ROLES: [&str; 6] = ["api", "worker", "web", "sync", "cache", "consumer"];
/// 2024-10-01, before which nothing was created.
const FIRST: u64 = 1_727_740_800;
/// Two years, in which everything was created.
const SPAN: u64 = 2 * 365 * 86_400;

/// A controller, and the pods' template with it.
pub(super) struct Workload {
    pub(super) namespace: &'static str,
    pub(super) app: String,
    pub(super) kind: Kind,
    pub(super) replicas: u64,
    pub(super) created: u64,
    /// The ReplicaSet's hash, or the controller's revision.
    pub(super) hash: String,
    pub(super) uid: String,
    pub(super) labels: Vec<(Cow<'static, str>, String)>,
    pub(super) annotations: Vec<(Cow<'static, str>, String)>,
    /// Up to the container's own image, with all that stands in the template.
    pub(super) spec: spec::Template,
}

/// What controls the pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    ReplicaSet,
    StatefulSet,
    DaemonSet,
    Job,
}

// === impl Workload ===

impl Workload {
    pub(super) fn draw(number: usize, mut random: Random) -> Self {
        let namespace = random.word(&NAMESPACES);
        let service = random.word(&SERVICES);
        let role = random.word(&ROLES);
        // The number keeps two workloads of one namespace apart.
        let app = format!("{service}-{role}-{number}");
        let kind = match random.below(100) {
            0..70 => Kind::ReplicaSet,
            70..84 => Kind::StatefulSet,
            84..92 => Kind::DaemonSet,
            _ => Kind::Job,
        };
        let replicas = match kind {
            Kind::ReplicaSet => random.between(1, 12),
            Kind::StatefulSet => random.between(1, 5),
            Kind::DaemonSet => random.between(8, 40),
            Kind::Job => random.between(1, 3),
        };
        let hash = random.text(SAFE, 10);
        let labels = metadata::labels(&app, service, role, kind, &hash, &mut random);
        Self {
            namespace,
            replicas,
            kind,
            created: FIRST + random.below(SPAN),
            uid: random.uuid(),
            annotations: metadata::template_annotations(service, &mut random),
            spec: spec::Template::draw(&app, service, &mut random),
            labels,
            app,
            hash,
        }
    }

    /// How the controller names a pod.
    pub(super) fn pod_name(&self, ordinal: u64, random: &mut Random) -> String {
        match self.kind {
            Kind::StatefulSet => format!("{}-{ordinal}", self.app),
            _ => format!("{}{}", self.generate_name(), random.text(SAFE, 5)),
        }
    }

    /// What the names of its pods begin with.
    pub(super) fn generate_name(&self) -> String {
        match self.kind {
            Kind::ReplicaSet | Kind::Job => format!("{}-{}-", self.app, self.hash),
            Kind::StatefulSet | Kind::DaemonSet => format!("{}-", self.app),
        }
    }

    /// The reference from its pods.
    pub(super) fn owner(&self) -> Json {
        let (api_version, kind) = match self.kind {
            Kind::ReplicaSet => ("apps/v1", "ReplicaSet"),
            Kind::StatefulSet => ("apps/v1", "StatefulSet"),
            Kind::DaemonSet => ("apps/v1", "DaemonSet"),
            Kind::Job => ("batch/v1", "Job"),
        };
        let name = self.generate_name();
        Json::object([
            ("apiVersion", api_version.into()),
            ("kind", kind.into()),
            ("name", name.trim_end_matches('-').to_owned().into()),
            ("uid", self.uid.clone().into()),
            ("controller", true.into()),
            ("blockOwnerDeletion", true.into()),
        ])
    }
}
