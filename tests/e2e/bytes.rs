//! The same request to an API server itself and through the gateway, as the same user: status,
//! headers and bodies are equal, but for the headers that [`headers::DIFFERENT`] names.

mod headers;
mod reads;
mod scripted;
mod streams;
mod writes;

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use cubegate_tests::kube::{config_map, deployment, pod};
use cubegate_tests::run::unique;
use cubegate_tests::{Answer, Client, Kube};
use http::Method;
use serde_json::{Value, json};

use crate::support::{World, kube};

const MEMBER: &str = "member-1";

/// How long a pair of answers is compared again. Other tests move a server's revision on, some by
/// thousands of objects; a second begins, and a column says another age.
const PATIENCE: Duration = Duration::from_secs(40);

/// Between two comparisons.
const PAUSE: Duration = Duration::from_millis(20);

/// With so many differences the others are not looked for.
const SHOWN: usize = 3;

/// A request, and which status both answers have.
#[derive(Clone)]
struct Case {
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// `None` where it is of the API server's version.
    status: Option<u16>,
}

/// Both ways to one API server, as one user.
struct Pair {
    direct: Client,
    through: Client,
    /// What says to the server itself who asks; the gateway says it in this way, too.
    identity: Vec<(&'static str, String)>,
}

// === impl Case ===

impl Case {
    fn new(method: Method, path: &str, status: impl Into<Option<u16>>) -> Self {
        Self {
            method,
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            status: status.into(),
        }
    }

    fn get(path: &str, status: impl Into<Option<u16>>) -> Self {
        Self::new(Method::GET, path, status)
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn accept(self, value: &str) -> Self {
        self.header("accept", value)
    }

    fn body(mut self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", kind)
    }

    fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    fn describe(&self) -> String {
        let headers: Vec<String> = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        format!("{} {} [{}]", self.method, self.path, headers.join(", "))
    }
}

// === impl Pair ===

impl Pair {
    /// The user `admin`, who may do everything in the cluster.
    async fn admin(world: &World) -> Result<Self> {
        let through = world.gateway.admin().await?;
        let groups = ["kubecube", "cubegate:admins"];
        Self::new(world, through, "admin", &groups)
    }

    /// Somebody who may do nothing there.
    async fn nobody(world: &World) -> Result<Self> {
        let name = format!("nobody-{}", unique());
        let through = world.gateway.user(&name, &[]).await?;
        Self::new(world, through, &name, &["kubecube"])
    }

    fn new(world: &World, through: Client, user: &str, groups: &[&str]) -> Result<Self> {
        let server = Kube::new(&world.stack.member.gateway_kubeconfig)?;
        let groups = groups.iter().copied().chain(["system:authenticated"]);
        Ok(Self {
            direct: server.client().clone(),
            through,
            identity: [("impersonate-user", user.to_owned())]
                .into_iter()
                .chain(groups.map(|group| ("impersonate-group", group.to_owned())))
                .collect(),
        })
    }

    async fn send(&self, case: &Case, through: bool) -> Result<Answer> {
        let path = kube(MEMBER, &case.path);
        let (client, path) = match through {
            true => (&self.through, path.as_str()),
            false => (&self.direct, case.path.as_str()),
        };
        let mut request = client.request(&case.method, path);
        let identity = self.identity.iter().filter(|_| !through);
        for (name, value) in identity.chain(&case.headers) {
            request = request.header(name, value);
        }
        request.body(case.body.clone()).send().await
    }

    /// What differs between both answers, if anything does again and again.
    async fn difference(&self, case: &Case) -> Result<Option<String>> {
        let began = Instant::now();
        loop {
            // At the same time: columns and times are of the second.
            let (direct, through) =
                tokio::try_join!(self.send(case, false), self.send(case, true))?;
            if case.status.is_some_and(|status| status != direct.status) {
                return Ok(Some(format!(
                    "it is of another case: {}",
                    direct.describe()
                )));
            }
            let difference = headers::difference(&direct, &through);
            if difference.is_none() || began.elapsed() > PATIENCE {
                return Ok(difference);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Makes all of the requests, and returns how many.
    async fn check(&self, cases: &[Case]) -> Result<usize> {
        let mut differences = Vec::new();
        for case in cases {
            if let Some(difference) = self.difference(case).await? {
                differences.push(format!("{}\n  {difference}", case.describe()));
                if differences.len() == SHOWN {
                    break;
                }
            }
        }
        ensure!(
            differences.is_empty(),
            "answers differ:\n{}",
            differences.join("\n")
        );
        Ok(cases.len())
    }
}

/// A namespace with objects that nobody changes.
struct Objects {
    namespace: String,
}

impl Objects {
    async fn new(world: &World) -> Result<Self> {
        let server = &world.stack.member.kube;
        let namespace = server.namespace("by-bytes").await?;
        let core = format!("/api/v1/namespaces/{namespace}");
        for name in ["a", "b", "c"] {
            let data = json!({ "text": "<a>&\"\\ \u{2028} \u{1f600} 9007199254740993", "n": name });
            let mut map = config_map(name, &data);
            map["metadata"]["labels"] = json!({ "app": name });
            server.create(&format!("{core}/configmaps"), &map).await?;
        }
        let secret = json!({ "metadata": { "name": "s" }, "stringData": { "k": "v" } });
        server.create(&format!("{core}/secrets"), &secret).await?;
        server.create(&format!("{core}/pods"), &pod("p")).await?;
        let service = json!({
            "metadata": { "name": "svc" }, "spec": { "ports": [{ "port": 80 }] },
        });
        server.create(&format!("{core}/services"), &service).await?;
        let apps = format!("/apis/apps/v1/namespaces/{namespace}/deployments");
        server.create(&apps, &deployment("d")).await?;
        Ok(Self { namespace })
    }

    /// A path of the core group in the namespace.
    fn core(&self, rest: &str) -> String {
        format!("/api/v1/namespaces/{}/{rest}", self.namespace)
    }

    /// One of `apps/v1`.
    fn apps(&self, rest: &str) -> String {
        format!("/apis/apps/v1/namespaces/{}/{rest}", self.namespace)
    }
}
