//! Kubernetes' own test suites, on both ways.
//!
//! ```text
//! pair     two API servers that are made alike, with controllers: one for each way
//! kubectl  the suite of kubectl, a group at a time (`test-cmd.sh`)
//! ```

mod kubectl;
mod pair;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Result, ensure};
use cubegate_tests::artifacts::root;
use cubegate_tests::conformance::{Case, Suite, Suites};
use tokio::process::Command;

use self::pair::Pair;

/// How often a case is tried whose ways differ.
const TRIES: u32 = 3;

/// Whether a case passed, on each way.
type Passed = [bool; 2];

/// Runs the suite; or of the one that is named first, these cases. Of what is not run stays in the record what was found before.
pub(crate) async fn run(wanted: &[String]) -> Result<Suites> {
    let programs = programs().await?;
    let pair = Pair::start().await?;
    let (only, cases) = match wanted.split_first() {
        Some((only, cases)) => (Some(only.as_str()), cases),
        None => (None, wanted),
    };
    let mut record = Suites::read().unwrap_or_default();
    record.server = pair.server_version().await?;
    // The suite of kubectl insists on it.
    ensure!(
        programs.ends_with(format!(
            "kubernetes-suites-{}",
            record.server.trim_start_matches('v')
        )),
        "the API server is {} and the suites are {}; put no other kube-apiserver on PATH or in KUBEBUILDER_ASSETS",
        record.server,
        programs.display()
    );
    let name = Suites::KUBECTL;
    ensure!(
        only.is_none_or(|only| only == name),
        "there is no such suite"
    );
    let began = Instant::now();
    let found = kubectl::run(&pair, &programs, cases).await?;
    ensure!(!found.is_empty(), "{name} has no such case");
    let suite = record.suites.entry(name.to_owned()).or_default();
    if cases.is_empty() {
        suite.day = time::OffsetDateTime::now_utc().date().to_string();
        suite.minutes = began.elapsed().as_secs().div_ceil(60);
        suite.cases.clear();
    }
    suite.cases.extend(found);
    say_all(name, suite)?;
    record.write()?;
    Ok(record)
}

/// The folder that `deploy/local/tools.sh suites` finds or makes.
async fn programs() -> Result<PathBuf> {
    let output = Command::new(root().join("deploy/local/tools.sh"))
        .arg("suites")
        .stderr(Stdio::inherit())
        .output()
        .await?;
    ensure!(output.status.success(), "tools.sh: {}", output.status);
    Ok(String::from_utf8(output.stdout)?.trim().into())
}

/// A command that ends with this program, however this ends; and after so many seconds.
fn bounded(seconds: u64, program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "TERM", "timeout", "--kill-after=10"])
        .arg(seconds.to_string())
        .arg(program)
        .stdin(Stdio::null())
        .env_remove("KUBECONFIG")
        .env_remove("KUBERNETES_SERVICE_HOST")
        .kill_on_drop(true);
    command
}

/// A case with what was found of it.
fn case([direct, through]: Passed, tries: u32) -> Case {
    Case {
        direct,
        through,
        tries,
    }
}

fn say_all(name: &str, suite: &Suite) -> Result<()> {
    crate::say(&format!(
        "{name}: {} cases, {} pass directly, {} through the gateway, {} minutes",
        suite.cases.len(),
        suite.count(|case| case.direct),
        suite.count(|case| case.through),
        suite.minutes
    ))
}
