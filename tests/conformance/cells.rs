//! One capability with one client, on both ways.

use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use cubegate_tests::conformance::{Cell, Known, Outcome};
use cubegate_tests::faults::{Scripted, whole};
use cubegate_tests::gateway::Options;
use cubegate_tests::kube::{Rule, Subject};
use cubegate_tests::run::unique;
use cubegate_tests::{Gateway, Kube, Node, Run, Site, Stack};

use crate::clients::Client;
use crate::sides::Side;

/// How long a watch is silent, in seconds.
const IDLE: &str = "360";

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(480);

/// How often a cell that differs is tried: cells share a server, and others change what it has.
const TRIES: usize = 3;

/// What a client has no such thing with (`kubectl.sh`).
const NOT_BY_THIS_CLIENT: i32 = 77;

/// What happens to a whole node.
const OF_NODES: [&str; 2] = ["drain", "taint"];

/// One cell.
pub(crate) struct Job<'a> {
    pub(crate) client: &'a Client,
    pub(crate) capability: &'static str,
}

/// What all cells are tried on.
pub(crate) struct Bench {
    pub(crate) stack: &'static Stack,
    pub(crate) node: Node,
    pub(crate) sides: [Side; 2],
    _gateway: Gateway,
    application: Scripted,
    known: Vec<Known>,
}

/// How a try ended.
struct Ended {
    code: i32,
    said: String,
    last: String,
}

// === impl Bench ===

impl Bench {
    pub(crate) async fn start() -> Result<Self> {
        let stack = Stack::shared().await?;
        let site = Site::new("conformance")?;
        let member = &stack.member;
        // The first one is the host cluster: a path that lost its cluster leads there.
        for server in [&stack.pivot, member] {
            site.add_cluster(&server.name, &server.gateway_kubeconfig, true)
                .await?;
        }
        let gateway = Gateway::start(site, &Options::default()).await?;
        let admin = gateway.admin().await?;
        gateway.wait_for_cluster(&admin, &member.name).await?;
        let direct = Side::direct(member).await?;
        let through = Side::through(&gateway, &member.name, gateway.admin_token().await?)?;
        Ok(Self {
            stack,
            node: Node::join(member).await?,
            sides: [direct, through],
            _gateway: gateway,
            application: Scripted::start(whole("an application")).await?,
            known: Known::read()?,
        })
    }

    pub(crate) async fn server_version(&self) -> Result<String> {
        let version = self.kube().get("/version").await?.json()?;
        let version = version
            .get("gitVersion")
            .and_then(|version| version.as_str());
        version.map(str::to_owned).context("no version")
    }

    pub(crate) fn kube(&self) -> &'static Kube {
        &self.stack.member.kube
    }

    pub(crate) async fn cell(&self, job: &Job<'_>) -> Result<Cell> {
        let [direct, through] = &self.sides;
        let mut tries = TRIES;
        loop {
            tries -= 1;
            // At the same time: what waits, waits once.
            let (direct, through) =
                tokio::try_join!(self.try_it(job, direct), self.try_it(job, through))?;
            let is_same = direct.code == through.code && direct.said == through.said;
            let cell = |outcome, reason: &str| Cell {
                outcome,
                reason: reason.to_owned(),
            };
            let outcome = match (direct.code, through.code) {
                // What says nothing shows nothing.
                (0, 0) if is_same && !direct.said.is_empty() => return Ok(cell(Outcome::Same, "")),
                (NOT_BY_THIS_CLIENT, NOT_BY_THIS_CLIENT) => {
                    return Ok(cell(Outcome::NotByThisClient, &direct.last));
                }
                _ if tries > 0 => continue,
                (1.., 1..) => Outcome::NotByThisClient,
                _ => Outcome::Fails,
            };
            let known = self
                .known
                .iter()
                .find(|known| known.is_of(job.capability, &job.client.name));
            let Some(known) = known else {
                crate::say(&format!(
                    "--- directly {}: {}\n{}\n--- through the gateway {}: {}\n{}",
                    direct.code, direct.last, direct.said, through.code, through.last, through.said
                ))?;
                // Nobody has said yet why it is so on both ways.
                return Ok(cell(Outcome::Fails, ""));
            };
            return Ok(cell(outcome, &known.reason));
        }
    }

    /// Tries it on one way, in a namespace of its own with a pod that runs.
    async fn try_it(&self, job: &Job<'_>, side: &Side) -> Result<Ended> {
        let kube = self.kube();
        let namespace = kube.namespace("conformance").await?;
        let own_node = if OF_NODES.contains(&job.capability) {
            Some(Node::join(&self.stack.member).await?)
        } else {
            None
        };
        let node = own_node.as_ref().unwrap_or(&self.node);
        let pod = node.run(&namespace, "web").await?;
        if job.capability.starts_with("as") {
            self.let_readers_read(&namespace).await?;
        }
        let dir = Run::current()?.folder("cell")?;
        let unique = unique();
        let child = job
            .client
            .command(job.capability)
            .env_remove("KUBERNETES_SERVICE_HOST")
            .env("KUBECONFIG", &side.kubeconfig)
            .env("SERVER", &side.server)
            .env("CA", &side.ca)
            .env("CURL_AUTH", &side.curl)
            .env("NS", &namespace)
            .env("NODE", node.name())
            .env("POD", &pod)
            .env("PORT", self.application.port().to_string())
            .env("DIR", &dir)
            .env("HOME", &dir)
            .env("UNIQUE", &unique)
            .env("IDLE", IDLE)
            .current_dir(&dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let ended = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
        let names = [
            (namespace.as_str(), "NAMESPACE"),
            (&unique, "UNIQUE"),
            (node.name(), "NODE"),
            (&side.server, "SERVER"),
        ];
        let dir = dir.display().to_string();
        Ok(match ended {
            Err(_) => Ended {
                code: -1,
                said: String::new(),
                last: "it hangs".to_owned(),
            },
            Ok(output) => Ended::of(
                &output?,
                &[names.as_slice(), &[(dir.as_str(), "DIR")]].concat(),
            ),
        })
    }

    /// One user and one group may read ConfigMaps there.
    async fn let_readers_read(&self, namespace: &str) -> Result<()> {
        let rules = [Rule {
            group: "",
            resources: &["configmaps"],
            verbs: &["get", "list"],
        }];
        let user = format!("reader-{namespace}");
        let group = format!("readers-{namespace}");
        for subject in [Subject::User(&user), Subject::Group(&group)] {
            self.kube().grant(namespace, subject, &rules).await?;
        }
        Ok(())
    }
}

// === impl Ended ===

impl Ended {
    /// Its words without what is of this run and this way.
    fn of(output: &Output, names: &[(&str, &str)]) -> Self {
        let text = |bytes: &[u8]| {
            let mut text = String::from_utf8_lossy(bytes).into_owned();
            for (name, stands_for) in names {
                text = text.replace(name, stands_for);
            }
            text
        };
        let said: Vec<String> = text(&output.stdout).lines().map(line).collect();
        let stderr = text(&output.stderr);
        // Node.js ends what it says of an error with its own version.
        let last = stderr
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty() && !line.starts_with("Node.js"));
        Self {
            code: output.status.code().unwrap_or(-1),
            said: said.join("\n"),
            last: last.unwrap_or_default().trim().chars().take(200).collect(),
        }
    }
}

/// A line without its ages, and with one blank where a column was filled up.
fn line(line: &str) -> String {
    let words = line.split_whitespace().map(|word| {
        let number = word.trim_end_matches(['s', 'm']);
        let is_age = number != word && number.parse::<u32>().is_ok();
        if is_age { "AGE" } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}
