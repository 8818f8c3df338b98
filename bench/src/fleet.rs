//! What many members cost a control plane that has nothing to do.

use std::fs;
use std::io::Write as _;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::elsewhere::Serve;
use cubegate_tests::gateway::ADMIN_PASSWORD;
use cubegate_tests::{Client, Site, Stack, envoy};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::machine;
use crate::members::{Documents, Members, Mood, Shape};
use crate::report::{Figure, Goal, Report};

/// Ticks of the scheduler in a second, in which `/proc` counts.
const TICKS: f64 = 100.0;

/// How many clusters are registered at the same time.
const ADDERS: usize = 8;

/// Between the last registration or the start and the measured minute: first readings end
/// meanwhile.
const SETTLE: Duration = Duration::from_secs(45);

/// How long is measured.
const MINUTE: Duration = Duration::from_secs(60);

/// Longest time until all members were read after a start.
const START: Duration = Duration::from_secs(180);

/// What a fleet is measured with.
#[derive(Debug, Clone, Copy)]
pub struct Fleet {
    /// How many members it has.
    pub members: usize,
    /// How they tell what they have.
    pub shape: Shape,
    /// Of so many one is dead and one accepts connections and says nothing; 0: all are well.
    pub away: usize,
    /// Goals of processor time (cores) and of memory (bytes).
    pub goals: (f64, f64),
}

/// Measures these fleets, one after the other.
///
/// # Errors
/// Members or a control plane that do not start, or do not get to know each other.
pub async fn measure(fleets: &[Fleet]) -> Result<Report> {
    let mut report = Report::new("fleet");
    for fleet in fleets {
        writeln!(std::io::stderr(), "measuring: {fleet:?}")?;
        report.extend(fleet.figures().await?);
    }
    Ok(report)
}

// === impl Fleet ===

impl Fleet {
    async fn figures(&self) -> Result<Vec<Figure>> {
        let Self {
            members: count,
            shape,
            away,
            goals: (cores, bytes),
        } = *self;
        let real = &Stack::shared().await?.member.kube;
        let (_documents, follow) = watch::channel(Arc::new(Documents::record(real, shape).await?));
        let members = Members::start(count, follow).await?;
        let site = Site::new("fleet")?;
        let flags = ["--allow-cluster-address", "127.0.0.0/8"];
        let mut serve = Serve::start(site, &flags).await?;
        register(&admin(&serve).await?, &members, 0..count).await?;
        for number in (0..count).filter(|number| away > 0 && number % away == 0) {
            members.set(number, Mood::Dead)?;
            if number + 1 < count {
                members.set(number + 1, Mood::Hanging)?;
            }
        }
        // As after an upgrade: all at once.
        let (began, asked) = (Instant::now(), members.asked());
        serve.restart(&flags).await?;
        until_read(&members, &asked, away).await?;
        let started = began.elapsed();
        sleep(SETTLE).await;

        let pid = serve.pid().context("the control plane is gone")?;
        let (ticks, asked) = (ticks_of(pid)?, members.asked());
        sleep(MINUTE).await;
        let used = (ticks_of(pid)? - ticks) / TICKS / MINUTE.as_secs_f64();
        let mut a_minute: Vec<u64> = members
            .asked()
            .iter()
            .zip(asked)
            .map(|(now, before)| now - before)
            .collect();
        a_minute.sort_unstable();
        let most = a_minute.last().copied().unwrap_or_default();
        let all: u64 = a_minute.iter().sum();
        let resident = envoy::resident_bytes(pid)?;
        serve.stop().await?;

        let conditions = format!(
            "{}, the members on them too; {count} members ({shape:?}, {}) behind TLS; over a minute, {} s after the start",
            machine::describe(),
            match away {
                0 => "all well".to_owned(),
                _ => format!("one of {away} dead, one hanging"),
            },
            SETTLE.as_secs(),
        );
        let figure = |name, value, unit, goal| Figure {
            name,
            value,
            unit,
            goal,
            conditions: conditions.clone(),
        };
        Ok(vec![
            figure(
                "start until all are read",
                started.as_secs_f64(),
                "s",
                Goal::AtMost(30.0),
            ),
            figure("at rest: processor", used, "cores", Goal::AtMost(cores)),
            figure("at rest: memory", resident as f64, "B", Goal::AtMost(bytes)),
            figure(
                "requests a member and minute, mean",
                all as f64 / count as f64,
                "1/min",
                Goal::AtMost(4.0),
            ),
            figure(
                "requests a member and minute, most",
                most as f64,
                "1/min",
                Goal::AtMost(4.0),
            ),
        ])
    }
}

/// Waits until each member that answers was asked since it had been asked so often.
async fn until_read(members: &Members, first: &[u64], away: usize) -> Result<()> {
    let began = Instant::now();
    loop {
        let asked = members.asked();
        let unread = asked
            .iter()
            .zip(first)
            .enumerate()
            .filter(|(number, (now, before))| {
                let is_away = away > 0 && (number % away == 0 || number % away == 1);
                !is_away && *now <= *before
            });
        let unread = unread.count();
        if unread == 0 {
            return Ok(());
        }
        ensure!(began.elapsed() < START, "{unread} members were not read");
        sleep(Duration::from_millis(100)).await;
    }
}

pub(crate) async fn admin(serve: &Serve) -> Result<Client> {
    let client = serve.client(None)?;
    let login = client.login("admin", ADMIN_PASSWORD).await?.expect(200)?;
    client.with_bearer(&login.cookie_token()?)
}

/// Registers these, unchecked.
pub(crate) async fn register(
    client: &Client,
    members: &Members,
    numbers: Range<usize>,
) -> Result<()> {
    stream::iter(numbers)
        .map(|number| async move {
            let body = json!({
                "name": format!("member-{number}"),
                "kubeconfig": members.kubeconfig(number)?,
                "check": false,
            });
            let added = client
                .post("/api/v1/cube/clusters")
                .json(&body)
                .send()
                .await?;
            added.expect(200)?;
            Ok(())
        })
        .buffer_unordered(ADDERS)
        .try_for_each(|()| async { Ok(()) })
        .await
}

/// The processor time that a process has used, in ticks.
fn ticks_of(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // Behind the name, which may have anything in it.
    let (_, fields) = stat.rsplit_once(") ").context("no such form")?;
    let mut fields = fields.split(' ').skip(11);
    let mut next = || {
        fields
            .next()
            .context("no times")?
            .parse::<f64>()
            .context("no number")
    };
    Ok(next()? + next()?)
}
