//! Names, labels, annotations, and the pod put together.

use std::borrow::Cow;

use crate::json::Json;
use crate::random::Random;

use super::workload::{Kind, SAFE, Workload};
use super::{Pod, managed_fields, status, timestamp};

const TEAMS: [&str; 8] = [
    "atlas", "borealis", "cassini", "delta", "euler", "fermi", "gauss", "hubble",
];
const TEXTS: [&str; 6] = [
    "Bestellübersicht für Händler; Änderungen bitte an das Team melden",
    "支付服务:处理退款与对账",
    "Расчёт стоимости доставки",
    "Reads <order> events & writes them to the \"ledger\" topic",
    "在庫の同期ワーカー 📦",
    "Path C:\\exports is mounted read-only; see the runbook",
];

/// Labels of the template.
pub(super) fn labels(
    app: &str,
    service: &'static str,
    role: &'static str,
    kind: Kind,
    hash: &str,
    random: &mut Random,
) -> Vec<(Cow<'static, str>, String)> {
    let version = format!(
        "{}.{}.{}",
        random.between(1, 6),
        random.below(40),
        random.below(20)
    );
    let mut labels: Vec<(Cow<'static, str>, String)> = vec![
        ("app".into(), app.to_owned()),
        ("app.kubernetes.io/component".into(), role.to_owned()),
        ("app.kubernetes.io/instance".into(), app.to_owned()),
        (
            "app.kubernetes.io/managed-by".into(),
            random.word(&["Helm", "argocd"]).to_owned(),
        ),
        ("app.kubernetes.io/name".into(), service.to_owned()),
        ("app.kubernetes.io/version".into(), version),
        (
            "environment".into(),
            random.word(&["production", "staging", "canary"]).to_owned(),
        ),
        ("team".into(), random.word(&TEAMS).to_owned()),
    ];
    if random.percent(60) {
        labels.push((
            "helm.sh/chart".into(),
            format!("{service}-{}.{}.0", random.between(1, 9), random.below(30)),
        ));
    }
    match kind {
        Kind::ReplicaSet => {
            labels.push(("pod-template-hash".into(), hash.to_owned()));
        }
        Kind::StatefulSet | Kind::DaemonSet => {
            labels.push(("controller-revision-hash".into(), format!("{app}-{hash}")));
        }
        Kind::Job => {
            labels.push(("controller-uid".into(), random.uuid()));
            labels.push(("job-name".into(), format!("{app}-{hash}")));
        }
    }
    labels
}

/// Annotations of the template.
pub(super) fn template_annotations(
    service: &'static str,
    random: &mut Random,
) -> Vec<(Cow<'static, str>, String)> {
    let mut annotations: Vec<(Cow<'static, str>, String)> = vec![
        ("checksum/config".into(), random.hex(64)),
        ("prometheus.io/path".into(), "/metrics".to_owned()),
        (
            "prometheus.io/port".into(),
            random.between(8000, 9999).to_string(),
        ),
        ("prometheus.io/scrape".into(), "true".to_owned()),
    ];
    if random.percent(40) {
        annotations.push((
            "example.com/description".into(),
            random.word(&TEXTS).to_owned(),
        ));
    }
    if random.percent(30) {
        annotations.push((
            "sidecar.example.com/config".into(),
            Json::object([
                ("service", service.into()),
                ("retries", random.between(1, 5).into()),
                (
                    "rules",
                    Json::array([Json::object([
                        ("match", "^/api/v\\d+/".into()),
                        ("timeout", "2s".into()),
                    ])]),
                ),
            ])
            .to_string(),
        ));
    }
    annotations
}

// === impl Pod ===

impl Pod {
    /// The pod as the API server has it.
    pub(super) fn into_json(self, workload: &Workload) -> Json {
        let mut random = self.random;
        let random = &mut random;
        // A pod is as old as its workload or, mostly, younger.
        let created = workload.created + random.below(120 * 86_400);
        let node = random.below(180);
        let ip = format!(
            "10.{}.{}.{}",
            128 + node % 64,
            random.below(255),
            random.between(2, 254)
        );
        let status = status::draw(workload, created, node, &ip, random);
        let cni = metadata_of_network(&ip, random);
        let sent = workload.spec.sent();
        let spec = workload.spec.admitted(node, &random.text(SAFE, 5));

        let mut annotations = workload.annotations.clone();
        if random.percent(8) {
            annotations.push((
                "kubectl.kubernetes.io/last-applied-configuration".into(),
                last_applied(workload, &sent),
            ));
        }
        let template = annotations.clone();
        annotations.extend(cni.clone());
        if random.percent(30) {
            annotations.push((
                "kubectl.kubernetes.io/restartedAt".into(),
                text_of(timestamp(created)),
            ));
        }
        let mut labels = workload.labels.clone();
        if workload.kind == Kind::StatefulSet {
            labels.push((
                "statefulset.kubernetes.io/pod-name".into(),
                self.name.clone(),
            ));
            labels.push((
                "apps.kubernetes.io/pod-index".into(),
                self.ordinal.to_string(),
            ));
        }
        let owners = Json::array([workload.owner()]);
        let labels = Json::map(labels);
        let by_controller = Json::object([
            (
                "metadata",
                Json::object([
                    ("annotations", Json::map(template)),
                    ("generateName", workload.generate_name().into()),
                    ("labels", labels.clone()),
                    ("ownerReferences", owners.clone()),
                ]),
            ),
            ("spec", sent),
        ]);
        let by_network =
            Json::object([("metadata", Json::object([("annotations", Json::map(cni))]))]);
        let managed_fields = Json::array([
            managed_fields::entry("kube-controller-manager", created, &by_controller),
            managed_fields::entry(
                random.word(&["calico", "multus", "cilium-operator"]),
                created + 1,
                &by_network,
            ),
            managed_fields::entry(
                "kubelet",
                created + 4,
                &Json::object([("status", status.clone())]),
            ),
        ]);
        Json::object([
            (
                "metadata",
                Json::object([
                    ("name", self.name.clone().into()),
                    ("generateName", workload.generate_name().into()),
                    ("namespace", self.namespace.into()),
                    ("uid", random.uuid().into()),
                    (
                        "resourceVersion",
                        random.between(1_000_000, 184_000_000).to_string().into(),
                    ),
                    ("creationTimestamp", timestamp(created)),
                    ("labels", labels),
                    ("annotations", Json::map(annotations)),
                    ("ownerReferences", owners),
                    ("managedFields", managed_fields),
                ]),
            ),
            ("spec", spec),
            ("status", status),
        ])
    }

    /// The pod as somebody would create it.
    pub(super) fn manifest(&self, workload: &Workload, namespace: &str) -> Json {
        Json::object([
            ("apiVersion", "v1".into()),
            ("kind", "Pod".into()),
            (
                "metadata",
                Json::object([
                    ("name", self.name.clone().into()),
                    ("namespace", namespace.to_owned().into()),
                    ("labels", Json::map(workload.labels.clone())),
                    ("annotations", Json::map(workload.annotations.clone())),
                    ("ownerReferences", Json::array([workload.owner()])),
                ]),
            ),
            ("spec", workload.spec.sent()),
        ])
    }
}

/// What a network plugin notes.
fn metadata_of_network(ip: &str, random: &mut Random) -> Vec<(Cow<'static, str>, String)> {
    let mut notes: Vec<(Cow<'static, str>, String)> = vec![
        ("cni.projectcalico.org/containerID".into(), random.hex(64)),
        ("cni.projectcalico.org/podIP".into(), format!("{ip}/32")),
        ("cni.projectcalico.org/podIPs".into(), format!("{ip}/32")),
    ];
    if random.percent(30) {
        let networks = Json::array([Json::object([
            ("name", "k8s-pod-network".into()),
            ("ips", Json::array([ip.to_owned().into()])),
            ("default", true.into()),
            ("dns", Json::empty()),
        ])]);
        notes.push((
            "k8s.v1.cni.cncf.io/network-status".into(),
            networks.to_string(),
        ));
    }
    notes
}

/// What `kubectl apply` notes: JSON in a JSON string.
fn last_applied(workload: &Workload, spec: &Json) -> String {
    let containers = spec.get("containers").cloned().unwrap_or(Json::Null);
    let metadata = Json::object([
        ("annotations", Json::empty()),
        ("labels", Json::map(workload.labels.clone())),
        ("name", workload.app.clone().into()),
        ("namespace", workload.namespace.into()),
    ]);
    let applied = Json::object([
        ("apiVersion", "v1".into()),
        ("kind", "Pod".into()),
        ("metadata", metadata),
        ("spec", Json::object([("containers", containers)])),
    ]);
    format!("{applied}\n")
}

fn text_of(json: Json) -> String {
    match json {
        Json::Text(text) => text.into_owned(),
        _ => String::new(),
    }
}
