//! The suite of kubectl: each of its groups by itself.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::Run;
use cubegate_tests::artifacts::root;
use cubegate_tests::conformance::{Case, Known, Suites};
use tokio::process::Command;

use super::pair::{Pair, Way};
use super::{Passed, TRIES, bounded, case};

/// Longer than any group takes, on a machine that others use too.
const SECONDS: u64 = 600;

const SCRIPT: &str = "tests/conformance/test-cmd.sh";

/// Runs the groups one after the other, on both ways at the same time.
pub(super) async fn run(
    pair: &Pair,
    programs: &Path,
    wanted: &[String],
) -> Result<BTreeMap<String, Case>> {
    let _controllers = pair.controllers(programs)?;
    let [direct, through] = &pair.ways().await?;
    let known = Known::read()?;
    let mut found = BTreeMap::new();
    for group in groups(programs).await? {
        if !wanted.is_empty() && !wanted.contains(&group) {
            continue;
        }
        let is_known = known
            .iter()
            .any(|known| known.is_of(&group, Suites::KUBECTL));
        let mut tries = 0;
        let passed = loop {
            tries += 1;
            let passed: Passed = tokio::try_join!(
                is_well(direct, programs, &group),
                is_well(through, programs, &group)
            )?
            .into();
            crate::say(&format!("{group:48} {passed:?}"))?;
            let [directly, through] = passed;
            if directly == through || is_known || tries == TRIES {
                break passed;
            }
        };
        found.insert(group, case(passed, tries));
    }
    Ok(found)
}

async fn groups(programs: &Path) -> Result<Vec<String>> {
    let output = Command::new(root().join(SCRIPT))
        .arg("--list")
        .env("SUITES", programs)
        .output()
        .await?;
    ensure!(output.status.success(), "{SCRIPT}: {output:?}");
    let groups = String::from_utf8(output.stdout)?;
    Ok(groups.lines().map(str::to_owned).collect())
}

/// Whether a group passes on a way.
async fn is_well(way: &Way, programs: &Path, group: &str) -> Result<bool> {
    let dir = Run::current()?.folder(group)?;
    let log = File::create(dir.join("log"))?;
    let status = bounded(SECONDS, "bash")
        .arg(root().join(SCRIPT))
        .arg(group)
        .env("SUITES", programs)
        .env("SERVER", &way.side.server)
        .env("TOKEN", &way.token)
        .env("CA", &way.side.ca)
        .env("DIR", &dir)
        .stdout(log.try_clone()?)
        .stderr(log)
        .status()
        .await?;
    // Its log is enough.
    std::fs::remove_dir_all(dir.join("source"))
        .with_context(|| format!("{group} has not begun"))?;
    if !status.success() {
        crate::say(&format!(
            "{group} ended with {status}; see {}",
            dir.display()
        ))?;
    }
    Ok(status.success())
}
