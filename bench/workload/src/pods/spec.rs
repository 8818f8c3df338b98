//! What runs in a pod.

mod container;

use crate::json::Json;
use crate::random::Random;

use container::Container;

/// The spec that all pods of a workload share.
pub(super) struct Template {
    containers: Vec<Container>,
    volumes: Vec<Json>,
    service_account: String,
    large: bool,
}

// === impl Template ===

impl Template {
    pub(super) fn draw(app: &str, service: &'static str, random: &mut Random) -> Self {
        let mut containers = vec![Container::main(app, service, random)];
        if random.percent(8) {
            containers.push(Container::sidecar(random));
        }
        let mut volumes = vec![
            Json::object([
                ("name", "config".into()),
                (
                    "configMap",
                    Json::object([
                        ("name", format!("{app}-config").into()),
                        ("defaultMode", 420.into()),
                    ]),
                ),
            ]),
            Json::object([("name", "tmp".into()), ("emptyDir", Json::empty())]),
        ];
        if random.percent(40) {
            volumes.push(Json::object([
                ("name", "tls".into()),
                (
                    "secret",
                    Json::object([
                        ("secretName", format!("{app}-tls").into()),
                        ("defaultMode", 420.into()),
                    ]),
                ),
            ]));
        }
        Self {
            containers,
            volumes,
            service_account: app.to_owned(),
            large: random.percent(25),
        }
    }

    /// Name and image of every container.
    pub(super) fn containers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.containers
            .iter()
            .map(|container| (container.name, container.image.as_str()))
    }

    /// The spec as the controller sends it.
    pub(super) fn sent(&self) -> Json {
        self.spec(None)
    }

    /// The spec of a pod on this node, with what admission adds; `suffix` names
    /// its token's volume.
    pub(super) fn admitted(&self, node: u64, suffix: &str) -> Json {
        self.spec(Some((node, &format!("kube-api-access-{suffix}"))))
    }

    fn spec(&self, admitted: Option<(u64, &str)>) -> Json {
        let token = admitted.map(|(_, token)| token);
        let containers = self
            .containers
            .iter()
            .map(|container| container.json(token));
        let volumes = self.volumes.iter().cloned().chain(token.map(token_volume));
        let mut spec = Json::object([
            ("volumes", Json::array(volumes)),
            ("containers", Json::array(containers)),
            ("restartPolicy", "Always".into()),
            ("terminationGracePeriodSeconds", 30.into()),
            ("dnsPolicy", "ClusterFirst".into()),
            ("serviceAccountName", self.service_account.clone().into()),
            ("serviceAccount", self.service_account.clone().into()),
        ]);
        if let Some((node, _)) = admitted {
            let node = format!(
                "ip-10-{}-{node}.eu-west-1.compute.internal",
                128 + node % 64
            );
            spec = spec.with("nodeName", node.into());
        }
        spec = spec
            .with(
                "securityContext",
                Json::object([("runAsNonRoot", true.into()), ("fsGroup", 65_532.into())]),
            )
            .with(
                "imagePullSecrets",
                Json::array([Json::object([("name", "registry".into())])]),
            );
        if self.large {
            spec = spec.with("affinity", affinity(&self.service_account));
        }
        spec = spec.with("schedulerName", "default-scheduler".into());
        if admitted.is_none() {
            return spec.with("enableServiceLinks", true.into());
        }
        let taints = ["not-ready", "unreachable"].map(toleration);
        spec.with("tolerations", Json::array(taints))
            .with("priority", 0.into())
            .with("enableServiceLinks", true.into())
            .with("preemptionPolicy", "PreemptLowerPriority".into())
    }
}

fn toleration(taint: &'static str) -> Json {
    Json::object([
        ("key", format!("node.kubernetes.io/{taint}").into()),
        ("operator", "Exists".into()),
        ("effect", "NoExecute".into()),
        ("tolerationSeconds", 300.into()),
    ])
}

/// Keeps the pods of one app apart.
fn affinity(app: &str) -> Json {
    let term = Json::object([
        (
            "labelSelector",
            Json::object([(
                "matchLabels",
                Json::object([("app", app.to_owned().into())]),
            )]),
        ),
        ("topologyKey", "kubernetes.io/hostname".into()),
    ]);
    let preferred = Json::object([("weight", 100.into()), ("podAffinityTerm", term)]);
    Json::object([(
        "podAntiAffinity",
        Json::object([(
            "preferredDuringSchedulingIgnoredDuringExecution",
            Json::array([preferred]),
        )]),
    )])
}

/// The token, the CA and the namespace, as admission adds them to every pod.
fn token_volume(name: &str) -> Json {
    let file = |key: &'static str, path: &'static str| {
        Json::array([Json::object([("key", key.into()), ("path", path.into())])])
    };
    let namespace = Json::object([
        ("path", "namespace".into()),
        (
            "fieldRef",
            Json::object([
                ("apiVersion", "v1".into()),
                ("fieldPath", "metadata.namespace".into()),
            ]),
        ),
    ]);
    Json::object([
        ("name", name.to_owned().into()),
        (
            "projected",
            Json::object([
                (
                    "sources",
                    Json::array([
                        Json::object([(
                            "serviceAccountToken",
                            Json::object([
                                ("expirationSeconds", 3607.into()),
                                ("path", "token".into()),
                            ]),
                        )]),
                        Json::object([(
                            "configMap",
                            Json::object([
                                ("name", "kube-root-ca.crt".into()),
                                ("items", file("ca.crt", "ca.crt")),
                            ]),
                        )]),
                        Json::object([(
                            "downwardAPI",
                            Json::object([("items", Json::array([namespace]))]),
                        )]),
                    ]),
                ),
                ("defaultMode", 420.into()),
            ]),
        ),
    ])
}
