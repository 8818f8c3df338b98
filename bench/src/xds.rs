//! What a change costs where there are a thousand members: how soon it is in force, how many bytes
//! it takes, and what it costs Envoy.

mod away;
mod changes;
mod churn;
mod load;
mod others;

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use cubegate_tests::gateway::Options;
use cubegate_tests::{Client, Gateway, Site, Stack};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::fleet::register;
use crate::machine;
use crate::members::{Documents, Members, Shape};
use crate::report::{Figure, Goal, Report};
use crate::sample::Samples;

/// How many members are registered before anything is measured.
const MEMBERS: usize = 1_000;

/// How often each change is made.
const ROUNDS: usize = 100;

/// Until what was registered has come to rest: all members were read once, and Envoy has them.
const SETTLE: Duration = Duration::from_secs(40);

/// Limits that would be measured in the place of the rest.
const UNLIMITED: [&str; 4] = [
    "CUBEGATE_TOKENS_PER_USER",
    "CUBEGATE_TOKENS_PER_ADDRESS",
    "CUBEGATE_LOGINS_PER_USER",
    "CUBEGATE_LOGINS_PER_ADDRESS",
];

/// A gateway with many members, and what is measured on it.
struct Bench {
    gateway: Gateway,
    members: Members,
    admin: Client,
    conditions: String,
}

/// What a row of changes has cost.
struct Cost {
    /// From the request that changes something to the first answer by the new state, in
    /// milliseconds.
    times: Samples,
    /// What Envoy has read from the control plane, for each change.
    bytes: f64,
    /// Processor time of one worker's thread, for each change, in milliseconds.
    worker: f64,
    /// The same of Envoy's main thread, which answers no request.
    main: f64,
}

/// Measures all of it.
///
/// # Errors
/// A gateway that does not run, or does not do what is asked.
pub async fn measure() -> Result<Report> {
    let mut report = Report::new("xds");
    let (bench, memory) = Bench::prepare().await?;
    report.extend(vec![bench.figure(
        "Envoy's memory a member",
        memory,
        "B",
        Goal::AtMost(60e3),
        "resident memory with all members less that with one",
    )]);
    report.extend(bench.members().await?);
    report.extend(bench.keys().await?);
    report.extend(bench.members_among_others().await?);
    report.extend(bench.churn().await?);
    report.extend(bench.restart().await?);
    report.extend(bench.away().await?);
    bench.gateway.health().check().await?;
    bench.gateway.stop().await?;
    Ok(report)
}

// === impl Bench ===

impl Bench {
    /// Starts a gateway and registers the members; says what memory each costs Envoy.
    async fn prepare() -> Result<(Self, f64)> {
        let real = &Stack::shared().await?.member.kube;
        let documents = Documents::record(real, Shape::ByVersion).await?;
        let (_documents, follow) = watch::channel(Arc::new(documents));
        // Some more, to be added and removed again.
        let members = Members::start(MEMBERS + ROUNDS + 1, follow).await?;
        let site = UNLIMITED.iter().fold(Site::new("xds")?, |site, name| {
            site.with_variable(name, "0")
        });
        let options = Options {
            flags: ["--allow-cluster-address", "127.0.0.0/8"]
                .map(str::to_owned)
                .to_vec(),
            ..Options::default()
        };
        let gateway = Gateway::start(site, &options).await?;
        let admin = gateway.admin().await?;
        writeln!(std::io::stderr(), "registering {MEMBERS} members")?;
        register(&admin, &members, 0..1).await?;
        let bench = Self {
            conditions: format!(
                "{}, the members on them too; {MEMBERS} members with the discovery of Kubernetes 1.20 behind TLS; SQLite, one Envoy",
                machine::describe()
            ),
            gateway,
            members,
            admin,
        };
        bench.until_reached("member-0").await?;
        let before = bench.gateway.health().resident_bytes()?;
        register(&bench.admin, &bench.members, 1..MEMBERS).await?;
        bench
            .until_reached(&format!("member-{}", MEMBERS - 1))
            .await?;
        sleep(SETTLE).await;
        let after = bench.gateway.health().resident_bytes()?;
        let memory = after.saturating_sub(before) as f64 / (MEMBERS - 1) as f64;
        Ok((bench, memory))
    }

    fn figure(
        &self,
        name: &'static str,
        value: f64,
        unit: &'static str,
        goal: Goal,
        how: &str,
    ) -> Figure {
        // Each as soon as it is there: the whole takes minutes.
        drop(writeln!(std::io::stderr(), "{name}: {value:.1} {unit}"));
        Figure {
            name,
            value,
            unit,
            goal,
            conditions: format!("{}; {how}", self.conditions),
        }
    }
}
