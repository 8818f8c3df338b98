//! What a hostile caller sends, one row each, through a real Envoy to an upstream that
//! remembers what reached it.
//!
//! Every row is a request as bytes and what must become of it ([`Outcome`]). Whatever
//! the answer is, what reached the upstream must be the caller's own doing: under the
//! caller's name and groups and no other, at the cluster that the path names, without
//! a credential of the caller's and without a header of the gateway's own. At the end
//! Envoy must be the same process, with the VMs that it began with, no worker of it
//! held for a second, and little more memory than before.

mod bodies;
mod framing;
mod headers;
mod paths;
mod timing;
mod tokens;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::fixture::{Fixture, Seen};
use cubegate_tests::gateway::Options;
use cubegate_tests::raw::RawServer;
use cubegate_tests::{Gateway, Site, block_on};
use http_body_util::Full;
use hyper::body::Bytes;

/// The cluster that the attacker may reach.
const CLUSTER: &str = "open";

/// Another one, which no row names in a way that may lead there.
const OTHER: &str = "other";

/// Where the cluster is asked what the caller may do.
const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// Who attacks. The name says nothing about rights: the upstream lets everything pass.
const CALLER: &str = "mallory";

/// What all rows may cost Envoy for good, in bytes. VMs and pools do not shrink.
const MEMORY: u64 = 64 << 20;

/// What must become of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It is refused with a status from 400 to 499 (or 501), or the connection is closed;
    /// nothing reaches an upstream.
    Refused,
    /// Exactly one request reaches the cluster, as the caller's.
    Passes,
    /// The cluster is asked, as the caller, whether the caller may be who it says, and
    /// says no. Nothing of the request reaches it.
    Asked,
    /// Either of both: what counts is that it is nobody else's.
    Harmless,
}

/// One row.
struct Attack {
    name: String,
    request: Vec<u8>,
    outcome: Outcome,
}

/// What rows are made of.
struct Arms {
    /// A good token of [`CALLER`].
    token: String,
    authority: String,
}

/// A gateway before two upstreams, and what an honest request looks like there.
struct Field {
    gateway: Gateway,
    open: Fixture,
    other: Fixture,
    arms: Arms,
    /// The headers that say who it is, of an honest request of [`CALLER`].
    identity: Vec<(String, String)>,
}

// === impl Attack ===

impl Attack {
    fn new(name: impl Into<String>, request: impl Into<Vec<u8>>, outcome: Outcome) -> Self {
        Self {
            name: name.into(),
            request: request.into(),
            outcome,
        }
    }
}

// === impl Arms ===

impl Arms {
    /// A GET at the open cluster with these lines more, which may hold any bytes.
    fn get(&self, path: &str, lines: &[&[u8]]) -> Vec<u8> {
        self.request("GET", &format!("/clusters/{CLUSTER}{path}"), lines)
    }

    /// A request with the good token and these lines more, without a body.
    fn request(&self, method: &str, target: &str, lines: &[&[u8]]) -> Vec<u8> {
        let authorization = format!("Authorization: Bearer {}", self.token);
        let mut all: Vec<&[u8]> = vec![authorization.as_bytes()];
        all.extend_from_slice(lines);
        self.anonymous(method, target, &all)
    }

    /// A request without a credential of its own.
    fn anonymous(&self, method: &str, target: &str, lines: &[&[u8]]) -> Vec<u8> {
        let mut request = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n", self.authority);
        request.push_str("Connection: close\r\n");
        let mut request = request.into_bytes();
        for line in lines {
            request.extend_from_slice(line);
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        request
    }
}

// === impl Field ===

impl Field {
    async fn start(name: &str) -> Result<Self> {
        let (open, other) = (upstream().await?, upstream().await?);
        let site = Site::new(name)?;
        let options = Options {
            plain: true,
            ..Options::default()
        };
        let gateway = Gateway::start(site, &options).await?;
        let site = gateway.site();
        site.add_plain_cluster(CLUSTER, open.port()).await?;
        site.add_plain_cluster(OTHER, other.port()).await?;
        gateway.user(CALLER, &["team"]).await?;
        let token = gateway.new_token(CALLER).await?;
        let client = gateway.client().with_bearer(&token)?;
        for cluster in [CLUSTER, OTHER] {
            gateway.wait_for_cluster(&client, cluster).await?;
        }
        let arms = Arms {
            authority: gateway.raw()?.authority().to_owned(),
            token,
        };
        let mut field = Self {
            gateway,
            open,
            other,
            arms,
            identity: Vec::new(),
        };
        field.seen()?;
        let honest = field.arms.get("/api/v1/namespaces/a/pods", &[]);
        let status = field.raw()?.exchange(&honest).await?.status;
        ensure!(status == 200, "an honest request is answered {status}");
        let seen = field.open.take_seen()?;
        let honest = seen
            .first()
            .context("the honest request did not reach its cluster")?;
        field.identity = identity(honest);
        ensure!(
            field
                .identity
                .contains(&("impersonate-user".to_owned(), CALLER.to_owned())),
            "an honest request goes as {:?}",
            field.identity
        );
        Ok(field)
    }

    fn raw(&self) -> Result<RawServer> {
        self.gateway.raw()
    }

    /// What reached the upstreams since the last time, after a look at whose it was.
    fn seen(&self) -> Result<Vec<Seen>> {
        let strays = self.other.take_seen()?;
        let strays = strays.iter().filter(|seen| seen.path != "/version");
        let strays: Vec<&str> = strays.map(|seen| seen.path.as_str()).collect();
        ensure!(strays.is_empty(), "another cluster was reached: {strays:?}");
        let seen = self.open.take_seen()?;
        for request in &seen {
            self.is_the_callers(request)?;
        }
        Ok(seen)
    }

    fn is_the_callers(&self, seen: &Seen) -> Result<()> {
        // The first ones, before it is known what an honest request looks like.
        if self.identity.is_empty() {
            return Ok(());
        }
        let told = identity(seen);
        ensure!(
            told == self.identity,
            "{} {} went as {told:?}",
            seen.method,
            seen.path
        );
        for (name, value) in &seen.headers {
            let is_ours = name.starts_with("x-cubegate-");
            let is_credential = matches!(name.as_str(), "authorization" | "cookie");
            ensure!(
                !is_ours && !is_credential && !value.contains(&self.arms.token),
                "{name}: {value} reached the upstream"
            );
        }
        Ok(())
    }

    /// Sends every row and says which did not end as they must.
    async fn run(&self, attacks: &[Attack]) -> Result<Vec<String>> {
        let raw = self.raw()?;
        let mut wrong = Vec::new();
        for attack in attacks {
            let status = raw
                .exchange(&attack.request)
                .await
                .map(|answer| answer.status);
            let verdict = self
                .seen()
                .and_then(|seen| judge(attack.outcome, status.as_ref().ok().copied(), &seen));
            if let Err(error) = verdict {
                wrong.push(format!("{}: {error:#} ({status:?})", attack.name));
            }
        }
        Ok(wrong)
    }

    /// Envoy's own word on how it fared since `memory` was read.
    async fn unharmed(&self, memory: u64) -> Result<()> {
        let health = self.gateway.health();
        health.check().await?;
        // The main thread compiles the filter at the start, and may take its time.
        for (name, value) in health.stats("workers.watchdog_mega_miss").await? {
            ensure!(
                value == 0,
                "a worker of Envoy was held for a second: {name} is {value}"
            );
        }
        let grown = health.resident_bytes()?.saturating_sub(memory);
        ensure!(grown < MEMORY, "Envoy grew by {} kB", grown >> 10);
        Ok(())
    }
}

/// Whether an answer and what reached the upstream are what they must be.
fn judge(outcome: Outcome, status: Option<u16>, seen: &[Seen]) -> Result<()> {
    let reached = seen.len();
    let refused = status.is_none_or(|status| (400..500).contains(&status) || status == 501);
    match outcome {
        Outcome::Refused => {
            ensure!(refused, "it is not refused");
            ensure!(reached == 0, "{reached} requests reached the upstream");
        }
        Outcome::Passes => {
            ensure!(
                status.is_some_and(|status| status < 400),
                "it does not pass"
            );
            ensure!(reached == 1, "{reached} requests reached the upstream");
        }
        Outcome::Asked => {
            ensure!(status == Some(403), "it is not forbidden");
            let asked: Vec<&str> = seen.iter().map(|seen| seen.path.as_str()).collect();
            ensure!(asked == [REVIEWS], "{asked:?} reached the upstream");
        }
        Outcome::Harmless => {
            ensure!(
                refused || status.is_some_and(|status| status < 500),
                "it is a fault of ours"
            );
            ensure!(reached <= 1, "{reached} requests reached the upstream");
        }
    }
    Ok(())
}

/// What of a request says whose it is, in order.
fn identity(seen: &Seen) -> Vec<(String, String)> {
    let says = |name: &str| {
        name.starts_with("impersonate")
            || name.starts_with("x-remote")
            || name.contains("forwarded-client")
    };
    let mut found: Vec<_> = seen
        .headers
        .iter()
        .filter(|(name, _)| says(name))
        .cloned()
        .collect();
    found.sort();
    found
}

/// An API server that takes everything, has nothing, and lets nobody be somebody else.
async fn upstream() -> Result<Fixture> {
    const PODS: &[u8] =
        br#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]}"#;
    const NO: &[u8] = br#"{"kind":"SelfSubjectAccessReview","status":{"allowed":false}}"#;
    Fixture::answering(|seen| {
        let body = Bytes::from_static(match seen.path.as_str() {
            REVIEWS => NO,
            _ => PODS,
        });
        let answer = http::Response::builder()
            .header("content-type", "application/json")
            .body(Full::new(body.clone()))?;
        Ok((answer, body))
    })
    .await
}

#[test]
fn no_request_is_anybodys_but_the_callers() -> Result<()> {
    block_on(async {
        let field = Field::start("attacked").await?;
        let memory = field.gateway.health().resident_bytes()?;
        let mut attacks = headers::rows(&field.arms);
        attacks.extend(paths::rows(&field.arms));
        attacks.extend(bodies::rows(&field.arms));
        attacks.extend(tokens::rows(&field.arms)?);
        // A table that has lost rows proves less than it says.
        assert!(attacks.len() >= 120, "{} rows", attacks.len());
        let wrong = field.run(&attacks).await?;
        assert!(
            wrong.is_empty(),
            "{} of {}:\n{}",
            wrong.len(),
            attacks.len(),
            wrong.join("\n")
        );
        field.unharmed(memory).await
    })
}
