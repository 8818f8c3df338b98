//! What runs in a pod.

use crate::json::Json;
use crate::random::Random;

const SETTINGS: [&str; 16] = [
    "CACHE_TTL_SECONDS",
    "DATABASE_POOL_MAX",
    "FEATURE_FLAGS_URL",
    "GRPC_KEEPALIVE_MS",
    "HTTP_READ_TIMEOUT",
    "KAFKA_BROKERS",
    "LOG_FORMAT",
    "LOG_LEVEL",
    "MAX_BATCH_SIZE",
    "METRICS_PREFIX",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "REDIS_ADDR",
    "REGION",
    "RETRY_LIMIT",
    "SHUTDOWN_GRACE",
    "TRACE_SAMPLING",
];
const VALUES: [&str; 10] = [
    "info",
    "json",
    "30s",
    "250",
    "eu-west-1",
    "http://otel-collector.monitoring.svc:4317",
    "kafka-0.kafka:9092,kafka-1.kafka:9092,kafka-2.kafka:9092",
    "redis://cache.shared.svc.cluster.local:6379/0",
    "{\"beta\":true,\"limits\":{\"rps\":250}}",
    "-Xms512m -Xmx1g -Dfile.encoding=UTF-8",
];

/// The spec that all pods of a workload share.
pub(super) struct Template {
    containers: Vec<Container>,
    volumes: Vec<Json>,
    service_account: String,
    large: bool,
}

/// A container, with what its status repeats.
struct Container {
    name: &'static str,
    image: String,
    json: Json,
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
        self.spec(Some((node, format!("kube-api-access-{suffix}"))))
    }

    fn spec(&self, admitted: Option<(u64, String)>) -> Json {
        let token = admitted.as_ref().map(|(_, token)| token.as_str());
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
        if let Some((node, _)) = &admitted {
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

// === impl Container ===

impl Container {
    fn main(app: &str, service: &'static str, random: &mut Random) -> Self {
        let image = format!(
            "registry.example.com/{service}/{app}:{}.{}.{}",
            random.between(1, 6),
            random.below(40),
            random.hex(7)
        );
        let port = random.between(3000, 9999);
        let mut env = vec![
            from_field("POD_NAME", "metadata.name"),
            Json::object([
                ("name", "DATABASE_PASSWORD".into()),
                (
                    "valueFrom",
                    Json::object([(
                        "secretKeyRef",
                        Json::object([
                            ("name", format!("{app}-database").into()),
                            ("key", "password".into()),
                        ]),
                    )]),
                ),
            ]),
        ];
        let first = random.below(SETTINGS.len() as u64);
        for (setting, _) in SETTINGS
            .iter()
            .cycle()
            .skip(usize::try_from(first).unwrap_or(0))
            .zip(0..random.between(1, 4))
        {
            env.push(Json::object([
                ("name", (*setting).into()),
                ("value", random.word(&VALUES).into()),
            ]));
        }
        let mut json = Json::object([
            ("name", "main".into()),
            ("image", image.clone().into()),
            (
                "args",
                Json::array([
                    "serve".into(),
                    format!("--listen=:{port}").into(),
                    "--config=/etc/app/config.yaml".into(),
                ]),
            ),
            (
                "ports",
                Json::array([Json::object([
                    ("name", "http".into()),
                    ("containerPort", port.into()),
                    ("protocol", "TCP".into()),
                ])]),
            ),
            ("env", Json::array(env)),
            ("resources", resources(random)),
            (
                "volumeMounts",
                Json::array([
                    mount("config", "/etc/app", true),
                    mount("tmp", "/tmp", false),
                ]),
            ),
            ("livenessProbe", probe("/healthz", 10)),
        ]);
        if random.percent(60) {
            json = json.with("readinessProbe", probe("/readyz", 5));
        }
        Self {
            name: "main",
            image,
            json,
        }
    }

    fn sidecar(random: &mut Random) -> Self {
        let image = format!(
            "registry.example.com/mesh/proxy:1.{}.{}",
            random.between(10, 22),
            random.below(9)
        );
        let json = Json::object([
            ("name", "mesh-proxy".into()),
            ("image", image.clone().into()),
            (
                "args",
                Json::array([
                    "proxy".into(),
                    "sidecar".into(),
                    "--log_output_level=default:info".into(),
                ]),
            ),
            (
                "ports",
                Json::array([Json::object([
                    ("name", "mesh".into()),
                    ("containerPort", 15_090.into()),
                    ("protocol", "TCP".into()),
                ])]),
            ),
            (
                "env",
                Json::array([
                    from_field("INSTANCE_IP", "status.podIP"),
                    from_field("SERVICE_ACCOUNT", "spec.serviceAccountName"),
                    Json::object([
                        ("name", "PROXY_CONFIG".into()),
                        (
                            "value",
                            "{\"discoveryAddress\":\"mesh.istio-system.svc:15012\"}".into(),
                        ),
                    ]),
                ]),
            ),
            ("resources", resources(random)),
            (
                "volumeMounts",
                Json::array([mount("tmp", "/var/lib/proxy", false)]),
            ),
            ("readinessProbe", probe("/healthz/ready", 2)),
        ]);
        Self {
            name: "mesh-proxy",
            image,
            json,
        }
    }

    /// The container, with the volume that admission adds if there is one, and
    /// the defaults behind it.
    fn json(&self, token: Option<&str>) -> Json {
        let mut json = self.json.clone();
        if let Some(token) = token
            && let Json::Object(members) = &mut json
            && let Some((_, Json::Array(mounts))) =
                members.iter_mut().find(|(name, _)| name == "volumeMounts")
        {
            mounts.push(Json::object([
                ("name", token.to_owned().into()),
                ("readOnly", true.into()),
                (
                    "mountPath",
                    "/var/run/secrets/kubernetes.io/serviceaccount".into(),
                ),
            ]));
        }
        json.with("terminationMessagePath", "/dev/termination-log".into())
            .with("terminationMessagePolicy", "File".into())
            .with("imagePullPolicy", "IfNotPresent".into())
            .with(
                "securityContext",
                Json::object([
                    (
                        "capabilities",
                        Json::object([("drop", Json::array(["ALL".into()]))]),
                    ),
                    ("readOnlyRootFilesystem", true.into()),
                    ("allowPrivilegeEscalation", false.into()),
                ]),
            )
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

fn from_field(name: &'static str, path: &'static str) -> Json {
    let field = Json::object([("apiVersion", "v1".into()), ("fieldPath", path.into())]);
    Json::object([
        ("name", name.into()),
        ("valueFrom", Json::object([("fieldRef", field)])),
    ])
}

fn resources(random: &mut Random) -> Json {
    let of = |cpu: &'static str, memory: &'static str| {
        Json::object([("cpu", cpu.into()), ("memory", memory.into())])
    };
    Json::object([
        (
            "limits",
            of(
                random.word(&["500m", "1", "2"]),
                random.word(&["512Mi", "1Gi", "2Gi"]),
            ),
        ),
        (
            "requests",
            of(
                random.word(&["50m", "100m", "250m"]),
                random.word(&["128Mi", "256Mi", "512Mi"]),
            ),
        ),
    ])
}

fn mount(name: &'static str, path: &'static str, read_only: bool) -> Json {
    let name = ("name", name.into());
    let path = ("mountPath", path.into());
    if read_only {
        Json::object([name, ("readOnly", true.into()), path])
    } else {
        Json::object([name, path])
    }
}

fn probe(path: &'static str, period: u64) -> Json {
    let get = Json::object([
        ("path", path.into()),
        ("port", "http".into()),
        ("scheme", "HTTP".into()),
    ]);
    Json::object([
        ("httpGet", get),
        ("initialDelaySeconds", 10.into()),
        ("timeoutSeconds", 2.into()),
        ("periodSeconds", period.into()),
        ("successThreshold", 1.into()),
        ("failureThreshold", 3.into()),
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
