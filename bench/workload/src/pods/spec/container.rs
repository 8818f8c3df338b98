//! The containers of a pod: one that does the work and, sometimes, a proxy
//! beside it.

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

/// A container, with what its status repeats.
pub(super) struct Container {
    pub(super) name: &'static str,
    pub(super) image: String,
    json: Json,
}

// === impl Container ===

impl Container {
    pub(super) fn main(app: &str, service: &'static str, random: &mut Random) -> Self {
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

    pub(super) fn sidecar(random: &mut Random) -> Self {
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
    pub(super) fn json(&self, token: Option<&str>) -> Json {
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
