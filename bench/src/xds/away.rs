//! A third of the members is away: what the others notice, and who asks for one of that third.

use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::{Instant, sleep};

use super::load::Load;
use super::{Bench, MEMBERS, SETTLE};
use crate::members::Mood;
use crate::report::{Figure, Goal};
use crate::sample::Samples;

/// Of so many members one is dead, and the next one accepts connections and says nothing.
const OF: usize = 6;

/// How long others ask in one go, and how often before and then. Of all goes' p99 the median counts: a
/// machine that is slow for a moment says nothing of who is away.
const ASKED: Duration = Duration::from_secs(3);
const GOES: usize = 9;

/// How often one that is away is asked for.
const TIMES: usize = 300;

/// Longest time until one that is back answers.
const PATIENCE: Duration = Duration::from_secs(30);

// === impl Bench ===

impl Bench {
    /// Lets a third of the members be away.
    pub(super) async fn away(&self) -> Result<Vec<Figure>> {
        let well: Vec<usize> = (0..MEMBERS).filter(|number| number % OF > 1).collect();
        let before = self.p99_of(&well).await?;
        for number in 0..MEMBERS {
            match number % OF {
                0 => self.members.set(number, Mood::Dead)?,
                1 => self.members.set(number, Mood::Hanging)?,
                _ => {}
            }
        }
        sleep(SETTLE).await;
        let then = self.p99_of(&well).await?;
        let mut refused = Samples::default();
        for time in 0..TIMES {
            let number = time * OF % MEMBERS / OF * OF + time % 2;
            let began = Instant::now();
            let path = format!("/clusters/member-{number}/version");
            let answer = self.admin.get(&path).send().await?;
            ensure!(answer.status != 200, "member-{number} is away and answers");
            refused.push(began.elapsed().as_secs_f64() * 1e3);
        }
        let back = self.back(0).await?.max(self.back(1).await?);
        Ok(vec![
            self.figure(
                "p99 with a third of the members away / without",
                then.median()? / before.median()?,
                "ratio",
                Goal::AtMost(1.05),
                &format!(
                    "requests to the other members, four at a time, {GOES} times {} s: {}, before {}; half of the third is dead, half hangs, for {} s",
                    ASKED.as_secs(),
                    then.shown(1, "ms")?,
                    before.shown(1, "ms")?,
                    SETTLE.as_secs(),
                ),
            ),
            self.figure(
                "a member that is known to be away is refused, p99",
                refused.percentile(99)?,
                "ms",
                Goal::AtMost(20.0),
                &format!("{TIMES} requests, dead and hanging ones in turns: {}", refused.shown(1, "ms")?),
            ),
            self.figure(
                "a member that is back answers after",
                back,
                "ms",
                Goal::AtMost(5e3),
                "the longer one of a dead and a hanging one that are asked for all the time",
            ),
        ])
    }

    async fn p99_of(&self, members: &[usize]) -> Result<Samples> {
        let mut goes = Samples::default();
        for _ in 0..GOES {
            let load = Load::begin(&self.admin, members);
            sleep(ASKED).await;
            let outcome = load.end().await?;
            ensure!(
                outcome.failures.is_empty(),
                "members that are well do not answer: {:?}",
                outcome.failures.first()
            );
            goes.push(outcome.times.percentile(99)?);
        }
        Ok(goes)
    }

    /// How many milliseconds after a member is well it answers.
    async fn back(&self, number: usize) -> Result<f64> {
        self.members.set(number, Mood::Well)?;
        let began = Instant::now();
        let path = format!("/clusters/member-{number}/version");
        while self.admin.get(&path).send().await?.status != 200 {
            ensure!(
                began.elapsed() < PATIENCE,
                "member-{number} does not come back"
            );
            sleep(Duration::from_millis(5)).await;
        }
        Ok(began.elapsed().as_secs_f64() * 1e3)
    }
}
